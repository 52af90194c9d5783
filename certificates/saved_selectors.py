"""Whose filters an actor sees: one's own, and what others share in the organization where one works."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.selectors import of_whole_organization
from certificates.models import SavedFilter
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ref import Ref
from kernel.text import _


def saved_filters(*, visible_to: Actor) -> QuerySet[SavedFilter]:
    """By name."""
    is_seen = Q(owner_id=visible_to.person_id) | Q(is_shared=True)
    rows = SavedFilter.objects.select_related("owner", "organization").filter(is_seen)
    return of_whole_organization(rows, visible_to).order_by("name", "id")


def get_saved_filter(ref: Ref, *, visible_to: Actor) -> SavedFilter:
    """Raises NotFound."""
    row = saved_filters(visible_to=visible_to).filter(**{ref.by: ref.value}).first()
    if row is None:
        raise NotFound(_("There is no such filter."), code="filter-not-found")
    return row
