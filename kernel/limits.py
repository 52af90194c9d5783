"""What text may be before it is written anywhere.

A database says no to what is too long, to NUL and to half a surrogate pair, and it says so with an error that names
no field; these say it first, and name it. People are deceived by what they do not see: two names that look alike, or
a line that reads in another direction than it runs (Unicode Technical Report 36, section 2).
"""

from __future__ import annotations

import unicodedata
from typing import Final

from kernel.errors import FieldError, field_error
from kernel.text import _

_LINE_ENDS: Final = frozenset("\t\n\r")
# Control characters, and halves of surrogate pairs, which no encoding can write.
_UNPRINTABLE: Final = frozenset({"Cc", "Cs"})
# Formatting characters, separators of lines and paragraphs, and what no font has a picture of.
_INVISIBLE: Final = frozenset({"Cf", "Zl", "Zp", "Co", "Cn"})
# Letters, marks and symbols that are shown as nothing: joiners, fillers, the blank of Braille, variation selectors.
_BLANK: Final = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)))
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
# Embeddings, overrides and isolates. Prose may have other formatting characters: Persian is not written without them.
_TURNING: Final = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def text_errors(
    field: str, value: str, *, longest: int, required: bool = False, several_lines: bool = False
) -> list[FieldError]:
    """What is wrong with a text: `required`, `too-long` (in characters), `unprintable` or `invisible`; empty when
    nothing is.
    """
    if required and not value.strip():
        return [field_error(field, "required", _("This field is required."))]
    if len(value) > longest:
        return [field_error(field, "too-long", _("At most %(longest)s characters."), longest=longest)]
    allowed = _LINE_ENDS if several_lines else frozenset[str]()
    if any(unicodedata.category(sign) in _UNPRINTABLE for sign in value if sign not in allowed):
        return [field_error(field, "unprintable", _("Control characters are not allowed."))]
    if any(_is_deceptive(sign, in_prose=several_lines) for sign in value):
        text = _("Characters that are not seen, or that turn the direction of text, are not allowed.")
        return [field_error(field, "invisible", text)]
    return []


def _is_deceptive(sign: str, *, in_prose: bool) -> bool:
    if in_prose or sign.isascii():
        return sign in _TURNING
    return sign in _BLANK or unicodedata.category(sign) in _INVISIBLE
