"""What an approver would like to know besides: who has asked before, and which certificates have these names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count

from certificates.models import Certificate, CertificateName, Request
from certificates.request_selectors import requests
from certificates.selectors import certificates
from kernel.actor import Actor

_MOST_NAMES: Final = 100
_GOOD: Final = (Certificate.State.ISSUED, Certificate.State.HELD)


@dataclass(frozen=True, slots=True)
class History:
    """The other requests of one person: how many there are in each state, and the newest."""

    counts: Mapping[str, int]
    newest: Request | None


def history_of(row: Request, *, visible_to: Actor) -> History:
    """Of whoever has asked for this, as far as the actor sees it."""
    others = requests(visible_to=visible_to).filter(person_id=row.person_id).exclude(pk=row.pk)
    counted = others.order_by().values_list("status").annotate(Count("pk"))
    return History(dict(counted), others.first())


def namesakes(row: Request, *, visible_to: Actor, at: datetime, limit: int) -> list[Certificate]:
    """The newest certificates that are good and have one of these names."""
    names = sorted({text.lower() for _kind, text in row.sans} | {str(row).lower()})[:_MOST_NAMES]
    bearers = CertificateName.objects.filter(organization_id=row.organization_id, value__in=names)
    found = certificates(visible_to=visible_to).filter(pk__in=bearers.values("certificate_id"))
    return list(found.filter(state__in=_GOOD, not_after__gt=at)[:limit])
