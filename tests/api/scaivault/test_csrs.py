"""The CSR workflow, as the page has it: pending, then approved or rejected, then signed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from cryptography import x509
from django.utils import timezone

from accounts.grants import GrantOrder
from accounts.roles import OrganizationRole
from cas.orders import Dialect
from cas.services.standing import enable_dialect
from certificates.models import Certificate, Request
from kernel.ref import Ref
from tests import cast, pki
from tests.api.scaivault.desk import PKI, body, certificate_in, names_in, refused, wire_with, wrong_fields
from tests.api.wire import Wire
from tests.certificates.asking import with_capability
from tests.security.whole import key_for

CSR = f"{PKI}/csr"
WISH = {
    "subject": "CN=Accounts database,O=ACME",
    "san_dns": ["db.acme.test"],
    "san_ip": ["10.1.2.3"],
    "san_email": ["dba@acme.test"],
    "key_type": "ec",
    "key_size": 256,
}


@pytest.fixture
def approver(office) -> Wire:
    """A key whose owner made it in person, with the one permission that no other key has."""
    person = cast.member(office.organization, OrganizationRole.OWNER, "approver@acme.example")
    return deciding(person)


def deciding(person: cast.Person) -> Wire:
    able = cast.Person(person.user, person.organization, with_capability(person, "requests:decide"))
    return Wire(cast.api_key(able)[1])


@pytest.fixture
def ca(office) -> str:
    """The CA that signs approved CSRs."""
    enable_dialect(actor=office.owner, ca=Ref("pk", office.issuing.pk), dialect=Dialect.SCAIVAULT)
    return str(office.issuing.public_id)


def made(api, **changes):
    return body(api.post(CSR, WISH | changes), 201)


def approved(api, approver, **changes):
    return body(approver.post(f"{CSR}/{made(api, **changes)['id']}/approve"))


def sign(api, csr, ca, **changes):
    return api.post(f"{CSR}/{csr['id']}/sign", {"ca_id": ca} | changes)


def test_a_stranger_finds_nothing_of_it(api, stranger, approver, ca):
    csr = approved(api, approver)
    for method, path, sent in (
        ("GET", "", None),
        ("POST", "/approve", {}),
        ("POST", "/reject", {"reason": "no"}),
        ("POST", "/sign", {"ca_id": ca}),
        ("DELETE", "", None),
    ):
        answer = stranger.send(method, f"{CSR}/{csr['id']}{path}", sent)
        assert answer.status_code in (403, 404), path
        if answer.status_code == 404:
            assert refused(answer, 404) == "request_not_found"
    assert body(stranger.get(CSR))["data"] == []
    assert body(api.get(f"{CSR}/{csr['id']}"))["status"] == "approved"
    assert not Certificate.objects.exists()


@pytest.mark.row("S67", "S69", "S71", "S72", "S73", "S74", "S76")
def test_a_csr_is_made_here_and_its_key_is_never_shown(api):
    csr = made(api)
    UUID(csr["id"])
    request = x509.load_pem_x509_csr(csr["csr_pem"].encode())
    assert request.is_signature_valid
    assert names_in(request) == ["db.acme.test", "10.1.2.3", "dba@acme.test"]
    shown = {name: csr[name] for name in ("status", "source", "subject", "san_dns", "san_ip", "san_email")}
    assert shown == {
        "status": "pending",
        "source": "generated",
        "subject": "CN=Accounts database,O=ACME",
        "san_dns": ["db.acme.test"],
        "san_ip": ["10.1.2.3"],
        "san_email": ["dba@acme.test"],
    }
    assert (csr["key_type"], csr["key_size"], csr["certificate_id"]) == ("ec", 256, None)
    for answer in (api.get(f"{CSR}/{csr['id']}"), api.get(CSR)):
        assert b"PRIVATE" not in answer.content
        assert "private_key" not in answer.content.decode()
    assert body(api.get(f"{CSR}/{csr['id']}")) == csr
    assert body(api.get(CSR)) == {"data": [csr], "next_cursor": None}


@pytest.mark.row("S70")
def test_the_subject_is_text_or_an_object(api):
    written = {"common_name": "Accounts database", "organization": "ACME"}
    assert made(api, subject=written)["subject"] == made(api)["subject"]
    assert wrong_fields(api.post(CSR, WISH | {"subject": 5})) == {"subject": "invalid"}
    assert wrong_fields(api.post(CSR, WISH | {"subject": "x"})) == {"subject": "unparsable_name"}
    assert wrong_fields(api.post(CSR, {"key_type": "ec"})) == {"subject": "required"}


@pytest.mark.row("S71", "S72", "S73")
def test_each_list_has_names_of_its_own_kind(api):
    bad = {"san_dns": ["a b"], "san_ip": ["db.acme.test"], "san_email": ["nobody"]}
    assert wrong_fields(api.post(CSR, WISH | bad)) == {
        "san_dns[0]": "bad_name",
        "san_ip[0]": "bad_name",
        "san_email[0]": "bad_name",
    }


@pytest.mark.row("S74")
@pytest.mark.parametrize(
    ("sent", "shape"),
    [({}, ("rsa", 2048)), ({"key_type": "ec"}, ("ec", 256)), ({"key_type": "ec", "key_size": 384}, ("ec", 384))],
)
def test_keys_of_every_shape(api, sent, shape):
    csr = body(api.post(CSR, {"subject": "CN=db.acme.test"} | sent), 201)
    assert (csr["key_type"], csr["key_size"]) == shape
    key = x509.load_pem_x509_csr(csr["csr_pem"].encode()).public_key()
    assert key.key_size == shape[1]
    assert wrong_fields(api.post(CSR, WISH | {"key_size": 255})) == {"key_size": "unknown_value"}


@pytest.mark.row("S75")
def test_a_csr_from_elsewhere_is_taken_as_it_is(api):
    pem = pki.make_csr(subject="CN=db.acme.test", sans=("db.acme.test",))
    csr = body(api.post(f"{CSR}/import", {"csr_pem": pem}), 201)
    assert (csr["source"], csr["status"], csr["san_dns"]) == ("imported", "pending", ["db.acme.test"])
    assert x509.load_pem_x509_csr(csr["csr_pem"].encode()).subject.rfc4514_string() == "CN=db.acme.test"
    assert wrong_fields(api.post(f"{CSR}/import", {"csr_pem": "x"})) == {"csr_pem": "unreadable_csr"}
    assert wrong_fields(api.post(f"{CSR}/import", {})) == {"csr_pem": "required"}


@pytest.mark.row("S68", "S83")
def test_csrs_are_found_by_their_state(api, approver, ca):
    ids = {
        "pending": made(api)["id"],
        "approved": approved(api, approver)["id"],
        "rejected": made(api)["id"],
        "signed": approved(api, approver)["id"],
    }
    body(approver.post(f"{CSR}/{ids['rejected']}/reject", {"reason": "not ours"}))
    body(sign(api, {"id": ids["signed"]}, ca), 201)
    for status, found in ids.items():
        assert [row["id"] for row in body(api.get(f"{CSR}?status={status}"))["data"]] == [found]
    assert wrong_fields(api.get(f"{CSR}?status=lost")) == {"status": "unknown_value"}


@pytest.mark.row("S77", "S83")
def test_somebody_else_approves_it_once(api, approver, office):
    csr = made(api)
    assert refused(api.post(f"{CSR}/{csr['id']}/approve"), 403) == "insufficient_scope"
    own = deciding(office.person)
    assert refused(own.post(f"{CSR}/{csr['id']}/approve"), 403) == "own_request"
    shown = body(approver.post(f"{CSR}/{csr['id']}/approve"))
    assert (shown["status"], shown["decided_by"]) == ("approved", "robot")
    assert refused(approver.post(f"{CSR}/{csr['id']}/approve"), 409) == "request_state"
    told = [row["event"] for row in api.get("/api/v2/audit?resource_type=request").json()["data"]]
    assert told == ["request.approved", "request.submitted"]


@pytest.mark.row("S78", "S83")
def test_what_is_rejected_stays_so_with_its_reason(api, approver, ca):
    csr = made(api)
    assert wrong_fields(approver.post(f"{CSR}/{csr['id']}/reject", {})) == {"reason": "required"}
    shown = body(approver.post(f"{CSR}/{csr['id']}/reject", {"reason": "This name belongs to another team."}))
    assert (shown["status"], shown["reason"]) == ("rejected", "This name belongs to another team.")
    assert refused(approver.post(f"{CSR}/{csr['id']}/approve"), 409) == "request_state"
    assert refused(sign(api, csr, ca), 409) == "request_state"
    assert Request.objects.get(public_id=csr["id"]).sealed_key is None


@pytest.mark.row("S79", "S80", "S81", "S83")
def test_an_approved_one_is_signed_against_a_ca(api, approver, ca):
    csr = made(api)
    assert refused(sign(api, csr, ca), 409) == "request_state"
    body(approver.post(f"{CSR}/{csr['id']}/approve"))
    issued = body(sign(api, csr, ca, validity_days=30), 201)
    assert set(issued) == {"id", "certificate", "ca_chain", "serial_number", "not_after"}
    certificate = certificate_in(issued["certificate"])
    assert names_in(certificate) == ["db.acme.test", "10.1.2.3", "dba@acme.test"]
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=30, seconds=-1)
    certificate.verify_directly_issued_by(certificate_in(issued["ca_chain"][0]))
    shown = body(api.get(f"{CSR}/{csr['id']}"))
    assert (shown["status"], shown["certificate_id"]) == ("signed", issued["id"])
    assert refused(sign(api, csr, ca), 409) == "request_state"
    assert Certificate.objects.count() == 1


@pytest.mark.row("S80")
def test_names_may_be_left_out_and_not_added(api, approver, ca):
    csr = approved(api, approver)
    answer = sign(api, csr, ca, san=["db.acme.test", "other.acme.test"])
    assert refused(answer, 409) == "names_not_approved"
    assert "other.acme.test" in answer.json()["error"]["message"]
    assert names_in(certificate_in(body(sign(api, csr, ca, san="db.acme.test"), 201)["certificate"])) == [
        "db.acme.test"
    ]


@pytest.mark.row("S80")
def test_the_ca_and_its_template_say_what_can_be(api, approver, office, ca):
    csr = approved(api, approver)
    assert wrong_fields(api.post(f"{CSR}/{csr['id']}/sign", {})) == {"ca_id": "required"}
    nowhere = "00000000-0000-4000-8000-000000000000"
    assert refused(sign(api, csr, nowhere), 404) == "ca_not_found"
    closed = sign(api, csr, str(office.root.public_id))
    assert refused(closed, 403) == "dialect_not_enabled"
    assert f"scaivault.csr.{office.root.pk}" in closed.json()["error"]["message"]
    assert wrong_fields(sign(api, csr, ca, validity_days=398)) == {"validity_days": "too_long"}
    assert not Certificate.objects.exists()


@pytest.mark.row("S82")
def test_who_asked_takes_it_back(api, approver, office):
    csr = made(api)
    other = wire_with(cast.member(office.organization, "owner", "other@acme.example"), "certificates:issue")
    assert other.delete(f"{CSR}/{csr['id']}").status_code in (403, 404)
    gone = api.delete(f"{CSR}/{csr['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert refused(api.get(f"{CSR}/{csr['id']}"), 404) == "request_not_found"
    assert body(api.get(CSR))["data"] == []
    row = Request.objects.get(public_id=csr["id"])
    assert (row.status, row.sealed_key) == ("cancelled", None)
    rejected = made(api)
    body(approver.post(f"{CSR}/{rejected['id']}/reject", {"reason": "no"}))
    assert refused(api.delete(f"{CSR}/{rejected['id']}"), 409) == "request_state"


@pytest.mark.row("S83")
def test_what_nobody_decides_on_in_time_is_refused_by_that(api, approver, ca):
    csr = approved(api, approver)
    Request.objects.filter(public_id=csr["id"]).update(expires_at=timezone.now())
    assert refused(sign(api, csr, ca), 409) == "request_expired"
    Request.objects.filter(public_id=csr["id"]).update(status="expired", sealed_key=None)
    shown = body(api.get(f"{CSR}/{csr['id']}"))
    assert (shown["status"], bool(shown["reason"])) == ("rejected", True)


def test_a_key_for_single_cas_has_no_part_in_it(api, office):
    csr = made(api)
    grants = [GrantOrder(office.issuing.pk, can_read=True, can_issue=True, can_revoke=True, can_export=True)]
    wire = Wire(key_for(office.person, grants=grants)[1])
    assert refused(wire.get(f"{CSR}/{csr['id']}"), 404) == "request_not_found"
    assert refused(wire.post(CSR, WISH), 403) == "insufficient_scope"


def test_the_key_that_stays_is_got_by_the_certificate_where_the_role_keeps_it(api, approver, ca, office):
    issued = body(sign(api, approved(api, approver), ca), 201)
    address = f"{PKI}/certificates/{issued['id']}/private-key"
    assert "PRIVATE KEY" in body(api.post(address))["private_key"]
    without = wire_with(office.person, "certificates:read", "certificates:issue")
    assert refused(without.post(address), 403) == "insufficient_scope"


def test_nobody_goes_around_the_approval(api, office, ca):
    role = f"scaivault.csr.{office.issuing.pk}"
    answer = api.post(f"{PKI}/issue/{role}", {"common_name": "anything.example"})
    assert refused(answer, 403) == "approval_required"
    csr = pki.make_csr(subject="CN=anything.example")
    assert refused(api.post(f"{PKI}/sign/{role}", {"csr_pem": csr}), 403) == "approval_required"
    assert not Certificate.objects.exists()


def test_a_new_ca_of_the_dialect_signs_approved_csrs(api, approver):
    plain = {"name": "Root", "common_name": "Example Root CA", "ca_type": "root", "key_type": "ec"}
    ca = body(api.post(f"{PKI}/ca", plain), 201)
    assert body(sign(api, approved(api, approver), ca["id"]), 201)
