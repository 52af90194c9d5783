"""One CA goes on where another ends: the two overlap, and the old one answers for what it signed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cryptography import x509
from django.db import transaction
from django.utils import timezone

from accounts import policy
from audit import services as audit
from audit.events import EventName
from cas.chains import chain_of
from cas.core.keys import KeyAlgorithm
from cas.core.reading import path_length
from cas.models import CertificateAuthority, Role, Template
from cas.orders import AuthorityOrder, PendingAuthorityOrder, SuccessorOrder
from cas.services import profiles
from cas.services.authorities import create_authority
from cas.services.ca_certificates import until
from cas.services.certifying import limits_of
from cas.services.founding import reference
from cas.services.pending import create_pending_authority
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _


def create_successor(*, actor: Actor, ca: CertificateAuthority, order: SuccessorOrder) -> CertificateAuthority:
    """A CA like this one, with a key of its own: below the same parent, within the same limits, on the same terms.

    Its subject may be the same, for the key tells the two apart. Where the parent's key is not here, it is pending.
    Raises Denied, Invalid, Conflict (the name is taken; the CA has no key here), Unavailable (the parent cannot sign).
    """
    policy.require(actor, Permission.CAS_CREATE, organization_id=ca.organization_id, ca_id=ca.pk)
    if not ca.has_key:
        raise Conflict(_("The key of %(ca)s is not kept here."), code="ca-without-key", ca=ca.name)
    if ca.passphrase_protected and order.passphrase is None:
        text = _("%(ca)s is behind a passphrase, so its successor needs one, too.")
        raise Invalid.of("passphrase", "required", text, ca=ca.name)
    known, *above = chain_of(ca).certificates
    terms = _terms(ca, order, known)
    if ca.parent is not None and not ca.parent.has_key:
        return create_pending_authority(actor=actor, order=PendingAuthorityOrder(**terms), predecessor=ca)
    limits = limits_of(known)
    full = AuthorityOrder(
        **terms,
        parent=Ref("pk", ca.parent_id) if ca.parent_id else None,
        validity=order.validity or _lifetime(known, above),
        path_length=path_length(known),
        permitted_names=limits.permitted,
        excluded_names=limits.excluded,
        extended_key_usage=limits.extended_key_usage,
        parent_passphrase=order.parent_passphrase,
    )
    return create_authority(actor=actor, order=full, predecessor=ca)


@transaction.atomic
def move_templates(*, actor: Actor, source: CertificateAuthority, target: CertificateAuthority) -> list[Template]:
    """All roles and templates of a CA issue under its successor from now on, under their names; what they say stays.

    Raises Denied, Conflict (the target is not a successor of the source), Invalid.
    """
    for ca in (source, target):
        for permission in (Permission.ROLES_WRITE, Permission.TEMPLATES_WRITE):
            policy.require(actor, permission, organization_id=ca.organization_id, ca_id=ca.pk)
    _require_successor(source, target)
    Role.objects.filter(ca=source, retired_at__isnull=True).update(ca=target)
    moved = []
    rows = Template.objects.select_for_update(of=("self",)).select_related("organization", "role")
    for template in rows.filter(ca=source, retired_at__isnull=True).order_by("pk"):
        template.ca, template.version = target, template.version + 1
        template.save(update_fields=["ca", "version", "updated_at"])
        profiles.keep_profile(template)
        moved.append(template)
    audit.record(
        actor,
        EventName.CA_TEMPLATES_MOVED,
        reference(source),
        organization_id=source.organization_id,
        successor=target.name,
        templates=[template.code for template in moved],
    )
    return moved


def _terms(ca: CertificateAuthority, order: SuccessorOrder, known: x509.Certificate) -> dict[str, Any]:
    return {
        "organization": Ref("pk", ca.organization_id),
        "name": order.name,
        "description": ca.description,
        "subject": known.subject if order.subject is None else order.subject,
        "key_algorithm": order.key_algorithm or KeyAlgorithm(ca.key_algorithm),
        "key_backend": order.key_backend or (ca.key.backend if ca.key else "sealed"),
        "passphrase": order.passphrase,
        "base_url": ca.base_url,
        "allow_leaf_certificates": ca.allow_leaf_certificates,
        "requires_approval": ca.requires_approval,
        "approver_role": ca.approver_role,
        "approvals_needed": ca.approvals_needed,
        "crl_lifetime": ca.crl_lifetime,
        "crl_shards": ca.crl_shards,
    }


def _lifetime(known: x509.Certificate, above: list[x509.Certificate]) -> timedelta:
    """As long as the one before it, or as those above it last."""
    lifetime = known.not_valid_after_utc - known.not_valid_before_utc + timedelta(seconds=1)
    ends = [until(each.not_valid_after_utc, timezone.now()) for each in above]
    return min([lifetime, *ends])


def _require_successor(source: CertificateAuthority, target: CertificateAuthority) -> None:
    current = target
    for _step in range(20):
        if current.predecessor is None:
            break
        current = current.predecessor
        if current == source:
            return
    text = _("%(target)s is not a successor of %(source)s.")
    raise Conflict(text, code="not-a-successor", target=target.name, source=source.name)
