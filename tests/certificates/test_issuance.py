"""Issuing through the services: what is signed, what is stored, and who may ask for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from accounts.roles import OrganizationRole
from audit import services as audit
from audit.models import AuditEvent
from cas.core.csr import read_csr
from cas.core.keys import KeyAlgorithm, load_private_key, public_key_sha256, same_key
from cas.models import IssuedSerial
from certificates.models import Certificate, CertificateBody, CertificateName
from certificates.orders import IssueOrder, Managed
from certificates.selectors import certificates, count_by_status, get_certificate
from certificates.services.editing import update_certificate
from certificates.services.issuance import issue_certificate
from kernel.errors import Conflict, Denied, NotFound
from kernel.permissions import Grant
from kernel.ref import Ref
from tests import cast, pki
from tests.happened import happenings, last_event
from tests.office import Office, open_office, order_for
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db


def csr_order(office: Office, **parts: object) -> IssueOrder:
    """An order by CSR, which says the names; `parts` are the CSR's."""
    csr = pki.make_csr(**({"subject": "CN=www.acme.test", "sans": ("www.acme.test",)} | parts))
    return IssueOrder(template=office.template.code, key=read_csr(csr))


# --- the stranger -----------------------------------------------------------------------------------------------------


def test_a_stranger_finds_no_template_and_sees_no_certificate(office):
    issued = office.issue()
    stranger = cast.stranger()
    with refused(NotFound, "template-not-found"):
        issue_certificate(actor=stranger.actor, order=order_for(office.template))
    with refused(NotFound, "ca-not-found"):
        order = replace(order_for(office.template), ca=Ref("pk", office.issuing.pk))
        issue_certificate(actor=stranger.actor, order=order)
    assert list(certificates(visible_to=stranger.actor)) == []
    with refused(NotFound, "certificate-not-found"):
        get_certificate(Ref("public_id", issued.certificate.public_id), visible_to=stranger.actor)
    with refused(NotFound, "certificate-not-found"):
        update_certificate(actor=stranger.actor, certificate=Ref("pk", issued.certificate.pk), tags=["mine"])


ISSUERS = {OrganizationRole.OWNER, OrganizationRole.OPERATOR, OrganizationRole.MEMBER}


@pytest.mark.parametrize("role", OrganizationRole.values)
def test_who_may_issue(office, role):
    person = cast.member(office.organization, role, f"the-{role}@acme.example")
    if role in ISSUERS:
        issued = issue_certificate(actor=person.actor, order=order_for(office.template))
        assert issued.certificate.owner == person.user
    else:
        with refused(Denied):
            issue_certificate(actor=person.actor, order=order_for(office.template))
        assert not Certificate.objects.exists()


def test_a_grant_opens_its_own_ca_only(office):
    issued = office.issue()
    here = replace(office.owner, grants=(Grant(office.issuing.pk, office.owner.permissions),))
    elsewhere = replace(office.owner, grants=(Grant(office.root.pk, office.owner.permissions),))
    assert issue_certificate(actor=here, order=order_for(office.template)).certificate.ca == office.issuing
    with refused(NotFound, "template-not-found"):
        issue_certificate(actor=elsewhere, order=order_for(office.template))
    with refused(NotFound, "certificate-not-found"):
        get_certificate(Ref("pk", issued.certificate.pk), visible_to=elsewhere)
    now = issued.certificate.not_before
    assert count_by_status(visible_to=here, at=now).total == 2
    assert count_by_status(visible_to=elsewhere, at=now).total == 0


# --- what is stored ---------------------------------------------------------------------------------------------------


def test_what_was_issued_is_in_the_register(office):
    issued = office.issue("www.acme.test", "10.0.0.1", tags=("prod", "web"), description="The site", usage="server")
    row = Certificate.objects.get()
    der = issued.x509.public_bytes(Encoding.DER)
    assert row == issued.certificate
    assert bytes(CertificateBody.objects.get(certificate=row).der) == der
    assert {
        "serial": row.serial,
        "fingerprint": row.fingerprint,
        "subject": row.subject,
        "common_name": row.common_name,
        "issuer": row.issuer_name,
        "sans": row.sans,
        "not_before": row.not_before,
        "not_after": row.not_after,
        "key": row.key_hash,
        "algorithm": row.key_algorithm,
        "labels": (row.tags, row.description, row.usage),
        "state": row.state,
    } == {
        "serial": f"{issued.x509.serial_number:x}",
        "fingerprint": sha256(der).hexdigest(),
        "subject": "CN=www.acme.test",
        "common_name": "www.acme.test",
        "issuer": office.issuing.subject,
        "sans": pki.sans_of(issued.x509),
        "not_before": issued.x509.not_valid_before_utc,
        "not_after": issued.x509.not_valid_after_utc,
        "key": public_key_sha256(issued.x509.public_key()),
        "algorithm": "ECDSA_P256",
        "labels": (["prod", "web"], "The site", "server"),
        "state": "issued",
    }


def test_the_serial_is_reserved_for_the_bytes_that_were_signed(office):
    issued = office.issue()
    reserved = IssuedSerial.objects.get(ca=office.issuing, kind="leaf")
    assert reserved.serial == issued.certificate.serial
    assert reserved.tbs_sha256 == sha256(issued.x509.tbs_certificate_bytes).hexdigest()
    assert reserved.not_after == issued.certificate.not_after


def test_its_names_are_found_forwards_and_backwards(office):
    office.issue("WWW.acme.test", "*.acme.test", "10.0.0.1")
    names = set(CertificateName.objects.values_list("type", "value", "reversed"))
    assert names == {
        ("cn", "www.acme.test", "tset.emca.www"),
        ("dns", "www.acme.test", "tset.emca.www"),
        ("dns", "*.acme.test", "tset.emca.*"),
        ("ip", "10.0.0.1", "1.0.0.01"),
    }


def test_the_chain_goes_up_to_the_root_and_verifies(office):
    issued = office.issue()
    issuing, root = issued.chain
    issued.x509.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)


def test_a_managed_key_is_handed_out_and_kept_nowhere(office):
    issued = office.issue()
    private = load_private_key(issued.private_key, trusted=False)
    assert same_key(private.public_key(), issued.x509.public_key())
    assert issued.certificate.key_custody == Certificate.KeyCustody.RETURNED


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ED25519, KeyAlgorithm.ECDSA_P384, KeyAlgorithm.ML_DSA_44])
def test_a_managed_key_may_be_of_another_kind_where_the_template_lets_it(algorithm):
    office = open_office(any_key_algorithm=True)
    assert office.issue(key=Managed(algorithm)).certificate.key_algorithm == algorithm


def test_a_csr_says_names_and_key(office):
    issued = issue_certificate(actor=office.owner, order=csr_order(office, sans=("a.acme.test", "10.0.0.1")))
    assert same_key(issued.x509.public_key(), pki.a_key().public_key())
    assert issued.private_key is None
    assert issued.certificate.key_custody == Certificate.KeyCustody.SUBSCRIBER
    assert pki.sans_of(issued.x509) == ["www.acme.test", "a.acme.test", "10.0.0.1"]


def test_the_order_overrules_the_csr(office):
    order = replace(csr_order(office, sans=("a.acme.test",)), sans=())
    issued = issue_certificate(actor=office.owner, order=order)
    assert pki.sans_of(issued.x509) == ["www.acme.test"]


def test_two_certificates_have_two_serials(office):
    assert office.issue().certificate.serial != office.issue().certificate.serial


def test_a_robot_issues_in_the_name_of_its_owner(office):
    robot = cast.robot(office.person)
    row = issue_certificate(actor=robot, order=order_for(office.template)).certificate
    assert (row.requester_kind, row.requester_id, row.requester_label) == ("api_key", robot.id, "robot")
    assert row.owner == office.person.user


# --- together or not at all -------------------------------------------------------------------------------------------


def test_it_is_told_once_with_the_certificate(office):
    with happenings() as names:
        row = office.issue("www.acme.test").certificate
    assert names == ["certificate.issued"]
    document = last_event().document
    assert document["id"] == row.event
    assert document["resource"]["serial"] == row.serial
    assert document["metadata"]["names"] == ["www.acme.test", "www.acme.test"]
    assert document["metadata"]["fingerprint"] == row.fingerprint


def test_where_the_log_cannot_be_written_there_is_no_certificate(office, monkeypatch):
    def fail(*_args: object, **_facts: object) -> None:
        raise OSError("the log is full")

    before = IssuedSerial.objects.count(), AuditEvent.objects.count()
    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(OSError, match="the log is full"):
        office.issue()
    assert (IssuedSerial.objects.count(), AuditEvent.objects.count()) == before
    assert not Certificate.objects.exists()
    assert not CertificateName.objects.exists()


def test_an_identifier_is_given_once_in_an_organization(office):
    office.issue(identifier="site-1")
    serials = IssuedSerial.objects.count()
    with refused(Conflict, "identifier-used"):
        office.issue(identifier="site-1")
    assert IssuedSerial.objects.count() == serials
    assert open_office("Umbrella").issue(identifier="site-1").certificate.identifier == "site-1"


# --- labels -----------------------------------------------------------------------------------------------------------

LABELS = {
    "too many tags": ({"tags": tuple(f"t{n}" for n in range(51))}, "tags", "too-many"),
    "an empty tag": ({"tags": ("ok", "")}, "tags[1]", "invalid"),
    "a tag with a comma": ({"tags": ("a,b",)}, "tags[0]", "invalid"),
    "a tag with a NUL": ({"tags": ("a\0",)}, "tags[0]", "invalid"),
    "a tag too long": ({"tags": ("t" * 65,)}, "tags[0]", "invalid"),
    "a description too long": ({"description": "d" * 1001}, "description", "too-long"),
    "a description with a NUL": ({"description": "a\0b"}, "description", "unprintable"),
}


@pytest.mark.parametrize(("labels", "field", "code"), LABELS.values(), ids=LABELS)
def test_labels_that_cannot_be_kept(office, labels, field, code):
    row = office.issue().certificate
    with invalid((field, code)):
        office.issue(**labels)
    with invalid((field, code)):
        update_certificate(actor=office.owner, certificate=Ref("pk", row.pk), **labels)


@pytest.mark.parametrize(
    ("words", "field", "code"),
    [
        ({"identifier": "i" * 121}, "identifier", "too-long"),
        ({"identifier": "site\0one"}, "identifier", "unprintable"),
        ({"identifier": ""}, "identifier", "required"),
        ({"usage": "u" * 81}, "usage", "too-long"),
        ({"usage": "\x1b[31m"}, "usage", "unprintable"),
    ],
)
def test_words_that_cannot_be_kept(office, words, field, code):
    with invalid((field, code)):
        office.issue(**words)


def test_labels_change_one_by_one(office):
    row = office.issue(tags=("a",), description="old").certificate
    ref = Ref("pk", row.pk)
    update_certificate(actor=office.owner, certificate=ref, tags=["b", "c", "b"])
    row.refresh_from_db()
    assert (row.tags, row.description) == (["b", "c"], "old")
    update_certificate(actor=office.owner, certificate=ref, description="")
    row.refresh_from_db()
    assert (row.tags, row.description) == (["b", "c"], "")


def test_a_lifetime_counts_both_of_its_ends(office):
    row = office.issue(validity=timedelta(days=7)).certificate
    assert row.not_after - row.not_before == timedelta(days=7) - timedelta(seconds=1)
