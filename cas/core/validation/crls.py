"""What a CRL says of a certificate (RFC 5280 section 6.3), if it may say anything of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cryptography.x509 import (
    CertificateRevocationList,
    CRLDistributionPoints,
    CRLReason,
    DeltaCRLIndicator,
    DirectoryName,
    DistributionPoint,
    GeneralName,
    InvalidityDate,
    IssuingDistributionPoint,
    Name,
    ReasonFlags,
    RevokedCertificate,
)
from cryptography.x509.oid import ExtensionOID

from cas.core.constraints import comparable_name
from cas.core.reading import UNREADABLE, extension_of
from cas.core.validation.evidence import Source, Standing, Statement
from cas.core.validation.facts import Facts
from cas.core.validation.signatures import SignatureChecks, Signed

_PROCESSED: Final = frozenset(
    {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_NUMBER,
        ExtensionOID.ISSUING_DISTRIBUTION_POINT,
        ExtensionOID.FRESHEST_CRL,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
    }
)
# Who can forge a signature could leave out an entry; an entry that is there is believed.
_BROKEN_HASHES: Final = frozenset({"md5", "sha1"})


class Unusable(Exception):
    """The CRL says nothing of the certificate; the code says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def is_about(crl: CertificateRevocationList, issuer: Facts) -> bool:
    """Whether the CRL bears the name of this issuer."""
    try:
        return comparable_name(crl.issuer) == issuer.subject
    except UNREADABLE:
        return False


def statement_of(
    crl: CertificateRevocationList, facts: Facts, signers: Iterable[Facts], at: datetime, checks: SignatureChecks
) -> Statement:
    """What it says at this time of a certificate, whose issuer may sign CRLs by these certificates.

    Raises Unusable: signed by none of them, delta, indirect, of another scope, with critical extensions that are not
    understood; and OutOfWork.
    """
    try:
        signed = _signed(crl)
        if not any(checks.holds_over(crl, signed, signer) for signer in signers):
            raise Unusable("crl-bad-signature")
        _require_scope(crl, facts)
        entry = crl.get_revoked_certificate_by_serial_number(facts.certificate.serial_number)
        if entry is not None:
            return _listed(entry)
        return Statement(standing=_unlisted(crl, facts, at), source=Source.CRL)
    except UNREADABLE as error:
        raise Unusable("crl-unreadable") from error


def _signed(crl: CertificateRevocationList) -> Signed:
    return Signed(
        data=crl.tbs_certlist_bytes,
        signature=crl.signature,
        algorithm=crl.signature_algorithm_oid,
        parameters=crl.signature_algorithm_parameters,
        hash=crl.signature_hash_algorithm,
    )


def _require_scope(crl: CertificateRevocationList, facts: Facts) -> None:
    if extension_of(crl.extensions, DeltaCRLIndicator) is not None:
        raise Unusable("crl-delta")
    if any(each.critical and each.oid not in _PROCESSED for each in crl.extensions):
        raise Unusable("crl-critical-extension")
    point = extension_of(crl.extensions, IssuingDistributionPoint)
    if point is None:
        return
    if point.indirect_crl:
        raise Unusable("crl-indirect")
    excluded = point.only_contains_user_certs if facts.is_authority else point.only_contains_ca_certs
    if excluded or point.only_contains_attribute_certs or not _is_its_point(point, crl.issuer, facts):
        raise Unusable("crl-other-scope")


def _is_its_point(point: IssuingDistributionPoint, issuer: Name, facts: Facts) -> bool:
    """6.3.3 b 2 i: a list for one distribution point is for those certificates that name this point."""
    wanted = _names_of(point, issuer)
    if not wanted:
        return True
    named: set[GeneralName] = set()
    for each in facts.extension(CRLDistributionPoints) or ():
        named |= _names_of(each, facts.certificate.issuer) or set(each.crl_issuer or ())
    return not named.isdisjoint(wanted)


def _names_of(point: IssuingDistributionPoint | DistributionPoint, issuer: Name) -> set[GeneralName]:
    """4.2.1.13: a relative name stands behind that of the issuer."""
    if point.relative_name is not None:
        return {DirectoryName(Name([*issuer.rdns, point.relative_name]))}
    return set(point.full_name or ())


def _listed(entry: RevokedCertificate) -> Statement:
    coded, dated = extension_of(entry.extensions, CRLReason), extension_of(entry.extensions, InvalidityDate)
    reason = coded.reason if coded else ReasonFlags.unspecified
    since = entry.revocation_date_utc
    if dated is not None:
        since = min(since, dated.invalidity_date_utc)
    if reason is ReasonFlags.remove_from_crl:
        return Statement(standing=Standing.GOOD, source=Source.CRL)
    return Statement(standing=Standing.REVOKED, source=Source.CRL, since=since, reason=reason)


def _unlisted(crl: CertificateRevocationList, facts: Facts, at: datetime) -> Standing:
    """Not to stand on a list is something only where the list is complete, and of the time."""
    point = extension_of(crl.extensions, IssuingDistributionPoint)
    is_partial = point is not None and point.only_some_reasons is not None
    algorithm = crl.signature_hash_algorithm
    is_weak = algorithm is not None and algorithm.name in _BROKEN_HASHES
    if is_partial or is_weak or (crl.next_update_utc is not None and crl.next_update_utc < at):
        return Standing.UNKNOWN
    # A list of a later time leaves out what had expired by then.
    is_later = crl.last_update_utc > at
    return (
        Standing.UNKNOWN if is_later and facts.certificate.not_valid_after_utc < crl.last_update_utc else Standing.GOOD
    )
