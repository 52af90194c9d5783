"""OpenID Connect issuers whose access tokens an organization takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction

from accounts import policy
from accounts.features import require_feature
from accounts.issuers import issuer_errors
from accounts.jwks import ALGORITHMS
from accounts.models import Organization
from accounts.oidc_models import OidcIssuer
from accounts.services.sign_in_providers import RoleTerms, role_errors
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.features import Feature
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.text import _

_LONGEST: Final = {"name": 80, "audience": 300, "role_claim": 100, "email_claim": 100}
DEFAULT_ALGORITHMS: Final = ("RS256", "ES256")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerOrder(RoleTerms):
    """Which tokens are taken, and whom they are about.

    Where neither `role_map` nor `default_role` says anything, members have the role that they have anyway.
    """

    name: str
    audience: str
    algorithms: Sequence[str] = DEFAULT_ALGORITHMS
    email_claim: str = "email"
    is_active: bool = True


@transaction.atomic
def create_oidc_issuer(*, actor: Actor, organization: Organization, issuer: str, order: IssuerOrder) -> OidcIssuer:
    """From now on its tokens are credentials here. The issuer stays what it is; its keys are not fetched yet.

    Raises Denied, Invalid (also for a role that only an owner gives by hand), Conflict (somebody takes tokens of this
    issuer for this audience already: a token has one organization).
    """
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=organization.pk)
    require_feature(organization, Feature.EXTERNAL_SIGN_IN)
    row = OidcIssuer(organization=organization, issuer=issuer.strip(), event=audit.new_event_id())
    _fill(actor, row, order, issuer_errors(row.issuer))
    _save_once(row)
    _record(actor, EventName.OIDC_ISSUER_CREATED, row, event_id=row.event)
    return row


@transaction.atomic
def update_oidc_issuer(*, actor: Actor, issuer: OidcIssuer, order: IssuerOrder) -> OidcIssuer:
    """Everything but the issuer itself. Raises Denied, Invalid, Conflict."""
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=issuer.organization_id)
    row = OidcIssuer.objects.select_for_update().get(pk=issuer.pk)
    _fill(actor, row, order, [])
    _save_once(row)
    _record(actor, EventName.OIDC_ISSUER_UPDATED, row)
    return row


@transaction.atomic
def delete_oidc_issuer(*, actor: Actor, issuer: OidcIssuer) -> None:
    """Its tokens are good no more. Members stay.

    Raises Denied, Conflict (service accounts are bound to it: they are let go first).
    """
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=issuer.organization_id)
    row = OidcIssuer.objects.select_for_update().get(pk=issuer.pk)
    if row.machine_identities.exists():
        text = _("Service accounts sign in through it: remove their identities first.")
        raise Conflict(text, code="oidc-issuer-in-use")
    _record(actor, EventName.OIDC_ISSUER_DELETED, row)
    row.delete()


def _fill(actor: Actor, row: OidcIssuer, order: IssuerOrder, errors: list[FieldError]) -> None:
    """Raises Invalid with these errors and its own, Denied."""
    for name, longest in _LONGEST.items():
        required = name in ("name", "audience")
        errors += text_errors(name, getattr(order, name), longest=longest, required=required)
    errors += _algorithm_errors(order.algorithms)
    errors += role_errors(actor, row.organization_id, order)
    if errors:
        raise Invalid(errors=errors)
    row.name, row.audience = order.name.strip(), order.audience.strip()
    row.algorithms = [name for name in ALGORITHMS if name in order.algorithms]
    row.role_claim, row.email_claim = order.role_claim.strip(), order.email_claim.strip() or "email"
    row.role_map, row.default_role = dict(order.role_map), order.default_role
    row.makes_members, row.is_active = order.makes_members, order.is_active


def _algorithm_errors(algorithms: Sequence[str]) -> list[FieldError]:
    if not algorithms:
        return [field_error("algorithms", "required", _("Name at least one algorithm."))]
    text = _("%(value)s is not among the signatures that are taken: %(known)s.")
    known = ", ".join(ALGORITHMS)
    return [
        field_error(f"algorithms[{index}]", "unsupported-algorithm", text, value=value, known=known)
        for index, value in enumerate(algorithms)
        if value not in ALGORITHMS
    ]


def _save_once(row: OidcIssuer) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        text = _("Tokens of this issuer for this audience are taken already. Choose an audience that is yours alone.")
        raise Conflict(text, code="oidc-issuer-exists") from error


def _record(actor: Actor, event: EventName, row: OidcIssuer, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("oidc_issuer", row.pk, row.name),
        organization_id=row.organization_id,
        event_id=event_id,
        issuer=row.issuer,
        audience=row.audience,
        algorithms=list(row.algorithms),
        roles=dict(row.role_map),
        default_role=row.default_role,
        makes_members=row.makes_members,
        active=row.is_active,
    )
