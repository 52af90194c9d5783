"""Steps by which the public life of an imported CA goes on: its CRL numbers, what it has revoked, its old addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final
from urllib.parse import unquote, urlsplit

from cryptography.x509 import ReasonFlags
from django.db import IntegrityError, transaction
from django.db.models import Max

from audit import services as audit
from cas.core.crl import entry_der
from cas.core.foreign_crl import ListedRevocation, read_foreign_crl
from cas.core.reasons import reason_name
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from cas.orders import AuthorityImportOrder
from cas.services.serials import serial_text
from certificates.models import Certificate, CrlScope, PublicPath, Revocation
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.text import _

Kind = PublicPath.Kind
State = Certificate.State

_CHUNK: Final = 2000
# What the column holds; numbers that are taken from a clock stay below it for longer than CAs live.
_HIGHEST_NUMBER: Final = 2**63 - 2
_MOST_PATHS: Final = 100
_LONGEST_PATH: Final = 250
_PATH: Final = re.compile(r"(ca|crl|ocsp)(/[A-Za-z0-9._~!$&'()*+,;=:@ -]+)+")
_ENDINGS: Final = {Kind.CA: (".crt", ".cer", ".pem"), Kind.CRL: (".pem", ".crl"), Kind.OCSP: ()}
# The addresses that we make ourselves: a name, and the number of the CA.
_OUR_SHAPE: Final = re.compile(r"(?:ca|crl|ocsp)/[a-z0-9_-]+-(\d{1,18})(?:/\d+)?")


def take_over(ca: CertificateAuthority, order: AuthorityImportOrder) -> int:
    """Go on above the last CRL number, revoke what was revoked, and answer under the old addresses.

    How many revocations came in; those that are here already are not counted, so it may be done again later.
    Publication is open. Raises Invalid on `last_crl`, `last_crl_number` and `public_paths[n]`, Conflict (an address
    belongs to another CA).
    """
    number = order.last_crl_number or 0
    own = CaCertificate.objects.get(ca=ca, preferred=True)
    revoked = _take_over_revocations(ca, order.revoked, own.not_after)
    if order.last_crl:
        last = read_foreign_crl(order.last_crl, own.certificate, field="last_crl")
        number = max(number, last.number)
        told = {each.serial for each in order.revoked}
        listed = (each for each in last.entries() if each.serial not in told)
        revoked += _take_over_revocations(ca, listed, own.not_after)
    if not 0 <= number <= _HIGHEST_NUMBER:
        text = _("a CRL number above %(highest)s cannot be continued here")
        raise Invalid.of("last_crl_number", "out-of-range", text, highest=_HIGHEST_NUMBER)
    CrlScope.objects.filter(ca=ca, last_number__lt=number).update(last_number=number)
    _claim_paths(ca, order.public_paths)
    return revoked


def _take_over_revocations(ca: CertificateAuthority, revoked: Iterable[ListedRevocation], ends: datetime) -> int:
    """Each entry with its own date and reason. When a certificate ends may be unknown: by then its CA has ended."""
    event = audit.new_event_id()
    entries = iter(revoked)
    total = 0
    while chunk := list(islice(entries, _CHUNK)):
        IssuedSerial.objects.bulk_create(
            (
                IssuedSerial(
                    organization_id=ca.organization_id,
                    ca=ca,
                    serial=serial_text(entry.serial),
                    kind=IssuedSerial.Kind.IMPORTED,
                    not_after=ends,
                )
                for entry in chunk
            ),
            ignore_conflicts=True,
        )
        total += _keep_revocations(ca, chunk, event)
    return total


def _keep_revocations(ca: CertificateAuthority, listed: Sequence[ListedRevocation], event: str) -> int:
    by_serial = {serial_text(entry.serial): entry for entry in listed}
    here = Revocation.objects.filter(ca=ca, serial__in=by_serial, lifted_at__isnull=True)
    for serial in here.values_list("serial", flat=True):
        del by_serial[serial]
    serials = list(by_serial)
    ends = dict(IssuedSerial.objects.filter(ca=ca, serial__in=serials).values_list("serial", "not_after"))
    certificates = {row.serial: row for row in Certificate.objects.filter(ca=ca, serial__in=serials)}
    rows = [
        Revocation(
            organization_id=ca.organization_id,
            ca=ca,
            serial=serial,
            certificate=certificates.get(serial),
            at=entry.at,
            reason=reason_name(entry.reason),
            invalidity=entry.invalidity,
            not_after=ends[serial],
            entry_der=entry_der(entry.serial, entry.at, entry.reason, entry.invalidity),
            event=event,
        )
        for serial, entry in by_serial.items()
    ]
    Revocation.objects.bulk_create(rows)
    for row in rows:
        if row.certificate is not None:
            is_hold = row.reason == reason_name(ReasonFlags.certificate_hold)
            row.certificate.state = State.HELD if is_hold else State.REVOKED
    Certificate.objects.bulk_update(certificates.values(), ["state"])
    return len(rows)


def _claim_paths(ca: CertificateAuthority, paths: Sequence[str]) -> None:
    newest = CertificateAuthority.objects.aggregate(newest=Max("pk"))["newest"]
    if errors := list(_path_errors(paths, newest)):
        raise Invalid(errors=errors)
    for text in paths:
        path, kind = _stem(text)
        try:
            with transaction.atomic():
                row, _is_new = PublicPath.objects.get_or_create(
                    path=path, defaults={"kind": kind, "ca": ca, "organization_id": ca.organization_id}
                )
        except IntegrityError as error:
            raise _path_used(path) from error
        if row.ca_id != ca.pk:
            raise _path_used(path)


def _path_errors(paths: Sequence[str], newest_ca: int) -> Iterator[FieldError]:
    if len(paths) > _MOST_PATHS:
        yield field_error("public_paths", "too-many", _("At most %(most)s addresses."), most=_MOST_PATHS)
        return
    for index, text in enumerate(paths):
        field = f"public_paths[{index}]"
        path = _path_of(text)
        if not _PATH.fullmatch(path) or len(path) > _LONGEST_PATH or {".", ".."} & set(path.split("/")):
            yield field_error(field, "invalid", _("An address here begins with /ca/, /crl/ or /ocsp/."))
        elif path.startswith("ca/") and not path.endswith(_ENDINGS[Kind.CA]):
            yield field_error(field, "invalid", _("The address of a CA certificate ends in .crt, .cer or .pem."))
        elif path.startswith("ocsp/") and path.count("/") > 1:
            # Behind the second slash of a GET stands the request.
            yield field_error(field, "invalid", _("The address of an OCSP responder is /ocsp/ and one name."))
        elif (ours := _OUR_SHAPE.fullmatch(_stem(text)[0])) and int(ours[1]) > newest_ca:
            yield field_error(field, "reserved", _("Addresses of this form are kept for CAs to come."))


def usable_paths(ca: CertificateAuthority, addresses: Iterable[str]) -> tuple[list[str], list[str]]:
    """Of the addresses in a CA's certificates, those that can be answered here, and the others."""
    newest = CertificateAuthority.objects.aggregate(newest=Max("pk"))["newest"]
    usable: list[str] = []
    left: list[str] = []
    for each in dict.fromkeys(addresses):
        is_good = len(usable) < _MOST_PATHS and not list(_path_errors([each], newest))
        taken = is_good and PublicPath.objects.filter(path=_stem(each)[0]).exclude(ca=ca).exists()
        (usable if is_good and not taken else left).append(each)
    return usable, left


def _path_of(text: str) -> str:
    """An address without its server: what a client there asks for."""
    try:
        return unquote(urlsplit(text).path).lstrip("/")
    except ValueError:
        return ""


def _stem(text: str) -> tuple[str, str]:
    """The path as `certificates.public` looks it up, and what stands there."""
    path = _path_of(text)
    kind = Kind(path.partition("/")[0])
    for ending in _ENDINGS[kind]:
        path = path.removesuffix(ending)
    return path, kind


def _path_used(path: str) -> Conflict:
    return Conflict(_("The address %(path)s belongs to another CA."), code="path-used", path=path)
