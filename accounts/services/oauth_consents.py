"""What people let applications do: given, refused to a device, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import oauth_scopes, policy, tokens
from accounts.grants import GrantOrder, permissions_of
from accounts.models import OAuthClient, OAuthConsent, OAuthConsentCa, OAuthDevice, OAuthToken
from accounts.services.credentials import digest_key
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

CODE_LIFETIME: Final = timedelta(seconds=60)
REFRESH_LIFETIME: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentOrder:
    """What a person said yes to. `grants` is None where it is all that the scopes allow in the organization."""

    client: OAuthClient
    scopes: Sequence[str]
    resource: str
    grants: Sequence[GrantOrder] | None


@transaction.atomic
def give_consent(*, actor: Actor, order: ConsentOrder, redirect_uri: str, challenge: str) -> Secret:
    """The code that is sent to the application, good for a minute and once, for whoever knows what hashes to the
    challenge.

    Raises Denied (no person in an organization; an application of another one; more than the person may do), Invalid.
    """
    consent = _new_consent(actor, order)
    code = tokens.mint("cm_code").token
    OAuthToken.objects.create(
        organization_id=consent.organization_id,
        consent=consent,
        kind=OAuthToken.Kind.CODE,
        digest=tokens.digest(code, digest_key()),
        scopes=consent.scopes,
        resource=consent.resource,
        redirect_uri=redirect_uri,
        challenge=challenge,
        expires_at=timezone.now() + CODE_LIFETIME,
    )
    _record_given(actor, consent)
    return code


@transaction.atomic
def give_consent_to_device(*, actor: Actor, order: ConsentOrder, user_code: str) -> OAuthConsent:
    """The device gets its tokens when it asks the next time. Raises as `give_consent`; NotFound (no such code)."""
    device = _lock_device(user_code)
    if device.client_id != order.client.pk:
        raise _no_such_device()
    consent = _new_consent(actor, order)
    device.consent = consent
    device.save(update_fields=["consent"])
    _record_given(actor, consent, to_device=True)
    return consent


@transaction.atomic
def refuse_device(*, actor: Actor, user_code: str) -> OAuthDevice:
    """The device is told so when it asks the next time. Raises NotFound (no such code)."""
    device = _lock_device(user_code)
    device.denied_at = timezone.now()
    device.save(update_fields=["denied_at"])
    resource = Resource("oauth_client", device.client_id, device.client.name)
    audit.record(actor, EventName.OAUTH_DEVICE_REFUSED, resource, organization_id=actor.organization_id)
    return device


@transaction.atomic
def withdraw_consent(*, actor: Actor, consent: OAuthConsent) -> OAuthConsent:
    """All that the application was given by it stops working at once. The person may, and who may revoke API keys.

    Raises Denied, Conflict (withdrawn already).
    """
    is_own = actor.kind is ActorKind.USER and actor.id == consent.user_id
    if not is_own:
        policy.require(actor, Permission.API_KEYS_WRITE, organization_id=consent.organization_id)
    row = OAuthConsent.objects.select_for_update().get(pk=consent.pk)
    if row.revoked_at is not None:
        raise Conflict(_("The consent is withdrawn already."), code="already-revoked")
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    record_consent(actor, EventName.OAUTH_CONSENT_WITHDRAWN, row, {})
    return row


def waiting_device(user_code: str) -> OAuthDevice:
    """The device that shows this code, and waits. Raises NotFound."""
    row = OAuthDevice.objects.select_related("client").filter(user_digest=_user_digest(user_code)).first()
    if row is None or not _is_waiting(row):
        raise _no_such_device()
    return row


def record_consent(
    actor: Actor, event: EventName, row: OAuthConsent, facts: Mapping[str, object], event_id: str | None = None
) -> None:
    """A step."""
    audit.record(
        actor,
        event,
        Resource("oauth_consent", row.pk, f"{row.client.name} · {row.user.email}"),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )


def _new_consent(actor: Actor, order: ConsentOrder) -> OAuthConsent:
    if actor.kind is not ActorKind.USER or actor.organization_id is None:
        raise Denied(_("Only a person can let an application act, in an organization."))
    client = OAuthClient.objects.select_for_update().get(pk=order.client.pk)
    if client.revoked_at is not None or client.organization_id not in (None, actor.organization_id):
        raise Denied(_("This application is not for you."))
    asked = oauth_scopes.permissions_of(order.scopes)
    given = asked if order.grants is None else frozenset().union(*(permissions_of(each) for each in order.grants))
    if not given & asked & actor.permissions:
        raise Invalid.of("grants", "required", _("Choose at least one CA, or cancel."))
    consent = OAuthConsent.objects.create(
        organization_id=actor.organization_id,
        client=client,
        user_id=actor.id,
        maker_id=actor.maker_id,
        scopes=list(order.scopes),
        is_per_ca=order.grants is not None,
        resource=order.resource,
        expires_at=timezone.now() + REFRESH_LIFETIME,
        event=audit.new_event_id(),
    )
    OAuthConsentCa.objects.bulk_create(
        OAuthConsentCa(
            organization_id=consent.organization_id,
            consent=consent,
            ca_id=each.ca_id,
            can_read=each.can_read,
            can_issue=each.can_issue,
            can_revoke=each.can_revoke,
        )
        for each in order.grants or ()
    )
    return consent


def _record_given(actor: Actor, consent: OAuthConsent, *, to_device: bool = False) -> None:
    rights = {
        str(each.ca_id): [tick for tick in oauth_scopes.TICKS if getattr(each, tick)] for each in consent.cas.all()
    }
    facts = {
        "client": consent.client.client_id,
        "scopes": consent.scopes,
        "cas": rights if consent.is_per_ca else None,
        "target": consent.resource,
        "to_device": to_device,
    }
    record_consent(actor, EventName.OAUTH_CONSENT_GIVEN, consent, facts, event_id=consent.event)


def _lock_device(user_code: str) -> OAuthDevice:
    row = OAuthDevice.objects.select_for_update().filter(user_digest=_user_digest(user_code)).first()
    if row is None or not _is_waiting(row):
        raise _no_such_device()
    return row


def _is_waiting(row: OAuthDevice) -> bool:
    return row.consent_id is None and row.denied_at is None and row.expires_at > timezone.now()


def _user_digest(user_code: str) -> bytes:
    """However it is typed: small letters, with or without its hyphen."""
    plain = "".join(sign for sign in user_code.upper() if sign.isascii() and sign.isalnum())
    return tokens.digest(Secret(plain), digest_key())


def _no_such_device() -> NotFound:
    return NotFound(_("No device shows this code, or no longer."), code="device-not-found")
