"""What the overview is made of, read once for all of its parts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from django.db.models import Prefetch

from accounts.policy import holds
from audit.models import AuditEvent
from audit.selectors import EventFilter, list_events
from cas.models import CaCertificate, CertificateAuthority
from cas.selectors import authorities
from certificates import statistics
from certificates.crl_standing import CrlStanding
from certificates.models import Certificate, CrlScope
from certificates.request_selectors import inbox
from certificates.selectors import certificates, still_needed
from certificates.summary import Summary, summarize
from kernel.actor import Actor
from kernel.permissions import Permission

LATEST_EVENTS: Final = 6
MOST_AUTHORITIES: Final = 50

CaStatus = CertificateAuthority.Status


@dataclass(frozen=True, slots=True)
class CrlLine:
    """One CRL and how it stands."""

    scope: CrlScope
    standing: CrlStanding
    expires_at: datetime | None

    @classmethod
    def of(cls, scope: CrlScope, at: datetime) -> CrlLine:
        expires_at: datetime | None = getattr(scope, "expires_at", None)
        return cls(scope, CrlStanding.of(expires_at, scope.next_due_at, at=at), expires_at)


class Board:
    """What one actor may see at one time. Each part is read when it is first asked for."""

    def __init__(self, actor: Actor, at: datetime) -> None:
        self.actor = actor
        self.at = at

    def may(self, permission: Permission) -> bool:
        return holds(self.actor, permission)

    @cached_property
    def summary(self) -> Summary:
        """Raises Unavailable while a large register is being counted."""
        return summarize(visible_to=self.actor, at=self.at)

    @cached_property
    def authorities(self) -> list[CertificateAuthority]:
        """Those that are not given up, oldest first: at most one more than are shown."""
        shown = CaCertificate.objects.filter(preferred=True).only("ca_id", "preferred", "not_after")
        rows = authorities(visible_to=self.actor).exclude(status__in=[CaStatus.CANCELLED, CaStatus.RETIRED])
        rows = rows.select_related(None).only("public_id", "name", "slug", "status", "key_algorithm", "parent_id")
        return list(rows.prefetch_related(Prefetch("certificates", shown))[: MOST_AUTHORITIES + 1])

    @cached_property
    def authorities_in_service(self) -> int:
        if len(self.authorities) > MOST_AUTHORITIES:
            return statistics.count_authorities(visible_to=self.actor)
        return sum(ca.status == CaStatus.ACTIVE for ca in self.authorities)

    @cached_property
    def crls(self) -> list[CrlLine]:
        """Of every CA that still has to say what it revoked."""
        scopes = statistics.crl_scopes(visible_to=self.actor).filter(still_needed(self.at))
        scopes = scopes.only("scope", "last_error", "next_due_at", "ca__public_id", "ca__name")
        return [CrlLine.of(scope, self.at) for scope in scopes]

    @cached_property
    def waiting_for_me(self) -> int:
        return inbox(visible_to=self.actor, at=self.at).count()

    @cached_property
    def keys_for_me(self) -> int:
        """What `status:issued,key_custody:waiting` finds of what this person answers for, by its own index."""
        if self.actor.person_id is None:
            return 0
        mine = certificates(visible_to=self.actor).filter(owner=self.actor.person_id, not_after__gte=self.at)
        waiting = mine.filter(state=Certificate.State.ISSUED, key_custody=Certificate.KeyCustody.WAITING)
        return waiting.select_related(None).order_by().count()

    def authorities_by_number(self, wanted: Collection[int]) -> dict[int, CertificateAuthority]:
        """Those of them that the actor sees; what is shown anyhow is not asked for again."""
        known = {ca.pk: ca for ca in self.authorities}
        if known.keys() >= set(wanted):
            return known
        return authorities(visible_to=self.actor).select_related(None).in_bulk(list(wanted))

    def latest_events(self) -> list[AuditEvent]:
        return list_events(EventFilter(), visible_to=self.actor, limit=LATEST_EVENTS)
