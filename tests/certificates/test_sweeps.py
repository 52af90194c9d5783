"""What the clock brings round: everything that is due, and the failure of one stops no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cas.models import CaKey
from cas.services.authorities import create_authority
from certificates import tasks
from certificates.models import Crl, CrlScope, OcspResponder, PublicPath
from certificates.services import sweeps
from kernel.secret import Secret
from tests.office import Office, authority_order, open_office

pytestmark = pytest.mark.django_db


@pytest.fixture
def other() -> Office:
    return open_office("Umbrella")


def everything_is_due() -> None:
    CrlScope.objects.update(next_due_at=timezone.now())


def break_key(office: Office) -> None:
    CaKey.objects.filter(authority=office.issuing).update(sealed=b"\x02broken")


def crls(office: Office) -> int:
    return Crl.objects.filter(scope__ca=office.issuing).count()


def test_everything_due_is_published_once(office, other):
    everything_is_due()
    assert sweeps.publish_due_crls() == 4
    assert sweeps.publish_due_crls() == 0


def test_one_broken_ca_stops_no_other(office, other):
    everything_is_due()
    break_key(office)
    assert sweeps.publish_due_crls() == 3
    assert (crls(office), crls(other)) == (1, 2)
    assert "does not open" in CrlScope.objects.get(ca=office.issuing).last_error


def test_what_failed_does_not_come_at_once_again(office):
    everything_is_due()
    break_key(office)
    sweeps.publish_due_crls()
    attempts = CrlScope.objects.get(ca=office.issuing).attempts
    sweeps.publish_due_crls()
    assert CrlScope.objects.get(ca=office.issuing).attempts == attempts == 1


def test_one_responder_that_cannot_be_made_stops_no_other(office, other):
    OcspResponder.objects.all().delete()
    break_key(office)
    assert sweeps.rotate_responders() == 3
    assert sweeps.rotate_responders() == 0
    assert not OcspResponder.objects.filter(ca=office.issuing).exists()


def test_a_locked_ca_is_left_to_a_person():
    locked = open_office(passphrase=Secret("open, sesame seeds"))
    OcspResponder.objects.filter(ca=locked.issuing).delete()
    everything_is_due()
    assert sweeps.publish_due_crls() == 1
    assert sweeps.rotate_responders() == 0


def test_a_ca_that_was_left_half_way_is_brought_into_service(office):
    """Something stopped after the CA was committed and before its first CRL."""
    order = authority_order(office.organization, "Half way")
    ca = create_authority(actor=office.owner, order=order)
    assert not CrlScope.objects.filter(ca=ca).exists()
    tasks.publish_due_crls()
    tasks.rotate_responders()
    assert CrlScope.objects.get(ca=ca).crls.count() == 1
    assert OcspResponder.objects.filter(ca=ca).count() == 1
    assert set(PublicPath.objects.filter(ca=ca).values_list("kind", flat=True)) == {"ca", "crl", "ocsp"}


def test_responders_are_renewed_before_they_end(office):
    OcspResponder.objects.filter(ca=office.issuing).update(not_after=timezone.now() + timedelta(days=9))
    assert sweeps.rotate_responders() == 1
    assert sweeps.rotate_responders() == 0
