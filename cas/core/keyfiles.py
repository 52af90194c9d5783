"""Private keys as other software hands them over: PEM or DER, in clear or under a password, or a PKCS#12 file."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import Certificate

from cas.core import der, kdf_cost
from cas.core.formats import read_certificates, to_pem
from cas.core.keys import PrivateKey, algorithm_of, load_private_key, serialize_private_key
from cas.core.pkcs12_trial import comes_to_an_end
from kernel.errors import Invalid
from kernel.secret import Secret
from kernel.text import _

LONGEST: Final = 256 * 1024
_FIELD: Final = "private_key"
_KEY_MARK: Final = b"PRIVATE KEY-----"
_PEM_KEY: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
# OpenSSL writes the curve before the key, which names it again.
_EC_PARAMETERS: Final = re.compile(rb"-----BEGIN EC PARAMETERS-----[A-Za-z0-9+/=\s]+-----END EC PARAMETERS-----")
_ENCRYPTED: Final = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")
# The lines around a key, those above it (RFC 1421), and whatever else a reader of base64 passes over.
_NOT_BASE64: Final = re.compile(rb"-----[^-]+-----|^[A-Za-z-]+:.*$|[^A-Za-z0-9+/]", re.MULTILINE)
_PFX_VERSION: Final = 3  # RFC 7292 section 4


class WrongPassword(Invalid):
    """The password does not open the file. (Or the file is damaged: the two cannot be told apart.)"""

    code = "wrong-password"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What was in the file: a key of one of our algorithms, checked, and the certificates that came with it."""

    key: PrivateKey = field(repr=False)
    certificates: tuple[Certificate, ...]


def holds_key(data: bytes) -> bool:
    """Whether this looks like a file for `read_key_file`, and not like certificates alone."""
    return _KEY_MARK in data or _is_pkcs12(data)


def read_key_file(data: Secret, password: Secret | None) -> KeyFile:
    """One private key, and the certificates beside it. A password that is not needed is not looked at.

    Raises WrongPassword, also where one is needed and none given; Invalid on `private_key` for everything else that is
    not one readable key of ours, RSA keys that contradict themselves among it, for more than 256 kB, and for what asks
    for minutes of work to find out whether the password is right.
    """
    raw = data.reveal()
    if len(raw) > LONGEST:
        raise Invalid.of(_FIELD, "too-long", _("is longer than %(limit)s bytes"), limit=LONGEST)
    if b"-----BEGIN " in raw:
        return _read_pem(raw, password)
    if _is_pkcs12(raw):
        return _read_pkcs12(raw, password)
    return KeyFile(_load(raw, password, is_encrypted=_is_encrypted_pkcs8(raw)), ())


def _read_pem(raw: bytes, password: Secret | None) -> KeyFile:
    # Counted first: a search for the end of each of ten thousand beginnings would take minutes.
    match = _PEM_KEY.search(raw) if raw.count(_KEY_MARK) == 2 else None
    if match is None:
        raise _not_one_key(raw.count(_KEY_MARK) // 2)
    rest = _EC_PARAMETERS.sub(b"", raw[: match.start()] + raw[match.end() :])
    certificates = read_certificates(rest, field=_FIELD) if b"-----BEGIN " in rest else ()
    return KeyFile(_load(match[0], password, is_encrypted=any(mark in match[0] for mark in _ENCRYPTED)), certificates)


def _load(encoded: bytes, password: Secret | None, *, is_encrypted: bool) -> PrivateKey:
    if is_encrypted and not password:
        raise _password_needed()
    if is_encrypted and kdf_cost.is_too_much(_der_of(encoded)):
        raise _unreadable()
    try:
        return load_private_key(Secret(encoded), trusted=False, password=password if is_encrypted else None)
    except Invalid as error:
        if is_encrypted and error.errors[0].code == "unreadable-key":
            raise _wrong_password() from None
        raise


def _der_of(encoded: bytes) -> bytes:
    """What is in the PEM, as far as it is base64; DER as it is."""
    if b"-----BEGIN " not in encoded:
        return encoded
    body = _NOT_BASE64.sub(b"", encoded)
    return base64.b64decode(body[: len(body) // 4 * 4])


def _is_encrypted_pkcs8(raw: bytes) -> bool:
    """EncryptedPrivateKeyInfo begins with an algorithm, every other form with a number (RFC 5958 sections 2 and 3)."""
    try:
        return der.Reader(raw).enter().next_is(der.SEQUENCE)
    except der.DerError:
        return False


def _is_pkcs12(raw: bytes) -> bool:
    try:
        return der.Reader(raw).enter().read_integer() == _PFX_VERSION
    except der.DerError:
        return False


def _read_pkcs12(raw: bytes, password: Secret | None) -> KeyFile:
    if kdf_cost.is_too_much(raw) or not comes_to_an_end(raw, password):
        raise _unreadable()
    try:
        content = pkcs12.load_pkcs12(raw, password.reveal() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is left out on purpose: its text may quote what is in the file.
        raise (_wrong_password() if password else _password_needed()) from None
    if content.key is None:
        raise _not_one_key(0)
    algorithm_of(content.key.public_key(), field=_FIELD)
    # Written and read again, so that every key passes through one check.
    key = load_private_key(serialize_private_key(cast(PrivateKey, content.key), encoding="der"), trusted=False)
    beside = [content.cert, *content.additional_certs]
    pem = to_pem(*(each.certificate for each in beside if each is not None))
    return KeyFile(key, read_certificates(pem, field=_FIELD) if pem else ())


def _unreadable() -> Invalid:
    return Invalid.of(_FIELD, "unreadable-key", _("this is not a private key that can be read"))


def _not_one_key(count: int) -> Invalid:
    text = _("%(count)s private keys are in the file; it must be one")
    return Invalid.of(_FIELD, "not-one-key", text, count=count)


def _password_needed() -> WrongPassword:
    return WrongPassword.of("password", "required", _("the file is encrypted; it needs its password"))


def _wrong_password() -> WrongPassword:
    return WrongPassword.of("password", "wrong-password", _("this is not the password of the file, or it is damaged"))
