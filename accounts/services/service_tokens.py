"""Tokens that service accounts sign in with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import policy, tokens
from accounts.models import ServiceAccount, ServiceAccountToken
from accounts.program_tokens import mint_service_token, service_token_prefix
from accounts.services.credentials import digest_key
from accounts.services.service_logins import require_binder, signed_in
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid, Unauthenticated, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

_LONGEST_NAME: Final = 120
_LAST_USE_RESOLUTION: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewServiceToken:
    """The row, and the token, which is shown once."""

    row: ServiceAccountToken
    token: Secret


@transaction.atomic
def create_service_token(
    *, actor: Actor, account: ServiceAccount, name: str = "", expires_at: datetime | None = None
) -> NewServiceToken:
    """From now on this token speaks for the account, which needs an issuance policy to have anything issued.

    Raises Denied (also for actors that are no persons, and where the account can do more than the actor), Conflict (it
    is disabled), Invalid.
    """
    require_binder(actor, account)
    errors = text_errors("name", name.strip(), longest=_LONGEST_NAME)
    if expires_at is not None and expires_at <= timezone.now():
        errors.append(field_error("expires_at", "past", _("This moment is over.")))
    if errors:
        raise Invalid(errors=errors)
    locked = ServiceAccount.objects.select_for_update(of=("self",)).get(pk=account.pk)
    if not locked.is_active:
        raise Conflict(_("The service account is disabled already."), code="already-disabled")
    locked.needs_policy = True
    locked.save(update_fields=["needs_policy"])
    minted = mint_service_token()
    row = ServiceAccountToken.objects.create(
        organization_id=locked.organization_id,
        service_account=locked,
        maker_id=actor.doer_id,
        name=name.strip(),
        prefix=minted.prefix,
        digest=tokens.digest(minted.token, digest_key()),
        expires_at=expires_at,
        event=audit.new_event_id(),
    )
    _record(actor, EventName.SERVICE_ACCOUNT_TOKEN_CREATED, row, event_id=row.event, expires_at=expires_at)
    return NewServiceToken(row, minted.token)


@transaction.atomic
def revoke_service_token(*, actor: Actor, token: ServiceAccountToken) -> ServiceAccountToken:
    """It is refused from now on. Raises Denied, Conflict (it is revoked)."""
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=token.organization_id)
    row = ServiceAccountToken.objects.select_for_update(of=("self",)).select_related("service_account").get(pk=token.pk)
    if row.revoked_at is not None:
        raise Conflict(_("The token is revoked already."), code="already-revoked")
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    _record(actor, EventName.SERVICE_ACCOUNT_TOKEN_REVOKED, row)
    return row


def authenticate_service_token(token: Secret, *, ip: str | None, trace_id: str = "") -> Actor:
    """The service account that the token speaks for. Raises Unauthenticated, always with the same words."""
    prefix = service_token_prefix(token)
    row = ServiceAccountToken.objects.filter(prefix=prefix).first() if prefix is not None else None
    if row is None or not tokens.matches(token, digest_key(), bytes(row.digest)) or not row.is_good:
        raise Unauthenticated(_("Could not validate credentials"), code="invalid-token")
    _note_use(row, timezone.now(), ip)
    return signed_in(row.service_account_id, maker_id=row.maker_id, ip=ip, trace_id=trace_id)


def _note_use(row: ServiceAccountToken, now: datetime, ip: str | None) -> None:
    if row.last_used_at is None or now - row.last_used_at > _LAST_USE_RESOLUTION:
        ServiceAccountToken.objects.filter(pk=row.pk).update(last_used_at=now, last_used_ip=ip)


def _record(
    actor: Actor, event: EventName, row: ServiceAccountToken, *, event_id: str | None = None, **facts: object
) -> None:
    audit.record(
        actor,
        event,
        Resource("service_account_token", row.pk, row.name),
        organization_id=row.organization_id,
        event_id=event_id,
        service_account=row.service_account.name,
        prefix=row.prefix,
        **facts,
    )
