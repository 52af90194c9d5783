"""What is sent: to programs one document for each event, to people several put together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urljoin

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from accounts.models import Organization
from notices.models import Notice

VERSION: Final = 1
# So many stand in one message to people; of more there is their number.
MOST_ITEMS: Final = 50

# By what a notice calls them: the names of their pages.
_PAGES: Final[Mapping[str, str]] = {
    "certificate": "certificate",
    "ca": "authority",
    "request": "request",
    "acme_order": "acme-order",
}


def of_notice(notice: Notice, organization: Organization) -> dict[str, Any]:
    """What there is to say of a notice; its id is the event's."""
    return document(
        event_id=str(notice.public_id),
        event=notice.subject,
        at=notice.created_at,
        organization=organization,
        kind=notice.kind,
        object_id=str(notice.object_id or ""),
        name=notice.label,
        facts=notice.facts,
        level=notice.level,
        threshold=notice.threshold,
    )


def document(
    *,
    event_id: str,
    event: str,
    at: datetime,
    organization: Organization,
    kind: str,
    object_id: str,
    name: str,
    facts: Mapping[str, Any],
    level: str = Notice.Level.INFO,
    threshold: int | None = None,
) -> dict[str, Any]:
    """One event, as programs are told it."""
    return {
        "version": VERSION,
        "id": event_id,
        "event": str(event),
        "at": moment(at),
        "organization": {"id": str(organization.public_id), "name": organization.name},
        "object": {"kind": kind, "id": object_id or None, "name": name},
        "level": str(level),
        "threshold_days": threshold,
        "facts": dict(facts),
        "url": page_of(kind, object_id),
    }


def together(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several in one message to people."""
    first = documents[0]
    return {
        "version": VERSION,
        "id": first["id"],
        "event": first["event"],
        "at": first["at"],
        "organization": first["organization"],
        "items": [dict(each) for each in documents[:MOST_ITEMS]],
        "more": max(len(documents) - MOST_ITEMS, 0),
        "url": urljoin(settings.BASE_URL, path_of_centre()),
    }


def body_of(document: Mapping[str, Any]) -> bytes:
    """The bytes that are sent and signed: the same at each attempt, whatever order a database gives the names in."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def moment(at: datetime) -> str:
    """ISO 8601, in UTC, in whole seconds."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def page_of(kind: str, object_id: str) -> str:
    """The address of its page; of what has none, that of the notices."""
    name = _PAGES.get(kind)
    path = _path(name, object_id) if name and object_id else ""
    return urljoin(settings.BASE_URL, path or path_of_centre())


def path_of_centre() -> str:
    """Where all notices stand."""
    return _path("notices")


def _path(name: str, *arguments: str) -> str:
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        # A page that this installation has not: a worker's mail is not lost for it.
        return "/"
