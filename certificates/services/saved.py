"""Filters of the register that people keep under a name."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction

from accounts import policy
from accounts.selectors import person_of
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from certificates.models import SavedFilter
from certificates.saved_selectors import get_saved_filter
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, Invalid
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

_LONGEST_NAME: Final = 80
_LONGEST_QUERY: Final = 8000
_MOST_OF_ONE: Final = 50


@transaction.atomic
def save_filter(*, actor: Actor, name: str, query: str, is_shared: bool = False) -> SavedFilter:
    """Keep a query of the list, for its owner or for everybody in the organization where the actor works.

    Raises Denied (also where nobody answers for the actor), Invalid, Conflict (of this name, or 50, are there).
    """
    organization = actor.organization_id
    policy.require(actor, Permission.CERTIFICATES_READ, organization_id=organization)
    owner = person_of(actor)
    if organization is None:
        raise Denied(_("Work in an organization to keep filters."))
    name = _read_name(name)
    if errors := text_errors("query", query, longest=_LONGEST_QUERY):
        raise Invalid(errors=errors)
    mine = SavedFilter.objects.filter(organization_id=organization, owner=owner)
    if mine.count() >= _MOST_OF_ONE:
        raise Conflict(_("You have %(most)s filters: delete one first."), code="too-many-filters", most=_MOST_OF_ONE)
    row = SavedFilter(
        organization_id=organization,
        owner=owner,
        name=name,
        query=query,
        is_shared=is_shared,
        event=audit.new_event_id(),
    )
    _write(row, force_insert=True)
    _record(actor, EventName.SAVED_FILTER_CREATED, row, event_id=row.event)
    return row


@transaction.atomic
def update_filter(*, actor: Actor, saved: Ref, name: str, is_shared: bool) -> SavedFilter:
    """Another name, for oneself or for everybody. Raises NotFound, Denied (it is another's), Invalid, Conflict."""
    row = _own(actor, saved)
    row.name, row.is_shared = _read_name(name), is_shared
    _write(row)
    _record(actor, EventName.SAVED_FILTER_UPDATED, row)
    return row


@transaction.atomic
def delete_filter(*, actor: Actor, saved: Ref) -> None:
    """Raises NotFound, Denied (it is another's)."""
    row = _own(actor, saved)
    _record(actor, EventName.SAVED_FILTER_DELETED, row)
    row.delete()


def may_change(row: SavedFilter, actor: Actor) -> bool:
    """A step. Its owner; a shared one also whoever looks after the organization."""
    return row.owner_id == actor.person_id or (row.is_shared and policy.holds(actor, Permission.ORGANIZATIONS_WRITE))


def _own(actor: Actor, saved: Ref) -> SavedFilter:
    row = get_saved_filter(saved, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_READ, organization_id=row.organization_id)
    if not may_change(row, actor):
        raise Denied(_("This filter is another's."), code="not-own-filter")
    return row


def _read_name(name: str) -> str:
    name = name.strip()
    if errors := text_errors("name", name, longest=_LONGEST_NAME, required=True):
        raise Invalid(errors=errors)
    return name


def _write(row: SavedFilter, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=force_insert, update_fields=None if force_insert else ["name", "is_shared"])
    except IntegrityError as error:
        raise Conflict(_("There is a filter %(name)s already."), code="filter-exists", name=row.name) from error


def _record(actor: Actor, event: EventName, row: SavedFilter, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("saved_filter", row.pk, row.name, public_id=row.public_id),
        organization_id=row.organization_id,
        event_id=event_id,
        query=row.query,
        is_shared=row.is_shared,
    )
