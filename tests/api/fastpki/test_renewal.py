"""Renewal as FastPKI has it: a new certificate for as long again, and the old one goes on."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.api.fastpki.office import Client, certificate_body, certificate_in, fastpki_office, names_in
from tests.pki import make_csr

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return fastpki_office()


@pytest.fixture
def made_here(client: Client) -> dict[str, object]:
    body = certificate_body(valid_days=100, san_dns_names=["a.example.com"])
    return client.wire.post(f"/api/v1/certificates/?ca_id={client.ca.pk}", body).json()


@pytest.fixture
def by_csr(client: Client) -> dict[str, object]:
    body = {"csr": make_csr(), "certificate_type": "server", "ca_id": client.ca.pk, "valid_days": 50}
    return client.wire.post("/api/v1/certificates/sign-csr", body).json()


@pytest.mark.parametrize("body", [{}, None, {"csr": None}])
def test_a_key_that_was_made_here_is_made_anew(client, made_here, body):
    answer = client.wire.post(f"/api/v1/certificates/{made_here['id']}/renew", body)
    shown = answer.json()
    assert (answer.status_code, shown["renewed_from_id"], shown["valid_days"]) == (201, made_here["id"], 100)
    certificate = certificate_in(answer)
    assert names_in(certificate) == ["a.example.com"]
    assert load_pem_private_key(shown["private_key"].encode(), None).public_key() == certificate.public_key()
    assert shown["private_key"] != made_here["private_key"]
    old = client.wire.get(f"/api/v1/certificates/{made_here['id']}").json()
    assert (old["status"], old["renewed_to_ids"]) == ("valid", [shown["id"]])


def test_it_can_be_renewed_as_often_as_one_likes(client, made_here):
    path = f"/api/v1/certificates/{made_here['id']}/renew"
    first, second = client.wire.post(path, {}).json(), client.wire.post(path, {}).json()
    shown = client.wire.get(f"/api/v1/certificates/{made_here['id']}").json()
    assert shown["renewed_to_ids"] == [first["id"], second["id"]]
    revoked = client.wire.post(f"/api/v1/certificates/{made_here['id']}/revoke", {}).json()
    assert revoked["renewed_to_ids"] == [first["id"], second["id"]]


@pytest.mark.row("F36")
def test_one_that_came_by_csr_is_renewed_by_another(client, by_csr):
    csr = make_csr(subject="CN=ignored.example.com")
    answer = client.wire.post(f"/api/v1/certificates/{by_csr['id']}/renew", {"csr": csr})
    shown, certificate = answer.json(), certificate_in(answer)
    assert (answer.status_code, shown["private_key"], shown["valid_days"]) == (201, None, 50)
    assert certificate.public_key() == x509.load_pem_x509_csr(csr.encode()).public_key()
    assert shown["subject_dn"] == by_csr["subject_dn"]


def test_whose_key_it_is_stays_so(client, made_here, by_csr):
    without = client.wire.post(f"/api/v1/certificates/{by_csr['id']}/renew", {})
    assert without.status_code == 400
    assert without.json()["detail"]["code"] == "csr_required_for_csr_origin_cert"
    assert without.json()["detail"]["message"]
    unasked = client.wire.post(f"/api/v1/certificates/{made_here['id']}/renew", {"csr": make_csr()})
    assert unasked.status_code == 400
    assert unasked.json()["detail"]["code"] == "csr_not_allowed_for_server_key_cert"


def test_what_is_revoked_is_renewed_no_more(client, made_here):
    """The server was seen to renew it; whoever revokes a certificate does not want another one like it."""
    client.wire.post(f"/api/v1/certificates/{made_here['id']}/revoke", {})
    assert client.wire.post(f"/api/v1/certificates/{made_here['id']}/renew", {}).status_code == 409
