"""Certificates are judged by what an organization trusts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from cryptography import x509
from django.utils import timezone

from accounts import policy
from accounts.features import require_feature
from accounts.selectors import get_organization, private_ranges_of
from cas.core.formats import load_certificates
from cas.core.validation.evidence import Evidence, read_crls
from cas.core.validation.judge import judge
from cas.core.validation.question import Question
from cas.core.validation.verdict import Verdict
from certificates.revocation_sources import Fetcher
from certificates.trusted import Trusted, register_statements, trusted_by
from certificates.validation_orders import ValidationOrder
from kernel.actor import Actor
from kernel.errors import FieldError, Invalid, field_error
from kernel.features import Feature
from kernel.permissions import Permission
from kernel.text import _

LONGEST_CHAIN: Final = 512 * 1024
_MOST_CERTIFICATES: Final = 512
_MOST_LISTS: Final = 32
# What is fetched for one chain may show that another chain is better, which has other sources.
_MOST_ROUNDS: Final = 3


def validate_certificate(*, actor: Actor, order: ValidationOrder) -> Verdict:
    """Judge a certificate by RFC 5280 section 6, against the organization's own CAs and its trust anchors.

    Nothing is written. Raises NotFound (organization), Denied, Unlicensed (to fetch), Invalid on `certificate`,
    `chain`, `trust_anchors` and `crls[n]` for what cannot be read at all; what is wrong with a certificate that can be
    read stands in the verdict.
    """
    organization = get_organization(order.organization, visible_to=actor)
    _require_reader(actor, organization.pk)
    if order.fetch:
        require_feature(organization, Feature.FETCHED_REVOCATION)
    shown = _read(order)
    trusted = trusted_by(organization.pk, shown.certificates, visible_to=actor)
    question = Question(
        certificate=shown.certificates[0],
        anchors=trusted.anchors if shown.anchors is None else shown.anchors,
        others=(*shown.certificates[1:], *trusted.own_certificates),
        at=order.at or timezone.now(),
        purpose=order.purpose,
        peer_name=order.peer_name,
        evidence=_evidence(order, trusted, shown),
        check_revocation=order.check_revocation,
        require_status=order.require_status,
    )
    if not (order.fetch and order.check_revocation):
        return judge(question)
    return _judge_and_fetch(question, Fetcher(private_ranges_of(organization.pk), organization.pk))


def _require_reader(actor: Actor, organization_id: int) -> None:
    """Who is let to single CAs may ask as well: they are shown nothing beyond the chains of these."""
    reading = policy.narrowed(actor, {Permission.CERTIFICATES_READ}).grants
    granted = reading[0].ca_id if reading else None
    policy.require(actor, Permission.CERTIFICATES_READ, organization_id=organization_id, ca_id=granted)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What came with the question. `anchors` None: those of the organization count."""

    certificates: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...] | None
    crls: tuple[x509.CertificateRevocationList, ...]


def _read(order: ValidationOrder) -> _Shown:
    """Raises Invalid with all that cannot be read."""
    errors: list[FieldError] = []
    crls: list[x509.CertificateRevocationList] = []
    shown = _certificates(order.certificate, "certificate", errors)
    others = _certificates(order.chain, "chain", errors) if order.chain else ()
    anchors = None if order.trust_anchors is None else _certificates(order.trust_anchors, "trust_anchors", errors)
    if len(order.crls) > _MOST_LISTS:
        errors.append(field_error("crls", "too-many", _("At most %(most)s CRLs."), most=_MOST_LISTS))
    for index, data in enumerate(order.crls[:_MOST_LISTS]):
        try:
            crls += read_crls(data, field=f"crls[{index}]")
        except Invalid as error:
            errors += error.errors
    if errors:
        raise Invalid(errors=errors)
    return _Shown((*shown, *others), anchors, tuple(crls))


def _certificates(data: bytes, field: str, errors: list[FieldError]) -> tuple[x509.Certificate, ...]:
    try:
        return load_certificates(data, field=field, longest=LONGEST_CHAIN, most=_MOST_CERTIFICATES)
    except Invalid as error:
        errors += error.errors
        return ()


def _evidence(order: ValidationOrder, trusted: Trusted, shown: _Shown) -> Evidence:
    if not order.check_revocation:
        return Evidence()
    concerned = (*shown.certificates, *trusted.own_certificates)
    return Evidence(register=register_statements(trusted.own, concerned), crls=shown.crls)


def _judge_and_fetch(question: Question, fetcher: Fetcher) -> Verdict:
    """Judge, ask for what is not known of the chain that was found, and judge again with what has come."""
    verdict = judge(question)
    for _round in range(_MOST_ROUNDS):
        evidence = fetcher.more(verdict, question.evidence)
        if evidence is question.evidence:
            break
        question = replace(question, evidence=evidence)
        verdict = judge(question)
    return replace(verdict, warnings=(*verdict.warnings, *fetcher.failures))
