"""Who has to agree before something is signed, and to what exactly they have agreed.

The strictest counts: each of CA, role and template that asks for approvals must get as many as it asks for, from the
people it asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from accounts.models import Membership, User
from accounts.services.people import member_permissions
from audit.canonical import canonical_bytes
from cas.core.general_names import general_name_text, kind_of
from cas.core.keys import algorithm_of, public_key_sha256
from cas.core.leaf import LeafPlan
from cas.core.names import format_name
from cas.core.plan import lifetime_of
from cas.models import CertificateAuthority, Role, Template
from certificates.models import Certificate, Request
from kernel.errors import Conflict, Denied
from kernel.permissions import Permission
from kernel.text import _


@dataclass(frozen=True, slots=True)
class Demand:
    """So many approvals by people who have this role in the organization; by any approver where it is empty."""

    approvals: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """What was agreed to: the digest of a plan; of one with any key, where a renewal inherits it."""

    digest: str
    any_key: bool = False

    def covers(self, plan: LeafPlan, template: Template, *, made_here: bool) -> bool:
        """Whether this plan is what was agreed to."""
        return digest_of(facts_of(plan, template, made_here=made_here, any_key=self.any_key)) == self.digest


def demands_of(template: Template, ca: CertificateAuthority | None = None) -> tuple[Demand, ...]:
    """What CA, role and template ask for; nothing where none of them does. `ca`: its CA, read anew."""
    holders = [holder for holder in (ca or template.ca, template.role, template) if holder.requires_approval]
    return tuple(dict.fromkeys(Demand(holder.approvals_needed, holder.approver_role) for holder in holders))


def written(demands: Iterable[Demand]) -> list[dict[str, Any]]:
    """As a request keeps them."""
    return [asdict(demand) for demand in demands]


def read(request: Request) -> tuple[Demand, ...]:
    """What CA, role and template asked for when the request was made."""
    return tuple(Demand(**document) for document in request.demands)


def unmet(demands: Iterable[Demand], approvers: Collection[int], organization_id: int) -> list[Demand]:
    """The demands for which these people are not enough, by what they may do and which roles they have now."""
    members = _deciders(approvers, organization_id)
    return [
        demand
        for demand in demands
        if sum(_has_role(membership, demand.role) for membership in members) < demand.approvals
    ]


def may_count(demands: Iterable[Demand], person: User, organization_id: int) -> bool:
    """Whether a decision of this person counts for any of the demands."""
    members = _deciders([person.pk], organization_id)
    return any(_has_role(membership, demand.role) for membership in members for demand in demands)


def facts_of(plan: LeafPlan, template: Template, *, made_here: bool, any_key: bool = False) -> dict[str, Any]:
    """Everything that would be signed, and the rules it stands under: what people agree to.

    A key that is made here does not exist yet when people decide, so of that one only the kind counts. `any_key`: of
    every key only the kind, and whether it is made here.
    """
    public_key = plan.public_key
    return {
        "profile": template.profile_id,
        "ca": template.ca_id,
        "subject": format_name(plan.subject),
        "sans": [[kind_of(san).value, general_name_text(san)] for san in plan.sans],
        "key_algorithm": algorithm_of(public_key).value,
        "key": None if made_here or any_key else public_key_sha256(public_key),
        "made_here": made_here,
        "validity": int(lifetime_of(plan).total_seconds()),
        "key_usage": sorted(plan.key_usage),
        "extended_key_usage": sorted(oid.dotted_string for oid in plan.extended_key_usage),
        "certificate_policies": sorted(oid.dotted_string for oid in plan.certificate_policies),
    }


def digest_of(facts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the canonical JSON of what would be signed."""
    return sha256(canonical_bytes(facts)).hexdigest()


def require_approved(
    plan: LeafPlan, template: Template, ca: CertificateAuthority, *, made_here: bool, approval: Approval | None
) -> None:
    """Raises Denied where an approval is missing, Conflict where what was approved is not what would be signed."""
    if approval is not None:
        if approval.covers(plan, template, made_here=made_here):
            return
        if not approval.any_key:
            raise Conflict(_("Voided: this is not what was approved."), code="approval-void")
    # A renewal that inherits nothing is an issuance like any other.
    require_no_approval(template, ca)


def require_no_approval(template: Template, ca: CertificateAuthority | None = None) -> None:
    """Raises Denied where CA, role or template ask for an approval."""
    refuse_guarded(template, ca or template.ca, template.role, template)


def refuse_guarded(template: Template, *holders: CertificateAuthority | Role | Template) -> None:
    """Raises Denied where one of these asks for an approval."""
    for holder in holders:
        if holder.requires_approval:
            text = _("%(template)s issues only after an approval, which %(holder)s asks for.")
            raise Denied(text, code="approval-required", template=template.code, holder=str(holder))


def inherits_approval(certificate: Certificate, template: Template) -> Approval | None:
    """The approval that a renewal of this certificate inherits: that of the first in its line of predecessors.

    None where the template does not say so, where it has changed since, or where nobody approved. It covers the same
    names, validity and kind of key, and nothing else: `mint` compares.
    """
    if not template.approval_covers_renewal or certificate.profile_id != template.profile_id:
        return None
    first: Certificate | None = certificate
    while first is not None:
        request = Request.objects.filter(certificate=first).only("renewal_digest", "profile").first()
        if request is not None:
            return Approval(request.renewal_digest, any_key=True)
        first = first.replaces
    return None


def _deciders(people: Collection[int], organization_id: int) -> list[Membership | None]:
    """Those of these people who may decide now, by their membership; superusers may be without one."""
    memberships = {
        row.user_id: row for row in Membership.objects.filter(organization_id=organization_id, user_id__in=people)
    }
    users = User.objects.filter(pk__in=people)
    return [
        memberships.get(user.pk)
        for user in users
        if Permission.REQUESTS_DECIDE in member_permissions(user, memberships.get(user.pk))
    ]


def _has_role(membership: Membership | None, role: str) -> bool:
    """The one place that knows what an approver role is: today, the role of a membership."""
    return not role or (membership is not None and membership.role == role)
