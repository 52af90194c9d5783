"""What is measured without clients: each round of it is a process that works alone and says what it used."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.measure import Result, Sample, Target
from bench.stage import Register, say

_JOIN = "floor: join stored entries, hash, sign"
_RAW = "floor: read, build, sign on one core"
# For how long one core signs as fast as it can.
_RAW_SECONDS = 2.0
# By the number of entries: seconds, and megabytes beyond what the process had.
_CRL_LIMITS = {100_000: (0.5, None), 1_000_000: (3.0, 120.0)}


def crl(register: Register, entries: int, *, rounds: int) -> Iterator[Result]:
    """One CRL of everything revoked, by the service and by the floor in turn."""
    ca = register.office["ca"]
    seconds, megabytes = _CRL_LIMITS.get(entries, (None, None))
    targets = [Target("seconds", at_most=seconds)] if seconds else []
    targets += [Target("growth_mb", at_most=megabytes)] if megabytes else []
    yield from take_turns_alone(
        register,
        "crl",
        {
            _JOIN: (lambda: register.run("bench.crl", "floor", ca), ()),
            f"publish a CRL of {entries:,}": (lambda: register.run("bench.crl", "publish", ca), tuple(targets)),
        },
        rounds=rounds,
    )


def batch(register: Register, count: int, *, rounds: int) -> Iterator[Result]:
    """So many CSRs in one call of the service, and what one core can do with a CSR at most."""
    office_file = register.folder / "office.json"
    yield from take_turns_alone(
        register,
        "batch",
        {
            _RAW: (lambda: register.run("bench.raw", _RAW_SECONDS), ()),
            f"batch of {count:,} CSRs, lint off": (
                lambda: register.run("bench.batch", office_file, count),
                (Target("per_second", at_least=0.4, of=_RAW),),
            ),
        },
        rounds=rounds,
    )


def take_turns_alone(
    register: Register,
    work: str,
    contenders: dict[str, tuple[Callable[[], Sample], tuple[Target, ...]]],
    *,
    rounds: int,
) -> Iterator[Result]:
    results = [
        Result(work, name, register.database, register.office["rows"], 1, name.startswith("floor"), targets)
        for name, (_measure, targets) in contenders.items()
    ]
    for _round in range(rounds):
        for result in results:
            measure, _targets = contenders[result.name]
            result.rounds.append(measure())
    for result in results:
        say(f"  {result.name}: " + ", ".join(f"{name} {result.median(name):.2f}" for name in result.rounds[0]))
    yield from results
