"""What every way of proving a name can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from acme_client.models import AcmeChallenge, DnsProvider
from kernel.text import Text


class SolverError(Exception):
    """A name cannot be proven in this way, now or (`is_final`) at all; `text` says why."""

    def __init__(self, text: Text, *, is_final: bool = False) -> None:
        self.text, self.is_final = text, is_final
        super().__init__(str(text))


@dataclass(frozen=True, slots=True)
class Presented:
    """Where the answer stands, for the row. `by_hand`: nowhere yet, a person has to publish it."""

    record_name: str = ""
    dns_provider: DnsProvider | None = None
    by_hand: bool = False


class Solver(Protocol):
    """One way of proving a name. Everything may be asked again after a crash, and then changes nothing more.

    A solver writes no rows: what it did is kept by whoever asked it, under their lease. Never call it in a transaction.
    """

    def present(self, challenge: AcmeChallenge) -> Presented:
        """Publish the answer. Raises SolverError."""

    def is_ready(self, challenge: AcmeChallenge) -> bool:
        """Whether the server would see it now, as far as can be known. Raises SolverError (it waits in vain)."""

    def clean(self, challenge: AcmeChallenge) -> None:
        """Take away what was published, if there is anything. Raises SolverError."""
