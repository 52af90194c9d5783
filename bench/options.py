"""What the command line asks for."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

WORKS = ("issue", "ocsp", "lists", "pages", "crl", "batch", "revoke")
DATABASES = ("postgresql", "sqlite")
_FOLDER = Path(__file__).parent
_LARGEST, _MOST_CLIENTS, _MOST_ROUNDS, _LONGEST = 5_000_000, 64, 50, 60.0
_BATCH, _SMALL_BATCH = 10_000, 300


@dataclass(frozen=True)
class Plan:
    """What one database is put through."""

    database: str
    rows: tuple[int, ...]
    clients: tuple[int, ...]


@dataclass(frozen=True)
class Options:
    """`results` is None where nothing shall be kept."""

    works: tuple[str, ...]
    plans: tuple[Plan, ...]
    rounds: int
    seconds: float
    batch: int
    folder: Path
    results: Path | None


_USUAL = (Plan("postgresql", (10_000, 100_000, 1_000_000), (1, 2, 8)), Plan("sqlite", (10_000, 100_000), (1, 8)))
_FULL = tuple(Plan(database, (10_000, 100_000, 1_000_000), (1, 2, 8)) for database in DATABASES)
_QUICK = tuple(Plan(database, (1000,), (1, 2)) for database in DATABASES)


def read_options(arguments: list[str]) -> Options:
    """Ends the process with a sentence where they make no sense."""
    parser = _parser()
    given = parser.parse_args(arguments)
    plans = _FULL if given.full else _QUICK if given.quick else _USUAL
    rounds, seconds = (5, 3.0) if given.full else (1, 0.2) if given.quick else (3, 1.0)
    rows, clients = given.rows or (), given.clients or ()
    options = Options(
        works=tuple(given.works) or WORKS,
        plans=tuple(
            Plan(plan.database, rows or plan.rows, clients or plan.clients)
            for plan in plans
            if plan.database in (given.databases or DATABASES)
        ),
        rounds=given.rounds or rounds,
        seconds=given.seconds or seconds,
        batch=_SMALL_BATCH if given.quick else _BATCH,
        folder=given.folder.absolute(),
        results=None if given.quick else _FOLDER / "results",
    )
    if unknown := (set(options.works) - set(WORKS)) | (set(given.databases or ()) - set(DATABASES)):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if not _within(_LARGEST, rows) or not _within(_MOST_CLIENTS, clients):
        parser.error(f"rows are from 1 to {_LARGEST:,}, clients from 1 to {_MOST_CLIENTS}")
    if not _within(_MOST_ROUNDS, (options.rounds,)) or not 0 < options.seconds <= _LONGEST:
        parser.error(f"rounds are from 1 to {_MOST_ROUNDS}, seconds up to {_LONGEST:.0f}")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Where Chancery stands, beside its floors.")
    parser.add_argument("works", nargs="*", metavar="WORK", help="of " + ", ".join(WORKS) + "; without one: all")
    parser.add_argument("--databases", type=_words, help="of " + ",".join(DATABASES))
    parser.add_argument("--rows", type=_numbers, help="sizes of the register: 10k,100k,1m")
    parser.add_argument("--clients", type=_numbers, help="how many at once: 1,2,8")
    parser.add_argument("--rounds", type=int, help="3, unless said otherwise")
    parser.add_argument("--seconds", type=float, help="of one contender in one round; 1, unless said otherwise")
    parser.add_argument("--full", action="store_true", help="all sizes on both databases, five rounds of 3 seconds")
    parser.add_argument("--quick", action="store_true", help="one short round of everything, not kept")
    parser.add_argument("--folder", type=Path, default=_FOLDER / ".data", help="where filled databases are kept")
    return parser


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    """`10k,1m,8`"""
    return tuple(int(word.lower().replace("k", "000").replace("m", "000000")) for word in text.split(","))


def _within(most: int, numbers: tuple[int, ...]) -> bool:
    return all(1 <= number <= most for number in numbers)
