"""How much work one verdict is worth. Who shows a chain chose its size and shape; we choose when it is enough."""

from __future__ import annotations

from dataclasses import dataclass


class OutOfWork(Exception):
    """The certificates ask for more work than they are worth."""


@dataclass(slots=True)
class Budget:
    """What is left. Numbers are for the worst kind of each: 200 signatures of RSA-16384 take about a second."""

    signatures: int = 200
    steps: int = 2_000
    paths: int = 48
    comparisons: int = 300_000

    def spend_signature(self) -> None:
        """Raises OutOfWork, as do the others."""
        self.signatures -= 1
        _require(self.signatures)

    def spend_step(self) -> None:
        self.steps -= 1
        _require(self.steps)

    def spend_path(self) -> None:
        self.paths -= 1
        _require(self.paths)

    def spend_comparisons(self, number: int) -> None:
        self.comparisons -= number
        _require(self.comparisons)


def _require(left: int) -> None:
    if left < 0:
        raise OutOfWork
