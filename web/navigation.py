"""The side of every page: one list, in which each new page finds its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from accounts.sessions import actor_of
from certificates.request_selectors import inbox
from kernel.actor import Actor
from kernel.permissions import Permission
from notices.selectors import unread_count


class Reader:
    """Who looks at the page, looked up once for all of its side."""

    def __init__(self, request: HttpRequest) -> None:
        self.request: Final = request

    @cached_property
    def actor(self) -> Actor | None:
        return actor_of(self.request) if self.request.user.is_authenticated else None

    @cached_property
    def hears(self) -> bool:
        """Whether there is anything that he could be told: in an organization, and where he may read it."""
        actor = self.actor
        return actor is not None and actor.organization_id is not None and holds(actor, Permission.NOTICES_READ)

    @cached_property
    def unread(self) -> int:
        """How many notices he has not read, counted to a hundred: one query, and none for who hears nothing."""
        return unread_count(visible_to=self.actor) if self.actor is not None and self.hears else 0


def reader_of(request: HttpRequest) -> Reader:
    """The same one wherever on the page it is asked for."""
    reader = getattr(request, "reader", None)
    if not isinstance(reader, Reader):
        reader = Reader(request)
        request.reader = reader  # type: ignore[attr-defined]
    return reader


Visible = Callable[[Reader], bool]


def reading_actor(request: HttpRequest) -> Actor:
    """The signed-in person of a page: looked up once, for what it shows and for its side. Services ask anew."""
    actor = reader_of(request).actor
    assert actor is not None  # noqa: S101  pages of the desks are for who is signed in
    return actor


def _everyone(reader: Reader) -> bool:
    return True


def _superuser(reader: Reader) -> bool:
    return bool(reader.request.user.is_superuser)


def _holding(*permissions: Permission) -> Visible:
    """For who holds one of them."""

    def visible(reader: Reader) -> bool:
        return reader.actor is not None and any(holds(reader.actor, each) for each in permissions)

    return visible


def _waiting(reader: Reader) -> int:
    """How many requests wait for the reader's decision: one query, and none for who decides on nothing."""
    if reader.actor is None or not holds(reader.actor, Permission.REQUESTS_DECIDE):
        return 0
    return inbox(visible_to=reader.actor, at=timezone.now()).count()


@dataclass(frozen=True, slots=True)
class Entry:
    """A page by the name of its URL, and who sees it here. What the page itself allows is its own affair."""

    label: str | Promise
    url_name: str
    icon: str
    visible: Visible = _superuser
    # Where the pages are that belong to it as well; else those below its own.
    place: str = ""
    # How many things wait there for the reader.
    waiting: Callable[[Reader], int] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    label: str | Promise
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as it stands on one page."""

    label: str | Promise
    url: str
    icon: str
    is_current: bool
    waiting: int = 0


# Who may not read them all sees what he has asked for.
_SEEING_REQUESTS: Final = (Permission.REQUESTS_READ, Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_RENEW)

SECTIONS: Final = (
    Section(
        _("Operate"),
        (
            Entry(_("Overview"), "home", "home", _everyone),
            Entry(_("Certificates"), "certificates", "certificate", _holding(Permission.CERTIFICATES_READ)),
            Entry(_("Approvals"), "requests", "inbox", _holding(*_SEEING_REQUESTS), waiting=_waiting),
            Entry(_("Public certificates"), "acme-orders", "globe", _holding(Permission.ACME_READ), place="/acme/"),
            Entry(_("Authorities"), "authorities", "authority", _holding(Permission.CAS_READ)),
            Entry(_("Templates"), "templates", "template", _holding(Permission.TEMPLATES_READ)),
            Entry(_("Roles"), "roles", "role", _holding(Permission.ROLES_READ)),
            Entry(_("Trust anchors"), "trust-anchors", "lock", _holding(Permission.CAS_READ)),
            Entry(_("Inspect"), "inspect", "search", _holding(Permission.CERTIFICATES_READ)),
            Entry(_("Notifications"), "notices", "bell", _holding(Permission.NOTICES_READ)),
            Entry(_("Audit log"), "audit", "history", _holding(Permission.AUDIT_READ)),
        ),
    ),
    Section(
        _("Automate"),
        (
            Entry(_("API / MCP access"), "api-keys", "key", _holding(Permission.API_KEYS_READ)),
            Entry(_("Service accounts"), "service-accounts", "gear", _holding(Permission.API_KEYS_READ)),
            Entry(_("Developers"), "developers", "code", _everyone),
        ),
    ),
    Section(
        _("Administer"),
        (
            Entry(_("Members"), "members", "users", _holding(Permission.MEMBERS_READ), place="/organization/"),
            Entry(_("Organizations"), "admin:accounts_organization_changelist", "organization"),
            Entry(_("People"), "admin:accounts_user_changelist", "users"),
            Entry(_("All records"), "admin:index", "list"),
        ),
    ),
)


def sections_for(request: HttpRequest) -> Iterator[tuple[str | Promise, list[Link]]]:
    """The sections that this reader has entries in, with the current page marked."""
    reader = reader_of(request)
    placed = [(section, _entries(section, reader)) for section in SECTIONS]
    places = [entry.place or url for _section, entries in placed for entry, url in entries]
    current = max((place for place in places if _is_under(request.path, place)), key=len, default="")
    for section, entries in placed:
        if entries:
            yield section.label, [_link(entry, url, reader, current) for entry, url in entries]


def _entries(section: Section, reader: Reader) -> list[tuple[Entry, str]]:
    return [(entry, reverse(entry.url_name)) for entry in section.entries if entry.visible(reader)]


def _link(entry: Entry, url: str, reader: Reader, current: str) -> Link:
    waiting = entry.waiting(reader) if entry.waiting else 0
    return Link(entry.label, url, entry.icon, (entry.place or url) == current, waiting)


def _is_under(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))
