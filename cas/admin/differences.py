"""What changed from one version of a profile to the next, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cas.admin.words import duration_text
from cas.describe import key_words
from cas.models import ProfileVersion, Role, Template

_DURATIONS: Final = frozenset({"max_ttl", "validity", "backdate"})
_KEYS: Final = frozenset({"key_algorithm", "key_algorithms"})


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of the role or of the template, and what it said before and says since."""

    part: str
    field: str
    before: str
    after: str


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Between two profile documents, in the order of their fields."""
    return [*_between("role", Role, before, after), *_between("template", Template, before, after)]


def history(versions: Sequence[ProfileVersion]) -> list[tuple[ProfileVersion, list[Difference] | None]]:
    """Each version, newest first, with what it changed of the one before; None where that is not among them."""
    return [
        (version, differences(earlier.document, version.document) if earlier else None)
        for version, earlier in zip(versions, [*versions[1:], None], strict=True)
    ]


def _between(
    part: str, model: type[Role | Template], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    old, new = before.get(part, {}), after.get(part, {})
    for name in dict.fromkeys((*new, *old)):
        if old.get(name) != new.get(name):
            label = capfirst(str(getattr(model._meta.get_field(name), "verbose_name", name)))
            before_words, after_words = (_said(name, each.get(name)) for each in (old, new))
            yield Difference(str(model._meta.verbose_name), label, before_words, after_words)


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name in _DURATIONS and value:
        return duration_text(value)
    values = value if isinstance(value, list) else [value]
    return ", ".join(key_words(each) if name in _KEYS else str(each) for each in values if each is not None) or "–"
