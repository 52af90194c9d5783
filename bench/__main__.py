"""Where Chancery stands, beside its floors.

    python -m bench [WORK …] [--databases postgresql,sqlite] [--rows 10k,1m] [--clients 1,8] [--rounds 3] [--seconds 1]

Works: issue, ocsp, lists, batch, crl, revoke; all of them by default. The first run fills its databases (a million rows
take minutes) and keeps them in `bench/.data`. What was measured goes to `bench/results/` and, as tables, to stdout;
`python -m bench.report` puts the newest into docs/performance.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import alone, works
from bench.measure import Result, take_turns
from bench.report import tables
from bench.results import Run, keep, new_run
from bench.stage import House, NotReady, house, say

WORKS = ("issue", "ocsp", "lists", "batch", "crl", "revoke")
DATABASES = ("postgresql", "sqlite")
FEW = 1000
_FOLDER = Path(__file__).parent
_WIRE = {"issue": works.issue, "ocsp": works.ocsp, "lists": works.lists}
_LARGEST, _MOST_CLIENTS, _MOST_ROUNDS, _LONGEST = 5_000_000, 64, 50, 60.0


@dataclass(frozen=True)
class Plan:
    """What one database is put through."""

    database: str
    rows: tuple[int, ...]
    clients: tuple[int, ...]


@dataclass(frozen=True)
class Options:
    works: tuple[str, ...]
    plans: tuple[Plan, ...]
    rounds: int
    seconds: float
    folder: Path
    results: Path | None


_USUAL = (Plan("postgresql", (10_000, 100_000, 1_000_000), (1, 2, 8)), Plan("sqlite", (10_000, 100_000), (1, 8)))
_FULL = tuple(Plan(database, (10_000, 100_000, 1_000_000), (1, 2, 8)) for database in DATABASES)
_QUICK = tuple(Plan(database, (1000,), (1, 2)) for database in DATABASES)


def main(arguments: list[str]) -> int:
    options = read_options(arguments)
    run = new_run(rounds=options.rounds, seconds=options.seconds)
    try:
        with house(options.folder, tuple(plan.database for plan in options.plans)) as filled:
            run.results.extend(result for plan in options.plans for result in measure(plan, options, filled))
    except NotReady as problem:
        say(f"bench: {problem}")
        return 1
    finally:
        finish(run, options)
    return 0


def measure(plan: Plan, options: Options, filled: House) -> Iterator[Result]:
    """All works of the plan: at each size what is on the wire, then what has a process of its own."""
    turns = {"rounds": options.rounds, "seconds": options.seconds}
    for rows in plan.rows:
        if chosen := [work for work in options.works if work in _WIRE]:
            with filled.stage(plan.database, rows, rows // 10) as stage:
                for work in chosen:
                    say(f"{plan.database}, {rows:,} rows: {work}")
                    yield from take_turns(work, _WIRE[work](stage), clients=plan.clients, **turns)
        if "crl" in options.works:
            say(f"{plan.database}, {rows:,} rows: crl")
            yield from alone.crl(filled.register(plan.database, rows, rows), rows, rounds=options.rounds)
    if "revoke" in options.works:
        yield from revoke(plan, options, filled)


def revoke(plan: Plan, options: Options, filled: House) -> Iterator[Result]:
    """Two servers take turns: one beside few revocations, one beside the most there are."""
    live = works.REVOCATIONS * (options.rounds * len(plan.clients) + 1)
    most = max(plan.rows)
    say(f"{plan.database}: revoke")
    with (
        filled.stage(plan.database, FEW, FEW, live=live) as few,
        filled.stage(plan.database, most, most, live=live) as many,
    ):
        contenders = works.revoke(few, many)
        yield from take_turns(
            "revoke", contenders, clients=plan.clients, rounds=options.rounds, seconds=alone.PATIENCE_SECONDS
        )


def finish(run: Run, options: Options) -> None:
    if run.results:
        print(tables(run))
        if options.results:
            say(f"kept as {keep(run, options.results)}")


def read_options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="bench", description="Where Chancery stands, beside its floors.")
    parser.add_argument("works", nargs="*", metavar="WORK", help=", ".join(WORKS))
    parser.add_argument("--databases", type=_words, help="of " + ",".join(DATABASES))
    parser.add_argument("--rows", type=_numbers, help="sizes of the register: 10k,100k,1m")
    parser.add_argument("--clients", type=_numbers, help="how many clients at once: 1,2,8")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one contender in one round")
    parser.add_argument("--full", action="store_true", help="everything on both databases, five rounds of 3 seconds")
    parser.add_argument("--quick", action="store_true", help="one short round of everything, not kept")
    parser.add_argument("--folder", type=Path, default=_FOLDER / ".data", help="where filled databases are kept")
    given = parser.parse_args(arguments)
    plans = _FULL if given.full else _QUICK if given.quick else _USUAL
    if given.full:
        given.rounds, given.seconds = 5, 3.0
    if given.quick:
        given.rounds, given.seconds = 1, 0.2
    unknown = (set(given.works) - set(WORKS)) | (set(given.databases or ()) - set(DATABASES))
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    rows, clients = given.rows or (), given.clients or ()
    if not _within(1, _LARGEST, rows) or not _within(1, _MOST_CLIENTS, clients):
        parser.error(f"rows are from 1 to {_LARGEST:,}, clients from 1 to {_MOST_CLIENTS}")
    if not _within(1, _MOST_ROUNDS, [given.rounds]) or not 0 < given.seconds <= _LONGEST:
        parser.error(f"rounds are from 1 to {_MOST_ROUNDS}, seconds up to {_LONGEST:.0f}")
    chosen = [
        Plan(plan.database, rows or plan.rows, clients or plan.clients)
        for plan in plans
        if plan.database in (given.databases or DATABASES)
    ]
    results = None if given.quick else _FOLDER / "results"
    return Options(
        tuple(given.works) or WORKS, tuple(chosen), given.rounds, given.seconds, given.folder.absolute(), results
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    """`10k,1m,8`"""
    return tuple(int(word.lower().replace("k", "000").replace("m", "000000")) for word in text.split(","))


def _within(low: int, high: int, numbers: tuple[int, ...] | list[int]) -> bool:
    return all(low <= number <= high for number in numbers)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
