"""Who asks for a CRL gets one that knows what they know, also where another publisher is at work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags as Reason
from django.utils import timezone

from certificates.models import CrlScope
from certificates.orders import RevokeOrder
from certificates.selectors import newest_crl
from certificates.services import authorities
from certificates.services.authorities import publish_everything
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db(transaction=True)


def _another_publisher_holds(office: Office) -> None:
    """It read the register before the revocation, and has not stored its CRL yet."""
    later = timezone.now() + timedelta(minutes=1)
    CrlScope.objects.filter(ca=office.issuing).update(lease=office.issuing.public_id, lease_until=later)


def test_another_publisher_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    office = open_office()
    row = office.issue().certificate
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=Reason.superseded))
    _another_publisher_holds(office)
    pauses: list[float] = []

    def he_ends(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            CrlScope.objects.filter(ca=office.issuing).update(lease=None, lease_until=None)

    monkeypatch.setattr(authorities, "sleep", he_ends)
    publish_everything(actor=SYSTEM, ca=office.issuing)
    assert len(pauses) == 3
    crl = newest_crl(office.issuing.pk)
    assert crl is not None
    listed = x509.load_der_x509_crl(bytes(crl.body))
    assert [f"{entry.serial_number:x}" for entry in listed] == [row.serial]


def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    office = open_office()
    _another_publisher_holds(office)
    clock = iter(range(0, 100, 4))
    monkeypatch.setattr(authorities, "monotonic", lambda: next(clock))
    monkeypatch.setattr(authorities, "sleep", lambda seconds: None)
    publish_everything(actor=SYSTEM, ca=office.issuing)
    assert next(clock) <= 20
