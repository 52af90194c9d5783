"""The question that a person is asked: which organization, which CAs, and what for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import oauth_scopes
from accounts.grants import GrantOrder
from accounts.models import OAuthClient, Organization, User
from accounts.services.oauth_consents import ConsentOrder
from accounts.sessions import actor_of, home_of
from cas.models import CertificateAuthority
from cas.selectors import authorities
from kernel.actor import Actor
from kernel.permissions import Permission

# A longer list is nothing that somebody reads before he ticks.
MOST_CAS: Final = 200
_MOST_ORGANIZATIONS: Final = 100
LABELS: Final = {"can_read": _("Read"), "can_issue": _("Issue"), "can_revoke": _("Revoke")}


@dataclass(frozen=True, slots=True)
class Tick:
    """One box of the matrix."""

    name: str
    label: str | Promise
    is_on: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, in the organization that is chosen so far, and what was ticked."""

    client: OAuthClient
    scopes: tuple[str, ...]
    resource: str
    organizations: list[Organization]
    actor: Actor
    authorities: list[CertificateAuthority]
    posted: QueryDict

    @classmethod
    def put(cls, request: HttpRequest, client: OAuthClient, scopes: tuple[str, ...], resource: str) -> Question:
        organizations = _organizations(request, client)
        actor = actor_of(request, _chosen(request, organizations))
        cas = list(authorities(visible_to=actor)[:MOST_CAS]) if actor.organization_id is not None else []
        return cls(client, scopes, resource, organizations, actor, cas, request.POST)

    @property
    def asked(self) -> frozenset[Permission]:
        """What is asked for, as far as the person has it to give."""
        return oauth_scopes.permissions_of(self.scopes) & self.actor.permissions

    @property
    def ticks(self) -> tuple[str, ...]:
        return oauth_scopes.ticks_of(self.asked)

    @property
    def beyond_cas(self) -> list[str]:
        """What cannot be given for single CAs, by name."""
        return sorted(oauth_scopes.beyond_cas(self.asked))

    @property
    def is_answerable(self) -> bool:
        return bool(self.ticks and self.authorities) or bool(self.beyond_cas)

    @property
    def headings(self) -> list[str | Promise]:
        return [LABELS[tick] for tick in self.ticks]

    @property
    def rows(self) -> Iterator[tuple[CertificateAuthority, list[Tick]]]:
        """The matrix; reading is ticked until something was chosen."""
        for ca in self.authorities:
            yield ca, [Tick(f"{tick}-{ca.pk}", LABELS[tick], self._is_on(tick, ca)) for tick in self.ticks]

    @property
    def wants_everything(self) -> bool:
        return bool(self.beyond_cas) and "everything" in self.posted

    def order(self) -> ConsentOrder:
        """What the person said yes to: of what was offered, whatever else was sent."""
        grants = None if self.wants_everything else [each for ca in self.authorities if (each := self._grant(ca))]
        return ConsentOrder(client=self.client, scopes=self.scopes, resource=self.resource, grants=grants)

    def _is_on(self, tick: str, ca: CertificateAuthority) -> bool:
        return f"{tick}-{ca.pk}" in self.posted if "decision" in self.posted else tick == "can_read"

    def _grant(self, ca: CertificateAuthority) -> GrantOrder | None:
        ticked = {tick: tick in self.ticks and f"{tick}-{ca.pk}" in self.posted for tick in oauth_scopes.TICKS}
        return GrantOrder(ca_id=ca.pk, **ticked) if any(ticked.values()) else None


def _organizations(request: HttpRequest, client: OAuthClient) -> list[Organization]:
    """Where the person could let it act: an organization's own application in that one alone."""
    user = cast(User, request.user)
    home = home_of(request)
    rows = Organization.objects.order_by("name")
    if home is not None:
        rows = rows.filter(pk=home.pk)
    elif not user.is_superuser:
        rows = rows.filter(memberships__user=user)
    if client.organization_id is not None:
        rows = rows.filter(pk=client.organization_id)
    return list(rows[:_MOST_ORGANIZATIONS])


def _chosen(request: HttpRequest, organizations: list[Organization]) -> Organization | None:
    """The one that was chosen, else the one he works in, else the first."""
    by_slug = {each.slug: each for each in organizations}
    here = actor_of(request).organization_id
    working_in = next((each for each in organizations if each.pk == here), None)
    first = organizations[0] if organizations else None
    return by_slug.get(request.POST.get("organization", "")) or working_in or first
