"""Tables for people: of one run, and the history of all. `python -m bench.report` puts them into performance.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from bench.measure import Result, Target, ratio
from bench.results import Run, read_all

_DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
_RESULTS = Path(__file__).parent / "results"
_BEGIN, _END = "<!-- bench: from here on written by `python -m bench.report` -->", "<!-- bench: to here -->"
_UNITS = {"per_second": "/s", "p50_ms": " ms", "p99_ms": " ms", "seconds": " s", "growth_mb": " MB"}
_WIRE_HEAD = (
    "",
    "clients",
    "per second",
    "p50 ms",
    "p99 ms",
    "CPU ms web · store · client",
    "web MB",
    "of floor",
    "by CPU",
    "target",
)
_ALONE_HEAD = ("", "seconds", "per second", "memory MB", "peak MB", "of floor", "target")


def tables(run: Run, *, clients: int | None = None) -> str:
    """All results in Markdown; of those with clients, only the ones with this many, or the nearest below."""
    parts = []
    for (database, work, rows), group in groupby(run.results, key=_heading):
        results = list(group)
        shown = results if clients is None else _with_clients(results, clients)
        size = f", {rows:,} certificates" if rows else ""
        parts.append(f"### {work}: {database}{size}\n\n" + "\n".join(_table(run, shown)))
    return "\n\n".join(parts)


def history(runs: Iterable[Run]) -> str:
    """One line for each run: what was met, and by how much the rest was missed."""
    lines = ["| run | commit | load before | targets met | missed |", "|---|---|---|---|---|"]
    for run in runs:
        judged = [(result, target, value) for result in run.results for target, value in _judged(run, result)]
        missed = [each for each in judged if not each[1].is_met_by(each[2])]
        words = "; ".join(
            f"{result.name} ({result.database}, {result.rows:,}): {_value(target, value)}"
            for result, target, value in missed
        )
        met = f"{len(judged) - len(missed)} of {len(judged)}"
        lines.append(f"| {run.taken_at} | {run.commit} | {run.machine['load_before']} | {met} | {words or '–'} |")
    return "\n".join(lines)


def _heading(result: Result) -> tuple[str, str, int]:
    return result.database, result.work, 0 if result.work == "revoke" else result.rows


def _with_clients(results: list[Result], clients: int) -> list[Result]:
    """Lists and pages are judged alone, throughput with many."""
    numbers = {result.clients for result in results if result.rounds}
    is_alone = results[0].work in ("lists", "pages")
    wanted = 1 if is_alone else max((each for each in numbers if each <= clients), default=0)
    return [result for result in results if result.clients == wanted or not result.rounds]


def _table(run: Run, results: list[Result]) -> Iterator[str]:
    on_the_wire = any("p50_ms" in result.rounds[0] for result in results if result.rounds)
    head, row = (_WIRE_HEAD, _wire_row) if on_the_wire else (_ALONE_HEAD, _alone_row)
    yield _line(head)
    yield _line(["---"] * len(head))
    for result in results:
        if result.rounds:
            yield _line(row(run, result))
        else:
            yield _line([result.name, "not measured", *[""] * (len(head) - 2)])


def _wire_row(run: Run, result: Result) -> Iterator[str]:
    yield result.name + (" **with failures**" if result.median("failures") else "")
    yield str(result.clients)
    yield f"{result.median('per_second'):,.0f}"
    yield f"{result.median('p50_ms'):.1f}"
    yield f"{result.median('p99_ms'):.1f}"
    yield " · ".join(f"{result.median(f'{who}_cpu_ms'):.2f}" for who in ("web", "store", "client"))
    yield f"{result.median('memory_mb'):,.0f}"
    yield _of_floor(run, result, "per_second")
    yield _of_floor(run, result, "server_cpu_ms")
    yield _verdicts(run, result)


def _alone_row(run: Run, result: Result) -> Iterator[str]:
    yield result.name
    for measure, digits in (("seconds", 2), ("per_second", 0), ("growth_mb", 0), ("peak_mb", 0)):
        yield f"{result.median(measure):,.{digits}f}" if measure in result.rounds[0] else ""
    yield _of_floor(run, result, "per_second" if "per_second" in result.rounds[0] else "seconds")
    yield _verdicts(run, result)


def _of_floor(run: Run, result: Result, measure: str) -> str:
    floor = next((each for each in run.group(result).values() if each.is_floor), None)
    if floor is None or floor is result:
        return ""
    value = ratio(result, floor, measure)
    return f"{value if measure == 'per_second' else 1 / value:.2f}"


def _verdicts(run: Run, result: Result) -> str:
    return ", ".join(
        f"{_value(target, value)} {'met' if target.is_met_by(value) else '**missed**'}"
        for target, value in _judged(run, result)
    )


def _judged(run: Run, result: Result) -> Iterator[tuple[Target, float]]:
    """The targets that hold for so many clients, with what was reached."""
    for target in result.targets:
        if result.rounds and target.clients in (None, result.clients):
            value = target.value(result, run.group(result))
            if value is not None:
                yield target, value


def _value(target: Target, value: float) -> str:
    bound = f"≥ {target.at_least:g}" if target.at_least is not None else f"≤ {target.at_most:g}"
    if target.of:
        return f"{value:.2f} of “{target.of.removeprefix('floor: ')}” ({bound})"
    return f"{value:.3g}{_UNITS[target.measure]} ({bound})"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    runs = read_all(_RESULTS)
    newest = runs[-1]
    machine = newest.machine
    about = (
        f"Run of {newest.taken_at}, commit {newest.commit}: {machine['cores']} cores ({machine['processor']}), "
        f"{machine['memory_gb']} GB, Python {machine['python']}, load {machine['load_before']} before it began; "
        f"medians of {newest.rounds} rounds of {newest.seconds:g} s."
    )
    before, _, rest = _DOCUMENT.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    body = f"\n\n{about}\n\n{tables(newest, clients=8)}\n\n### history\n\n{history(runs)}\n\n"
    _DOCUMENT.write_text(before + _BEGIN + body + _END + after)


if __name__ == "__main__":
    main()
