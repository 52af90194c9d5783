"""Certificate signing requests: hostile bytes to verified facts. What they ask for is a wish, never copied through."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from cryptography.x509 import (
    CertificateSigningRequest,
    ExtendedKeyUsage,
    GeneralName,
    KeyUsage,
    Name,
    ObjectIdentifier,
    SubjectAlternativeName,
    load_der_x509_csr,
)

from cas.core.keys import KeyAlgorithm, PublicKey, algorithm_of, supported
from cas.core.reading import UNREADABLE, extension_of
from cas.core.usages import key_usage_names
from kernel.errors import Invalid
from kernel.text import _

_FIELD: Final = "csr"
LONGEST: Final = 64 * 1024
_MOST_NAMES: Final = 1000
_PEM: Final = re.compile(
    rb"-----BEGIN (NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (NEW )?CERTIFICATE REQUEST-----"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrFacts:
    """What a CSR says, its signature verified. `subject` and `sans` are as they stand, not yet judged."""

    subject: Name
    sans: tuple[GeneralName, ...]
    public_key: PublicKey
    algorithm: KeyAlgorithm
    requested_key_usage: tuple[str, ...]
    requested_extended_key_usage: tuple[ObjectIdentifier, ...]
    request: CertificateSigningRequest


def read_csr(data: str | bytes) -> CsrFacts:
    """The facts of one CSR in PEM (with or without text before it) or DER, at most 64 kB.

    Raises Invalid on `csr` for everything else: other or several PEM blocks, bytes after the end, a signature that is
    not the key's own (proof of possession, RFC 2986 section 3), keys and extensions that cannot be read.
    """
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    if len(raw) > LONGEST:
        raise Invalid.of(_FIELD, "too-long", _("is longer than %(limit)s bytes"), limit=LONGEST)
    request = _load(_der(raw))
    public_key = _public_key(request)
    if not _has_proof_of_possession(request):
        raise Invalid.of(_FIELD, "bad-signature", _("the signature does not belong to the key in the request"))
    try:
        return _facts(request, public_key)
    except UNREADABLE as error:
        raise _unreadable() from error


def _unreadable() -> Invalid:
    return Invalid.of(_FIELD, "unreadable-csr", _("this is not a certificate signing request that can be read"))


def _der(raw: bytes) -> bytes:
    if b"-----BEGIN " not in raw:
        return raw
    if raw.count(b"-----BEGIN ") > 1:
        raise Invalid.of(_FIELD, "several-pem-blocks", _("holds more than one PEM block"))
    match = _PEM.search(raw)
    if match is None or match[1] != match[3]:
        raise _unreadable()
    if raw[match.end() :].strip():
        raise Invalid.of(_FIELD, "trailing-data", _("something follows the certificate signing request"))
    try:
        return base64.b64decode(b"".join(match[2].split()), validate=True)
    except ValueError as error:
        raise _unreadable() from error


def _load(der: bytes) -> CertificateSigningRequest:
    try:
        return load_der_x509_csr(der)
    except UNREADABLE as error:
        raise _unreadable() from error


def _public_key(request: CertificateSigningRequest) -> PublicKey:
    try:
        key = request.public_key()
    except UNREADABLE as error:
        raise Invalid.of(_FIELD, "unsupported-key", _("the key in the request is not supported")) from error
    return supported(key, field=_FIELD)


def _has_proof_of_possession(request: CertificateSigningRequest) -> bool:
    try:
        return request.is_signature_valid
    except UNREADABLE:
        return False


def _facts(request: CertificateSigningRequest, public_key: PublicKey) -> CsrFacts:
    extensions = request.extensions
    sans = extension_of(extensions, SubjectAlternativeName)
    usage = extension_of(extensions, KeyUsage)
    purposes = extension_of(extensions, ExtendedKeyUsage)
    if sans is not None and sum(1 for _each in sans) > _MOST_NAMES:
        raise Invalid.of(_FIELD, "too-many-names", _("asks for more than %(limit)s names"), limit=_MOST_NAMES)
    return CsrFacts(
        subject=request.subject,
        sans=tuple(sans or ()),
        public_key=public_key,
        algorithm=algorithm_of(public_key),
        requested_key_usage=key_usage_names(usage) if usage else (),
        requested_extended_key_usage=tuple(purposes or ()),
        request=request,
    )
