"""The side of every page: one list, in which each new page finds its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from accounts.sessions import actor_of
from kernel.permissions import Permission


def _everyone(request: HttpRequest) -> bool:
    return True


def _reads_members(request: HttpRequest) -> bool:
    return request.user.is_authenticated and holds(actor_of(request), Permission.MEMBERS_READ)


def _reads_keys(request: HttpRequest) -> bool:
    return request.user.is_authenticated and holds(actor_of(request), Permission.API_KEYS_READ)


def _reads_certificates(request: HttpRequest) -> bool:
    return request.user.is_authenticated and holds(actor_of(request), Permission.CERTIFICATES_READ)


def _reads_audit(request: HttpRequest) -> bool:
    return request.user.is_authenticated and holds(actor_of(request), Permission.AUDIT_READ)


def _superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page by the name of its URL, and who sees it here. What the page itself allows is its own affair."""

    label: str | Promise
    url_name: str
    icon: str
    visible: Callable[[HttpRequest], bool] = _superuser
    # Where the pages are that belong to it as well; else those below its own.
    place: str = ""


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


SECTIONS: Final = (
    Section(
        _("Operate"),
        (
            Entry(_("Overview"), "home", "home", _everyone),
            Entry(_("Certificates"), "certificates", "certificate", _reads_certificates),
            Entry(_("Authorities"), "admin:cas_certificateauthority_changelist", "authority"),
            Entry(_("Templates"), "admin:cas_template_changelist", "template"),
            Entry(_("Roles"), "admin:cas_role_changelist", "role"),
            Entry(_("Audit log"), "audit", "history", _reads_audit),
        ),
    ),
    Section(
        _("Automate"),
        (
            Entry(_("API / MCP access"), "api-keys", "key", _reads_keys),
            Entry(_("Developers"), "developers", "code", _everyone),
        ),
    ),
    Section(
        _("Administer"),
        (
            Entry(_("Members"), "members", "users", _reads_members, place="/organization/"),
            Entry(_("Organizations"), "admin:accounts_organization_changelist", "organization"),
            Entry(_("People"), "admin:accounts_user_changelist", "users"),
            Entry(_("All records"), "admin:index", "list"),
        ),
    ),
)


def sections_for(request: HttpRequest) -> Iterator[tuple[str | Promise, list[Link]]]:
    """The sections that this reader has entries in, with the current page marked."""
    placed = [(section, _links(section, request)) for section in SECTIONS]
    places = [entry.place or url for _section, links in placed for entry, url in links]
    current = max((place for place in places if _is_under(request.path, place)), key=len, default="")
    for section, links in placed:
        if links:
            yield (
                section.label,
                [Link(entry.label, url, entry.icon, (entry.place or url) == current) for entry, url in links],
            )


def _links(section: Section, request: HttpRequest) -> list[tuple[Entry, str]]:
    return [(entry, reverse(entry.url_name)) for entry in section.entries if entry.visible(request)]


def _is_under(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))
