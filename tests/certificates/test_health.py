"""Is the office well? Each finding names what is wrong, and with whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import vault
from audit.services import seal
from cas.models import CaKey
from certificates.health import findings
from certificates.models import CrlScope, OcspResponder
from kernel.actor import SYSTEM
from kernel.seal import new_key
from kernel.secret import Secret
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def office() -> Office:
    office = open_office()
    seal(actor=SYSTEM)
    return office


def found(*, after: timedelta = timedelta(0), verify_log: bool = False) -> dict[str, str]:
    everything = findings(at=timezone.now() + after, verify_log=verify_log)
    return {finding.subject: str(finding.message) for finding in everything}


def test_a_new_office_is_well(office):
    assert found(verify_log=True) == {}


def test_a_locked_ca_is_well():
    open_office(passphrase=Secret("open, sesame seeds"))
    seal(actor=SYSTEM)
    assert found() == {}


def test_a_key_that_does_not_open(office):
    CaKey.objects.filter(authority=office.issuing).update(sealed=b"broken")
    assert found() == {"ACME Issuing CA": "The key of ACME Issuing CA does not open."}


def test_another_master_key(office, settings):
    settings.MASTER_KEY = new_key()
    vault._open_server_secret.cache_clear()
    assert found()["master key"] == "This is not the master key that the database was made under."
    vault._open_server_secret.cache_clear()


def test_a_crl_that_nobody_publishes(office):
    CrlScope.objects.filter(ca=office.issuing).update(next_due_at=timezone.now())
    assert found() == {}
    assert found(after=2 * MINUTE) == {"ACME Issuing CA": "The CRL is due. "}


def test_a_crl_that_cannot_be_published(office):
    CrlScope.objects.filter(ca=office.issuing).update(attempts=3, last_error="no signature")
    assert found() == {"ACME Issuing CA": "Publishing the CRL failed: no signature"}


def test_a_responder_that_is_missing(office):
    OcspResponder.objects.filter(ca=office.root).delete()
    assert found() == {"ACME Root": "The OCSP responder ends soon or is missing."}


def test_a_log_that_nobody_seals(office):
    office.issue()
    assert found() == {}
    assert found(after=2 * MINUTE)["audit"].startswith("Audit events have not been sealed since")
