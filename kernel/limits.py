"""What text may be before it is written anywhere.

A database says no to what is too long, to NUL and to half a surrogate pair, and it says so with an error that names
no field; these say it first, and name it.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from kernel.errors import FieldError, field_error
from kernel.text import _

_LINE_ENDS: Final = frozenset("\t\n\r")
# Control characters, and halves of surrogate pairs, which no encoding can write.
_UNPRINTABLE: Final = frozenset({"Cc", "Cs"})


def text_errors(
    field: str, value: str, *, longest: int, required: bool = False, several_lines: bool = False
) -> list[FieldError]:
    """What is wrong with a text: `required`, `too-long` (in characters) or `unprintable`; empty when nothing is."""
    if required and not value.strip():
        return [field_error(field, "required", _("This field is required."))]
    if len(value) > longest:
        return [field_error(field, "too-long", _("At most %(longest)s characters."), longest=longest)]
    allowed = _LINE_ENDS if several_lines else frozenset[str]()
    if any(unicodedata.category(sign) in _UNPRINTABLE for sign in value if sign not in allowed):
        return [field_error(field, "unprintable", _("Control characters are not allowed."))]
    return []
