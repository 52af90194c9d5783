"""A register of any size, made fast: one certificate is issued as users do it, and its rows are written many times.

    python -m bench.fill FOLDER ROWS REVOKED LIVE

Run with the settings of the database to be filled. Every table that an issuance or a revocation writes gets its rows,
with serials, names, fingerprints and ids of their own; what no list and no CRL reads (the DER, the signed bytes of the
log) is repeated. What the bench must know of it is written to `FOLDER/office.json`.
"""

from __future__ import annotations

import json
import random
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import Max, Model  # noqa: E402
from django.utils import timezone  # noqa: E402

from audit.models import AuditEvent  # noqa: E402
from bench.tables import Rows, filling, row_of  # noqa: E402
from bench.wire import ocsp_request  # noqa: E402
from cas.core.crl import entry_der  # noqa: E402
from cas.core.keys import KeyAlgorithm  # noqa: E402
from cas.core.reasons import reason_name  # noqa: E402
from cas.models import CaCertificate, IssuedSerial  # noqa: E402
from cas.orders import TemplateOrder  # noqa: E402
from cas.services.templates import create_template  # noqa: E402
from certificates.models import (  # noqa: E402
    Certificate,
    CertificateBody,
    CertificateName,
    CrlScope,
    PublicPath,
    Revocation,
)
from certificates.orders import RevokeOrder  # noqa: E402
from certificates.services.ocsp import answer_ocsp  # noqa: E402
from certificates.services.revocation import revoke_certificate  # noqa: E402
from kernel.ref import Ref  # noqa: E402
from tests import cast  # noqa: E402
from tests.office import Office, open_office  # noqa: E402

PROTOTYPE = "prototype.acme.test"
SAMPLES = 64
_CHUNK = 20_000
# They were issued evenly since then.
_AGE = timedelta(days=60)
_REASONS = (
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.superseded,
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.cessation_of_operation,
)


def host_name(number: int) -> str:
    """The name of a filled certificate: one of a hundred zones, and a host of its own."""
    return f"host-{number:07d}.zone-{number % 100:02d}.acme.test"


class Filler:
    """Writes certificates that look like the prototype, numbered from where the register ends."""

    def __init__(self) -> None:
        certificate = Certificate.objects.filter(common_name=PROTOTYPE).order_by("pk").first()
        revocation = Revocation.objects.get(certificate=certificate)
        event = AuditEvent.objects.get(event_id=certificate.event)
        self._certificate = row_of(Certificate, id=certificate.pk)
        self._body = row_of(CertificateBody, certificate_id=certificate.pk)
        self._serial = row_of(IssuedSerial, serial=certificate.serial)
        self._names = [row_of(CertificateName, id=name.pk) for name in certificate.names.order_by("pk")]
        self._events = [row_of(AuditEvent, id=event.pk), row_of(AuditEvent, event_id=revocation.event)]
        del self._events[1]["id"]  # The other one is the prototype of their rows; this one is what differs.
        self._revocation = row_of(Revocation, id=revocation.pk)
        self._crl_number = CrlScope.objects.get(ca_id=certificate.ca_id, scope=0).last_number
        self._random = random.Random(_last(Certificate))  # noqa: S311
        self._now = datetime.now(UTC).replace(microsecond=0)

    def write(self, count: int, *, revoked: int) -> None:
        """So many more certificates; the first `revoked` of them are, and every CRL says so already."""
        with filling():
            for start in range(0, count, _CHUNK):
                with transaction.atomic():
                    self._write_chunk(range(start, min(start + _CHUNK, count)), count, revoked)

    def _write_chunk(self, part: range, count: int, revoked: int) -> None:
        certificates = Rows(Certificate, self._certificate)
        bodies, serials = Rows(CertificateBody, self._body), Rows(IssuedSerial, self._serial)
        names, events = Rows(CertificateName, self._names[0]), Rows(AuditEvent, self._events[0])
        revocations = Rows(Revocation, self._revocation)
        first = _last(Certificate) + 1
        position = (
            AuditEvent.objects.filter(log=self._events[0]["log"]).aggregate(last=Max("position"))["last"] or 0
        ) + 1
        for number, index in enumerate(part, first):
            is_revoked, begin = index < revoked, self._now - _AGE * (1 - index / count)
            serial, name = f"{self._random.getrandbits(158) | 1 << 157:x}", host_name(number)
            times = {"not_before": begin, "not_after": begin + timedelta(days=90)}
            event = f"01J{number:023d}"
            certificates.add(
                id=number,
                public_id=uuid.UUID(int=self._random.getrandbits(128), version=4),
                serial=serial,
                subject=f"CN={name}",
                subject_attributes=json.dumps({"common_name": name}),
                common_name=name,
                sans=json.dumps([name]),
                key_hash=f"{self._random.getrandbits(256):064x}",
                fingerprint=f"{self._random.getrandbits(256):064x}",
                state="revoked" if is_revoked else "issued",
                event=event,
                **times,
            )
            bodies.add(certificate_id=number, sha1=f"{self._random.getrandbits(160):040x}")
            serials.add(serial=serial, not_after=times["not_after"])
            for prototype in self._names:
                names.add(certificate_id=number, type=prototype["type"], value=name, reversed=name[::-1])
            events.add(event_id=event, position=position, resource_id=number, resource_label=name, serial=serial)
            position += 1
            if is_revoked:
                self._revoke(revocations, number, serial, begin, times["not_after"])
                told = self._events[1] | {"event_id": f"01H{number:023d}", "position": position}
                events.add(**told | {"resource_id": number, "resource_label": name, "serial": serial})
                position += 1
        for rows in (certificates, bodies, serials, names, events, revocations):
            rows.write()

    def _revoke(self, rows: Rows, number: int, serial: str, at: datetime, not_after: datetime) -> None:
        reason = _REASONS[number % len(_REASONS)]
        rows.add(
            serial=serial,
            certificate_id=number,
            at=at,
            reason=reason_name(reason),
            not_after=not_after,
            entry_der=entry_der(int(serial, 16), at, reason),
            first_crl=self._crl_number,
            event=f"01H{number:023d}",
        )


def open_bench_office() -> dict[str, Any]:
    """Everything that issuing needs, made by the services; what the bench must know of it."""
    office = open_office("ACME")
    _add_template(office, "unlinted", lint="off")
    prototype = office.issue(PROTOTYPE).certificate
    order = RevokeOrder(certificate=Ref("pk", prototype.pk), reason=x509.ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)
    issuer = CaCertificate.objects.get(ca=office.issuing, preferred=True).certificate
    return {
        "token": cast.api_key(office.person)[1],
        "linted": office.template.code,
        "unlinted": "unlinted",
        "organization": office.organization.pk,
        "ca": office.issuing.pk,
        "owner": office.person.user.pk,
        "issuer": issuer.public_bytes(Encoding.PEM).decode(),
        "ocsp_path": PublicPath.objects.get(ca=office.issuing, kind=PublicPath.Kind.OCSP).path,
    }


def _add_template(office: Office, code: str, **changes: Any) -> None:
    order = TemplateOrder(
        ca=Ref("pk", office.issuing.pk),
        role=Ref("pk", office.role.pk),
        name=code,
        code=code,
        key_algorithm=KeyAlgorithm.ECDSA_P256,
        validity=timedelta(days=90),
        key_usage=("digital_signature",),
        extended_key_usage=("server_auth",),
        **changes,
    )
    create_template(actor=office.owner, order=order)


def _samples() -> list[dict[str, Any]]:
    """Certificates in force, spread over the whole register."""
    live = Certificate.objects.filter(state="issued").order_by("pk").values_list("pk", flat=True)
    keys = list(live)
    chosen = [keys[len(keys) * index // SAMPLES] for index in range(min(SAMPLES, len(keys)))]
    columns = (
        Certificate.objects.filter(pk__in=chosen).order_by("pk").values("pk", "public_id", "serial", "common_name")
    )
    return [row | {"public_id": str(row["public_id"])} for row in columns]


def _keep_ocsp_answer(facts: dict[str, Any], file: Path) -> None:
    """What a view would have to return that only returns stored bytes."""
    issuer = x509.load_pem_x509_certificate(facts["issuer"].encode())
    request = ocsp_request(issuer, facts["samples"][0]["serial"])
    file.write_bytes(answer_ocsp(ca_id=facts["ca"], issuer=issuer, request=request, now=timezone.now()).body)


def _last(model: type[Model]) -> int:
    return model._default_manager.aggregate(last=Max("pk"))["last"] or 0


def main(folder: Path, rows: int, revoked: int, live: int) -> None:
    facts_file = folder / "office.json"
    call_command("migrate", interactive=False, verbosity=0)
    # Pages name their files by what is in them.
    call_command("collectstatic", interactive=False, verbosity=0)
    if not facts_file.exists():
        facts = open_bench_office()
        Filler().write(rows, revoked=revoked)
        if connection.vendor == "postgresql":
            connection.cursor().execute("VACUUM ANALYZE")
    else:
        facts = json.loads(facts_file.read_text())
    in_force = Certificate.objects.filter(state="issued", ca_id=facts["ca"])
    if (missing := live - in_force.count()) > 0:
        Filler().write(missing, revoked=0)
    facts["rows"] = Certificate.objects.count()
    facts["revoked"] = Certificate.objects.filter(state="revoked", ca_id=facts["ca"]).count()
    facts["live"] = [str(each) for each in in_force.order_by("pk").values_list("public_id", flat=True)[:live]]
    facts["samples"] = _samples()
    _keep_ocsp_answer(facts, folder / "answer.der")
    facts_file.touch(mode=0o600)
    facts_file.write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
