"""The shapes that certificates come and go in: PEM, DER, PKCS#7, PKCS#12, chain files."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, pkcs7, pkcs12
from cryptography.x509 import Certificate, load_der_x509_certificate

from cas.core import der, policies
from cas.core.keys import PrivateKey
from cas.core.names import format_name
from cas.core.reading import UNREADABLE
from kernel.errors import Invalid
from kernel.secret import Secret
from kernel.text import _

LONGEST: Final = 256 * 1024
_MOST_CERTIFICATES: Final = 32
_PEM_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END ([A-Z0-9 ]+)-----")
_PEM_LINE: Final = 64
_PEM_CHUNK: Final = _PEM_LINE * 3 // 4 * 1024
_LABELS: Final = (b"CERTIFICATE", b"X509 CERTIFICATE", b"PKCS7")  # RFC 7468 5.1 and 8


def read_certificates(data: str | bytes, *, field: str = "certificate") -> tuple[Certificate, ...]:
    """Certificates from PEM (one or more blocks, text between them ignored), from the DER of one, or from PKCS#7.

    Raises Invalid on `field` for no certificate, more than 32, more than 256 kB, other PEM blocks, and for what
    cannot be read.
    """
    certificates = load_certificates(data, field=field, longest=LONGEST, most=_MOST_CERTIFICATES)
    try:
        for certificate in certificates:
            _read_all(certificate)
    except UNREADABLE as error:
        raise _unreadable(field) from error
    return certificates


def load_certificates(data: str | bytes, *, field: str, longest: int, most: int) -> tuple[Certificate, ...]:
    """The same shapes, of other limits, and without a look at extensions and keys: they may be unreadable yet."""
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    if len(raw) > longest:
        raise Invalid.of(field, "too-long", _("is longer than %(limit)s bytes"), limit=longest)
    encoded = _pem_contents(raw, field) if b"-----BEGIN " in raw else [raw]
    if len(encoded) > most:
        raise _too_many(field, most)
    try:
        certificates = tuple(certificate for each in encoded for certificate in _read_der(each))
        for certificate in certificates:
            _read_names(certificate)
    except UNREADABLE as error:
        raise _unreadable(field) from error
    if len(certificates) > most:
        raise _too_many(field, most)
    return certificates


def _read_der(encoded: bytes) -> list[Certificate]:
    """PKCS#7 says first, by an OID, what it is (RFC 2315 section 7); a certificate begins with a SEQUENCE."""
    if der.Reader(encoded).enter().next_is(der.OBJECT_IDENTIFIER):
        return pkcs7.load_der_pkcs7_certificates(encoded)
    return [load_der_x509_certificate(encoded)]


def _too_many(field: str, most: int) -> Invalid:
    return Invalid.of(field, "too-long", _("holds more than %(limit)s certificates"), limit=most)


def _read_all(certificate: Certificate) -> None:
    """The library reads when it is asked: asked now, nobody meets an error later."""
    list(certificate.extensions)
    certificate.public_key()
    policies.mappings(certificate)


def _read_names(certificate: Certificate) -> None:
    format_name(certificate.subject)
    format_name(certificate.issuer)


def _pem_contents(raw: bytes, field: str) -> list[bytes]:
    blocks = _PEM_BLOCK.findall(raw)
    if len(blocks) != raw.count(b"-----BEGIN ") or any(
        begin != end or begin not in _LABELS for begin, _b, end in blocks
    ):
        raise _unreadable(field)
    try:
        return [base64.b64decode(b"".join(content.split()), validate=True) for _begin, content, _end in blocks]
    except ValueError as error:
        raise _unreadable(field) from error


def _unreadable(field: str) -> Invalid:
    return Invalid.of(field, "unreadable-certificate", _("this is not a certificate that can be read"))


def read_certificate(data: str | bytes) -> Certificate:
    """Exactly one certificate, from PEM or DER. Raises Invalid on `certificate`."""
    certificates = read_certificates(data, field="certificate")
    if len(certificates) != 1:
        raise Invalid.of("certificate", "several-certificates", _("must be one certificate"))
    return certificates[0]


def to_der(certificate: Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def to_pem(*certificates: Certificate) -> str:
    """PEM blocks one after another: of one certificate, or a chain file in the order given."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in certificates)


def crl_to_pem(der: bytes) -> bytes:
    """A CRL in PEM (RFC 7468 section 6). It is not read: one of a million entries would take seconds."""
    lines = [b"-----BEGIN X509 CRL-----"]
    for start in range(0, len(der), _PEM_CHUNK):
        encoded = base64.b64encode(der[start : start + _PEM_CHUNK])
        lines += [encoded[index : index + _PEM_LINE] for index in range(0, len(encoded), _PEM_LINE)]
    return b"\n".join([*lines, b"-----END X509 CRL-----", b""])


def to_pkcs7(certificates: Sequence[Certificate], *, encoding: Literal["pem", "der"] = "pem") -> bytes:
    """A certificates-only PKCS#7 (RFC 2315 section 9, degenerate SignedData)."""
    return pkcs7.serialize_certificates(list(certificates), Encoding.PEM if encoding == "pem" else Encoding.DER)


def to_pkcs12(
    certificate: Certificate,
    *,
    key: PrivateKey | None,
    chain: Iterable[Certificate],
    password: Secret | None,
    name: str = "",
) -> Secret:
    """A PKCS#12 file (RFC 7292) under a password; one without a key may go without.

    Raises Invalid: on `format` for ML-DSA keys, which PKCS#12 software cannot hold; on `password` where a key has none.
    """
    if isinstance(key, mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey):
        raise Invalid.of("format", "unsupported-format", _("ML-DSA keys cannot go into PKCS#12; use PEM"))
    if key is not None and not password:
        raise Invalid.of("password", "blank", _("a PKCS#12 file with a key needs a password"))
    encryption = BestAvailableEncryption(password.reveal()) if password else NoEncryption()
    return Secret(
        pkcs12.serialize_key_and_certificates(name.encode() or None, key, certificate, list(chain), encryption)
    )
