"""Applications: registered by themselves, made by an organization, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import policy, redirects, tokens
from accounts.address_ranges import network_of
from accounts.models import OAuthClient, Organization
from accounts.selectors import person_of
from accounts.services.credentials import digest_key
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, FieldError, Invalid, TooMany, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

_LONGEST_NAME: Final = 120
_MOST_REDIRECTS: Final = 10
# Anybody may register, so nobody may fill the table with it: from one address, and all together.
_WINDOW: Final = timedelta(hours=1)
_MOST_OF_ADDRESS: Final = 20
_MOST_OF_ALL: Final = 500
# One that nobody has let do anything within a day is forgotten.
UNUSED_LIFETIME: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewClient:
    """The row, and the secret that is shown this once."""

    row: OAuthClient
    secret: Secret


@transaction.atomic
def register_client(*, actor: Actor, name: str, redirect_uris: Sequence[str]) -> OAuthClient:
    """A public client, registered by itself (RFC 7591): it has no secret, and PKCE is what shows who it is.

    `actor` may be nobody. Raises Invalid with every wrong field, TooMany.
    """
    errors = text_errors("client_name", name, longest=_LONGEST_NAME) + _redirect_errors(redirect_uris)
    if errors:
        raise Invalid(errors=errors)
    _require_room(actor.ip)
    row = OAuthClient.objects.create(
        client_id=_new_id(),
        name=name.strip() or redirects.origin_of(redirect_uris[0]),
        redirect_uris=list(redirect_uris),
        registered_from=actor.ip,
        event=audit.new_event_id(),
    )
    record_client(actor, EventName.OAUTH_CLIENT_REGISTERED, row, event_id=row.event, redirect_uris=row.redirect_uris)
    return row


@transaction.atomic
def create_client(*, actor: Actor, organization: Organization, name: str, redirect_uris: Sequence[str]) -> NewClient:
    """A confidential client of this organization, for its own people alone.

    Raises Denied (also for applications and service accounts), Invalid with every wrong field.
    """
    _require_maker(actor, organization.pk)
    errors = text_errors("name", name, longest=_LONGEST_NAME, required=True) + _redirect_errors(redirect_uris)
    if errors:
        raise Invalid(errors=errors)
    secret = tokens.mint("cm_secret").token
    row = OAuthClient.objects.create(
        client_id=_new_id(),
        organization=organization,
        owner=person_of(actor),
        name=name.strip(),
        secret_digest=tokens.digest(secret, digest_key()),
        redirect_uris=list(redirect_uris),
        event=audit.new_event_id(),
    )
    record_client(actor, EventName.OAUTH_CLIENT_CREATED, row, event_id=row.event, redirect_uris=row.redirect_uris)
    return NewClient(row, secret)


@transaction.atomic
def rotate_client_secret(*, actor: Actor, client: OAuthClient) -> NewClient:
    """A new secret, shown this once. The old one is good no more; consents and tokens stand.

    Raises Denied (also for applications and service accounts), Conflict (it is revoked, or has no secret).
    """
    _require_maker(actor, client.organization_id)
    row = OAuthClient.objects.select_for_update().get(pk=client.pk)
    if row.revoked_at is not None:
        raise Conflict(_("The application is revoked already."), code="already-revoked")
    if not row.is_confidential:
        raise Conflict(_("The application has registered itself, and has no secret."), code="client-without-secret")
    secret = tokens.mint("cm_secret").token
    row.secret_digest = tokens.digest(secret, digest_key())
    row.save(update_fields=["secret_digest"])
    record_client(actor, EventName.OAUTH_CLIENT_ROTATED, row)
    return NewClient(row, secret)


@transaction.atomic
def revoke_client(*, actor: Actor, client: OAuthClient) -> OAuthClient:
    """All that it was given stops working at once. One that registered itself is a superuser's to revoke.

    Raises Denied, Conflict (revoked already).
    """
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=client.organization_id)
    row = OAuthClient.objects.select_for_update().get(pk=client.pk)
    if row.revoked_at is not None:
        raise Conflict(_("The application is revoked already."), code="already-revoked")
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    record_client(actor, EventName.OAUTH_CLIENT_REVOKED, row)
    return row


def forget_unused_clients() -> int:
    """Those that registered themselves a day ago, and that nobody has let do anything. How many went."""
    before = timezone.now() - UNUSED_LIFETIME
    unused = OAuthClient.objects.filter(organization=None, created_at__lt=before, consents=None, devices=None)
    numbers = list(unused.values_list("pk", flat=True)[:1000])
    return OAuthClient.objects.filter(pk__in=numbers, consents=None, devices=None).delete()[0]


def record_client(
    actor: Actor, event: EventName, row: OAuthClient, event_id: str | None = None, **facts: object
) -> None:
    """A step: one event in the log of the organization that made it, else in the system's."""
    audit.record(
        actor,
        event,
        Resource("oauth_client", row.pk, f"{row.name} ({row.client_id})"),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )


def _require_maker(actor: Actor, organization_id: int | None) -> None:
    """As for API keys: what lasts is not made by what ends with a certificate or a consent."""
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=organization_id)
    if actor.kind in (ActorKind.SERVICE_ACCOUNT, ActorKind.OAUTH_CLIENT):
        raise Denied(_("Applications are made by people, or by API keys."), code="not-with-this-credential")


def _new_id() -> str:
    return "cm_client_" + secrets.token_hex(16)


def _require_room(ip: str | None) -> None:
    recent = OAuthClient.objects.filter(organization=None, created_at__gt=timezone.now() - _WINDOW)
    networks = [network_of(each) for each in recent.values_list("registered_from", flat=True)[:_MOST_OF_ALL]]
    if len(networks) >= _MOST_OF_ALL or networks.count(network_of(ip)) >= _MOST_OF_ADDRESS:
        text = _("Too many applications have been registered lately.")
        raise TooMany(text, retry_after=int(_WINDOW.total_seconds()))


def _redirect_errors(uris: Sequence[str]) -> list[FieldError]:
    if not uris:
        return [field_error("redirect_uris", "required", _("Name at least one address."))]
    if len(uris) > _MOST_REDIRECTS:
        return [field_error("redirect_uris", "too-many", _("At most %(most)s addresses."), most=_MOST_REDIRECTS)]
    text = _("An address begins with https://, or leads to this machine (http://127.0.0.1/…), and is written in full.")
    return [
        field_error(f"redirect_uris[{index}]", "invalid-redirect", text)
        for index, uri in enumerate(uris)
        if not redirects.is_acceptable(uri)
    ]
