"""The overview: what there is, whether its CRLs are fresh, what happened last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.models import Organization
from accounts.policy import holds
from accounts.sessions import actor_of
from audit.admin.html import EXPIRING_WITHIN, Status, word
from audit.models import AuditEvent
from certificates import statistics
from certificates.models import CrlScope
from kernel.actor import Actor
from kernel.permissions import Permission
from web.charts import Slice, ring
from web.first_steps import COMMANDS, first_steps

LATEST_EVENTS: Final = 5
# A publisher comes by every few seconds; what is due for longer than this is stuck.
DUE_FOR_TOO_LONG: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Figure:
    label: object
    number: int
    note: object
    url: str


@dataclass(frozen=True, slots=True)
class CrlLine:
    """One CRL and how it stands: fresh, due (being made), overdue, or never published."""

    scope: CrlScope
    state: str

    @classmethod
    def of(cls, scope: CrlScope, at: datetime) -> CrlLine:
        expires_at: datetime | None = getattr(scope, "expires_at", None)
        if expires_at is None:
            return cls(scope, "missing")
        if expires_at <= at:
            return cls(scope, "expired")
        return cls(scope, "late" if scope.next_due_at + DUE_FOR_TOO_LONG < at else "fresh")

    @property
    def needs_attention(self) -> bool:
        return self.state != "fresh"


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    counts = statistics.count_certificates(visible_to=actor, at=now, soon=EXPIRING_WITHIN)
    authorities = statistics.count_authorities(visible_to=actor)
    crls = [CrlLine.of(scope, now) for scope in statistics.crl_scopes(visible_to=actor)]
    context = {
        "title": _("Overview"),
        "organization": _organization(actor),
        "has_place": actor.organization_id is not None or actor.is_superuser,
        "now": now,
        "counts": counts,
        "authorities": authorities,
        "figures": _figures(counts, authorities, linked=actor.is_superuser),
        "ring": ring(_slices(counts)),
        "crls": crls,
        "troubled": [line for line in crls if line.needs_attention],
        "events": _latest_events(actor),
        "is_new": counts.total == 0,
        "steps": first_steps(request, actor),
        "commands": COMMANDS,
    }
    return render(request, "web/home.html", context)


def _organization(actor: Actor) -> Organization | None:
    if actor.organization_id is None:
        return None
    return Organization.objects.filter(pk=actor.organization_id).first()


def _figures(counts: statistics.CertificateCounts, authorities: int, *, linked: bool) -> list[Figure]:
    certificates = reverse("admin:certificates_certificate_changelist") if linked else ""
    cas = reverse("admin:cas_certificateauthority_changelist") if linked else ""

    def listed(status: Status) -> str:
        return f"{certificates}?status={status}" if certificates else ""

    return [
        Figure(_("Authorities"), authorities, _("in service"), f"{cas}?status__exact=active" if cas else ""),
        Figure(word(Status.ACTIVE), counts.active, _("certificates"), listed(Status.ACTIVE)),
        Figure(word(Status.EXPIRING), counts.expiring, _("within 30 days"), listed(Status.EXPIRING)),
        Figure(word(Status.REVOKED), counts.revoked, _("for good"), listed(Status.REVOKED)),
    ]


def _slices(counts: statistics.CertificateCounts) -> list[Slice]:
    return [
        Slice(Status.ACTIVE, counts.active, "ok"),
        Slice(Status.EXPIRING, counts.expiring, "warn"),
        Slice(Status.HELD, counts.held, "warn"),
        Slice(Status.REVOKED, counts.revoked, "bad"),
        Slice(Status.EXPIRED, counts.expired, "mute"),
    ]


def _latest_events(actor: Actor) -> list[AuditEvent]:
    if not holds(actor, Permission.AUDIT_READ):
        return []
    events = AuditEvent.objects.order_by("-id")
    if actor.organization_id is not None:
        events = events.filter(log=actor.organization_id)
    return list(events[:LATEST_EVENTS])
