"""What a key outside this process signs is announced first: whatever happens then, no signature goes unnoticed."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from cryptography.x509 import ReasonFlags, load_der_x509_crl
from django.db import connections, transaction
from django.utils import timezone

from audit import services as audit
from cas.core.keys import KeyAlgorithm
from cas.core.ocsp import Good, Revoked, Unknown
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from cas.orders import CrossOrder
from cas.selectors import lost_intents
from cas.services import ca_certificates
from cas.services.ca_certificates import cross_certify, renew_authority
from certificates.health import findings
from certificates.models import Certificate, Crl, Revocation
from certificates.orders import BatchOrder, RevokeAuthorityOrder
from certificates.services import minting
from certificates.services.authorities import establish_authority, publish_everything
from certificates.services.batches import issue_batch
from certificates.services.intents import abandon_intents
from certificates.services.ocsp import status_of
from certificates.services.revocation import revoke_authority
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied
from kernel.ref import Ref
from tests import cast
from tests.happened import happenings
from tests.office import Office, authority_order, open_office, order_for
from tests.refusals import refused

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("softhsm2-util"),
]


@pytest.fixture
def office(hsm_token: None) -> Office:
    """Its CAs sign with keys on a token."""
    return open_office(key_backend="pkcs11")


def intents() -> list[str]:
    return list(IssuedSerial.objects.filter(is_intent=True).values_list("serial", flat=True))


def age(serial: str) -> None:
    """As if it had been announced long ago."""
    IssuedSerial.objects.filter(serial=serial).update(created_at=timezone.now() - timedelta(minutes=11))


def lose_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    """A certificate that was signed and not stored."""

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(minting, "_store", fail)
        with pytest.raises(OSError, match="the disk is full"):
            office.issue("lost.acme.test")
    (serial,) = intents()
    return serial


# --- all is well ------------------------------------------------------------------------------------------------------


def test_what_was_stored_is_no_intent_any_more(office):
    issued = office.issue()
    issued.x509.verify_directly_issued_by(issued.chain[0])
    assert intents() == []
    assert isinstance(status_of(office.issuing.pk, issued.x509.serial_number)[0], Good)


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.ECDSA_P384])
def test_everything_that_a_ca_signs_verifies(hsm_token, algorithm):
    office = open_office(algorithm=algorithm, key_backend="pkcs11")
    issued = office.issue()
    issued.x509.verify_directly_issued_by(issued.chain[0])
    crl = load_der_x509_crl(bytes(Crl.objects.filter(scope__ca=office.issuing).get().body))
    assert crl.is_signature_valid(issued.chain[0].public_key())


def test_many_at_once_are_announced_together(office):
    rows = tuple(order_for(office.template, f"{number}.acme.test") for number in range(5))
    order = BatchOrder(template=office.template.code, rows=rows)
    outcomes = issue_batch(actor=office.owner, order=order, report=lambda outcome: outcome)
    assert all(outcome.issued for outcome in outcomes)
    assert intents() == []


def test_inside_another_transaction_it_is_announced_too(office):
    """As where an answer is kept to be given again: what is around it may fail later than the signature."""
    with transaction.atomic():
        office.issue()
        transaction.set_rollback(True)
    assert len(intents()) == 1
    assert not Certificate.objects.exists()


def test_renewing_a_ca_waits_for_nobody(office):
    renew_authority(actor=office.owner, ca=office.root)
    renew_authority(actor=office.owner, ca=office.issuing)
    assert intents() == []


def test_crossing_and_revoking_cas_of_tokens(office):
    other = establish_authority(
        actor=office.owner, order=authority_order(office.organization, "Other", key_backend="pkcs11")
    )
    cross_certify(actor=office.owner, order=CrossOrder(ca=Ref("pk", office.root.pk), issuer=Ref("pk", other.pk)))
    order = RevokeAuthorityOrder(ca=Ref("pk", other.pk), reason=ReasonFlags.superseded)
    revoke_authority(actor=office.owner, order=order)
    assert CaCertificate.objects.get(ca=office.root, kind="cross").revoked_at is not None


# --- it is not --------------------------------------------------------------------------------------------------------


def test_what_was_signed_and_not_stored_is_left_as_an_intent(office, monkeypatch):
    serial = lose_one(office, monkeypatch)
    row = IssuedSerial.objects.get(serial=serial)
    assert (row.ca, row.kind, len(row.tbs_sha256)) == (office.issuing, "leaf", 64)
    assert not Certificate.objects.exists()
    assert isinstance(status_of(office.issuing.pk, int(serial, 16))[0], Unknown)
    office.issue()


def test_a_process_that_is_killed_with_the_signature_in_hand_leaves_its_announcement(office):
    connections.close_all()
    child = os.fork()
    if child == 0:
        minting._store = lambda *_args: os._exit(9)
        office.issue("killed.acme.test")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len(intents()) == 1
    office.issue("killed.acme.test")


def test_a_ca_certificate_that_was_not_stored_is_one_too(office, monkeypatch):
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("the log is full")

    monkeypatch.setattr(audit, "record", fail)
    monkeypatch.setattr(ca_certificates.audit, "record", fail)
    with pytest.raises(OSError, match="the log is full"):
        renew_authority(actor=office.owner, ca=office.issuing)
    (serial,) = intents()
    assert IssuedSerial.objects.get(serial=serial).ca == office.root


def test_a_serial_number_is_announced_once(office, monkeypatch):
    serial = lose_one(office, monkeypatch)
    monkeypatch.setattr(minting, "new_serial", lambda: int(serial, 16))
    with refused(Conflict, "serial-used"):
        office.issue()


# --- what is lost is found --------------------------------------------------------------------------------------------


def test_health_tells_of_it_when_it_has_had_its_time(office, monkeypatch):
    serial = lose_one(office, monkeypatch)
    assert not [each for each in findings(at=timezone.now()) if serial in str(each.message)]
    age(serial)
    (found,) = [each for each in findings(at=timezone.now()) if serial in str(each.message)]
    assert found.subject == office.issuing.name


def test_what_is_lost_is_revoked_for_the_day_it_appears(office, monkeypatch):
    old, young = lose_one(office, monkeypatch), None
    age(old)
    with happenings() as names:
        assert abandon_intents(actor=office.owner, ca=office.issuing) == [old]
        assert abandon_intents(actor=office.owner, ca=office.issuing) == []
    assert names == ["intents.abandoned"]
    young = lose_one(office, monkeypatch)
    assert abandon_intents(actor=office.owner, ca=office.issuing) == []
    assert isinstance(status_of(office.issuing.pk, int(old, 16))[0], Revoked)
    publish_everything(actor=SYSTEM, ca=office.issuing)
    crl = load_der_x509_crl(bytes(Crl.objects.filter(scope__ca=office.issuing).order_by("-number")[0].body))
    assert crl.get_revoked_certificate_by_serial_number(int(old, 16)) is not None
    assert crl.get_revoked_certificate_by_serial_number(int(young, 16)) is None
    assert not lost_intents(at=timezone.now()).exists()


def test_a_stranger_abandons_nothing(office, monkeypatch):
    age(lose_one(office, monkeypatch))
    with refused(Denied):
        abandon_intents(actor=cast.stranger().actor, ca=office.issuing)
    assert not Revocation.objects.exists()


def test_keys_in_this_process_announce_nothing(monkeypatch):
    office = open_office()

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(minting, "_store", fail)
    with pytest.raises(OSError, match="the disk is full"):
        office.issue()
    assert not IssuedSerial.objects.filter(kind="leaf").exists()
    assert CertificateAuthority.objects.count() == 2
