"""The one door to CA keys: they are made here, kept here, and opened for one signature at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from django.db import IntegrityError, transaction

from accounts.models import Organization
from cas.backends import KeyBackend, pkcs11, sealed
from cas.core.keys import KeyAlgorithm, PrivateKey, PublicKey, algorithm_of, generate, public_key_sha256, spki
from cas.core.signing import Signer
from cas.guards import require_constraints
from cas.guesses import WrongPassphrase, counted
from cas.models import CaCertificate, CaKey, CertificateAuthority
from kernel.errors import Conflict, Denied, FieldError, Invalid, NotFound, Unavailable, field_error
from kernel.seal import SealBroken
from kernel.secret import Secret
from kernel.text import _

__all__ = [
    "MINIMUM_PASSPHRASE",
    "NewKey",
    "WrongPassphrase",
    "check_health",
    "discard_key",
    "export_key",
    "find_token_key",
    "generate_key",
    "keep_key",
    "open_signer",
    "passphrase_errors",
    "take_key",
]

MINIMUM_PASSPHRASE: Final = 12
Backend = CaKey.Backend


@dataclass(frozen=True, slots=True)
class NewKey:
    """A CA key that stands in no row yet: in memory, or on the token under `reference`."""

    algorithm: KeyAlgorithm
    public_key: PublicKey
    _key: PrivateKey | None = field(default=None, repr=False)
    reference: str = ""
    # Made here and now, so that it is of no use to anyone if it is not kept.
    is_fresh: bool = True


def generate_key(algorithm: KeyAlgorithm, backend: str = Backend.SEALED) -> NewKey:
    """Make a key. RSA-4096 takes seconds, so it is done before the transaction begins.

    Raises Unavailable (the token is not there), Invalid on `key_algorithm` (the token does not make such keys).
    """
    if backend == Backend.PKCS11:
        public_key, reference = pkcs11.generate(algorithm)
        return NewKey(algorithm, public_key, reference=reference)
    key = generate(algorithm)
    return NewKey(algorithm, key.public_key(), key)


def take_key(key: PrivateKey) -> NewKey:
    """A key that was made elsewhere, and is to be kept here."""
    return NewKey(algorithm_of(key.public_key()), key.public_key(), key, is_fresh=False)


def find_token_key(*, label: str = "", identifier: bytes = b"") -> NewKey:
    """A key that is on the token already. Raises Invalid on `token_key` (none, or several), Unavailable."""
    public_key, reference = pkcs11.find(label=label, identifier=identifier)
    return NewKey(algorithm_of(public_key, field="token_key"), public_key, reference=reference, is_fresh=False)


def discard_key(key: NewKey) -> None:
    """Take a fresh key back that was not kept in the end. A key in memory vanishes by itself."""
    if key.reference and key.is_fresh:
        pkcs11.destroy(key.reference)


def passphrase_errors(passphrase: Secret | None, backend: str = Backend.SEALED) -> list[FieldError]:
    """Why a key cannot be locked with this; None locks nothing."""
    if passphrase is None:
        return []
    if backend != Backend.SEALED:
        text = _("A key on a token is protected by the token's own PIN.")
        return [field_error("passphrase", "not-with-this-backend", text)]
    if len(passphrase.reveal().decode(errors="replace")) >= MINIMUM_PASSPHRASE:
        return []
    text = _("The passphrase needs at least %(minimum)s characters.")
    return [field_error("passphrase", "too-short", text, minimum=MINIMUM_PASSPHRASE)]


def keep_key(key: NewKey, *, organization: Organization, passphrase: Secret | None) -> CaKey:
    """Seal the key into a row of its own, or note where it is.

    Raises Invalid (a passphrase that is too short, or of no use here), Conflict (it is a CA's already).
    """
    backend = Backend.PKCS11 if key.reference else Backend.SEALED
    if errors := passphrase_errors(passphrase, backend):
        raise Invalid(errors=errors)
    row = CaKey(
        organization=organization,
        backend=backend,
        algorithm=key.algorithm,
        public_key=spki(key.public_key),
        key_hash=public_key_sha256(key.public_key),
        reference=key.reference,
        passphrase_protected=passphrase is not None,
    )
    if key._key is not None:
        row.sealed = sealed.seal_key(row, key._key, passphrase)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("This key belongs to a CA already."), code="key-in-use") from error
    return row


@contextmanager
def open_signer(
    ca: CertificateAuthority,
    *,
    passphrase: Secret | None = None,
    certificate: x509.Certificate | None = None,
    for_itself: bool = False,
) -> Iterator[Signer]:
    """The CA's key and its preferred certificate, for the length of the `with` block.

    `certificate` is the preferred one, where the caller has it in hand; a signer refuses one that is not the key's.
    `for_itself`: it is to sign its own certificate, or a request for one, and needs none for that; a CA that has none
    yet can sign nothing else. Raises Unavailable (no key here, or it is locked and no passphrase was given, or its
    token is not there), WrongPassphrase, TooMany.
    """
    require_constraints()
    if ca.key is None:
        raise Unavailable(_("The key of %(ca)s is not kept here."), code="ca-without-key", ca=ca.name)
    backend = _open(ca.key, ca, passphrase)
    try:
        yield Signer(None if for_itself else certificate or _preferred_certificate(ca), backend)
    finally:
        del backend


def check_health(ca: CertificateAuthority) -> None:
    """Open the key and ask whether it could sign. A passphrase CA is well while it is locked.

    Raises Unavailable.
    """
    if ca.key is None or ca.key.passphrase_protected:
        return
    _open(ca.key, ca, None).health()


def export_key(ca: CertificateAuthority) -> Secret:
    """The private key itself (PKCS#8 DER), where it is sealed here and by nothing else. Whoever calls this answers for
    who gets it.

    Raises NotFound (no key here), Denied (it is on a token, or behind a passphrase), Unavailable (it does not open).
    """
    if ca.key is None:
        raise NotFound(_("There is no private key of %(ca)s here."), code="ca-key-elsewhere", ca=ca.name)
    if ca.key.backend != Backend.SEALED or ca.key.passphrase_protected:
        text = _("The key of %(ca)s does not leave: it is on a token, or behind a passphrase.")
        raise Denied(text, code="key-not-exportable", ca=ca.name)
    try:
        return sealed.unseal(ca.key, None)
    except SealBroken as error:
        raise _broken(ca) from error


def _open(row: CaKey, ca: CertificateAuthority, passphrase: Secret | None) -> KeyBackend:
    if row.backend == Backend.PKCS11:
        return pkcs11.open_key(row)
    if row.passphrase_protected:
        if passphrase is None:
            raise Unavailable(_("%(ca)s is locked: it needs its passphrase."), code="ca-locked", ca=ca.name)
        with counted(str(row.pk), what=ca.name):
            return _open_with_passphrase(row, ca, passphrase)
    try:
        return sealed.open_key(row, None)
    except SealBroken as error:
        raise _broken(ca) from error


def _broken(ca: CertificateAuthority) -> Unavailable:
    return Unavailable(_("The key of %(ca)s does not open."), code="key-broken", ca=ca.name)


def _open_with_passphrase(row: CaKey, ca: CertificateAuthority, passphrase: Secret) -> KeyBackend:
    try:
        return sealed.open_key(row, passphrase)
    except SealBroken as error:
        raise WrongPassphrase(_("This is not the passphrase of %(ca)s."), ca=ca.name) from error


def _preferred_certificate(ca: CertificateAuthority) -> x509.Certificate | None:
    row = CaCertificate.objects.filter(ca=ca, preferred=True).first()
    return row.certificate if row else None
