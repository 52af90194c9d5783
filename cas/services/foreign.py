"""CAs whose keys are elsewhere: added for the sake of chains, or certified by a CA of ours."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import policy
from accounts.selectors import get_organization
from audit import services as audit
from audit.events import EventName
from cas import selectors
from cas.core.authority import AuthorityWish
from cas.core.formats import read_certificates
from cas.core.keys import public_key_sha256
from cas.models import CertificateAuthority, IssuedSerial
from cas.orders import AuthorityRequestOrder, AuthorityTerms, ForeignAuthorityOrder
from cas.services.certifying import certify, draft_certificate
from cas.services.founding import insert_authority, keep_ca_certificate, name_errors, policy_errors, reference
from cas.services.outside import (
    FIELD,
    chain_above,
    foreign_name,
    key_of,
    lock_known,
    note_serial,
    register_above,
)
from cas.services.serials import serial_text
from kernel.actor import Actor
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref


@transaction.atomic
def add_foreign_authority(*, actor: Actor, order: ForeignAuthorityOrder) -> CertificateAuthority:
    """A CA from outside, by its certificate, which is the first of those given; those above it are added too.

    Raises NotFound (organization), Denied, Invalid with every reason, Conflict (it is known, the name is taken).
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.CAS_CREATE, organization_id=organization.pk)
    errors = policy_errors(description=order.description) + (name_errors(order.name) if order.name else [])
    if errors:
        raise Invalid(errors=errors)
    certificate, *given = read_certificates(order.certificates, field=FIELD)
    above = chain_above(organization, certificate, given, now=timezone.now())
    lock_known(organization, above)
    terms = AuthorityTerms(
        organization=Ref("pk", organization.pk),
        name=order.name or foreign_name(organization, certificate),
        description=order.description,
        allow_leaf_certificates=False,
    )
    ca = insert_authority(
        terms,
        organization=organization,
        subject=certificate.subject,
        public_key=key_of(certificate),
        key=None,
    )
    issuer = register_above(organization, above, event=ca.event) or ca
    note_serial(issuer, certificate)
    row = keep_ca_certificate(ca, certificate, issuer=issuer)
    audit.record(
        actor,
        EventName.CA_ADDED,
        reference(ca),
        organization_id=organization.pk,
        event_id=ca.event,
        subject=ca.subject,
        issuer=issuer.name if issuer != ca else None,
        fingerprint=row.fingerprint,
        not_after=row.not_after,
    )
    return ca


@transaction.atomic
def sign_authority_request(*, actor: Actor, order: AuthorityRequestOrder) -> CertificateAuthority:
    """Certify somebody else's CA by its CSR; it stands in our books without a key, and is revoked like every other.

    Raises NotFound (the parent), Denied, Invalid with every violation, Conflict (the name is taken), Unavailable (the
    parent cannot sign), WrongPassphrase.
    """
    parent = selectors.get_ca(order.parent, visible_to=actor)
    policy.require(actor, Permission.CAS_CREATE, organization_id=parent.organization_id, ca_id=parent.pk)
    if errors := name_errors(order.name) + policy_errors(description=order.description):
        raise Invalid(errors=errors)
    key = order.csr.public_key
    forbidden = selectors.forbidden_keys([public_key_sha256(key)], organization_id=parent.organization_id)
    draft = draft_certificate(_wish(order), issuer=parent, now=timezone.now(), forbidden_keys=forbidden)
    ca = insert_authority(
        AuthorityTerms(
            organization=Ref("pk", parent.organization_id),
            name=order.name,
            description=order.description,
            allow_leaf_certificates=False,
        ),
        organization=parent.organization,
        subject=draft.plan.subject,
        public_key=key,
        key=None,
    )
    certificate = certify(
        actor, draft, signing_ca=parent, kind=IssuedSerial.Kind.CA, passphrase=order.parent_passphrase
    )
    keep_ca_certificate(ca, certificate, issuer=parent)
    audit.record(
        actor,
        EventName.CA_REQUEST_CERTIFIED,
        reference(ca),
        organization_id=parent.organization_id,
        event_id=ca.event,
        parent=parent.name,
        serial=serial_text(draft.plan.serial),
        subject=ca.subject,
        key_hash=ca.key_hash,
        not_after=draft.plan.not_after,
    )
    return ca


def _wish(order: AuthorityRequestOrder) -> AuthorityWish:
    return AuthorityWish(
        subject=order.csr.subject if order.subject is None else order.subject,
        public_key=order.csr.public_key,
        validity=order.validity,
        may_end_earlier=order.may_end_earlier,
        path_length=order.path_length,
        permitted=order.permitted_names,
        excluded=order.excluded_names,
        extended_key_usage=order.extended_key_usage,
    )
