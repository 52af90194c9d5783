"""What service accounts may have issued, beside their permissions and the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from django.db import transaction

from accounts import policy
from accounts.models import IssuancePolicy, ServiceAccount
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor, ActorKind
from kernel.errors import Denied, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.text import _

CERTIFICATE_TYPES: Final = ("server", "client", "dual_purpose", "ca")
LONGEST_VALIDITY_DAYS: Final = 36_500
_LONGEST_PATTERN: Final = 255
_MOST_PATTERNS: Final = 200
_TEXTS: Final = ("cn_patterns", "san_dns_patterns", "san_ip_cidrs", "san_email_domains")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOrder:
    """All that is to be allowed. In patterns, `*` is anything and `?` is one character."""

    max_validity_days: int
    cn_patterns: Sequence[str] = ()
    san_dns_patterns: Sequence[str] = ()
    san_ip_cidrs: Sequence[str] = ()
    san_email_domains: Sequence[str] = ()
    allowed_ca_ids: Sequence[int] = ()
    allowed_certificate_types: Sequence[str] = ()


@transaction.atomic
def set_issuance_policy(*, actor: Actor, account: ServiceAccount, order: PolicyOrder) -> IssuancePolicy:
    """This is what the account may have issued from now on, and nothing else, whatever it signs in with.

    A number of a CA that is not its organization's allows nothing. Raises Denied (also for actors that are no persons),
    Invalid.
    """
    _require_person(actor, account)
    if errors := _errors(order):
        raise Invalid(errors=errors)
    locked = ServiceAccount.objects.select_for_update(of=("self",)).get(pk=account.pk)
    locked.needs_policy = True
    locked.save(update_fields=["needs_policy"])
    row = IssuancePolicy.objects.filter(service_account=locked).first() or IssuancePolicy(
        organization_id=locked.organization_id, service_account=locked
    )
    facts = _facts(order)
    for name, value in facts.items():
        setattr(row, name, value)
    row.event = audit.new_event_id()
    row.save()
    _record(actor, EventName.ISSUANCE_POLICY_SET, row, event_id=row.event, **facts)
    return row


@transaction.atomic
def remove_issuance_policy(*, actor: Actor, issuance_policy: IssuancePolicy) -> None:
    """The account has nothing issued any more. Raises Denied."""
    _require_person(actor, issuance_policy.service_account)
    _record(actor, EventName.ISSUANCE_POLICY_REMOVED, issuance_policy)
    issuance_policy.delete()


def policy_of(actor: Actor) -> IssuancePolicy | None:
    """What limits everything that is issued for this actor; None where nothing does.

    Raises Denied: it is a service account that needs a policy, and has none.
    """
    if actor.kind is not ActorKind.SERVICE_ACCOUNT:
        return None
    account = ServiceAccount.objects.select_related("policy").get(pk=actor.id)
    found: IssuancePolicy | None = getattr(account, "policy", None)
    if found is None and account.needs_policy:
        text = _("The service account %(name)s has no issuance policy, so nothing is issued for it.")
        raise Denied(text, code="service-account-has-no-policy", name=account.name)
    return found


def _require_person(actor: Actor, account: ServiceAccount) -> None:
    policy.require(actor, Permission.API_KEYS_WRITE, organization_id=account.organization_id)
    if actor.kind not in (ActorKind.USER, ActorKind.CONSOLE):
        raise Denied(_("Service accounts are made and changed by people."), code="not-with-this-credential")


def _errors(order: PolicyOrder) -> list[FieldError]:
    errors = [error for name in _TEXTS for error in _text_errors(name, getattr(order, name))]
    errors += [
        field_error(f"san_ip_cidrs[{index}]", "invalid", _("This is no range of addresses such as 10.0.0.0/8."))
        for index, value in enumerate(order.san_ip_cidrs)
        if not _is_network(value)
    ]
    known = ", ".join(CERTIFICATE_TYPES)
    errors += [
        field_error(f"allowed_certificate_types[{index}]", "unknown-value", _("Known are %(known)s."), known=known)
        for index, value in enumerate(order.allowed_certificate_types)
        if value not in CERTIFICATE_TYPES
    ]
    if not 0 < order.max_validity_days <= LONGEST_VALIDITY_DAYS:
        text = _("From 1 to %(most)s days.")
        errors.append(field_error("max_validity_days", "out-of-range", text, most=LONGEST_VALIDITY_DAYS))
    return errors


def _text_errors(name: str, values: Sequence[str]) -> list[FieldError]:
    if len(values) > _MOST_PATTERNS:
        return [field_error(name, "too-many", _("At most %(most)s."), most=_MOST_PATTERNS)]
    return [
        error
        for index, value in enumerate(values)
        for error in text_errors(f"{name}[{index}]", value, longest=_LONGEST_PATTERN, required=True)
    ]


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _facts(order: PolicyOrder) -> dict[str, Any]:
    lists = {name: list(getattr(order, name)) for name in (*_TEXTS, "allowed_ca_ids", "allowed_certificate_types")}
    return lists | {"max_validity_days": order.max_validity_days}


def _record(
    actor: Actor, event: EventName, row: IssuancePolicy, *, event_id: str | None = None, **facts: object
) -> None:
    audit.record(
        actor,
        event,
        Resource("issuance_policy", row.pk, row.service_account.name),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )
