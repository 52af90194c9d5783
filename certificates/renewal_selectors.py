"""Which certificates are to be renewed by themselves, and what stands in the way."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from accounts.selectors import under_granted_cas
from certificates.models import Certificate, Renewal
from kernel.actor import Actor

# What somebody should hear of.
TROUBLES = (Renewal.Standing.FAILED, Renewal.Standing.NEEDED)


def certificates_to_take_up(*, at: datetime) -> QuerySet[Certificate]:
    """Those of our CAs whose `renew_at` has come, and whose renewal nobody has begun."""
    rows = Certificate.objects.filter(renew_at__lte=at, source=Certificate.Source.INTERNAL)
    return rows.filter(renewal__isnull=True).order_by("renew_at", "pk")


def renewals(*, visible_to: Actor) -> QuerySet[Renewal]:
    """Everything that is being renewed, or waits to be, each with its certificate."""
    rows = Renewal.objects.select_related("certificate", "organization").order_by("due_at", "pk")
    return under_granted_cas(rows, visible_to, column="certificate__ca_id")
