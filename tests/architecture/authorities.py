"""The calls and the events of services about CAs from elsewhere, and about CAs with several certificates.

What has to be there first is made by services too, and told with the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.x509 import ReasonFlags

from cas.core.csr import read_csr
from cas.core.formats import to_pem
from cas.core.keys import serialize_private_key
from cas.core.names import parse_name
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial, TrustAnchor
from cas.orders import (
    AuthorityImportOrder,
    AuthorityRequestOrder,
    CrossOrder,
    ForeignAuthorityOrder,
    PendingAuthorityOrder,
    SuccessorOrder,
)
from cas.services import imports, pending
from cas.services.anchors import retire_trust_anchor
from cas.services.authorities import create_authority
from cas.services.ca_certificates import cross_certify, prefer_certificate, renew_authority
from cas.services.foreign import add_foreign_authority, sign_authority_request
from cas.services.successors import create_successor, move_templates
from certificates.moving.orders import MovingOrder
from certificates.services import authorities, moving
from certificates.services.ca_certificates import revoke_ca_certificate
from certificates.services.intents import abandon_intents
from certificates.services.validation import validate_certificate
from certificates.validation_orders import ValidationOrder
from kernel.ref import Ref
from tests import elsewhere
from tests.elsewhere import Elsewhere, pem
from tests.office import authority_order
from tests.pki import a_key, make_csr
from tests.trusting import trust

CSR_SIGNED = ["ca.requested", "ca.csr_signed"]
PUBLISHED = ["responder.rotated", "crl.published"]


def _pending(s: Any) -> CertificateAuthority:
    order = PendingAuthorityOrder(
        organization=Ref("pk", s.office.organization.pk), name="Pending", subject=parse_name("CN=Pending")
    )
    return pending.create_pending_authority(actor=s.owner, order=order)


def _certified(s: Any) -> tuple[CertificateAuthority, Elsewhere, bytes]:
    ca, root = _pending(s), elsewhere.root()
    request = pending.sign_authority_csr(actor=s.owner, ca=ca)
    return ca, root, pem(root.certify(request), root.certificate)


def _completed(s: Any) -> tuple[CertificateAuthority, bytes]:
    ca, root, certificates = _certified(s)
    ca = pending.complete_authority(actor=s.owner, ca=ca, certificates=certificates)
    return ca, pem(root.certify(pending.sign_authority_csr(actor=s.owner, ca=ca)))


def _crossed(s: Any) -> CaCertificate:
    """The root, certified by another."""
    order = authority_order(s.office.organization, "Other Root")
    other = create_authority(actor=s.owner, order=order)
    return cross_certify(actor=s.owner, order=CrossOrder(ca=Ref("pk", s.office.root.pk), issuer=Ref("pk", other.pk)))


def _succeeded(s: Any) -> CertificateAuthority:
    return create_successor(actor=s.owner, ca=s.office.issuing, order=SuccessorOrder(name="G2"))


def _import_order(s: Any) -> AuthorityImportOrder:
    old = elsewhere.root()
    return AuthorityImportOrder(
        organization=Ref("pk", s.office.organization.pk),
        name="Imported",
        key_file=serialize_private_key(old.key),
        certificates=pem(*old.chain),
    )


def _import(s: Any) -> object:
    order = _import_order(s)
    return imports.import_authority(actor=s.owner, order=order, file=imports.open_key_file(s.owner, order))


def _add_foreign(s: Any) -> object:
    order = ForeignAuthorityOrder(
        organization=Ref("pk", s.office.organization.pk), certificates=pem(elsewhere.root().certificate)
    )
    return add_foreign_authority(actor=s.owner, order=order)


def _sign_request(s: Any) -> object:
    request = read_csr(make_csr(a_key(number=77), "CN=Partner"))
    order = AuthorityRequestOrder(parent=Ref("pk", s.office.root.pk), name="Partner", csr=request)
    return sign_authority_request(actor=s.owner, order=order)


def _lost_intent(s: Any) -> CertificateAuthority:
    ca: CertificateAuthority = s.office.issuing
    IssuedSerial.objects.create(
        organization=ca.organization,
        ca=ca,
        serial="abc",
        kind="leaf",
        not_after=ca.certificates.get().not_after,
        is_intent=True,
    )
    IssuedSerial.objects.filter(serial="abc").update(created_at=ca.created_at - elsewhere.DAY)
    return ca


def _complete(s: Any, complete: Callable[..., object]) -> None:
    ca, _root, certificates = _certified(s)
    complete(actor=s.owner, ca=ca, certificates=certificates)


def _add_certificate(s: Any) -> None:
    ca, certificates = _completed(s)
    pending.add_authority_certificate(actor=s.owner, ca=ca, certificates=certificates)


def _prefer(s: Any) -> None:
    row = _crossed(s)
    prefer_certificate(actor=s.owner, ca=row.ca, fingerprint=row.fingerprint)


def _revoke_cross(s: Any) -> None:
    row, reason = _crossed(s), ReasonFlags.superseded
    revoke_ca_certificate(actor=s.owner, ca=row.ca, fingerprint=row.fingerprint, reason=reason)


def _trust(s: Any) -> TrustAnchor:
    return trust(s.office)


def _validate(s: Any) -> None:
    certificate = to_pem(s.office.root.preferred_certificate.certificate).encode()
    organization = Ref("pk", s.office.organization.pk)
    validate_certificate(actor=s.owner, order=ValidationOrder(certificate=certificate, organization=organization))


AUTHORITY_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "cas.create_pending_authority": (_pending, ["ca.requested"]),
    "cas.sign_authority_csr": (lambda s: pending.sign_authority_csr(actor=s.owner, ca=_pending(s)), CSR_SIGNED),
    "cas.complete_authority": (lambda s: _complete(s, pending.complete_authority), [*CSR_SIGNED, "ca.completed"]),
    "certificates.complete_authority": (
        lambda s: _complete(s, authorities.complete_authority),
        [*CSR_SIGNED, "ca.completed", *PUBLISHED],
    ),
    "cas.cancel_authority": (
        lambda s: pending.cancel_authority(actor=s.owner, ca=_pending(s)),
        ["ca.requested", "ca.cancelled"],
    ),
    "cas.add_authority_certificate": (
        _add_certificate,
        [*CSR_SIGNED, "ca.completed", "ca.csr_signed", "ca_certificate.added"],
    ),
    "cas.add_foreign_authority": (_add_foreign, ["ca.added"]),
    "certificates.validate_certificate": (_validate, []),
    "cas.sign_authority_request": (_sign_request, ["ca.request_certified"]),
    "cas.import_authority": (_import, ["ca.imported"]),
    "certificates.import_authority": (
        lambda s: authorities.import_authority(actor=s.owner, order=_import_order(s)),
        ["ca.imported", *PUBLISHED],
    ),
    "certificates.move_authority": (
        lambda s: moving.move_authority(actor=s.owner, order=MovingOrder(authority=_import_order(s))),
        ["ca.imported", *PUBLISHED],
    ),
    "certificates.rehearse_moves": (
        lambda s: moving.rehearse_moves(actor=s.owner, orders=[MovingOrder(authority=_import_order(s))]),
        [],
    ),
    "cas.cross_certify": (_crossed, ["ca.created", "ca_certificate.crossed"]),
    "cas.renew_authority": (
        lambda s: renew_authority(actor=s.owner, ca=s.office.root),
        ["ca_certificate.renewed"],
    ),
    "cas.prefer_certificate": (_prefer, ["ca.created", "ca_certificate.crossed", "ca_certificate.preferred"]),
    "certificates.revoke_ca_certificate": (
        _revoke_cross,
        ["ca.created", "ca_certificate.crossed", "ca_certificate.revoked"],
    ),
    "cas.create_successor": (_succeeded, ["ca.created"]),
    "certificates.establish_successor": (
        lambda s: authorities.establish_successor(actor=s.owner, ca=s.office.issuing, order=SuccessorOrder(name="G2")),
        ["ca.created", *PUBLISHED],
    ),
    "cas.move_templates": (
        lambda s: move_templates(actor=s.owner, source=s.office.issuing, target=_succeeded(s)),
        ["ca.created", "ca.templates_moved"],
    ),
    "cas.add_trust_anchors": (_trust, ["trust_anchor.added"]),
    "cas.retire_trust_anchor": (
        lambda s: retire_trust_anchor(actor=s.owner, anchor=_trust(s)),
        ["trust_anchor.added", "trust_anchor.retired"],
    ),
    "certificates.abandon_intents": (
        lambda s: abandon_intents(actor=s.owner, ca=_lost_intent(s)),
        ["intents.abandoned"],
    ),
}
