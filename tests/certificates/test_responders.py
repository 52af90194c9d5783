"""OCSP responders: one for each CA, renewed in time, never beyond the CA."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.utils import timezone

from accounts.roles import OrganizationRole
from audit import services as audit
from cas.core.keys import KeyAlgorithm, algorithm_of
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from certificates.models import OcspResponder
from certificates.selectors import RESPONDER_MARGIN, authorities_in_need_of_responder
from certificates.services.authorities import establish_authority
from certificates.services.responders import rotate_responder
from kernel.actor import SYSTEM
from kernel.errors import Denied, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.happened import happenings
from tests.office import Office, authority_order, open_office
from tests.refusals import refused

pytestmark = pytest.mark.django_db

PASSPHRASE = Secret("open, sesame seeds")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def newest(ca: CertificateAuthority) -> OcspResponder:
    return OcspResponder.objects.filter(ca=ca).order_by("-pk")[0]


def in_need(ca: CertificateAuthority, at: object) -> bool:
    return authorities_in_need_of_responder(at=at).filter(pk=ca.pk).exists()


def short_lived(office: Office, validity: timedelta) -> CertificateAuthority:
    order = authority_order(office.organization, "Short", parent=Ref("pk", office.root.pk), validity=validity)
    return establish_authority(actor=office.owner, order=order)


def test_a_responder_may_answer_for_its_ca_and_nothing_else(office):
    row = newest(office.issuing)
    certificate = x509.load_der_x509_certificate(bytes(row.der))
    certificate.verify_directly_issued_by(office.issuing.preferred_certificate.certificate)
    extensions = certificate.extensions
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert extensions.get_extension_for_class(x509.OCSPNoCheck)
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert IssuedSerial.objects.get(ca=office.issuing, serial=row.serial).kind == "responder"


def test_only_who_may_publish_makes_one(office):
    member = cast.member(office.organization, OrganizationRole.MEMBER)
    for actor in (member.actor, cast.stranger().actor):
        with refused(Denied):
            rotate_responder(actor=actor, ca=office.issuing)


def test_it_is_renewed_when_its_margin_begins(office):
    ends = newest(office.issuing).not_after
    assert not in_need(office.issuing, ends - RESPONDER_MARGIN - SECOND)
    assert in_need(office.issuing, ends - RESPONDER_MARGIN)
    with happenings() as names:
        rotate_responder(actor=SYSTEM, ca=office.issuing)
    assert names == ["responder.rotated"]
    assert OcspResponder.objects.filter(ca=office.issuing).count() == 2


@pytest.mark.parametrize("days", [0.5, 5, 10, 29, 31])
def test_it_never_outlives_its_ca(office, days):
    ca = short_lived(office, timedelta(days=days))
    ends = CaCertificate.objects.get(ca=ca).not_after
    assert newest(ca).not_after == min(ends, newest(ca).not_before + timedelta(days=30) - SECOND)
    assert not in_need(ca, timezone.now())
    assert not in_need(ca, ends + SECOND)


def test_a_ca_at_the_end_of_its_life_is_not_given_one_responder_after_another(office):
    """In its last days every new responder ends with the CA; that is as good as it gets."""
    ca = short_lived(office, timedelta(days=3))
    for _sweep in range(3):
        if in_need(ca, timezone.now()):
            rotate_responder(actor=SYSTEM, ca=ca)
    assert OcspResponder.objects.filter(ca=ca).count() == 1


def test_a_locked_ca_has_one_that_outlives_its_crl():
    office = open_office(passphrase=PASSPHRASE)
    row = newest(office.issuing)
    assert row.not_after > timezone.now() + office.issuing.crl_lifetime
    with refused(Unavailable, "ca-locked"):
        rotate_responder(actor=SYSTEM, ca=office.issuing)
    assert newest(office.issuing) == row


@pytest.mark.parametrize(
    ("algorithm", "its"),
    [
        (KeyAlgorithm.ECDSA_P384, KeyAlgorithm.ECDSA_P384),
        (KeyAlgorithm.ML_DSA_65, KeyAlgorithm.ML_DSA_65),
        (KeyAlgorithm.RSA_3072, KeyAlgorithm.RSA_2048),
    ],
)
def test_whoever_can_verify_the_ca_can_verify_it(algorithm, its):
    owner = cast.owner(cast.organization())
    ca = establish_authority(
        actor=owner.actor, order=authority_order(owner.organization, "Root", key_algorithm=algorithm)
    )
    public_key = x509.load_der_x509_certificate(bytes(newest(ca).der)).public_key()
    assert algorithm_of(public_key) == its


def test_where_the_log_cannot_be_written_there_is_no_responder(office, monkeypatch):
    def fail(*_args: object, **_facts: object) -> None:
        raise OSError("the log is full")

    before = OcspResponder.objects.count(), IssuedSerial.objects.count()
    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(OSError, match="the log is full"):
        rotate_responder(actor=SYSTEM, ca=office.issuing)
    assert (OcspResponder.objects.count(), IssuedSerial.objects.count()) == before
