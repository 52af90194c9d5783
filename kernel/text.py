"""Messages that the edge can translate.

The kernel and the signing core know no Django, so a message is kept as an English template and its
named facts; whoever shows it translates the template first and fills in the facts afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def _(template: str) -> str:
    """Mark a template for `makemessages`; it is returned as it is."""
    return template


@dataclass(frozen=True, slots=True)
class Text:
    """A template with %-named places, and what stands in them."""

    template: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def render(self, translate: Callable[[str], str] = str) -> str:
        """The sentence in the language of `translate`; English without one."""
        template = translate(self.template)
        return template % self.facts if self.facts else template

    def __str__(self) -> str:
        return self.render()
