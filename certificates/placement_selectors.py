"""Where certificates are used, as far as an actor sees it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from accounts.selectors import under_granted_cas
from certificates.lineage import ancestry
from certificates.models import Certificate, Placement
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ref import Ref
from kernel.text import _

# So long may a new certificate take to be put where it is used.
PATIENCE: Final = timedelta(hours=24)
_AT_HAND: Final = "_places_at_hand"


def placements(*, visible_to: Actor) -> QuerySet[Placement]:
    rows = Placement.objects.select_related("certificate", "organization").order_by("host", "port", "pk")
    return under_granted_cas(rows, visible_to, column="certificate__ca_id")


def placements_of(row: Certificate, *, visible_to: Actor) -> QuerySet[Placement]:
    """Those of the certificate and of what it renews."""
    return placements(visible_to=visible_to).filter(certificate__in=ancestry(row))


def places_at_hand(row: Certificate, *, visible_to: Actor) -> list[Placement]:
    """The same, asked for once for all that one page shows and offers of this certificate."""
    found: list[Placement] | None = vars(row).get(_AT_HAND)
    if found is None:
        found = list(placements_of(row, visible_to=visible_to))
        setattr(row, _AT_HAND, found)
    return found


def get_placement(ref: Ref, *, visible_to: Actor) -> Placement:
    """Raises NotFound."""
    try:
        return placements(visible_to=visible_to).get(**{ref.by: ref.value})
    except Placement.DoesNotExist as error:
        raise NotFound(_("There is no such place of use."), code="placement-not-found") from error


def not_served(*, at: datetime) -> QuerySet[Placement]:
    """Where something else has been seen, or nothing, for longer than it may take."""
    return Placement.objects.filter(wrong_since__lte=at - PATIENCE).order_by("pk")
