"""What a FastPKI database becomes here: organizations, people without passwords, CAs from the roots down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.x509 import ReasonFlags

from cas.core.foreign_crl import ListedRevocation
from cas.core.formats import load_certificates
from cas.core.reasons import parse_reason
from cas.orders import AuthorityImportOrder, KnownSerial
from certificates.moving.addresses import addresses_in
from certificates.moving.fastpki_rows import FastPkiRows, Row, moment_of, open_key, word_of
from certificates.moving.orders import MovingCertificate, MovingOrder
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret

_LARGEST: Final = 64 * 1024
_CAPABILITIES: Final[Mapping[str, tuple[Permission, ...]]] = {
    "can_create_ca": (Permission.CAS_CREATE,),
    "can_create_cert": (Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_RENEW),
    "can_revoke_cert": (Permission.CERTIFICATES_REVOKE,),
    "can_export_private_key": (Permission.CERTIFICATES_EXPORT_KEY, Permission.CAS_EXPORT_KEY),
    "can_delete_ca": (Permission.CAS_WRITE,),
}


@dataclass(frozen=True, slots=True)
class FastPkiTerms:
    """How its CAs are to move. `key` opens the private keys there."""

    key: Secret | None
    base_url: str | None = None
    with_keys: bool = False


def authorities_in_order(rows: Iterable[Row]) -> list[Row]:
    """Those above before those below, whatever their numbers; parents that are not there count for none."""
    waiting = {row["id"]: row for row in rows}
    ordered: list[Row] = []
    while waiting:
        ready = [
            row for row in waiting.values() if row["parent_ca_id"] not in waiting or row["parent_ca_id"] == row["id"]
        ]
        # A circle stands above nothing else; its CAs come in as they are, and the chain rules judge them.
        for row in ready or list(waiting.values()):
            ordered.append(row)
            del waiting[row["id"]]
    return ordered


def moving_order(row: Row, rows: FastPkiRows, organization: Ref, terms: FastPkiTerms) -> MovingOrder:
    """One CA with all that it has issued. Raises Invalid (its key or its certificate cannot be read)."""
    issued = [each for each in rows.certificates if each["issuer_id"] == row["id"]]
    reasons = {each["serial_number"].lower(): each for each in rows.crl_entries if each["ca_id"] == row["id"]}
    certificates = {each["id"]: _certificate(each) for each in issued}
    authority = AuthorityImportOrder(
        organization=organization,
        name=_name(row, rows),
        description=str(row.get("description") or "")[:500],
        base_url=terms.base_url,
        allow_leaf_certificates=bool(row["allow_leaf_certs"]),
        key_file=open_key(row["private_key"], terms.key),
        certificates=_above(row, rows),
        issued=tuple(_serials(issued, reasons)),
        revoked=tuple(_revocations(issued, reasons)),
    )
    moving = tuple(_moving(each, terms) for each in issued if word_of(each["certificate_type"]) != "ca")
    found = [address for each in certificates.values() if each is not None for address in addresses_in(each)]
    return MovingOrder(authority=authority, certificates=moving, addresses=tuple(dict.fromkeys(found)))


def is_owner(user: Row) -> bool:
    """Superusers there are nobody's superusers here."""
    return word_of(user["role"]) in ("superuser", "admin")


def permissions_of(user: Row) -> list[Permission]:
    """What these capabilities are here."""
    return [permission for name, line in _CAPABILITIES.items() if user.get(name) for permission in line]


def _name(row: Row, rows: FastPkiRows) -> str:
    """Names need not be unique there."""
    same = [each for each in rows.authorities if (each["name"], each["organization_id"]) == _identity(row)]
    return f"{row['name']}" if len(same) == 1 else f"{row['name']} ({row['id']})"


def _identity(row: Row) -> tuple[Any, Any]:
    return row["name"], row["organization_id"]


def _above(row: Row, rows: FastPkiRows) -> bytes:
    """Its certificate, and those of the CAs above it."""
    by_id = {each["id"]: each for each in rows.authorities}
    found: list[str] = []
    seen: set[object] = set()
    current: Row | None = row
    while current is not None and current["id"] not in seen:
        seen.add(current["id"])
        found.append(current["certificate"])
        current = by_id.get(current["parent_ca_id"])
    return "\n".join(found).encode()


def _certificate(row: Row) -> x509.Certificate | None:
    try:
        return load_certificates(row["certificate"], field="certificate", longest=_LARGEST, most=1)[0]
    except Invalid:
        return None


def _moving(row: Row, terms: FastPkiTerms) -> MovingCertificate:
    stored = row["private_key"] if terms.with_keys else None
    return MovingCertificate(
        label=f"{row['common_name']} ({row['serial_number']})",
        certificate=row["certificate"].encode(),
        private_key=open_key(stored, terms.key) if stored else None,
    )


def _serials(issued: Iterable[Row], listed: Mapping[str, Row]) -> Iterable[KnownSerial]:
    known = set()
    for row in issued:
        known.add(row["serial_number"].lower())
        yield KnownSerial(int(row["serial_number"], 16), moment_of(row["not_after"]))
    for serial in listed:
        # What was deleted there is still revoked.
        if serial not in known:
            yield KnownSerial(int(serial, 16))


def _revocations(issued: Iterable[Row], listed: Mapping[str, Row]) -> Iterable[ListedRevocation]:
    """Of a certificate that is revoked without an entry there is only the date; of an entry there is all."""
    for row in issued:
        serial = row["serial_number"].lower()
        since = moment_of(row["revoked_at"])
        if word_of(row["status"]) == "revoked" and serial not in listed and since is not None:
            yield _revocation(serial, since, "")
    for serial, row in listed.items():
        since = moment_of(row["revocation_date"])
        if since is not None:
            yield _revocation(serial, since, str(row["reason"] or ""))


def _revocation(serial: str, since: datetime, text: str) -> ListedRevocation:
    """Reasons are free text there: what is none of ours is unspecified."""
    try:
        reason = parse_reason(text)
    except Invalid:
        reason = ReasonFlags.unspecified
    return ListedRevocation(int(serial, 16), since.replace(microsecond=0), reason, None)
