"""Issuing through the services: what is stored, what is refused, who may."""

from __future__ import annotations

import pytest

from certificates.models import Certificate
from tests.office import open_office

pytestmark = pytest.mark.django_db


def test_what_was_issued_is_in_the_register():
    office = open_office()
    issued = office.issue("www.acme.test", "10.0.0.1")
    row = Certificate.objects.get()
    assert row == issued.certificate
    assert row.serial == f"{issued.x509.serial_number:x}"
