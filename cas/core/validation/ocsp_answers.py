"""Asking OCSP responders, and what their answers are worth (RFC 6960 section 3.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA1, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, ReasonFlags
from cryptography.x509.ocsp import (
    OCSPCertStatus,
    OCSPRequestBuilder,
    OCSPResponse,
    OCSPResponseStatus,
    load_der_ocsp_response,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from cas.core import der
from cas.core.reading import UNREADABLE, raw_field
from cas.core.validation.evidence import Source, Standing, Statement
from cas.core.validation.facts import Facts
from cas.core.validation.rules import purposes_of
from cas.core.validation.signatures import SignatureChecks, Signed

# An answer without an end is worth something for as long as one that was fetched for this question.
_WITHOUT_END: Final = timedelta(hours=24)
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
_MOST_RESPONDERS: Final = 4


def request_for(certificate: Certificate, issuer: Certificate) -> bytes:
    """An OCSPRequest, DER. The hash is SHA-1, which every responder knows: here it names and does not sign."""
    builder = OCSPRequestBuilder().add_certificate(certificate, issuer, SHA1())  # noqa: S303
    return builder.build().public_bytes(Encoding.DER)


def read_response(data: bytes) -> OCSPResponse | None:
    """A response that answers; None for errors, and for what cannot be read."""
    try:
        response = load_der_ocsp_response(data)
        return response if response.response_status is OCSPResponseStatus.SUCCESSFUL else None
    except UNREADABLE:
        return None


def statement_of(
    response: OCSPResponse, facts: Facts, issuer: Facts, at: datetime, checks: SignatureChecks
) -> Statement | None:
    """What it says of a certificate of this issuer; None where it says nothing of it that may be believed.

    Raises OutOfWork.
    """
    try:
        if not _is_about(response, facts, issuer) or not _is_of_time(response, at):
            return None
        if not _is_signed(response, issuer, at, checks):
            return None
        return _said(response)
    except UNREADABLE:
        return None


def _is_about(response: OCSPResponse, facts: Facts, issuer: Facts) -> bool:
    algorithm = response.hash_algorithm
    return (
        response.serial_number == facts.certificate.serial_number
        and response.issuer_name_hash == _digest(algorithm, raw_field(issuer.certificate, "subject"))
        and response.issuer_key_hash == _digest(algorithm, _key_bits(issuer))
    )


def _key_bits(issuer: Facts) -> bytes:
    info = der.Reader(issuer.spki).enter()
    info.read(der.SEQUENCE)
    return info.read_bits()


def _digest(algorithm: HashAlgorithm, data: bytes) -> bytes:
    digest = Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _is_of_time(response: OCSPResponse, at: datetime) -> bool:
    """That it is revoked is no less true for being said later, or long ago."""
    if response.certificate_status is OCSPCertStatus.REVOKED:
        return True
    end = response.next_update_utc or response.this_update_utc + _WITHOUT_END
    return response.this_update_utc - _CLOCKS_DIFFER <= at <= end


def _is_signed(response: OCSPResponse, issuer: Facts, at: datetime, checks: SignatureChecks) -> bool:
    """By the issuer, or by a responder whose certificate the issuer itself has signed for this (4.2.2.2)."""
    if checks.holds_over(response, _signed_as_by(response, issuer.key), issuer):
        return True
    return any(
        _may_answer(responder, issuer, at)
        and checks.holds(responder, issuer)
        and checks.holds_over(response, _signed_as_by(response, responder.key), responder)
        for responder in map(Facts.read, response.certificates[:_MOST_RESPONDERS])
    )


def _signed_as_by(response: OCSPResponse, key: object) -> Signed:
    """`cryptography` does not read the parameters of these algorithms; all but RSA-PSS have none that matter."""
    algorithm, hashed = response.signature_algorithm_oid, response.signature_hash_algorithm
    parameters: object = None
    if isinstance(key, ec.EllipticCurvePublicKey) and hashed is not None:
        parameters = ec.ECDSA(hashed)
    elif algorithm != SignatureAlgorithmOID.RSASSA_PSS:
        parameters = padding.PKCS1v15()
    return Signed(
        data=response.tbs_response_bytes,
        signature=response.signature,
        algorithm=algorithm,
        parameters=parameters,
        hash=hashed,
    )


def _may_answer(responder: Facts, issuer: Facts, at: datetime) -> bool:
    purposes, certificate = purposes_of(responder), responder.certificate
    return (
        responder.issuer == issuer.subject
        and not responder.flaws
        and not responder.unprocessed_critical
        and purposes is not None
        and ExtendedKeyUsageOID.OCSP_SIGNING in purposes
        and certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
    )


def _said(response: OCSPResponse) -> Statement:
    if response.certificate_status is OCSPCertStatus.GOOD:
        return Statement(standing=Standing.GOOD, source=Source.OCSP)
    since = response.revocation_time_utc
    if response.certificate_status is OCSPCertStatus.REVOKED and since is not None:
        reason = response.revocation_reason or ReasonFlags.unspecified
        return Statement(standing=Standing.REVOKED, source=Source.OCSP, since=since, reason=reason)
    return Statement(standing=Standing.UNKNOWN, source=Source.OCSP)
