"""Files: certificates, chains and keys in PEM, and what is public."""

from __future__ import annotations

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from accounts.roles import OrganizationRole
from audit.models import AuditEvent
from tests import cast
from tests.api.fastpki.office import Client, certificate_body, fastpki_office, token_of
from tests.api.wire import Wire

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return fastpki_office()


@pytest.fixture
def issued(client: Client) -> dict[str, object]:
    return client.wire.post(f"/api/v1/certificates/?ca_id={client.ca.pk}", certificate_body()).json()


def saved(answer: object) -> tuple[str, str]:
    assert answer.status_code == 200, answer.content
    return answer["Content-Type"], answer["Content-Disposition"]


@pytest.mark.needs("openssl")
def test_a_chain_goes_to_the_root_and_verifies(client, issued, tmp_path):
    answer = client.wire.get(f"/api/v1/export/certificate/{issued['id']}/chain")
    name = f'attachment; filename="certificate_{issued["id"]}_chain.pem"'
    assert saved(answer) == ("application/x-pem-file", name)
    chain = x509.load_pem_x509_certificates(answer.content)
    assert len(chain) == 3
    root = client.wire.get(f"/api/v1/export/ca/{client.office.root.pk}/certificate")
    assert saved(root)[1] == f'attachment; filename="ca_{client.office.root.pk}_certificate.pem"'
    (tmp_path / "root.pem").write_bytes(root.content)
    (tmp_path / "chain.pem").write_bytes(answer.content)
    told = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "chain.pem", "chain.pem"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout == "chain.pem: OK\n", told.stderr


def test_a_certificate_and_its_key(client, issued):
    certificate = client.wire.get(f"/api/v1/export/certificate/{issued['id']}")
    assert certificate.content.decode() == issued["certificate"]
    key = client.wire.get(f"/api/v1/export/certificate/{issued['id']}/private-key")
    assert (
        load_pem_private_key(key.content, None).public_key()
        == x509.load_pem_x509_certificate(certificate.content).public_key()
    )
    assert AuditEvent.objects.filter(name="certificate.key_collected", resource_id=issued["id"]).count() == 1
    assert key["Cache-Control"] == "no-store"


@pytest.mark.row("F48", "F49")
def test_a_key_is_for_who_may_export_it(client, issued):
    operator = Wire(token_of(cast.member(client.office.organization, OrganizationRole.OPERATOR)))
    stranger = fastpki_office("Umbrella").wire
    for path in (f"certificates/{issued['id']}/private-key", f"export/certificate/{issued['id']}/private-key"):
        assert operator.get(f"/api/v1/{path}").status_code == 403
        assert stranger.get(f"/api/v1/{path}").status_code == 404
    assert not AuditEvent.objects.filter(name="certificate.key_collected").exists()


def test_what_is_public_needs_nobody(client):
    slug = client.wire.get(f"/api/v1/export/ca/{client.ca.pk}/certificate") and client.ca.slug
    assert slug == f"acme-issuing-ca-{client.ca.pk}"
    crl = Wire().get(f"/crl/{slug}")
    assert saved(crl) == ("application/pkix-crl", f'attachment; filename="{slug}.crl"')
    assert x509.load_der_x509_crl(crl.content).issuer.rfc4514_string() == "CN=ACME Issuing CA,O=ACME"
    pem = Wire().get(f"/crl/{slug}.pem")
    assert saved(pem) == ("application/x-pem-file", f'attachment; filename="{slug}.crl.pem"')
    certificate = x509.load_der_x509_certificate(Wire().get(f"/ca/{slug}.crt").content)
    assert x509.load_pem_x509_certificate(Wire().get(f"/ca/{slug}.pem").content) == certificate
    assert Wire().get(f"/crl/another-name-{client.ca.pk}").status_code == 404
