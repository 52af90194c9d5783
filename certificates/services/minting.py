"""mint(): the one step from an order to a signed row. Every way to a certificate ends here, one at a time or many.

lock the CA and those above it -> plan -> draft and lint -> reserve the serial -> sign -> compare and verify -> store
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate as X509Certificate

from accounts import vault
from accounts.rows import insert
from audit import services as audit
from audit.canonical import canonical_bytes
from cas import keystore, selectors
from cas.chains import CaChain, certificates_of, lock_chain, require_able_to_sign
from cas.core.csr import CsrFacts
from cas.core.general_names import general_name_text, kind_of
from cas.core.keys import KeyAlgorithm, PublicKey, algorithm_of, generate, public_key_sha256, serialize_private_key
from cas.core.leaf import LeafPlan, LeafWish, plan_leaf
from cas.core.names import common_name, format_name, name_to_mapping
from cas.core.profile import Profile
from cas.core.restriction import Restriction
from cas.core.signing import LintedDraft, prepare, sign_certificate
from cas.guards import require_sealed_log
from cas.models import CertificateAuthority, Template
from cas.services.restrictions import require_allowed, restriction_of
from cas.services.serials import new_serial, reserve_leaf_serials, serial_text, shard_of
from certificates.models import (
    Certificate,
    CertificateBody,
    CertificateName,
    CertificateTag,
    SigningRequest,
    SubscriberKey,
)
from certificates.orders import IssueOrder, Managed, SameKey
from certificates.services.approval import Approval, require_approved
from kernel.actor import Actor
from kernel.errors import Invalid, Unavailable
from kernel.secret import Secret
from kernel.text import _

log = logging.getLogger(__name__)

Custody = Certificate.KeyCustody

SUBSCRIBER_KEY_TABLE: Final = "certificates_subscriberkey"
_LONGEST_NAME: Final = 512


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """The subject's public key, and the private one (PKCS#8 DER) if it is in hand; else `custody` says who has it."""

    public_key: PublicKey
    private_key: Secret | None = None
    custody: str = Custody.SUBSCRIBER


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order, the key to be certified, the certificate that it follows, and who agreed to it."""

    order: IssueOrder
    key: KeyMaterial
    replaces: Certificate | None = None
    approval: Approval | None = None

    @property
    def made_here(self) -> bool:
        """Whether the private key is, or will be, one of ours."""
        key = self.key
        return isinstance(self.order.key, Managed) or key.private_key is not None or key.custody != Custody.SUBSCRIBER

    @property
    def handed_out(self) -> Secret | None:
        """The private key, where it is the answer's to give."""
        key = self.order.key
        return self.key.private_key if isinstance(key, Managed) and not key.collect_later else None

    def custody(self, template: Template) -> str:
        """Where the private key will be."""
        if self.key.private_key is None:
            return self.key.custody
        if template.role.store_private_keys:
            return Custody.STORED
        return Custody.RETURNED if self.handed_out else Custody.WAITING


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that is signed and stored, its chain (issuer first), and its key where it is handed out now."""

    certificate: Certificate
    x509: X509Certificate
    chain: tuple[X509Certificate, ...]
    private_key: Secret | None


@dataclass(frozen=True, slots=True)
class Desk:
    """A CA that is locked and able to sign, and the rules it signs by: what all orders of one call have in common."""

    template: Template
    profile: Profile
    chain: CaChain
    now: datetime
    restriction: Restriction | None = None

    @property
    def ca(self) -> CertificateAuthority:
        return self.chain.authorities[0]

    @property
    def grounds(self) -> bytes:
        """All that a judgement rests on besides the wish itself, the time and the forbidden keys: equal grounds, equal
        judgement.
        """
        facts, rules = self.chain.facts(), self.template.profile
        return canonical_bytes(
            {
                "ca": self.ca.pk,
                "chain": [each.fingerprint(SHA256()).hex() for each in facts.chain],
                "addresses": [facts.crl_url, facts.ocsp_url, facts.ca_issuers_url],
                "crl_shards": self.ca.crl_shards,
                "profile": self.template.profile_id,
                "rules": rules.document if rules else None,
            }
        )


@dataclass(frozen=True, slots=True)
class _Draft:
    """What was wanted, judged, drafted and linted: it may be signed."""

    wanted: Wanted
    plan: LeafPlan
    linted: LintedDraft


def obtain_key(order: IssueOrder, template: Template) -> KeyMaterial:
    """The key to be certified. Making an RSA-4096 key takes seconds: call it before a transaction.

    Raises Invalid: the role wants another kind of key, or the order a format that this kind has not.
    """
    if isinstance(order.key, CsrFacts):
        return KeyMaterial(order.key.public_key)
    if isinstance(order.key, SameKey):
        raise Invalid.of("key", "no-predecessor", _("Only a renewal can keep the key of another certificate."))
    algorithm = order.key.algorithm or KeyAlgorithm(template.key_algorithm)
    allowed = template.role.key_algorithms
    if allowed and algorithm not in allowed:
        text = _("The role allows these key algorithms: %(allowed)s.")
        raise Invalid.of("key_algorithm", "key-not-allowed", text, allowed=", ".join(allowed))
    order.delivery.require_possible(algorithm)
    key = generate(algorithm)
    if order.key.is_forgotten:
        return KeyMaterial(key.public_key())
    return KeyMaterial(key.public_key(), serialize_private_key(key, encoding="der"))


def mint(actor: Actor, template: Template, wanted: Wanted, *, now: datetime) -> Issued:
    """A step: sign and store what is wanted, or raise with every reason against it.

    Raises Invalid, Unavailable (a CA of the chain is not in service, or is locked), Denied (passphrase), Conflict.
    """
    (outcome,) = mint_many(actor, template, [wanted], now=now, passphrase=wanted.order.passphrase)
    if isinstance(outcome, Invalid):
        raise outcome
    return outcome


def mint_many(
    actor: Actor, template: Template, wanted: Sequence[Wanted], *, now: datetime, passphrase: Secret | None
) -> list[Issued | Invalid]:
    """The same step for several under one template: what became of each, in their order.

    Whatever is against one of them is found before anything is written, and stands in its place. What is raised is
    against all: Unavailable, Denied, Conflict.
    """
    desk = replace(open_desk(template, now), restriction=restriction_of(actor))
    judged = _judge_all(desk, wanted)
    for each in judged:
        if isinstance(each, _Draft):
            require_approved(
                each.plan, template, desk.ca, made_here=each.wanted.made_here, approval=each.wanted.approval
            )
    issued = iter(_issue(actor, desk, [each for each in judged if isinstance(each, _Draft)], passphrase))
    return [each if isinstance(each, Invalid) else next(issued) for each in judged]


def rehearse(template: Template, wanted: Wanted, *, now: datetime) -> LeafPlan:
    """A step: everything that comes before the CA's key. What it would sign; nothing is reserved, written or signed.

    Raises what `mint` would, but for the approval, the passphrase and the identifier.
    """
    (outcome,) = rehearse_many(template, [wanted], now=now)
    if isinstance(outcome, Invalid):
        raise outcome
    return outcome


def rehearse_many(
    template: Template, wanted: Sequence[Wanted], *, now: datetime, restriction: Restriction | None = None
) -> list[LeafPlan | Invalid]:
    """The same step for several under one template: the plan or the refusal of each, in their order.

    What is raised is against all. `restriction`: that of whoever asks.
    """
    return rehearse_at(replace(open_desk(template, now), restriction=restriction), wanted)


def rehearse_at(desk: Desk, wanted: Sequence[Wanted]) -> list[LeafPlan | Invalid]:
    """The same step at a desk that is open."""
    return [each.plan if isinstance(each, _Draft) else each for each in _judge_all(desk, wanted)]


def open_desk(template: Template, now: datetime) -> Desk:
    """A step: the CA and those above it are locked. Raises Unavailable: nothing can be issued there now."""
    require_sealed_log(now)
    chain = lock_chain(template.ca_id)
    require_able_to_sign(chain)
    if not chain[0].allow_leaf_certificates:
        text = _("%(ca)s issues no end-entity certificates.")
        raise Unavailable(text, code="ca-issues-no-leaves", ca=chain[0].name)
    if template.profile is None:
        raise Unavailable(_("The template is not complete."), code="template-incomplete")
    profile = _profile(json.dumps(template.profile.document))
    return Desk(template, profile, certificates_of(chain), now)


# What is issued today is issued by the same few, and a profile is frozen.
@lru_cache(maxsize=256)
def _profile(document: str) -> Profile:
    return Profile.from_document(json.loads(document))


def _judge_all(desk: Desk, wanted: Sequence[Wanted]) -> list[_Draft | Invalid]:
    hashes = {public_key_sha256(each.key.public_key) for each in wanted}
    forbidden = selectors.forbidden_keys(hashes, organization_id=desk.template.organization_id)
    return [_judge(desk, each, forbidden) for each in wanted]


def _judge(desk: Desk, wanted: Wanted, forbidden_keys: Collection[str]) -> _Draft | Invalid:
    serial = new_serial()
    subject, sans = _names(wanted.order)
    try:
        plan = plan_leaf(
            profile=desk.profile,
            issuer=desk.chain.facts(shard=shard_of(serial, desk.ca)),
            wish=LeafWish(
                subject=subject,
                sans=sans,
                public_key=wanted.key.public_key,
                validity=wanted.order.validity,
                may_end_earlier=wanted.order.may_end_earlier,
            ),
            serial=serial,
            now=desk.now,
            forbidden_keys=forbidden_keys,
        )
        require_allowed(desk.restriction, plan, ca_id=desk.ca.pk)
        return _Draft(wanted, plan, prepare(plan))
    except Invalid as refusal:
        return refusal


def _names(order: IssueOrder) -> tuple[x509.Name, tuple[x509.GeneralName, ...]]:
    csr = order.key if isinstance(order.key, CsrFacts) else None
    subject = order.subject if order.subject is not None else (csr.subject if csr else x509.Name([]))
    sans = order.sans if order.sans is not None else (csr.sans if csr else ())
    return subject, sans


def _issue(actor: Actor, desk: Desk, drafts: Sequence[_Draft], passphrase: Secret | None) -> list[Issued]:
    if not drafts:
        return []
    reserve_leaf_serials(desk.ca, [draft.linted for draft in drafts])
    for draft in drafts:
        # Written before the key moves: it survives a rollback, so that no signature can go unnoticed.
        serial = serial_text(draft.plan.serial)
        log.info("signing leaf: ca %s serial %s tbs sha256 %s", desk.ca.pk, serial, draft.linted.tbs_sha256)
    with keystore.open_signer(desk.ca, passphrase=passphrase, certificate=desk.chain.certificates[0]) as signer:
        signed = [sign_certificate(draft.linted, signer) for draft in drafts]
    certificates = _store(actor, desk, drafts, signed)
    return [
        Issued(row, each, desk.chain.certificates, draft.wanted.handed_out)
        for row, each, draft in zip(certificates, signed, drafts, strict=True)
    ]


def _store(actor: Actor, desk: Desk, drafts: Sequence[_Draft], signed: Sequence[X509Certificate]) -> list[Certificate]:
    ders = [each.public_bytes(Encoding.DER) for each in signed]
    kept = [_row(actor, desk, draft, der) for draft, der in zip(drafts, ders, strict=True)]
    insert(kept)
    insert([CertificateBody.of(row, der) for row, der in zip(kept, ders, strict=True)])
    insert([name for row, draft in zip(kept, drafts, strict=True) for name in name_rows(row, draft.plan.sans)])
    insert([tag for row in kept for tag in tag_rows(row)])
    insert([csr for row, draft in zip(kept, drafts, strict=True) for csr in _csr_rows(row, draft.wanted.order)])
    insert(
        [
            sealed_key(row, draft.wanted.key.private_key)
            for row, draft in zip(kept, drafts, strict=True)
            if draft.wanted.key.private_key and row.key_custody in (Custody.STORED, Custody.WAITING)
        ]
    )
    return kept


def _row(actor: Actor, desk: Desk, draft: _Draft, der: bytes) -> Certificate:
    order, key, plan, template = draft.wanted.order, draft.wanted.key, draft.plan, desk.template
    return Certificate(
        organization=template.organization,
        ca=desk.ca,
        template=template,
        profile=template.profile,
        serial=serial_text(plan.serial),
        identifier=order.identifier,
        subject=format_name(plan.subject),
        subject_attributes=name_to_mapping(plan.subject),
        common_name=common_name(plan.subject) or "",
        sans=[general_name_text(san) for san in plan.sans],
        issuer_name=desk.ca.subject,
        key_algorithm=algorithm_of(key.public_key),
        key_hash=public_key_sha256(key.public_key),
        not_before=plan.not_before,
        not_after=plan.not_after,
        fingerprint=sha256(der).hexdigest(),
        usage=order.usage,
        key_custody=draft.wanted.custody(template),
        requester_kind=actor.kind,
        requester_id=actor.id,
        requester_label=actor.label,
        owner_id=actor.person_id,
        replaces=draft.wanted.replaces,
        tags=list(dict.fromkeys(order.tags)),
        description=order.description,
        auto_renew=order.renew_ahead is not None,
        renew_at=_renew_at(plan, order.renew_ahead),
        event=audit.new_event_id(),
    )


def _renew_at(plan: LeafPlan, ahead: timedelta | None) -> datetime | None:
    return None if ahead is None else renewal_time(plan.not_before, plan.not_after, ahead)


def renewal_time(not_before: datetime, not_after: datetime, ahead: timedelta) -> datetime:
    """A step: so long before the end, but not in the first two thirds of a life: a short one would be renewed at once,
    and so would its successor.
    """
    # Both ends count (RFC 5280 section 4.1.2.5).
    lifetime = not_after - not_before + timedelta(seconds=1)
    return not_after - min(ahead, lifetime / 3)


def _csr_rows(row: Certificate, order: IssueOrder) -> list[SigningRequest]:
    """The CSR, where it is to be kept."""
    if not order.keep_csr or not isinstance(order.key, CsrFacts):
        return []
    der = order.key.request.public_bytes(Encoding.DER)
    return [SigningRequest(certificate=row, organization_id=row.organization_id, der=der)]


def sealed_key(row: Certificate, private_key: Secret) -> SubscriberKey:
    kept = SubscriberKey(certificate=row, organization_id=row.organization_id)
    kept.sealed = vault.seal_secret(
        private_key, organization_id=row.organization_id, table=SUBSCRIBER_KEY_TABLE, row=kept.public_id
    )
    return kept


def name_rows(row: Certificate, sans: Sequence[x509.GeneralName]) -> list[CertificateName]:
    names = [(CertificateName.Type.COMMON_NAME.value, row.common_name)] if row.common_name else []
    names += [(kind_of(san), text) for san, text in zip(sans, row.sans, strict=True)]
    return [
        CertificateName(
            certificate=row,
            organization_id=row.organization_id,
            type=kind,
            value=text.lower()[:_LONGEST_NAME],
            reversed=text.lower()[:_LONGEST_NAME][::-1],
        )
        for kind, text in names
        if kind in CertificateName.Type.values
    ]


def tag_rows(row: Certificate) -> list[CertificateTag]:
    """The tags of a certificate as they are searched by."""
    return [CertificateTag(certificate=row, organization_id=row.organization_id, value=tag) for tag in row.tags]
