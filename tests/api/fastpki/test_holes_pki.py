"""Holes that the real server had where it issues; each closed here, by the name that it has in our notes.

V1, V3, V4, V11, V12 and V14 are about who, and stand beside this file.
"""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from django.conf import settings as live

from accounts.roles import OrganizationRole
from cas.models import CaKey, CertificateAuthority
from certificates.models import Certificate, Crl, SubscriberKey
from kernel.permissions import Permission
from tests import cast
from tests.api.fastpki.office import Client, certificate_body, certificate_in, fastpki_office, token_of
from tests.api.wire import Wire
from tests.certificates.asking import with_capability
from tests.pki import a_key, make_csr

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return fastpki_office()


@pytest.fixture
def place(client: Client) -> str:
    return f"/api/v1/certificates/?ca_id={client.ca.pk}"


def limits(certificate: x509.Certificate) -> x509.BasicConstraints:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value


def test_v2_a_parent_of_another_tenant_is_not_there(client):
    other = fastpki_office("Umbrella")
    before = CertificateAuthority.objects.count()
    body = {"name": "Evil", "subject_dn": "CN=Evil", "key_size": 2048, "parent_ca_id": client.office.root.pk}
    answer = other.wire.post("/api/v1/cas/", body)
    said = {"detail": f"Certificate Authority with ID {client.office.root.pk} not found"}
    assert (answer.status_code, answer.json()) == (404, said)
    assert CertificateAuthority.objects.count() == before
    assert CertificateAuthority.objects.get(pk=client.office.root.pk).allow_leaf_certificates


def test_v3_who_belongs_nowhere_sees_nothing(client, place):
    issued = client.wire.post(place, certificate_body()).json()
    person = cast.member(client.office.organization, OrganizationRole.OPERATOR, "nowhere@acme.example")
    token = token_of(person)
    person.user.memberships.all().delete()
    for path in ("cas/", "certificates/", f"cas/{client.ca.pk}", f"certificates/{issued['id']}"):
        answer = Wire(token).get(f"/api/v1/{path}")
        assert answer.status_code in (401, 403), path
        assert b"CERTIFICATE" not in answer.content


@pytest.mark.row("F62")
@pytest.mark.parametrize("path", ["create", "sign-csr"])
def test_v5_who_may_issue_makes_no_ca(client, path):
    person = cast.member(client.office.organization, OrganizationRole.AUDITOR, "issuer@acme.example")
    with_capability(person, Permission.CERTIFICATES_ISSUE)
    root, wire = client.office.root, Wire(token_of(person))
    if path == "create":
        body = certificate_body("Sub", certificate_type="ca")
        answer = wire.post(f"/api/v1/certificates/?ca_id={root.pk}", body)
    else:
        body = {"csr": make_csr(subject="CN=Sub"), "certificate_type": "ca", "ca_id": root.pk}
        answer = wire.post("/api/v1/certificates/sign-csr", body)
    assert answer.status_code == 403
    assert set(CertificateAuthority.objects.values_list("pk", flat=True)) == {root.pk, client.ca.pk}


@pytest.mark.row("F62")
def test_v5_no_ca_below_a_path_length_of_zero(client, place):
    answer = client.wire.post(place, certificate_body("Sub", certificate_type="ca"))
    assert answer.status_code == 400
    csr = {"csr": make_csr(subject="CN=Sub"), "certificate_type": "ca", "ca_id": client.ca.pk}
    assert client.wire.post("/api/v1/certificates/sign-csr", csr).status_code == 400


@pytest.mark.row("F62")
def test_v5_a_ca_by_csr_has_a_path_length_and_stands_among_the_cas(client):
    csr = {"csr": make_csr(subject="CN=Sub"), "certificate_type": "ca", "ca_id": client.office.root.pk}
    answer = client.wire.post("/api/v1/certificates/sign-csr", csr)
    assert answer.status_code == 201
    assert (limits(certificate_in(answer)).ca, limits(certificate_in(answer)).path_length) == (True, 0)
    assert "Sub" in [ca["name"] for ca in client.wire.get("/api/v1/cas/").json()]


@pytest.mark.parametrize("subject", ["CN=evil.bank.com,O=Acme", "O=Acme", "CN=ok.example.com+CN=evil.bank.com", ""])
def test_v6_the_subject_is_about_the_common_name_that_was_judged(client, place, subject):
    body = certificate_body("ok.example.com") | {"subject_dn": subject}
    assert client.wire.post(place, body).status_code in (400, 422)
    csr = make_csr(subject="CN=evil.bank.com")
    base = {"csr": csr, "certificate_type": "server", "ca_id": client.ca.pk, "common_name": "ok.example.com"}
    answer = client.wire.post("/api/v1/certificates/sign-csr", base)
    assert certificate_in(answer).subject.rfc4514_string() == "CN=ok.example.com"
    assert not Certificate.objects.filter(subject__contains="evil").exists()


@pytest.mark.row("F9")
def test_v7_nothing_outlives_its_issuer(client, place):
    assert client.wire.post(place, certificate_body(valid_days=100_000)).status_code == 400
    issuer = client.ca.preferred_certificate
    long = client.wire.post(place, certificate_body(valid_days=3650))
    assert certificate_in(long).not_valid_after_utc == issuer.not_after
    assert long.json()["valid_days"] < 3650


@pytest.mark.row("F8")
def test_v7_no_weak_keys(client, place):
    small = client.wire.post(place, certificate_body(key_size=1024))
    assert (small.status_code, small.json()["detail"][0]["loc"]) == (422, ["body", "key_size"])
    body = {"name": "Weak", "subject_dn": "CN=Weak", "key_size": 1024}
    assert client.wire.post("/api/v1/cas/", body).status_code == 422


@pytest.mark.row("F6")
@pytest.mark.parametrize("subject", ["XX=foo,CN=api.example.com", "CN=api.example.com,XX=foo", "api.example.com"])
def test_v8_an_unknown_attribute_is_refused(client, place, subject):
    answer = client.wire.post(place, certificate_body() | {"subject_dn": subject})
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)
    assert not Certificate.objects.exists()


@pytest.mark.row("F6")
def test_v8_an_escaped_comma_is_part_of_its_value(client, place):
    body = certificate_body() | {"subject_dn": "CN=api.example.com,O=Acme\\, Inc.,C=US"}
    assert client.wire.post(place, body).json()["subject_dn"] == "CN=api.example.com,O=Acme\\, Inc.,C=US"


def test_v9_addresses_do_not_come_from_the_host_header(client, place, settings):
    settings.ALLOWED_HOSTS = ["*"]
    answer = client.wire.post(place, certificate_body(), Host="evil.example.net")
    extensions = certificate_in(answer).extensions
    points = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    urls = [points[0].full_name[0].value, *(each.access_location.value for each in access)]
    assert {each.access_method for each in access} == {
        AuthorityInformationAccessOID.OCSP,
        AuthorityInformationAccessOID.CA_ISSUERS,
    }
    assert all(url.startswith(f"{live.PUBLIC_URL}/") for url in urls)


@pytest.mark.row("F55")
def test_v10_a_crl_is_signed_once_and_numbered(client):
    made = Crl.objects.count()
    first, second = (Wire().get(f"/crl/{client.ca.slug}") for _number in range(2))
    assert first.content == second.content
    assert Crl.objects.count() == made
    crl = x509.load_der_x509_crl(first.content)
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number > 0
    assert crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)


def test_v13_keys_are_sealed_and_a_deleted_ca_answers_on(client, place):
    issued = client.wire.post(place, certificate_body()).json()
    body = "".join(issued["private_key"].splitlines()[1:-1])
    for kept in (*SubscriberKey.objects.all(), *CaKey.objects.all()):
        assert b"PRIVATE" not in bytes(kept.sealed)
        assert body[:40].encode() not in bytes(kept.sealed)
    assert client.wire.delete(f"/api/v1/cas/{client.ca.pk}").status_code == 204
    assert Certificate.objects.filter(pk=issued["id"], ca=client.ca).exists()
    assert client.wire.post(f"/api/v1/certificates/{issued['id']}/revoke", {}).status_code == 200
    assert Wire().get(f"/crl/{client.ca.slug}").status_code == 200


@pytest.mark.row("F40")
def test_v15_the_size_of_a_key_is_its_own(client):
    csr = make_csr(key=a_key(), subject="CN=api.example.com")
    answer = client.wire.post(
        "/api/v1/certificates/sign-csr", {"csr": csr, "certificate_type": "server", "ca_id": client.ca.pk}
    )
    assert answer.json()["key_size"] == certificate_in(answer).public_key().key_size == 256


def test_v15_what_is_wrong_in_a_body_is_no_404(client, place):
    bad = {"subject_dn": "nonsense"}, {"san_ip_addresses": ["999.1.1.1"]}, {"san_dns_names": ["a b"]}
    assert {client.wire.post(place, certificate_body() | each).status_code for each in bad} == {400}


def test_a_ca_that_issues_no_leaves_says_so(client):
    CertificateAuthority.objects.filter(pk=client.ca.pk).update(allow_leaf_certificates=False)
    answer = client.wire.post(f"/api/v1/certificates/?ca_id={client.ca.pk}", certificate_body())
    said = {"detail": f"CA {client.ca.pk} does not allow leaf certificate issuance"}
    assert (answer.status_code, answer.json()) == (400, said)
