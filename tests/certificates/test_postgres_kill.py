"""`kill -9` at every step of an issuance: afterwards all of it is there, or nothing (design, section 11)."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from audit.events import EventName
from audit.models import AuditEvent
from cas.models import IssuedSerial
from certificates.models import Certificate, CertificateBody, CertificateName
from tests.office import Office, open_office
from tests.postgres import start_child

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

UNFINISHED = (
    "before-lock",
    "before-reserving",
    "after-reserving",
    "before-signing",
    "after-signing",
    "before-audit",
    "after-audit",
)
SIGNED = ("after-signing", "before-audit", "after-audit")


def serials_of_leaves(office: Office) -> set[str]:
    rows = IssuedSerial.objects.filter(ca=office.issuing, kind=IssuedSerial.Kind.LEAF)
    return set(rows.values_list("serial", flat=True))


def test_a_killed_issuance_is_there_as_a_whole_or_not_at_all(tmp_path: Path):
    office = open_office()
    office.issue("before.acme.test")
    points = (*UNFINISHED, "after-commit")
    child = start_child(tmp_path, "die", office.person.user.pk, office.template.pk, *points)
    assert child.finish().splitlines() == [f"{point} {-signal.SIGKILL}" for point in points]

    names = set(Certificate.objects.values_list("common_name", flat=True))
    assert names == {"before.acme.test", "after-commit.acme.test"}
    whole = Certificate.objects.get(common_name="after-commit.acme.test")
    assert whole.body.x509.serial_number == int(whole.serial, 16)
    assert list(whole.names.values_list("type", "value")) == [
        ("cn", "after-commit.acme.test"),
        ("dns", "after-commit.acme.test"),
    ]
    event = AuditEvent.objects.get(event_id=whole.event)
    assert (event.name, event.serial) == (EventName.CERTIFICATE_ISSUED, whole.serial)

    assert serials_of_leaves(office) == set(Certificate.objects.values_list("serial", flat=True))
    assert CertificateBody.objects.count() == 2
    assert set(CertificateName.objects.values_list("certificate_id", flat=True)) == set(
        Certificate.objects.values_list("pk", flat=True)
    )
    assert AuditEvent.objects.filter(name=EventName.CERTIFICATE_ISSUED).count() == 2

    # Whatever was signed and lost was announced before, and its number is never given to another.
    announced = {point: _announced_serial((tmp_path / point).read_text()) for point in SIGNED}
    assert all(announced.values()), announced
    after = office.issue("after.acme.test").certificate
    assert after.serial not in {*announced.values(), whole.serial}


def _announced_serial(errors: str) -> str | None:
    """The serial number in the line that is logged before a key moves."""
    lines = [line for line in errors.splitlines() if "signing leaf" in line]
    return next((word for line in lines for word in line.split() if len(word) > 30), None)
