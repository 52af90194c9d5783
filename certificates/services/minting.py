"""mint(): the one step from an order to a signed row. Every way to a certificate ends here.

lock the CA and those above it -> plan -> draft and lint -> reserve the serial -> sign -> compare and verify -> store
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.x509 import Certificate as X509Certificate
from cryptography.hazmat.primitives.serialization import Encoding

from accounts import vault
from audit import services as audit
from cas import keystore, selectors
from cas.core.csr import CsrFacts
from cas.core.general_names import general_name_text, kind_of
from cas.core.keys import KeyAlgorithm, PublicKey, algorithm_of, generate, public_key_sha256, serialize_private_key
from cas.core.leaf import LeafPlan, LeafWish, plan_leaf
from cas.core.names import common_name, format_name, name_to_mapping
from cas.core.profile import Profile
from cas.core.signing import prepare, sign_certificate
from cas.guards import require_sealed_log
from cas.models import CertificateAuthority, IssuedSerial, Template
from cas.services.serials import new_serial, reserve_serial, serial_text, shard_of
from certificates.models import Certificate, CertificateBody, CertificateName, SubscriberKey
from certificates.orders import IssueOrder, Managed
from kernel.actor import Actor
from kernel.errors import Invalid, Unavailable
from kernel.secret import Secret
from kernel.text import _

log = logging.getLogger(__name__)

SUBSCRIBER_KEY_TABLE = "certificates_subscriberkey"


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """The subject's public key, and the private one (PKCS#8 DER) where we made it."""

    public_key: PublicKey
    private_key: Secret | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that is signed and stored, its chain (issuer first), and its key where it is handed out now."""

    certificate: Certificate
    x509: X509Certificate
    chain: tuple[X509Certificate, ...]
    private_key: Secret | None


def obtain_key(order: IssueOrder, template: Template) -> KeyMaterial:
    """The key that the certificate shall be about. Making an RSA-4096 key takes seconds: call it before a transaction.

    Raises Invalid: the role wants another kind of key, or the order a format that this kind has not.
    """
    if isinstance(order.key, CsrFacts):
        return KeyMaterial(order.key.public_key)
    algorithm = order.key.algorithm or KeyAlgorithm(template.key_algorithm)
    allowed = template.role.key_algorithms
    if allowed and algorithm not in allowed:
        text = _("The role allows these key algorithms: %(allowed)s.")
        raise Invalid.of("key_algorithm", "key-not-allowed", text, allowed=", ".join(allowed))
    order.delivery.require_possible(algorithm)
    key = generate(algorithm)
    return KeyMaterial(key.public_key(), serialize_private_key(key, encoding="der"))


def mint(
    actor: Actor,
    template: Template,
    order: IssueOrder,
    key: KeyMaterial,
    *,
    now: datetime,
    replaces: Certificate | None = None,
) -> Issued:
    """A step: sign and store what the order asks for, or raise with every reason against it.

    Raises Invalid, Unavailable (a CA of the chain is not in service, or is locked), Denied (passphrase), Conflict.
    """
    require_sealed_log(now)
    chain = selectors.lock_chain(template.ca_id)
    selectors.require_able_to_sign(chain)
    ca = chain[0]
    if not ca.allow_leaf_certificates:
        raise Unavailable(_("%(ca)s issues no end-entity certificates."), code="ca-issues-no-leaves", ca=ca.name)
    plan = _plan(template, order, key, chain, now)
    draft = prepare(plan)
    shard = shard_of(plan.serial, ca)
    reserve_serial(
        ca, plan.serial, IssuedSerial.Kind.LEAF, not_after=plan.not_after, tbs_sha256=draft.tbs_sha256, shard=shard
    )
    # Written before the key moves: it survives a rollback, so that no signature can go unnoticed.
    log.info("signing leaf: ca %s serial %s tbs sha256 %s", ca.pk, serial_text(plan.serial), draft.tbs_sha256)
    with keystore.open_signer(ca, passphrase=order.passphrase) as signer:
        certificate = sign_certificate(draft, signer)
    row = _store(actor, template, order, key, plan, certificate, replaces)
    collect_later = isinstance(order.key, Managed) and order.key.collect_later
    return Issued(
        row, certificate, (plan.issuer.certificate, *plan.issuer.ancestors), None if collect_later else key.private_key
    )


def _plan(
    template: Template,
    order: IssueOrder,
    key: KeyMaterial,
    chain: tuple[CertificateAuthority, ...],
    now: datetime,
) -> LeafPlan:
    if template.profile is None:
        raise Unavailable(_("The template is not complete."), code="template-incomplete")
    serial = new_serial()
    subject, sans = _names(order)
    return plan_leaf(
        profile=Profile.from_document(template.profile.document),
        issuer=selectors.certificates_of(chain).facts(shard=shard_of(serial, chain[0])),
        wish=LeafWish(subject=subject, sans=sans, public_key=key.public_key, validity=order.validity),
        serial=serial,
        now=now,
        forbidden_keys=selectors.forbidden_keys(
            public_key_sha256(key.public_key), organization_id=template.organization_id
        ),
    )


def _names(order: IssueOrder) -> tuple[x509.Name, tuple[x509.GeneralName, ...]]:
    csr = order.key if isinstance(order.key, CsrFacts) else None
    subject = order.subject if order.subject is not None else (csr.subject if csr else x509.Name([]))
    sans = order.sans if order.sans is not None else (csr.sans if csr else ())
    return subject, sans


def _store(
    actor: Actor,
    template: Template,
    order: IssueOrder,
    key: KeyMaterial,
    plan: LeafPlan,
    certificate: x509.Certificate,
    replaces: Certificate | None,
) -> Certificate:
    der = certificate.public_bytes(Encoding.DER)
    attributes = name_to_mapping(certificate.subject)
    cn = common_name(certificate.subject) or ""
    row = Certificate.objects.create(
        organization_id=template.organization_id,
        ca_id=template.ca_id,
        template=template,
        profile=template.profile,
        serial=serial_text(plan.serial),
        identifier=order.identifier,
        subject=format_name(certificate.subject),
        subject_attributes=attributes,
        common_name=cn,
        sans=[general_name_text(san) for san in plan.sans],
        issuer_name=format_name(certificate.issuer),
        key_algorithm=algorithm_of(key.public_key),
        key_hash=public_key_sha256(key.public_key),
        not_before=plan.not_before,
        not_after=plan.not_after,
        fingerprint=sha256(der).hexdigest(),
        usage=order.usage,
        key_custody=_custody(order, template, key),
        requester_kind=actor.kind,
        requester_id=actor.id,
        requester_label=actor.label,
        owner_id=actor.person_id,
        replaces=replaces,
        tags=list(order.tags),
        description=order.description,
        event=audit.new_event_id(),
    )
    CertificateBody.objects.create(certificate=row, der=der)
    CertificateName.objects.bulk_create(_name_rows(row, cn, plan.sans))
    if row.key_custody in (Certificate.KeyCustody.STORED, Certificate.KeyCustody.WAITING) and key.private_key:
        _keep_key(row, key.private_key)
    return row


def _custody(order: IssueOrder, template: Template, key: KeyMaterial) -> str:
    if key.private_key is None:
        return Certificate.KeyCustody.SUBSCRIBER
    if template.role.store_private_keys:
        return Certificate.KeyCustody.STORED
    waits = isinstance(order.key, Managed) and order.key.collect_later
    return Certificate.KeyCustody.WAITING if waits else Certificate.KeyCustody.RETURNED


def _keep_key(row: Certificate, private_key: Secret) -> None:
    kept = SubscriberKey(certificate=row, organization_id=row.organization_id)
    kept.sealed = vault.seal_secret(
        private_key, organization_id=row.organization_id, table=SUBSCRIBER_KEY_TABLE, row=kept.public_id
    )
    kept.save(force_insert=True)


def _name_rows(row: Certificate, cn: str, sans: tuple[x509.GeneralName, ...]) -> list[CertificateName]:
    names = [(CertificateName.Type.COMMON_NAME.value, cn)] if cn else []
    names += [(kind_of(san), general_name_text(san)) for san in sans]
    return [
        CertificateName(
            certificate=row,
            organization_id=row.organization_id,
            type=kind,
            value=text.lower()[:512],
            reversed=text.lower()[:512][::-1],
        )
        for kind, text in names
        if kind in CertificateName.Type.values
    ]
