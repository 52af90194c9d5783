"""Tallies: what was counted once is not counted again, so that a list of a million rows can say how many it has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from accounts.models import Organization
from certificates.models import Certificate, CertificateTally
from certificates.selectors import newest_tally

# Numbers are given out in order and committed in any. What is older than this has no younger number before it that
# could still come: no transaction lasts as long.
_SETTLED: Final = timedelta(hours=1)
# Fewer rows than these are counted faster than a tally is worth.
_STEP: Final = 5_000


def take_tallies(*, at: datetime) -> int:
    """Add a tally for each organization that has grown by enough since its last one; how many were added.

    Any number of these at once are in each other's way no more than by counting twice.
    """
    return sum(_take(pk, at) for pk in Organization.objects.order_by("pk").values_list("pk", flat=True))


def _take(organization_id: int, at: datetime) -> bool:
    last = newest_tally(organization_id)
    through, count = (last.through, last.count) if last else (0, 0)
    newer = Certificate.objects.filter(organization_id=organization_id, pk__gt=through).order_by()
    if newer[:_STEP].count() < _STEP:
        return False
    settled = newer.filter(created_at__lt=at - _SETTLED).order_by("-pk").values_list("pk", flat=True).first()
    if settled is None:
        return False
    tally = CertificateTally(
        organization_id=organization_id, through=settled, count=count + newer.filter(pk__lte=settled).count()
    )
    CertificateTally.objects.bulk_create([tally], ignore_conflicts=True)
    return True
