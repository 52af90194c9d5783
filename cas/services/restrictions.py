"""What an issuance policy (accounts.services.issuance_policies) says of a certificate that is about to be signed."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

from accounts.services.issuance_policies import policy_of
from cas.core.plan import Plan
from cas.core.restriction import Restriction, violation
from kernel.actor import Actor
from kernel.errors import Invalid, field_error
from kernel.text import _


def restriction_of(actor: Actor) -> Restriction | None:
    """What may be certified for this actor; None: whatever its permissions and the templates allow.

    Raises Denied: it needs an issuance policy and has none, so nothing may.
    """
    row = policy_of(actor)
    if row is None:
        return None
    return Restriction(
        certificate_types=frozenset(row.allowed_certificate_types),
        ca_ids=frozenset(row.allowed_ca_ids),
        cn_patterns=tuple(row.cn_patterns),
        dns_patterns=tuple(row.san_dns_patterns),
        ip_networks=tuple(ip_network(each) for each in row.san_ip_cidrs),
        email_domains=frozenset(domain.lower() for domain in row.san_email_domains),
        longest=timedelta(days=row.max_validity_days),
    )


def require_allowed(restriction: Restriction | None, plan: Plan, *, ca_id: int | None) -> None:
    """A step: this very certificate may be signed. Raises Invalid, with `field` and `value` of what may not."""
    found = violation(restriction, plan, ca_id=ca_id) if restriction is not None else None
    if found is None:
        return
    text = _("The issuance policy does not allow %(value)s (%(field)s).")
    facts = {"field": found.field, "value": found.value}
    raise Invalid(
        text, code="policy-violation", errors=[field_error(found.field, "policy-violation", text, **facts)], **facts
    )
