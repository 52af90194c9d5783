"""Service accounts: machines that act for an organization under a name of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy
from accounts.features import require_feature
from accounts.grants import GrantOrder
from accounts.models import Organization, ServiceAccount, User
from accounts.services.grants import add_grants, orders_of, told
from accounts.services.rights import only_for_oneself, read_rights, require_licensed, require_no_more_than
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, FieldError, Invalid
from kernel.features import Feature
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.text import _

_LONGEST_NAME = 120
_LONGEST_DESCRIPTION = 1000


@transaction.atomic
def create_service_account(
    *,
    actor: Actor,
    organization: Organization,
    owner: User,
    name: str,
    description: str = "",
    permissions: Iterable[str] = (),
    grants: Sequence[GrantOrder] | None = None,
    needs_policy: bool = False,
) -> ServiceAccount:
    """An account with a subset of its owner's permissions, or with grants at single CAs and nothing elsewhere. Where it
    needs an issuance policy, nothing is issued for it before it has one.

    Raises Denied (also for a permission that the actor lacks, and for actors that are no persons), Conflict
    (the name is taken), Unlicensed, Invalid with every wrong field.
    """
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=organization.pk)
    require_feature(organization, Feature.SERVICE_ACCOUNTS)
    require_licensed(grants, organization)
    _require_person(actor)
    wanted, errors = read_rights(permissions, grants, organization)
    errors += _text_errors(name, description)
    errors += only_for_oneself(wanted, owner, actor.doer_id)
    if errors:
        raise Invalid(errors=errors)
    require_no_more_than(actor, organization, owner, wanted)
    row = ServiceAccount(
        organization=organization,
        owner=owner,
        maker_id=actor.doer_id,
        name=name.strip(),
        description=description.strip(),
        needs_policy=needs_policy,
        event=audit.new_event_id(),
    )
    _save_once(row)
    rights = _give(row, wanted, grants)
    row.save(update_fields=["permissions", "is_per_ca"])
    _record(actor, EventName.SERVICE_ACCOUNT_CREATED, row, row.event, **rights, owner=owner.pk, maker=actor.doer_id)
    return row


@transaction.atomic
def update_service_account(
    *,
    actor: Actor,
    account: ServiceAccount,
    name: str | None = None,
    description: str | None = None,
    permissions: Iterable[str] | None = None,
    grants: Sequence[GrantOrder] | None = None,
) -> ServiceAccount:
    """What is None stays. New permissions take the place of all that it might do before, and so do new grants.

    Whoever gives rights can give only those that they and the owner have. Raises Denied, Conflict, Unlicensed, Invalid.
    """
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=account.organization_id)
    _require_person(actor)
    row = _lock(account)
    require_licensed(grants, row.organization)
    row.name = row.name if name is None else name.strip()
    row.description = row.description if description is None else description.strip()
    errors = _text_errors(row.name, row.description)
    facts: dict[str, object] = {}
    if permissions is not None or grants is not None:
        wanted, wrong = read_rights(permissions or (), grants, row.organization)
        errors += wrong + only_for_oneself(wanted, row.owner, actor.doer_id)
        if not errors:
            require_no_more_than(actor, row.organization, row.owner, wanted)
            facts = _give(row, wanted, grants)
    if errors:
        raise Invalid(errors=errors)
    _save_once(row)
    _record(actor, EventName.SERVICE_ACCOUNT_UPDATED, row, None, description=row.description, **facts)
    return row


@transaction.atomic
def disable_service_account(*, actor: Actor, account: ServiceAccount) -> ServiceAccount:
    """It stops working at once, whatever it signs in with. Raises Denied, Conflict (it is disabled already)."""
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=account.organization_id)
    row = _lock(account)
    if not row.is_active:
        raise Conflict(_("The service account is disabled already."), code="already-disabled")
    row.is_active = False
    row.save(update_fields=["is_active"])
    _record(actor, EventName.SERVICE_ACCOUNT_DISABLED, row)
    return row


@transaction.atomic
def enable_service_account(*, actor: Actor, account: ServiceAccount) -> ServiceAccount:
    """It works again, for an actor who might make it as it is. Raises Denied, Conflict (it is active, or closed)."""
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=account.organization_id)
    _require_person(actor)
    row = _lock(account)
    if row.is_active:
        raise Conflict(_("The service account is active."), code="already-enabled")
    if row.closed_at is not None:
        raise Conflict(_("This service account is closed for good."), code="service-account-closed")
    grants = orders_of(row) if row.is_per_ca else None
    wanted, _errors = read_rights(row.permissions, grants, row.organization)
    require_no_more_than(actor, row.organization, row.owner, wanted)
    row.is_active = True
    row.save(update_fields=["is_active"])
    _record(actor, EventName.SERVICE_ACCOUNT_ENABLED, row)
    return row


@transaction.atomic
def close_service_account(*, actor: Actor, account: ServiceAccount) -> ServiceAccount:
    """It stops working at once, and for good. What it has done stays under its name. Raises Denied, Conflict."""
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=account.organization_id)
    row = _lock(account)
    if row.closed_at is not None:
        raise Conflict(_("This service account is closed for good."), code="service-account-closed")
    row.is_active, row.closed_at = False, timezone.now()
    row.save(update_fields=["is_active", "closed_at"])
    _record(actor, EventName.SERVICE_ACCOUNT_CLOSED, row)
    return row


def _require_person(actor: Actor) -> None:
    """What lasts is not made by what may have ended tomorrow."""
    if actor.kind not in (ActorKind.USER, ActorKind.CONSOLE):
        raise Denied(_("Service accounts are made and changed by people."), code="not-with-this-credential")


def _lock(account: ServiceAccount) -> ServiceAccount:
    rows = ServiceAccount.objects.select_for_update(of=("self",)).select_related("organization", "owner")
    return rows.get(pk=account.pk)


def _give(row: ServiceAccount, wanted: set[Permission], grants: Sequence[GrantOrder] | None) -> dict[str, object]:
    """The rights of the account, in the place of all that it had; returned as the audit log keeps them."""
    row.grants.all().delete()
    row.permissions, row.is_per_ca = (sorted(wanted), False) if grants is None else ([], True)
    add_grants(grants or (), to=row)
    return {"permissions": row.permissions} if grants is None else {"grants": told(grants)}


def _text_errors(name: str, description: str) -> list[FieldError]:
    return [
        *text_errors("name", name, longest=_LONGEST_NAME, required=True),
        *text_errors("description", description, longest=_LONGEST_DESCRIPTION),
    ]


def _save_once(row: ServiceAccount) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        text = _("A service account named %(name)s exists already.")
        raise Conflict(text, code="service-account-exists", name=row.name) from error


def _record(actor: Actor, event: EventName, row: ServiceAccount, event_id: str | None = None, **facts: object) -> None:
    audit.record(
        actor,
        event,
        Resource("service_account", row.pk, row.name),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )
