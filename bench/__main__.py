"""Where Chancery stands, beside its floors.

    python -m bench [WORK …] [--databases postgresql,sqlite] [--rows 10k,1m] [--clients 1,8] [--rounds 3] [--seconds 1]

Works: issue, ocsp, lists, pages, crl, batch, revoke; all of them by default. The first run fills its databases (a
million rows take minutes) and keeps them in `bench/.data`. What was measured goes to stdout as tables, and to
`bench/results/`; `python -m bench.report` puts the newest into docs/performance.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from bench import alone, works
from bench.load import ClientBroke
from bench.measure import Result, take_turns
from bench.options import Options, Plan, read_options
from bench.report import tables
from bench.results import keep, new_run
from bench.stage import House, NotReady, house, say

FEW_REVOKED = 1000
# A 99th percentile wants many answers, and each certificate can be revoked but once.
_REVOKE_LONGER = 3
_WIRE = {"issue": works.issue, "ocsp": works.ocsp, "lists": works.lists, "pages": works.pages}
Measuring = Callable[[], Iterator[Result]]


def main(arguments: list[str]) -> int:
    options = read_options(arguments)
    run = new_run(rounds=options.rounds, seconds=options.seconds)
    broken = 0
    with house(options.folder, tuple(plan.database for plan in options.plans)) as filled:
        for plan in options.plans:
            for what, measure in agenda(plan, options, filled):
                say(f"{plan.database}: {what}")
                try:
                    for result in measure():
                        run.results.append(result)
                except (NotReady, ClientBroke) as problem:
                    # What was measured before is worth keeping, and the next work may do better.
                    say(f"  broken off: {problem}")
                    broken += 1
    print(tables(run))
    if options.results and run.results:
        say(f"kept as {keep(run, options.results)}")
    return 1 if broken else 0


def agenda(plan: Plan, options: Options, filled: House) -> Iterator[tuple[str, Measuring]]:
    """What there is to do on one database, with a name for people."""
    most = max(plan.rows)
    for rows in plan.rows:
        if chosen := [work for work in options.works if work in _WIRE]:
            yield f"{', '.join(chosen)} at {rows:,}", lambda: on_the_wire(plan, options, filled, rows, chosen)  # noqa: B023
        if "crl" in options.works:
            yield f"crl of {rows:,}", lambda: crl(plan, options, filled, rows)  # noqa: B023
    if "batch" in options.works:
        yield f"batch at {most:,}", lambda: batch(plan, options, filled, most)
    if "revoke" in options.works:
        yield f"revoke beside {most:,}", lambda: revoke(plan, options, filled, most)


def on_the_wire(plan: Plan, options: Options, filled: House, rows: int, chosen: list[str]) -> Iterator[Result]:
    """A register of which one in ten is revoked."""
    with filled.stage(plan.database, rows, rows // 10) as stage:
        for work in chosen:
            yield from take_turns(
                work, _WIRE[work](stage), clients=plan.clients, rounds=options.rounds, seconds=options.seconds
            )


def crl(plan: Plan, options: Options, filled: House, rows: int) -> Iterator[Result]:
    yield from alone.crl(filled.register(plan.database, rows, rows), rows, rounds=options.rounds)


def batch(plan: Plan, options: Options, filled: House, rows: int) -> Iterator[Result]:
    register = filled.register(plan.database, rows, rows // 10)
    yield from alone.batch(register, options.batch, rounds=options.rounds)


def revoke(plan: Plan, options: Options, filled: House, rows: int) -> Iterator[Result]:
    """Two servers take turns: one beside few revocations, one beside as many as there are."""
    # One that is asked first, and for each number of clients a warm-up and the rounds.
    live = works.REVOCATIONS * (1 + len(plan.clients) * (1 + options.rounds))
    with (
        filled.stage(plan.database, FEW_REVOKED, FEW_REVOKED, live=live) as few,
        filled.stage(plan.database, rows, rows, live=live) as many,
    ):
        yield from take_turns(
            "revoke",
            works.revoke(few, many),
            clients=plan.clients,
            rounds=options.rounds,
            seconds=_REVOKE_LONGER * options.seconds,
        )


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NotReady as problem:
        sys.exit(f"bench: {problem}")
