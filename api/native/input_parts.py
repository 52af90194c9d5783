"""Fields that several bodies of the native API have, and what becomes of them in an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from accounts.models import Organization
from api.common.fields import Text, Texts, Whole

# Takes what a body says of its organization out of it, and finds that: `NativeViewSet.organization_of`.
OrganizationOf = Callable[[dict[str, Any]], Organization]
_MOST_APPROVALS: Final = 10


def approvals(**options: Any) -> Whole:
    return Whole(min_value=1, max_value=_MOST_APPROVALS, required=False, **options)


def words(**options: Any) -> Texts:
    return Texts(required=False, **options)


def note() -> Text:
    return Text(required=False, allow_blank=True, max_length=500)


def tuples(values: dict[str, Any]) -> dict[str, Any]:
    """The same, with every list as the tuple that an order wants."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
