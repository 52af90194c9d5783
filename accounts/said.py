"""Sentences that rows keep: why something has failed, to be read later by people of several languages.

What we say ourselves is kept as a template with its facts, and said in the reader's language when it is shown. What a
server elsewhere has said is kept, and shown, as it came.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from django.db import models

from kernel.text import Text

# It begins what is kept as a template; nobody else's sentence may.
_MARK: Final = "\x1e"


class Said(str):
    """A sentence of ours: English to programs, and to people what its template is in their language."""

    __slots__ = ("text",)
    text: Text

    def __new__(cls, text: Text) -> Said:
        clean = Text(text.template, {name: _plain(fact) for name, fact in text.facts.items()})
        said = super().__new__(cls, clean)
        said.text = clean
        return said

    def __getnewargs__(self) -> tuple[Text]:  # type: ignore[override]  # copies are made of the same
        return (self.text,)


def rendered(sentence: str, translate: Callable[[str], str]) -> str:
    """A kept sentence in the language of `translate`, where it is one of ours."""
    return sentence.text.render(translate) if isinstance(sentence, Said) else sentence


def cut(sentence: str, longest: int) -> str:
    """The sentence, or where it is too long its beginning, in English."""
    return sentence if len(sentence) <= longest else sentence[:longest]


class SaidField(models.CharField):  # type: ignore[type-arg]  # it has parameters for checkers alone
    """A text that gives back as Said what was Said; where that finds no room, the sentence alone."""

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> str | None:
        if value is None or not value.startswith(_MARK):
            return value
        template, facts = json.loads(value.removeprefix(_MARK))
        return Said(Text(template, facts))

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Said):
            kept = _MARK + json.dumps([value.text.template, dict(value.text.facts)], ensure_ascii=False)
            return kept if len(kept) <= (self.max_length or 0) else str(value)
        prepared = super().get_prep_value(value)
        return prepared.lstrip(_MARK) if isinstance(prepared, str) else prepared

    def deconstruct(self) -> Any:
        """To the database, and so to migrations, it is any text."""
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options


def _plain(fact: object) -> object:
    """As JSON and every database take it. Signs that nobody sees may have come from elsewhere."""
    return fact if isinstance(fact, int | float) else "".join(sign if sign.isprintable() else " " for sign in str(fact))
