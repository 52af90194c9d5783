"""Findings as they are collected along a path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cas.core.validation.facts import Facts
from cas.core.validation.verdict import Aspect, Finding
from kernel.errors import FieldError
from kernel.text import Text


@dataclass(slots=True)
class Findings:
    """What is wrong and what is odd about the certificates of one path, position 0 first. `%(name)s` in a sentence is
    the subject of the certificate that it is about.
    """

    path: tuple[Facts, ...]
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def error(self, aspect: Aspect, position: int | None, code: str, template: str, **facts: object) -> None:
        self.errors.append(self._finding(aspect, position, code, template, facts))

    def warn(self, aspect: Aspect, position: int | None, code: str, template: str, **facts: object) -> None:
        self.warnings.append(self._finding(aspect, position, code, template, facts))

    def quote(self, aspect: Aspect, position: int, errors: Iterable[FieldError]) -> None:
        """What a rule says that is for the fields of an order as well."""
        fingerprint = self.path[position].fingerprint
        self.errors += [Finding(aspect, each.code, each.message, position, fingerprint) for each in errors]

    def _finding(
        self, aspect: Aspect, position: int | None, code: str, template: str, facts: dict[str, object]
    ) -> Finding:
        if position is None:
            return Finding(aspect, code, Text(template, facts))
        about = self.path[position]
        return Finding(aspect, code, Text(template, {"name": about.label, **facts}), position, about.fingerprint)
