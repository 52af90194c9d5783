"""Whom an address lets in, where that is not a permission."""

from __future__ import annotations

from typing import Final

# Nobody is asked who they are, and nothing of anybody is shown.
OPEN: Final = "open"
# For whoever is signed in: it shows what is theirs.
OWN: Final = "own"
