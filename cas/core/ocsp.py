"""OCSP questions and answers as bytes (RFC 6960, RFC 9654): several CertIDs, every algorithm, our errors only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import Final

from cryptography.x509 import Certificate, ReasonFlags

from cas.core import der
from cas.core.keys import PublicKey, key_bits, supported
from cas.core.reading import raw_field
from cas.core.reasons import CODES

LONGEST_REQUEST: Final = 16 * 1024
_MOST_CERT_IDS: Final = 20
_LONGEST_NONCE: Final = 128  # RFC 9654 2.1
_NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
_BASIC_RESPONSE: Final = "1.3.6.1.5.5.7.48.1.1"
_HASHES: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


class ResponseStatus(IntEnum):
    """OCSPResponseStatus (RFC 6960 4.2.1), as far as we use it."""

    SUCCESSFUL = 0
    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    UNAUTHORIZED = 6


class OcspRefused(Exception):
    """A request that gets no answer, but a status."""

    status: ResponseStatus


class OcspMalformed(OcspRefused):
    """The request is not one (RFC 6960 2.3), or has a nonce of a wrong length (RFC 9654 2.1)."""

    status = ResponseStatus.MALFORMED_REQUEST


class OcspUnauthorized(OcspRefused):
    """The request may be right, but is not one for us: unknown hashes, too many CertIDs, another issuer."""

    status = ResponseStatus.UNAUTHORIZED


@dataclass(frozen=True, slots=True, kw_only=True)
class CertId:
    """Who is asked about. `der` is the CertID as it was sent, to be echoed and to key a cache."""

    hash_name: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int
    der: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspQuestion:
    """A request that can be answered: from one to twenty CertIDs, and the nonce to echo."""

    cert_ids: tuple[CertId, ...]
    nonce: bytes | None


@dataclass(frozen=True, slots=True)
class Good:
    """Issued, and not revoked."""


@dataclass(frozen=True, slots=True)
class Revoked:
    at: datetime
    reason: ReasonFlags = ReasonFlags.unspecified


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not a serial number of this issuer."""


CertStatus = Good | Revoked | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleAnswer:
    cert_id: CertId
    status: CertStatus
    this_update: datetime
    next_update: datetime | None


def read_request(data: bytes) -> OcspQuestion:
    """An OCSPRequest (RFC 6960 4.1.1). A signature on it is not looked at, as 2.1 allows.

    Raises OcspMalformed and OcspUnauthorized, whatever the bytes are.
    """
    if len(data) > LONGEST_REQUEST:
        raise OcspMalformed("the request is too long")
    try:
        whole = der.Reader(data)
        request = whole.enter()
        whole.finish()
        return _read_tbs_request(request.enter())
    except der.DerError as error:
        raise OcspMalformed(str(error)) from error


def _read_tbs_request(tbs: der.Reader) -> OcspQuestion:
    version, requestor, extensions = (der.context_tag(number, constructed=True) for number in (0, 1, 2))
    if tbs.next_is(version):
        # DER leaves a DEFAULT out, and there is no version but v1.
        raise der.DerError("a version")
    if tbs.next_is(requestor):
        tbs.read(requestor)
    listed = tbs.enter()
    nonce = _read_nonce(tbs.enter(extensions)) if tbs.next_is(extensions) else None
    tbs.finish()
    cert_ids: list[CertId] = []
    while not listed.at_end:
        if len(cert_ids) == _MOST_CERT_IDS:
            raise OcspUnauthorized("too many CertIDs")
        cert_ids.append(_read_cert_id(listed.enter().read_whole(der.SEQUENCE)))
    if not cert_ids:
        raise der.DerError("no CertID")
    return OcspQuestion(cert_ids=tuple(cert_ids), nonce=nonce)


def _read_nonce(wrapped: der.Reader) -> bytes | None:
    nonce = None
    extensions = wrapped.enter()
    wrapped.finish()
    while not extensions.at_end:
        extension = extensions.enter()
        dotted = extension.read_oid()
        is_critical = extension.read_boolean() if extension.next_is(der.BOOLEAN) else False
        value = extension.read(der.OCTET_STRING)
        extension.finish()
        if dotted == _NONCE:
            if nonce is not None:
                raise der.DerError("two nonces")
            inner = der.Reader(value)
            nonce = inner.read(der.OCTET_STRING)
            inner.finish()
            if not 1 <= len(nonce) <= _LONGEST_NONCE:
                raise der.DerError("a nonce of a wrong length")
        elif is_critical:
            raise OcspUnauthorized("a critical extension that is not known")
    return nonce


def _read_cert_id(encoded: bytes) -> CertId:
    cert_id = der.Reader(encoded).enter()
    algorithm = cert_id.enter()
    hash_name = _HASHES.get(algorithm.read_oid())
    if algorithm.next_is(der.NULL) and algorithm.read(der.NULL):
        raise der.DerError("a NULL that holds something")
    algorithm.finish()
    name_hash, key_hash = cert_id.read(der.OCTET_STRING), cert_id.read(der.OCTET_STRING)
    serial = cert_id.read_integer()
    cert_id.finish()
    if hash_name is None:
        raise OcspUnauthorized("a hash algorithm that is not known")
    if not len(name_hash) == len(key_hash) == hashlib.new(hash_name).digest_size:
        raise der.DerError("a hash of a wrong length")
    return CertId(hash_name=hash_name, issuer_name_hash=name_hash, issuer_key_hash=key_hash, serial=serial, der=encoded)


def certid_matches(cert_id: CertId, issuer: Certificate) -> bool:
    """Whether a CertID names this issuer, by its name and by its key (RFC 6960 4.1.1)."""
    return _hashes(issuer, cert_id.hash_name) == (cert_id.issuer_name_hash, cert_id.issuer_key_hash)


@lru_cache(maxsize=256)
def _hashes(issuer: Certificate, hash_name: str) -> tuple[bytes, bytes]:
    name = hashlib.new(hash_name, raw_field(issuer, "subject"), usedforsecurity=False).digest()
    key = hashlib.new(hash_name, key_bits(_key_of(issuer)), usedforsecurity=False).digest()
    return name, key


def response_to_be_signed(
    *, responder: Certificate, produced_at: datetime, answers: Sequence[SingleAnswer], nonce: bytes | None
) -> bytes:
    """The ResponseData (RFC 6960 4.2.1), its responder named by key."""
    extensions = b""
    if nonce is not None:
        extensions = der.explicit(1, der.sequence(der.extension(_NONCE, der.octet_string(nonce))))
    return der.sequence(
        response_opening(_key_of(responder)),
        der.generalized_time(produced_at),
        der.sequence(*(_single_response(answer) for answer in answers)),
        extensions,
    )


def response_opening(responder_key: PublicKey) -> bytes:
    """What every ResponseData of this responder begins with: ResponderID by key, which is SHA-1 (4.2.1)."""
    return der.explicit(2, der.octet_string(hashlib.sha1(key_bits(responder_key), usedforsecurity=False).digest()))


def _single_response(answer: SingleAnswer) -> bytes:
    next_update = der.explicit(0, der.generalized_time(answer.next_update)) if answer.next_update else b""
    return der.sequence(
        answer.cert_id.der, _status(answer.status), der.generalized_time(answer.this_update), next_update
    )


def _status(status: CertStatus) -> bytes:
    match status:
        case Good():
            return der.tlv(der.context_tag(0, constructed=False), b"")
        case Unknown():
            return der.tlv(der.context_tag(2, constructed=False), b"")
        case Revoked(at, reason):
            code = der.explicit(0, der.enumerated(CODES[reason])) if reason is not ReasonFlags.unspecified else b""
            return der.explicit(1, der.generalized_time(at) + code)


def successful(basic_response: bytes) -> bytes:
    """An OCSPResponse around a signed BasicOCSPResponse."""
    wrapped = der.sequence(der.oid(_BASIC_RESPONSE), der.octet_string(basic_response))
    return der.sequence(der.enumerated(ResponseStatus.SUCCESSFUL), der.explicit(0, wrapped))


def unsuccessful(status: ResponseStatus) -> bytes:
    """An OCSPResponse without an answer; it is not signed (RFC 6960 2.3)."""
    return der.sequence(der.enumerated(status))


def _key_of(certificate: Certificate) -> PublicKey:
    return supported(certificate.public_key(), field="issuer")
