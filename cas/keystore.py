"""The one door to CA keys: they are made here, kept here, and opened for one signature at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from django.core.cache import cache
from django.db import IntegrityError, transaction

from accounts.models import Organization
from cas.backends import KeyBackend, sealed
from cas.core.keys import KeyAlgorithm, PrivateKey, PublicKey, generate, public_key_sha256, spki
from cas.core.signing import Signer
from cas.guards import require_constraints
from cas.models import CaCertificate, CaKey, CertificateAuthority
from kernel.errors import Conflict, Denied, FieldError, Invalid, TooMany, Unavailable, field_error
from kernel.seal import SealBroken
from kernel.secret import Secret
from kernel.text import _

MINIMUM_PASSPHRASE: Final = 12
_GUESSES: Final = 5
_GUESSES_WINDOW: Final = 15 * 60


class WrongPassphrase(Denied):
    """The passphrase does not open this CA's key."""

    code = "wrong-passphrase"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh CA key that stands in no row yet."""

    algorithm: KeyAlgorithm
    public_key: PublicKey
    _key: PrivateKey = field(repr=False)


def generate_key(algorithm: KeyAlgorithm) -> NewKey:
    """Make a key. RSA-4096 takes seconds, so it is done before the transaction begins."""
    key = generate(algorithm)
    return NewKey(algorithm, key.public_key(), key)


def passphrase_errors(passphrase: Secret | None) -> list[FieldError]:
    """Why a key cannot be locked with this; None locks nothing."""
    if passphrase is None or len(passphrase.reveal().decode(errors="replace")) >= MINIMUM_PASSPHRASE:
        return []
    text = _("The passphrase needs at least %(minimum)s characters.")
    return [field_error("passphrase", "too-short", text, minimum=MINIMUM_PASSPHRASE)]


def keep_key(key: NewKey, *, organization: Organization, passphrase: Secret | None) -> CaKey:
    """Seal the key into a row of its own. Raises Invalid (a passphrase that is too short), Conflict."""
    if errors := passphrase_errors(passphrase):
        raise Invalid(errors=errors)
    row = CaKey(
        organization=organization,
        algorithm=key.algorithm,
        public_key=spki(key.public_key),
        key_hash=public_key_sha256(key.public_key),
        passphrase_protected=passphrase is not None,
    )
    row.sealed = sealed.seal_key(row, key._key, passphrase)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("This key belongs to a CA already."), code="key-in-use") from error
    return row


@contextmanager
def open_signer(ca: CertificateAuthority, *, passphrase: Secret | None = None) -> Iterator[Signer]:
    """The CA's key and its preferred certificate, for the length of the `with` block.

    A new root has no certificate yet; its signer's certificate is None and may sign nothing but itself.
    Raises Unavailable (no key here, or it is locked and no passphrase was given), WrongPassphrase, TooMany.
    """
    require_constraints()
    if ca.key is None:
        raise Unavailable(_("The key of %(ca)s is not kept here."), code="ca-without-key", ca=ca.name)
    backend = _open(ca.key, ca, passphrase)
    try:
        yield Signer(_preferred_certificate(ca), backend)
    finally:
        del backend


def check_health(ca: CertificateAuthority) -> None:
    """Open the key and ask whether it could sign. A passphrase CA is well while it is locked.

    Raises Unavailable.
    """
    if ca.key is None or ca.key.passphrase_protected:
        return
    _open(ca.key, ca, None).health()


def _open(row: CaKey, ca: CertificateAuthority, passphrase: Secret | None) -> KeyBackend:
    if row.backend != CaKey.Backend.SEALED:
        raise Unavailable(_("The key backend of %(ca)s is not configured."), code="backend-missing", ca=ca.name)
    if row.passphrase_protected:
        if passphrase is None:
            raise Unavailable(_("%(ca)s is locked: it needs its passphrase."), code="ca-locked", ca=ca.name)
        return _open_with_passphrase(row, ca, passphrase)
    try:
        return sealed.open_key(row, None)
    except SealBroken as error:
        raise Unavailable(_("The key of %(ca)s does not open."), code="key-broken", ca=ca.name) from error


def _open_with_passphrase(row: CaKey, ca: CertificateAuthority, passphrase: Secret) -> KeyBackend:
    counter = f"passphrase-guesses:{row.pk}"
    if cache.get(counter, 0) >= _GUESSES:
        text = _("Too many wrong passphrases for %(ca)s; try again in a quarter of an hour.")
        raise TooMany(text, retry_after=_GUESSES_WINDOW, code="passphrase-locked", ca=ca.name)
    try:
        key = sealed.open_key(row, passphrase)
    except SealBroken as error:
        cache.add(counter, 0, _GUESSES_WINDOW)
        cache.incr(counter)
        raise WrongPassphrase(_("This is not the passphrase of %(ca)s."), ca=ca.name) from error
    cache.delete(counter)
    return key


def _preferred_certificate(ca: CertificateAuthority) -> x509.Certificate | None:
    row = CaCertificate.objects.filter(ca=ca, preferred=True).first()
    return row.certificate if row else None
