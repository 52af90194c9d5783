"""Contenders that take turns (A B A B …), so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.load import Load, apply_load
from bench.stage import Stage, WebServer, say, web_cpu_seconds, web_memory_mb

# Before a round counts: connections of the pool, caches, and the code itself get warm.
WARM_UP_SECONDS = 0.3
# One round: what was measured, by its name.
Sample = dict[str, float]


@dataclass(frozen=True)
class Target:
    """What is wanted of one measure: a bound, or a ratio to the same measure of another contender."""

    measure: str
    at_least: float | None = None
    at_most: float | None = None
    of: str = ""
    # With how many clients it is judged; None: with any number.
    clients: int | None = None

    def value(self, result: Result, others: dict[str, Result]) -> float | None:
        """What stands against the bound; None where the contender to compare with was not measured."""
        if not self.of:
            return result.median(self.measure)
        return ratio(result, others[self.of], self.measure) if self.of in others else None

    def is_met_by(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True)
class Contender:
    """One of those that take turns: what its clients send. `once`: no request is sent twice."""

    name: str
    stage: Stage
    requests: Callable[[int], Sequence[Sequence[bytes]]]
    status: int = 200
    is_floor: bool = False
    # Whether the bare Django answers; the floor of a list is Chancery's own.
    by_bare_django: bool = False
    once: bool = False
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Result:
    """All rounds of one contender with so many clients."""

    work: str
    name: str
    database: str
    rows: int
    clients: int
    is_floor: bool = False
    targets: tuple[Target, ...] = ()
    rounds: list[Sample] = field(default_factory=list)
    # Why nothing was measured.
    remark: str = ""

    def median(self, measure: str) -> float:
        return statistics.median(sample[measure] for sample in self.rounds)

    def to_document(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_document(document: dict[str, Any]) -> Result:
        return Result(**document | {"targets": tuple(Target(**each) for each in document["targets"])})


def ratio(result: Result, other: Result, measure: str) -> float:
    """The median of the rounds' ratios: what the machine did in a round, it did to both."""
    pairs = zip(result.rounds, other.rounds, strict=True)
    return statistics.median(mine[measure] / theirs[measure] for mine, theirs in pairs if theirs[measure])


def take_turns(
    work: str, contenders: Sequence[Contender], *, clients: Sequence[int], rounds: int, seconds: float
) -> Iterator[Result]:
    """Measure each contender with each number of clients, `rounds` times in turn, for so many seconds each."""
    ready, refused = [], []
    for contender in contenders:
        answer = apply_load(
            _server(contender).port, contender.requests(1), status=contender.status, seconds=0.01, once=True
        )
        (refused if answer.failures else ready).append((contender, answer.first_failure))
    for contender, answered in refused:
        say(f"  {contender.name}: left out, it answers {answered}")
        yield _result(work, contender, 0, remark=f"not measured: {answered}")
    for number in clients:
        results = [_result(work, contender, number) for contender, _answer in ready]
        for contender, _answer in ready:
            _measure(contender, number, WARM_UP_SECONDS)
        for _round in range(rounds):
            for (contender, _answer), result in zip(ready, results, strict=True):
                result.rounds.append(_measure(contender, number, seconds))
        for result in results:
            say(f"  {result.name}, {number} clients: {result.median('per_second'):,.0f}/s")
        yield from results


def _measure(contender: Contender, clients: int, seconds: float) -> Sample:
    server = _server(contender)
    web, store = web_cpu_seconds(server), contender.stage.store_cpu_seconds()
    load = apply_load(
        server.port, contender.requests(clients), status=contender.status, seconds=seconds, once=contender.once
    )
    web, store = web_cpu_seconds(server) - web, contender.stage.store_cpu_seconds() - store
    return _sample(load, web, store) | {"memory_mb": web_memory_mb(server)}


def _sample(load: Load, web_cpu: float, store_cpu: float) -> Sample:
    answers = len(load.latencies)
    return {
        "per_second": load.per_second,
        "p50_ms": load.percentile_ms(50),
        "p99_ms": load.percentile_ms(99),
        "web_cpu_ms": 1000 * web_cpu / answers,
        "store_cpu_ms": 1000 * store_cpu / answers,
        "server_cpu_ms": 1000 * (web_cpu + store_cpu) / answers,
        "client_cpu_ms": 1000 * load.client_cpu_seconds / answers,
        "answers": answers,
        "failures": load.failures,
    }


def _server(contender: Contender) -> WebServer:
    return contender.stage.floor if contender.by_bare_django else contender.stage.chancery


def _result(work: str, contender: Contender, clients: int, *, remark: str = "") -> Result:
    return Result(
        work=work,
        name=contender.name,
        database=contender.stage.database,
        rows=contender.stage.office["rows"],
        clients=clients,
        is_floor=contender.is_floor,
        targets=contender.targets,
        remark=remark,
    )
