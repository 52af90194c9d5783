"""The bench still runs, on both databases, and says what it should. How fast anything was is not a test's business."""

import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

import pytest

from bench.measure import Result, Target
from bench.options import WORKS
from bench.report import history, tables
from bench.results import Run, keep, read_all
from tests.processes import ROOT

FLOOR = "floor: nothing"
ROWS = {
    "issue": ["issue from CSR, lint off", "issue from CSR, lint block", "managed P-256 key"],
    "ocsp": ["OCSP, POST", "OCSP, GET"],
    "lists": ["first page", "a page in the middle"],
    "pages": ["the list", "a record", "the overview", "search"],
    "crl": ["publish a CRL of 200"],
    "batch": ["batch of 300 CSRs"],
    "revoke": ["revoke, "],
}


def a_result(name: str, rates: list[float], *, is_floor: bool = False, targets: tuple[Target, ...] = ()) -> Result:
    names = ("p50_ms", "p99_ms", "web_cpu_ms", "store_cpu_ms", "server_cpu_ms", "client_cpu_ms", "memory_mb")
    rounds = [{"per_second": rate, "failures": 0, **dict.fromkeys(names, 1.0)} for rate in rates]
    return Result("issue", name, "sqlite", 1000, 8, is_floor, targets, rounds)


def a_run(*results: Result) -> Run:
    return Run("2026-11-22T01:02:03Z", "abc1234", {"load_before": 0.1}, 3, 1.0, list(results))


def half_of_the_floor() -> tuple[Target, ...]:
    return (Target("per_second", at_least=0.5, of=FLOOR, clients=8),)


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        pytest.param([50, 60, 70], "0.60 of “nothing” (≥ 0.5) met", id="met"),
        pytest.param([10, 20, 90], "0.20 of “nothing” (≥ 0.5) **missed**", id="missed"),
    ],
)
def test_a_target_is_judged_by_the_median_of_the_rounds_ratios(rates, verdict):
    run = a_run(a_result(FLOOR, [100, 100, 100], is_floor=True), a_result("ours", rates, targets=half_of_the_floor()))
    assert verdict in tables(run)
    assert ("| 1 of 1 | – |" in history([run])) == verdict.endswith("met")


def test_a_run_that_was_kept_is_read_as_it_was(tmp_path):
    run = a_run(a_result(FLOOR, [100.0], is_floor=True), a_result("ours", [60.0], targets=half_of_the_floor()))
    keep(run, tmp_path)
    assert read_all(tmp_path) == [run]


@pytest.mark.parametrize(
    ("database", "works"),
    [
        pytest.param("sqlite", WORKS, id="everything on SQLite"),
        pytest.param("postgresql", ("ocsp", "crl"), id="a filled PostgreSQL"),
    ],
)
def test_a_quick_run_measures(tmp_path: Path, database, works):
    # PostgreSQL runs as nobody, who must be able to walk to its folder.
    for folder in (tmp_path, *tmp_path.parents):
        if Path(gettempdir()) not in folder.parents:
            break
        folder.chmod(0o711)
    sizes = ["--rows", "200", "--clients", "2", "--databases", database, "--folder", str(tmp_path / "data")]
    command = [sys.executable, "-m", "bench", *works, "--quick", *sizes]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    assert "failures" not in done.stdout
    for work in works:
        for row in ROWS[work]:
            assert f"| {row}" in done.stdout, done.stdout
