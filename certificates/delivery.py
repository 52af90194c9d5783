"""How a certificate and its managed key are handed out: judged before anything is signed, packed afterwards."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509

from cas.core.keys import KeyAlgorithm, KeyFamily, load_private_key, serialize_private_key
from certificates.bundles import Download, Format, bundle, bundle_with_key
from kernel.errors import FieldError, Invalid, field_error
from kernel.secret import Secret
from kernel.text import _

_TRADITIONAL: Final = frozenset({KeyFamily.RSA, KeyFamily.ECDSA})


class KeyFormat(StrEnum):
    """How a private key is written. `pem` and `pkcs8` are the same: PKCS#8 in PEM (RFC 5958, RFC 7468)."""

    PEM = "pem"
    PKCS8 = "pkcs8"
    PKCS1 = "pkcs1"
    DER = "der"
    P12 = "p12"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What the asker wants to get: the key's format, and a file with everything where `file_format` is not PEM.

    The password encrypts the key, in whatever it stands.
    """

    key_format: KeyFormat = KeyFormat.PEM
    file_format: Format = Format.PEM
    password: Secret | None = None

    def require_possible(self, algorithm: KeyAlgorithm) -> None:
        """Raises Invalid with everything that a key of this algorithm stands against.

        To be asked before the key is made or taken out: afterwards a refusal would cost the key.
        """
        errors = list(self._errors(algorithm))
        if errors:
            raise Invalid(errors=errors)

    def _errors(self, algorithm: KeyAlgorithm) -> Iterator[FieldError]:
        if self.key_format is KeyFormat.PKCS1 and (algorithm.family not in _TRADITIONAL or self.password):
            text = _("pkcs1 is for RSA and EC keys without a password; use pkcs8")
            yield field_error("key_format", "unsupported-format", text)
        in_pkcs12 = {"key_format": self.key_format is KeyFormat.P12, "delivery_format": self.file_format is Format.P12}
        for field in (field for field, is_so in in_pkcs12.items() if is_so):
            if algorithm.family is KeyFamily.ML_DSA:
                yield field_error(field, "unsupported-format", _("ML-DSA keys cannot go into PKCS#12; use PEM"))
        if any(in_pkcs12.values()) and not self.password:
            yield field_error("password", "required", _("a PKCS#12 file with a key needs a password"))


PLAIN: Final = Delivery()


@dataclass(frozen=True, slots=True)
class Delivered:
    """The key as it was asked for (base64 where its format is binary), and the file."""

    private_key: Secret | None
    file: Download | None


def deliver(
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    private_key: Secret | None,
    delivery: Delivery,
    *,
    name: str,
) -> Delivered:
    """Pack what was issued. `private_key` is PKCS#8 DER, None where it is not handed out (now)."""
    if private_key is None:
        file = (
            None if delivery.file_format is Format.PEM else bundle(certificate, chain, delivery.file_format, name=name)
        )
        return Delivered(None, file)
    key = _key_text(certificate, chain, private_key, delivery, name)
    if delivery.file_format is Format.PEM:
        return Delivered(key, None)
    if delivery.file_format in (Format.P12, Format.ZIP):
        file = bundle_with_key(
            certificate, chain, private_key, delivery.file_format, name=name, password=delivery.password
        )
    else:
        file = bundle(certificate, chain, delivery.file_format, name=name)
    return Delivered(key, file)


def _key_text(
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    private_key: Secret,
    delivery: Delivery,
    name: str,
) -> Secret:
    key = load_private_key(private_key, trusted=True)
    match delivery.key_format:
        case KeyFormat.P12:
            file = bundle_with_key(certificate, chain, private_key, Format.P12, name=name, password=delivery.password)
            return Secret(base64.b64encode(file.content))
        case KeyFormat.DER:
            der = serialize_private_key(key, encoding="der", password=delivery.password)
            return Secret(base64.b64encode(der.reveal()))
        case KeyFormat.PKCS1:
            return serialize_private_key(key, format="pkcs1")
        case KeyFormat.PEM | KeyFormat.PKCS8:
            return serialize_private_key(key, password=delivery.password)
