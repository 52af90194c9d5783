"""Is the office well? Each finding names what is wrong and with whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts import vault
from audit import services as audit
from audit.selectors import oldest_unsealed
from cas import keystore
from cas.guards import UNSEALED_TOO_LONG
from cas.models import CertificateAuthority
from cas.selectors import lost_intents
from certificates import selectors
from certificates.models import CrlScope
from kernel.errors import Unavailable
from kernel.text import Text, _


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that needs a person. `subject` is what it is about."""

    subject: str
    message: Text


def findings(*, at: datetime, verify_log: bool = False) -> list[Finding]:
    """Everything that is wrong now; empty when all is well. Verifying the whole audit log takes time."""
    found = [*_keys(), *_crls(at), *_responders(at), *_intents(at), *_unsealed(at)]
    if verify_log:
        found += [Finding("audit", Text(_("%(fault)s"), {"fault": each})) for each in audit.verify().findings]
    return found


@dataclass(frozen=True, slots=True)
class KeyHealth:
    """Whether a CA's key could sign now. Where it is not here, `backend` and `is_well` are None."""

    algorithm: str
    key_hash: str
    backend: str | None
    passphrase_protected: bool
    is_well: bool | None
    fault: Text | None = None


def key_health(ca: CertificateAuthority) -> KeyHealth:
    """Open the key and ask. A CA behind a passphrase is well while it is locked."""
    if ca.key is None:
        return KeyHealth(ca.key_algorithm, ca.key_hash, None, False, None)
    fault = _fault(ca)
    return KeyHealth(ca.key_algorithm, ca.key_hash, ca.key.backend, ca.passphrase_protected, fault is None, fault)


def _fault(ca: CertificateAuthority) -> Text | None:
    try:
        keystore.check_health(ca)
    except Unavailable as error:
        return error.message
    return None


def _keys() -> Iterator[Finding]:
    try:
        vault.check_master_key()
    except vault.WrongMasterKey:
        yield Finding("master key", Text(_("This is not the master key that the database was made under.")))
        return
    for ca in CertificateAuthority.objects.select_related("key").filter(key__isnull=False):
        if (fault := _fault(ca)) is not None:
            yield Finding(ca.name, fault)


def _intents(at: datetime) -> Iterator[Finding]:
    for row in lost_intents(at=at):
        text = _("The serial number %(serial)s was announced for signature and its certificate never stored.")
        yield Finding(row.ca.name, Text(text, {"serial": row.serial}))


def _crls(at: datetime) -> Iterator[Finding]:
    for scope in selectors.crl_scopes_due(at=at - timedelta(minutes=1)):
        yield Finding(scope.ca.name, Text(_("The CRL is due. %(error)s"), {"error": scope.last_error}))
    for scope in CrlScope.objects.select_related("ca").filter(attempts__gt=0):
        yield Finding(scope.ca.name, Text(_("Publishing the CRL failed: %(error)s"), {"error": scope.last_error}))


def _responders(at: datetime) -> Iterator[Finding]:
    for ca in selectors.authorities_in_need_of_responder(at=at):
        yield Finding(ca.name, Text(_("The OCSP responder ends soon or is missing.")))


def _unsealed(at: datetime) -> Iterator[Finding]:
    oldest = oldest_unsealed()
    if oldest is not None and at - oldest.at > UNSEALED_TOO_LONG:
        text = _("Audit events have not been sealed since %(since)s.")
        yield Finding("audit", Text(text, {"since": oldest.at.isoformat(timespec="seconds")}))
