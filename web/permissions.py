"""Permissions as people read them."""

from __future__ import annotations

from collections.abc import Iterable


def grouped(permissions: Iterable[str]) -> str:
    """What each kind of thing may be done with, in order: `cas: read, write · certificates: read`."""
    actions: dict[str, list[str]] = {}
    for permission in sorted(permissions):
        kind, _colon, action = permission.partition(":")
        actions.setdefault(kind, []).append(action)
    return " · ".join(f"{kind}: {', '.join(names)}" for kind, names in actions.items())
