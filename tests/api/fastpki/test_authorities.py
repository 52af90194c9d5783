"""CAs: made, shown, walked up and down, deleted; and the keys that FastPKI's clients are promised."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.test import override_settings

from accounts.roles import OrganizationRole
from audit.models import AuditEvent
from cas.models import CertificateAuthority, Template
from cas.orders import Dialect
from cas.services.standing import enable_dialect
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.api.fastpki.office import Client, certificate_body, certificate_in, fastpki_office, token_of
from tests.api.wire import Wire, wire_of
from tests.certificates.asking import with_capability
from tests.office import open_office
from tests.pki import make_csr

pytestmark = pytest.mark.django_db

CA = {
    "id",
    "name",
    "description",
    "subject_dn",
    "key_size",
    "valid_days",
    "created_at",
    "updated_at",
    "certificate",
    "organization_id",
    "created_by_user_id",
    "parent_ca_id",
    "path_length",
    "allow_leaf_certs",
    "crl_base_url",
    "is_root",
}
ROOT = {"name": "Acme Root", "subject_dn": "CN=Acme Root,O=Acme Corp,C=US", "key_size": 2048, "path_length": 1}


@pytest.fixture
def client() -> Client:
    return fastpki_office()


def limits(certificate: x509.Certificate) -> x509.BasicConstraints:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value


def test_a_root_with_its_key(client):
    answer = client.wire.post("/api/v1/cas/", ROOT)
    assert answer.status_code == 201
    shown = answer.json()
    assert set(shown) == CA | {"private_key"}
    certificate = certificate_in(answer)
    key = load_pem_private_key(shown["private_key"].encode(), None)
    assert key.public_key() == certificate.public_key()
    assert (limits(certificate).ca, limits(certificate).path_length) == (True, 1)
    assert (
        shown
        | {
            "name": "Acme Root",
            "description": None,
            "subject_dn": "CN=Acme Root,O=Acme Corp,C=US",
            "key_size": 2048,
            "valid_days": 3650,
            "organization_id": client.office.organization.pk,
            "created_by_user_id": client.office.person.user.pk,
            "parent_ca_id": None,
            "path_length": 1,
            "allow_leaf_certs": True,
            "crl_base_url": None,
            "is_root": True,
        }
        == shown
    )
    assert AuditEvent.objects.filter(name="ca.key_exported", resource_id=shown["id"]).count() == 1


def test_an_intermediate_issues_at_once_and_takes_the_room_that_is_left(client):
    root = client.wire.post("/api/v1/cas/", ROOT).json()
    body = {"name": "Acme Issuing", "subject_dn": "CN=Acme Issuing,O=Acme Corp", "key_size": 2048}
    made = client.wire.post("/api/v1/cas/", body | {"parent_ca_id": root["id"], "crl_base_url": "http://crl.acme.test"})
    shown = made.json()
    assert (shown["parent_ca_id"], shown["is_root"], shown["path_length"]) == (root["id"], False, 0)
    assert shown["crl_base_url"] == "http://crl.acme.test"
    issued = client.wire.post(f"/api/v1/certificates/?ca_id={shown['id']}", certificate_body())
    points = certificate_in(issued).extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name[0].value.startswith("http://crl.acme.test/crl/acme-issuing-")
    chain = client.wire.get(f"/api/v1/cas/{shown['id']}/chain").json()
    assert [ca["name"] for ca in chain] == ["Acme Issuing", "Acme Root"]
    assert set(chain[0]) == CA
    children = client.wire.get(f"/api/v1/cas/{root['id']}/children").json()
    assert [ca["id"] for ca in children] == [shown["id"]]
    below = {"name": "Too deep", "subject_dn": "CN=Too deep", "key_size": 2048, "parent_ca_id": shown["id"]}
    assert client.wire.post("/api/v1/cas/", below).status_code == 400


@override_settings(CA_KEY_SIZE=2048, CA_CERT_DAYS=100)
def test_what_is_not_said_comes_from_the_settings(client):
    shown = client.wire.post("/api/v1/cas/", {"name": "Plain", "subject_dn": "CN=Plain"}).json()
    assert (shown["key_size"], shown["valid_days"]) == (2048, 100)


def test_a_name_that_is_taken_and_a_subject_that_is_none(client):
    assert client.wire.post("/api/v1/cas/", ROOT | {"name": client.ca.name}).status_code == 400
    assert client.wire.post("/api/v1/cas/", ROOT | {"subject_dn": "Acme Root"}).status_code == 400


def test_a_list_is_a_bare_array_of_ones_own(client):
    fastpki_office("Umbrella")
    shown = client.wire.get("/api/v1/cas/").json()
    assert [(ca["name"], ca["is_root"]) for ca in shown] == [("ACME Root", True), ("ACME Issuing CA", False)]
    assert all(set(ca) == CA for ca in shown)
    assert client.wire.get(f"/api/v1/cas/{client.ca.pk}").json() == shown[1]
    absent = client.wire.get("/api/v1/cas/999999999")
    assert (absent.status_code, absent.json()) == (404, {"detail": "Certificate Authority with ID 999999999 not found"})


def test_a_ca_of_its_own_key_kind_says_its_size(client):
    assert {ca["key_size"] for ca in client.wire.get("/api/v1/cas/").json()} == {256}


def test_a_deleted_ca_is_gone_here_and_stays_in_the_books(client):
    root = client.office.root
    parent = client.wire.delete(f"/api/v1/cas/{root.pk}")
    assert (parent.status_code, parent.json()) == (
        409,
        {"detail": f"CA {root.pk} has 1 child CA(s) and cannot be deleted"},
    )
    place = f"/api/v1/certificates/?ca_id={client.ca.pk}"
    issued = client.wire.post(place, certificate_body()).json()
    gone = client.wire.delete(f"/api/v1/cas/{client.ca.pk}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.wire.get(f"/api/v1/cas/{client.ca.pk}").status_code == 404
    assert client.wire.post(place, certificate_body()).status_code == 404
    assert client.wire.get(f"/api/v1/certificates/{issued['id']}").json()["status"] == "valid"
    assert client.wire.delete(f"/api/v1/cas/{root.pk}").status_code == 204
    assert {ca.status for ca in CertificateAuthority.objects.all()} == {"retired"}


# --- keys -------------------------------------------------------------------------------------------------------------


def test_the_key_of_a_ca_is_shown_to_who_may_export_it_and_told(client):
    shown = client.wire.get(f"/api/v1/cas/{client.ca.pk}/private-key")
    assert set(shown.json()) == CA | {"private_key"}
    key = load_pem_private_key(shown.json()["private_key"].encode(), None)
    assert key.public_key() == certificate_in(shown).public_key()
    assert AuditEvent.objects.get(name="ca.key_exported").resource_id == client.ca.pk
    file = client.wire.get(f"/api/v1/export/ca/{client.ca.pk}/private-key")
    assert file.content.decode() == shown.json()["private_key"]
    assert file["Cache-Control"] == "no-store"


@pytest.mark.parametrize("place", ["cas/{}/private-key", "export/ca/{}/private-key"])
def test_nobody_has_it_by_another_permission(client, place):
    path = "/api/v1/" + place.format(client.ca.pk)
    some = wire_of(client.office.person, *(set(client.office.owner.permissions) - {Permission.CAS_EXPORT_KEY}))
    operator = Wire(token_of(cast.member(client.office.organization, OrganizationRole.OPERATOR)))
    assert {some.get(path).status_code, operator.get(path).status_code} == {403}
    assert fastpki_office("Umbrella").wire.get(path).status_code == 404
    assert not AuditEvent.objects.filter(name="ca.key_exported").exists()


def test_who_may_create_a_ca_and_not_export_keys_gets_none(client):
    some = wire_of(client.office.person, Permission.CAS_CREATE, Permission.CAS_READ)
    answer = some.post("/api/v1/cas/", ROOT)
    assert (answer.status_code, answer.json()["private_key"]) == (201, None)


def test_a_ca_that_is_not_open_to_these_clients_keeps_its_key():
    office = open_office()
    wire = Wire(token_of(office.person))
    assert wire.get(f"/api/v1/cas/{office.issuing.pk}/private-key").status_code == 403
    issuing = wire.post(f"/api/v1/certificates/?ca_id={office.issuing.pk}", certificate_body())
    assert issuing.status_code == 403
    assert "fastpki.server" in issuing.json()["detail"]


def test_a_key_behind_a_passphrase_does_not_leave():
    office = open_office(passphrase=Secret("a long enough passphrase"))
    enable_dialect(actor=office.owner, ca=Ref("pk", office.issuing.pk), dialect=Dialect.FASTPKI)
    answer = Wire(token_of(office.person)).get(f"/api/v1/cas/{office.issuing.pk}/private-key")
    assert (answer.status_code, "passphrase" in answer.json()["detail"]) == (403, True)


# --- certificates of CAs ----------------------------------------------------------------------------------------------


@pytest.mark.row("F1", "F7", "F62")
def test_a_certificate_of_type_ca_is_a_ca(client):
    root = client.office.root
    body = certificate_body("Acme Sub", certificate_type="ca", valid_days=30)
    answer = client.wire.post(f"/api/v1/certificates/?ca_id={root.pk}", body)
    shown = answer.json()
    assert (answer.status_code, shown["certificate_type"], shown["id"]) == (201, "ca", None)
    assert (limits(certificate_in(answer)).ca, limits(certificate_in(answer)).path_length) == (True, 0)
    assert shown["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    (registered,) = client.wire.get(f"/api/v1/cas/{root.pk}/children").json()[1:]
    assert (registered["name"], registered["certificate"]) == ("Acme Sub", shown["certificate"])


@pytest.mark.row("F18", "F31", "F43")
def test_a_superuser_sees_all_and_resolves_any_ca_by_name(client):
    other = fastpki_office("Umbrella")
    root = cast.superuser()
    wire = Wire(token_of(cast.Person(root, client.office.organization, client.office.owner)))
    for each in (client, other):
        place = f"/api/v1/certificates/?ca_id={each.ca.pk}"
        assert wire.post(place, certificate_body(certificate_type="client")).status_code == 201
    assert len(wire.get("/api/v1/certificates/").json()) == 2
    body = {"csr": make_csr(), "certificate_type": "server"}
    answer = wire.post("/api/v1/certificates/sign-csr", body | {"ca_name": "Umbrella Issuing CA"})
    assert answer.json()["issuer_id"] == other.ca.pk
    CertificateAuthority.objects.filter(pk=other.ca.pk).update(name=client.ca.name)
    twice = wire.post("/api/v1/certificates/sign-csr", body | {"ca_name": client.ca.name})
    assert twice.status_code == 409


@pytest.mark.row("F16", "F17", "F37", "F48", "F49", "F57", "F59")
@pytest.mark.parametrize(
    ("role", "capabilities", "statuses"),
    [
        ("owner", (), (201, 200, 200)),
        ("auditor", (), (403, 403, 403)),
        ("auditor", (Permission.CERTIFICATES_ISSUE,), (201, 403, 403)),
        ("auditor", (Permission.CERTIFICATES_EXPORT_KEY,), (403, 200, 403)),
        ("auditor", (Permission.CERTIFICATES_REVOKE,), (403, 403, 200)),
    ],
)
def test_an_admin_may_and_others_by_their_capabilities(client, role, capabilities, statuses):
    member = cast.member(client.office.organization, role, "somebody@acme.example")
    with_capability(member, *capabilities)
    wire = Wire(token_of(member))
    place = f"/api/v1/certificates/?ca_id={client.ca.pk}"
    issued = client.wire.post(place, certificate_body()).json()["id"]
    found = (
        wire.post(place, certificate_body()).status_code,
        wire.get(f"/api/v1/certificates/{issued}/private-key").status_code,
        wire.post(f"/api/v1/certificates/{issued}/revoke", {}).status_code,
    )
    assert found == statuses


def test_what_waits_for_an_approval_elsewhere_is_refused_here(client):
    code = f"fastpki.server.{client.ca.pk}"
    Template.objects.filter(code=code).update(requires_approval=True)
    answer = client.wire.post(f"/api/v1/certificates/?ca_id={client.ca.pk}", certificate_body())
    assert (answer.status_code, code in answer.json()["detail"]) == (403, True)
