"""What is written for spreadsheets."""

from __future__ import annotations

from typing import Final

_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")


def defused(text: str) -> str:
    """The text of a cell, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text
