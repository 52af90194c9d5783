"""What processes cost, from Linux's /proc: CPU time of a whole tree of them, and memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_KB = 1024
_MB = 1024 * 1024
# Of /proc/PID/stat, counted after the name: the parent, and the CPU of the process and of its children that have ended.
_PARENT, _USER, _CHILDREN_SYSTEM = 1, 11, 14


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU time, user and system, that these processes and all below them have used."""
    ticks = 0
    for pid in tree(roots):
        ticks += sum(map(int, _stat(pid)[_USER : _CHILDREN_SYSTEM + 1]))
    return ticks / _TICKS


def memory_mb(roots: Iterable[int]) -> float:
    """Memory of these processes and all below them; what several share counts once (PSS)."""
    return sum(_field(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in tree(roots)) / _MB


def forget_peak() -> float:
    """Megabytes that this process has now; its peak is counted from here."""
    Path("/proc/self/clear_refs").write_text("5")
    return _field(Path("/proc/self/status"), "VmRSS:") / _MB


def peak_mb() -> float:
    """The most megabytes that this process had since its peak was forgotten."""
    return _field(Path("/proc/self/status"), "VmHWM:") / _MB


def tree(roots: Iterable[int]) -> Iterator[int]:
    """These processes and all below them, as far as they live."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if stat := _stat(int(folder.name)):
            children.setdefault(int(stat[_PARENT]), []).append(int(folder.name))
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if _stat(pid):
            yield pid
        waiting += children.get(pid, [])


def _stat(pid: int) -> list[str]:
    """Empty where the process has gone meanwhile."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _field(path: Path, name: str) -> int:
    """Bytes; none where the process has gone meanwhile."""
    try:
        lines = path.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * _KB for line in lines if line.startswith(name)), 0)
