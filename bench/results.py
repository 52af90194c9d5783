"""What a run has measured, as a file: `bench/results/<when>.json`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import Result


@dataclass
class Run:
    """When, of what, on what, how; and all rounds of everything."""

    taken_at: str
    commit: str
    machine: dict[str, Any]
    rounds: int
    seconds: float
    results: list[Result] = field(default_factory=list)

    def group(self, result: Result) -> dict[str, Result]:
        """Those that took turns with this one, by name."""
        key = _group_of(result)
        return {each.name: each for each in self.results if _group_of(each) == key and each.rounds}


def new_run(*, rounds: int, seconds: float) -> Run:
    now = datetime.now(UTC).replace(microsecond=0)
    return Run(now.isoformat().replace("+00:00", "Z"), _commit(), _machine(), rounds, seconds)


def keep(run: Run, folder: Path) -> str:
    """The name of the file that holds it now."""
    folder.mkdir(exist_ok=True)
    name = run.taken_at.replace(":", "-") + ".json"
    document = vars(run) | {"results": [result.to_document() for result in run.results]}
    (folder / name).write_text(json.dumps(document, indent=1) + "\n")
    return name


def read_all(folder: Path) -> list[Run]:
    """The oldest first."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Run:
    document = json.loads(path.read_text())
    return Run(**document | {"results": [Result.from_document(each) for each in document["results"]]})


def _group_of(result: Result) -> tuple[object, ...]:
    # Revocations take turns across two registers of different sizes.
    return result.work, result.database, result.clients, None if result.work == "revoke" else result.rows


def _machine() -> dict[str, Any]:
    """What the numbers depend on, and nothing by which the machine could be found."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    """The commit that was measured, with a `+` where files differ from it."""
    try:
        head = _git("rev-parse", "--short", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
