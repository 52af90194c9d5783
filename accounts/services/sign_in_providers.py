"""OpenID Connect providers through which an organization's people sign in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts import policy, vault
from accounts.features import require_feature
from accounts.issuers import issuer_errors
from accounts.models import ExternalIdentity, Organization, SignInProvider, User
from accounts.roles import ONLY_BY_HAND
from accounts.services.organizations import choose_role, require_no_more_than
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.features import Feature
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

_TABLE: Final = SignInProvider._meta.db_table
_LONGEST: Final = {"name": 80, "client_id": 200, "role_claim": 100}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleTerms:
    """Which roles somebody elsewhere gives: `role_map` has values of the claim `role_claim`, and the role of each.

    `makes_members`: whoever is no member yet becomes one.
    """

    role_claim: str = ""
    role_map: Mapping[str, str] = field(default_factory=dict)
    default_role: str = ""
    makes_members: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOrder(RoleTerms):
    """How people of this provider become members."""

    name: str
    is_listed: bool = False
    is_active: bool = True


@transaction.atomic
def create_sign_in_provider(
    *,
    actor: Actor,
    organization: Organization,
    issuer: str,
    client_id: str,
    client_secret: Secret | None,
    order: ProviderOrder,
) -> SignInProvider:
    """A provider; its secret is sealed and never shown again. The issuer stays what it is.

    Raises Denied, Invalid (also for a role that only an owner gives by hand), Conflict (is there already).
    """
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=organization.pk)
    require_feature(organization, Feature.EXTERNAL_SIGN_IN)
    issuer, client_id = issuer.strip(), client_id.strip()
    errors = [*issuer_errors(issuer)]
    errors += text_errors("client_id", client_id, longest=_LONGEST["client_id"], required=True)
    row = SignInProvider(organization=organization, issuer=issuer, client_id=client_id, event=audit.new_event_id())
    _fill(actor, row, order, errors)
    if client_secret is not None:
        row.sealed_secret = _seal(row, client_secret)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("This provider is configured already."), code="sign-in-provider-exists") from error
    _record(actor, EventName.SIGN_IN_PROVIDER_CREATED, row, event_id=row.event, issuer=issuer)
    return row


@transaction.atomic
def update_sign_in_provider(
    *, actor: Actor, provider: SignInProvider, order: ProviderOrder, client_secret: Secret | None = None
) -> SignInProvider:
    """Everything but issuer and client; the secret where one is given. Out of use, the sessions of whom it knows end.

    Raises Denied, Invalid.
    """
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=provider.organization_id)
    row = SignInProvider.objects.select_for_update().get(pk=provider.pk)
    was_active = row.is_active
    _fill(actor, row, order, [])
    if client_secret is not None:
        row.sealed_secret = _seal(row, client_secret)
    row.save()
    if was_active and not row.is_active:
        _end_sessions_of_its_people(row)
    _record(actor, EventName.SIGN_IN_PROVIDER_UPDATED, row, secret_changed=client_secret is not None)
    return row


@transaction.atomic
def delete_sign_in_provider(*, actor: Actor, provider: SignInProvider) -> None:
    """Nobody signs in through it any more, and who has is out. What is known of its people stays. Raises Denied."""
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=provider.organization_id)
    _end_sessions_of_its_people(provider)
    _record(actor, EventName.SIGN_IN_PROVIDER_DELETED, provider)
    provider.delete()


def client_secret_of(provider: SignInProvider) -> Secret | None:
    """Raises SealBroken."""
    if provider.sealed_secret is None:
        return None
    return vault.open_secret(
        bytes(provider.sealed_secret),
        organization_id=provider.organization_id,
        table=_TABLE,
        row=provider.public_id,
    )


def _end_sessions_of_its_people(provider: SignInProvider) -> None:
    """By whichever way they came in: nobody keeps apart how somebody's sessions began."""
    known = ExternalIdentity.objects.filter(organization_id=provider.organization_id, issuer=provider.issuer)
    people = User.objects.filter(pk__in=known.values("user_id"))
    people.update(session_generation=F("session_generation") + 1)


def _seal(row: SignInProvider, secret: Secret) -> bytes:
    return vault.seal_secret(secret, organization_id=row.organization_id, table=_TABLE, row=row.public_id)


def _fill(actor: Actor, row: SignInProvider, order: ProviderOrder, errors: list[FieldError]) -> None:
    """Raises Invalid with these errors and its own, Denied."""
    errors += text_errors("name", order.name, longest=_LONGEST["name"], required=True)
    errors += text_errors("role_claim", order.role_claim, longest=_LONGEST["role_claim"])
    errors += role_errors(actor, row.organization_id, order)
    if errors:
        raise Invalid(errors=errors)
    row.name, row.role_claim = order.name.strip(), order.role_claim.strip()
    row.role_map, row.default_role = dict(order.role_map), order.default_role
    row.makes_members, row.is_listed, row.is_active = order.makes_members, order.is_listed, order.is_active


def role_errors(actor: Actor, organization_id: int, terms: RoleTerms) -> list[FieldError]:
    """What is wrong with the roles that somebody elsewhere is to give.

    Raises Denied (one allows more than the actor may).
    """
    errors = []
    if terms.role_map and not terms.role_claim.strip():
        errors.append(field_error("role_claim", "required", _("Name the claim whose values stand for roles.")))
    if terms.makes_members and not (terms.role_map or terms.default_role):
        errors.append(field_error("default_role", "required", _("Say which role somebody new gets.")))
    named = {"default_role": terms.default_role} if terms.default_role else {}
    named |= {f"role_map.{value}": role for value, role in terms.role_map.items()}
    return errors + [
        error for place, role in named.items() for error in _role_errors(actor, organization_id, place, role)
    ]


def _role_errors(actor: Actor, organization_id: int, place: str, role: str) -> list[FieldError]:
    try:
        permissions = choose_role(organization_id, role, field=place).permissions
    except Invalid as error:
        return list(error.errors)
    require_no_more_than(actor, permissions)
    if permissions & ONLY_BY_HAND:
        text = _("The role %(role)s is given by an owner, to somebody named; no provider gives it.")
        return [field_error(place, "only-by-hand", text, role=role)]
    return []


def _record(actor: Actor, event: EventName, row: SignInProvider, event_id: str | None = None, **facts: object) -> None:
    audit.record(
        actor,
        event,
        Resource("sign_in_provider", row.pk, row.name),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )
