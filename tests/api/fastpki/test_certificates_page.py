"""The certificate page of FastPKI's documents: what it shows is sent, and what it promises is read in the answers."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from certificates.models import Certificate, Revocation, SubscriberKey
from certificates.selectors import newest_crl
from certificates.services.authorities import publish_everything
from kernel.actor import SYSTEM
from tests.api.fastpki.office import Client, certificate_body, certificate_in, fastpki_office, names_in
from tests.pki import make_csr

pytestmark = pytest.mark.django_db

DETAIL = {
    "id",
    "common_name",
    "subject_dn",
    "certificate_type",
    "key_size",
    "valid_days",
    "status",
    "certificate",
    "serial_number",
    "not_before",
    "not_after",
    "revoked_at",
    "created_at",
    "updated_at",
    "issuer_id",
    "organization_id",
    "created_by_user_id",
    "created_by_service_account_id",
    "renewed_from_id",
    "renewed_to_ids",
    "private_key",
}


@pytest.fixture
def client() -> Client:
    return fastpki_office()


@pytest.fixture
def place(client: Client) -> str:
    return f"/api/v1/certificates/?ca_id={client.ca.pk}"


FIRST_EXAMPLE = certificate_body(key_size=2048, valid_days=365, include_private_key=True)


@pytest.mark.row("F2", "F3", "F4", "F10", "F25")
def test_issue_a_certificate_under_a_ca(client, place):
    answer = client.wire.post(place, FIRST_EXAMPLE)
    assert answer.status_code == 201
    shown, certificate = answer.json(), certificate_in(answer)
    assert set(shown) == DETAIL
    assert shown["issuer_id"] == client.ca.pk
    certificate.verify_directly_issued_by(client.ca.preferred_certificate.certificate)
    key = load_pem_private_key(shown["private_key"].encode(), None)
    assert key.public_key() == certificate.public_key()
    assert Certificate.objects.get(pk=shown["id"]).key_custody == "stored"


@pytest.mark.row("F5", "F6", "F8", "F9")
def test_a_certificate_says_what_was_asked_for(client, place):
    answer = client.wire.post(place, FIRST_EXAMPLE)
    shown, certificate = answer.json(), certificate_in(answer)
    assert (shown["common_name"], shown["subject_dn"]) == ("api.example.com", "CN=api.example.com,O=Acme Corp,C=US")
    assert certificate.subject.rfc4514_string() == shown["subject_dn"]
    assert (shown["certificate_type"], shown["status"], shown["valid_days"]) == ("server", "valid", 365)
    assert shown["key_size"] == certificate.public_key().key_size == 2048
    assert shown["serial_number"] == f"{certificate.serial_number:x}"
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lifetime + timedelta(seconds=1) == timedelta(days=365)


@pytest.mark.row("F8", "F9", "F10", "F14")
def test_what_is_not_said_comes_from_the_settings(client, place, settings):
    settings.CERT_KEY_SIZE, settings.CERT_DAYS = 3072, 30
    shown = client.wire.post(place, certificate_body()).json()
    assert (shown["key_size"], shown["valid_days"]) == (3072, 30)
    assert shown["private_key"].startswith("-----BEGIN PRIVATE KEY-----")


@pytest.mark.row("F10", "F51")
def test_without_a_private_key_none_is_kept(client, place):
    shown = client.wire.post(place, certificate_body(include_private_key=False)).json()
    assert shown["private_key"] is None
    path = f"/api/v1/certificates/{shown['id']}/private-key"
    again = client.wire.get(path)
    assert (again.status_code, again.json()["private_key"]) == (200, None)
    absent = client.wire.get(f"/api/v1/export/certificate/{shown['id']}/private-key")
    assert absent.status_code == 404
    assert absent.json() == {"detail": f"Certificate with ID {shown['id']} does not have a private key"}


@pytest.mark.row("F1", "F7", "F11", "F12", "F13", "F15")
@pytest.mark.parametrize(
    ("kind", "purposes", "sans"),
    [
        ("server", {ExtendedKeyUsageOID.SERVER_AUTH}, {"san_ip_addresses": ["10.0.0.42", "2001:db8::1"]}),
        ("client", {ExtendedKeyUsageOID.CLIENT_AUTH}, {"san_email_addresses": ["alice@example.com"]}),
        (
            "dual_purpose",
            {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH},
            {"san_dns_names": ["a.example.com"], "san_email_addresses": ["alice@example.com"]},
        ),
    ],
)
def test_the_type_says_what_it_is_for(client, place, kind, purposes, sans):
    answer = client.wire.post(place, certificate_body(certificate_type=kind, **sans))
    certificate = certificate_in(answer)
    assert answer.json()["certificate_type"] == kind
    assert set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == purposes
    assert set(names_in(certificate)) >= {name for names in sans.values() for name in names}
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.row("F7")
def test_another_type_is_no_type(client, place):
    answer = client.wire.post(place, certificate_body(certificate_type="email"))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "certificate_type"]


@pytest.mark.row("F5", "F6", "F7")
def test_what_is_required_is_missed_by_name(client, place):
    answer = client.wire.post(place, {})
    assert answer.status_code == 422
    missed = {(fault["loc"][1], fault["type"]) for fault in answer.json()["detail"]}
    assert missed == {(name, "missing") for name in ("common_name", "subject_dn", "certificate_type")}


@pytest.mark.row("F3")
def test_no_ca_and_an_unknown_ca(client):
    without = client.wire.post("/api/v1/certificates/", certificate_body())
    assert (without.status_code, without.json()["detail"][0]["loc"]) == (422, ["query", "ca_id"])
    unknown = client.wire.post("/api/v1/certificates/?ca_id=999999999", certificate_body())
    assert (unknown.status_code, unknown.json()) == (
        404,
        {"detail": "Certificate Authority with ID 999999999 not found"},
    )


# --- subject alternative names ----------------------------------------------------------------------------------------


@pytest.mark.row("F11", "F12")
def test_the_names_of_the_second_example(client, place):
    names = ["api.example.com", "api-v2.example.com"]
    body = certificate_body(san_dns_names=names, san_ip_addresses=["10.0.0.42"])
    assert names_in(certificate_in(client.wire.post(place, body))) == [*names, "10.0.0.42"]


@pytest.mark.row("F19")
@pytest.mark.parametrize("kind", ["server", "dual_purpose"])
def test_the_common_name_of_a_server_is_a_dns_name_unless_others_are_given(client, place, kind):
    body = certificate_body(certificate_type=kind)
    assert names_in(certificate_in(client.wire.post(place, body))) == ["api.example.com"]
    given = client.wire.post(place, body | {"san_dns_names": ["other.example.com"]})
    assert names_in(certificate_in(given)) == ["other.example.com"]


@pytest.mark.row("F19")
def test_a_server_whose_name_is_no_dns_name(client, place):
    answer = client.wire.post(place, certificate_body("Acme Server"))
    assert answer.status_code == 400
    assert "Acme Server" in answer.json()["detail"]


@pytest.mark.row("F20", "F24")
def test_a_client_by_the_three_required_fields(client, place):
    alice = certificate_in(client.wire.post(place, certificate_body("alice", certificate_type="client")))
    with pytest.raises(x509.ExtensionNotFound):
        names_in(alice)
    mail = client.wire.post(place, certificate_body("alice@example.com", certificate_type="client"))
    assert names_in(certificate_in(mail)) == ["alice@example.com"]


@pytest.mark.row("F21", "F22", "F23")
@pytest.mark.parametrize(
    ("kind", "field", "value", "said"),
    [
        ("server", "san_email_addresses", "a@example.com", "Email SANs are not allowed for server certificates"),
        ("client", "san_dns_names", "a.example.com", "DNS SANs are not allowed for client certificates"),
        ("client", "san_ip_addresses", "10.0.0.1", "IP SANs are not allowed for client certificates"),
    ],
)
def test_names_that_the_type_does_not_take(client, place, kind, field, value, said):
    answer = client.wire.post(place, certificate_body(certificate_type=kind, **{field: [value]}))
    assert (answer.status_code, answer.json()) == (400, {"detail": said})
    assert not Certificate.objects.exists()


# --- certificate signing requests -------------------------------------------------------------------------------------

SIGN = "/api/v1/certificates/sign-csr"
CSR = make_csr(subject="CN=api.example.com,O=Acme Corp,C=US")


@pytest.mark.row("F26", "F27", "F28", "F29", "F30", "F39")
def test_sign_a_csr_as_jq_sends_it(client):
    body = json.loads(json.dumps({"csr": CSR + "\n", "certificate_type": "server", "ca_name": client.ca.name}))
    answer = client.wire.post(SIGN, body)
    assert answer.status_code == 201
    assert (answer.json()["issuer_id"], answer.json()["certificate_type"]) == (client.ca.pk, "server")
    certificate = certificate_in(answer)
    assert certificate.subject.rfc4514_string() == "CN=api.example.com,O=Acme Corp,C=US"
    assert names_in(certificate) == ["api.example.com"]


@pytest.mark.row("F36", "F38", "F61")
def test_the_key_of_a_csr_is_never_here(client):
    answer = client.wire.post(SIGN, {"csr": CSR, "certificate_type": "server", "ca_id": client.ca.pk})
    assert set(answer.json()) == DETAIL - {"private_key"}
    assert certificate_in(answer).public_key() == x509.load_pem_x509_csr(CSR.encode()).public_key()
    row = Certificate.objects.get(pk=answer.json()["id"])
    assert row.key_custody == "subscriber"
    assert not SubscriberKey.objects.filter(certificate=row).exists()
    assert AuditEvent.objects.get(event_id=row.event).name == "certificate.issued"


@pytest.mark.row("F32")
def test_of_a_csr_nothing_but_subject_names_and_key_is_taken(client):
    wishes = make_csr(
        subject="CN=api.example.com",
        sans=("a.example.com", "ip:10.0.0.7"),
        extensions=(x509.BasicConstraints(ca=True, path_length=None),),
    )
    answer = client.wire.post(SIGN, {"csr": wishes, "certificate_type": "server", "ca_id": client.ca.pk})
    certificate = certificate_in(answer)
    assert names_in(certificate) == ["a.example.com", "10.0.0.7"]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.row("F33", "F34", "F35")
def test_the_body_goes_before_the_csr(client):
    csr = make_csr(subject="CN=api.example.com,O=Acme Corp", sans=("a.example.com", "ip:10.0.0.7"))
    base = {"csr": csr, "certificate_type": "server", "ca_id": client.ca.pk}
    named = certificate_in(client.wire.post(SIGN, base | {"common_name": "b.example.com"}))
    assert named.subject.rfc4514_string() == "CN=b.example.com,O=Acme Corp"
    whole = certificate_in(client.wire.post(SIGN, base | {"subject_dn": "CN=c.example.com,O=Other\\, Inc."}))
    assert whole.subject.rfc4514_string() == "CN=c.example.com,O=Other\\, Inc."
    sans = certificate_in(client.wire.post(SIGN, base | {"san_dns_names": ["d.example.com"]}))
    assert names_in(sans) == ["d.example.com", "10.0.0.7"]
    refused = client.wire.post(SIGN, base | {"san_email_addresses": ["a@example.com"]})
    assert (refused.status_code, refused.json()["detail"][:10]) == (400, "Email SANs")


@pytest.mark.row("F27", "F29", "F30")
def test_what_is_wrong_with_a_csr(client):
    base = {"csr": CSR, "certificate_type": "server"}
    assert client.wire.post(SIGN, base).status_code == 400
    assert client.wire.post(SIGN, base | {"ca_id": client.ca.pk, "csr": "nonsense"}).status_code == 400
    unknown = client.wire.post(SIGN, base | {"ca_name": "Nope"})
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "CA 'Nope' not found"})


@pytest.mark.row("F30")
def test_a_name_is_looked_for_in_the_callers_organization(client):
    other = fastpki_office("Umbrella")
    answer = client.wire.post(SIGN, {"csr": CSR, "certificate_type": "server", "ca_name": other.ca.name})
    assert answer.status_code == 404


# --- lists and items --------------------------------------------------------------------------------------------------


@pytest.mark.row("F41", "F42", "F44")
def test_list_certificates(client, place):
    issued = [client.wire.post(place, certificate_body(f"{name}.example.com")).json() for name in "abc"]
    other = fastpki_office("Umbrella")
    hidden = other.wire.post(f"/api/v1/certificates/?ca_id={other.ca.pk}", certificate_body()).json()
    shown = client.wire.get("/api/v1/certificates/").json()
    assert [row["id"] for row in shown] == [row["id"] for row in issued]
    assert hidden["id"] not in {row["id"] for row in shown}
    assert all("private_key" not in row for row in shown)
    assert client.wire.get(place).json() == shown
    assert client.wire.get(f"/api/v1/certificates/?ca_id={client.office.root.pk}").json() == []
    assert client.wire.get(f"/api/v1/certificates/?ca_id={other.ca.pk}").json() == []
    assert client.wire.get("/api/v1/certificates/?skip=1&limit=1").json() == shown[1:2]


@pytest.mark.row("F45", "F46")
def test_show_a_certificate(client, place):
    issued = client.wire.post(place, certificate_body()).json()
    shown = client.wire.get(f"/api/v1/certificates/{issued['id']}")
    assert shown.json() == {name: value for name, value in issued.items() if name != "private_key"}
    absent = client.wire.get("/api/v1/certificates/999999999")
    assert (absent.status_code, absent.json()) == (404, {"detail": "Certificate with ID 999999999 not found"})


@pytest.mark.row("F47", "F50")
def test_show_a_certificate_with_its_private_key(client, place):
    issued = client.wire.post(place, certificate_body()).json()
    assert client.wire.get(f"/api/v1/certificates/{issued['id']}/private-key").json() == issued
    event = AuditEvent.objects.get(name="certificate.key_collected")
    assert event.resource_id == issued["id"]


# --- revocation -------------------------------------------------------------------------------------------------------


@pytest.mark.row("F52", "F53", "F54", "F55", "F56", "F58")
def test_revoke_a_certificate(client, place):
    issued = client.wire.post(place, certificate_body()).json()
    path = f"/api/v1/certificates/{issued['id']}/revoke"
    answer = client.wire.post(path, {"reason": "Key compromise"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "revoked"
    assert answer.json()["revoked_at"] is not None
    revocation = Revocation.objects.get(certificate_id=issued["id"])
    assert (revocation.reason, revocation.comment) == ("keyCompromise", "Key compromise")
    again = client.wire.post(path, {"reason": "Key compromise"})
    assert (again.status_code, again.json()) == (409, {"detail": "Certificate is already revoked"})
    publish_everything(actor=SYSTEM, ca=client.ca)
    body = x509.load_der_x509_crl(bytes(newest_crl(client.ca.pk).body))
    assert body.get_revoked_certificate_by_serial_number(int(issued["serial_number"], 16)) is not None
    assert AuditEvent.objects.get(event_id=revocation.event).name == "certificate.revoked"


@pytest.mark.row("F53")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "unspecified"),
        ({}, "unspecified"),
        ({"reason": "the laptop was left on a train"}, "unspecified"),
        ({"reason": "compromised"}, "keyCompromise"),
        ({"reason": "Certificate hold"}, "unspecified"),
        ({"reason": "superseded"}, "superseded"),
    ],
)
def test_a_reason_is_free_text_and_may_be_absent(client, place, body, reason):
    issued = client.wire.post(place, certificate_body()).json()
    answer = client.wire.post(f"/api/v1/certificates/{issued['id']}/revoke", body)
    assert (answer.status_code, answer.json()["status"]) == (200, "revoked")
    assert Revocation.objects.get(certificate_id=issued["id"]).reason == reason


def test_what_has_expired_is_shown_so(client, place):
    issued = client.wire.post(place, certificate_body()).json()
    Certificate.objects.filter(pk=issued["id"]).update(not_after=timezone.now() - timedelta(days=1))
    assert client.wire.get(f"/api/v1/certificates/{issued['id']}").json()["status"] == "expired"


@pytest.mark.row("F41")
def test_a_long_list_asks_the_database_no_more_often(client, place):
    def ask() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.wire.get("/api/v1/certificates/").status_code == 200
        return len(asked)

    ids = [client.wire.post(place, certificate_body(f"{name}.example.com")).json()["id"] for name in "ab"]
    for each in ids:
        client.wire.post(f"/api/v1/certificates/{each}/renew", {})
        client.wire.post(f"/api/v1/certificates/{each}/revoke", {})
    few = ask()
    for name in "cdef":
        each = client.wire.post(place, certificate_body(f"{name}.example.com")).json()["id"]
        client.wire.post(f"/api/v1/certificates/{each}/revoke", {})
    assert ask() == few
