"""From an empty database to a revoked certificate, in the admin alone; and the private key on its way out."""

from __future__ import annotations

import io
import zipfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, pkcs12
from cryptography.x509.oid import NameOID
from django.contrib.admin.models import LogEntry

from accounts.models import ApiKey, Organization
from audit.models import AuditEvent
from cas.models import CertificateAuthority, Role, Template
from certificates.models import Certificate

pytestmark = pytest.mark.django_db


def create(client, path: str, **fields: object):
    response = client.post(f"/admin/{path}/", fields)
    assert response.status_code == 302, response.context["form"].errors
    return response


def test_the_whole_way_without_a_command(root):
    create(root, "accounts/organization/create", name="Acme GmbH")
    organization = Organization.objects.get()
    authority = {"validity": 3650, "approvals_needed": 1, "allow_leaf_certificates": "on"}
    create(
        root,
        "cas/certificateauthority/create-root",
        organization=organization.pk,
        name="Acme Root",
        subject="CN=Acme Root,O=Acme GmbH",
        key_algorithm="ECDSA_P384",
        **authority,
    )
    top = CertificateAuthority.objects.get()
    create(
        root,
        "cas/certificateauthority/create-intermediate",
        parent=top.pk,
        name="Acme Issuing",
        subject="CN=Acme Issuing,O=Acme GmbH",
        key_algorithm="ECDSA_P256",
        path_length=0,
        **authority | {"validity": 1825},
    )
    issuing = CertificateAuthority.objects.get(parent=top)
    create(
        root,
        "cas/role/create",
        ca=issuing.pk,
        name="web",
        allowed_domains="acme.test\nacme.internal",
        allow_dns_sans="on",
        allow_subdomains="on",
        allow_bare_domains="on",
        max_ttl=397,
        common_name="optional",
        approvals_needed=1,
    )
    assert Role.objects.get().allowed_domains == ["acme.test", "acme.internal"]
    create(
        root,
        "cas/template/create",
        role=Role.objects.get().pk,
        code="web-tls",
        name="Web servers",
        validity=90,
        backdate=0,
        key_algorithm="ECDSA_P256",
        key_usage=["digital_signature"],
        purposes=["server_auth"],
        lint="block",
        add_common_name_to_sans="on",
        include_cdp="on",
        include_aia="on",
        approvals_needed=1,
    )
    template = Template.objects.get()
    create(
        root, "certificates/certificate/issue", template=template.pk, common_name="www.acme.test", names="www.acme.test"
    )
    certificate = Certificate.objects.get()
    assert certificate.body.x509.subject.rfc4514_string() == "CN=www.acme.test"
    create(root, f"certificates/certificate/{certificate.pk}/revoke", reason="superseded")
    create(root, f"cas/certificateauthority/{issuing.pk}/publish")
    assert issuing.crl_scopes.get().crls.order_by("-number").first().entries == 1


def test_what_a_role_forbids_stands_beside_the_field_with_the_input_kept(root, office):
    form = {"template": office.template.pk, "common_name": "evil.example", "names": "evil.example\nwww.acme.test"}
    response = root.post("/admin/certificates/certificate/issue/", form)
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"common_name", "names"}
    assert "evil.example\nwww.acme.test" in response.content.decode()
    assert not Certificate.objects.exists()


class TestCsr:
    @pytest.fixture
    def csr(self) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api.acme.test")])
        names = x509.SubjectAlternativeName([x509.DNSName("api.acme.test"), x509.DNSName("v2.api.acme.test")])
        request = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
        return request.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()

    def test_a_check_shows_all_names_and_issues_nothing(self, root, office, csr):
        form = {"template": office.template.pk, "csr": csr, "check": "1"}
        text = root.post("/admin/certificates/certificate/issue-csr/", form).content.decode()
        assert "CN=api.acme.test" in text
        assert "v2.api.acme.test" in text
        assert not Certificate.objects.exists()

    def test_it_is_issued_as_it_was_shown(self, root, office, csr):
        create(root, "certificates/certificate/issue-csr", template=office.template.pk, csr=csr)
        row = Certificate.objects.get()
        names = row.body.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["api.acme.test", "v2.api.acme.test"]
        assert root.get(f"/admin/certificates/certificate/{row.pk}/private-key/").status_code == 409

    @pytest.mark.parametrize("rubbish", ["", "not a request", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END"])
    def test_rubbish_is_refused_beside_the_field(self, root, office, rubbish):
        form = {"template": office.template.pk, "csr": rubbish}
        response = root.post("/admin/certificates/certificate/issue-csr/", form)
        assert response.status_code == 422
        assert response.context["form"].errors["csr"]


class TestPrivateKey:
    @pytest.fixture
    def page(self, root, office) -> str:
        create(
            root,
            "certificates/certificate/issue",
            template=office.template.pk,
            common_name="www.acme.test",
            names="www.acme.test",
        )
        return f"/admin/certificates/certificate/{Certificate.objects.get().pk}/private-key/"

    def test_it_comes_once_as_a_file_that_nothing_caches(self, root, page):
        response = root.post(page, {"fmt": "zip"})
        assert response["Content-Disposition"].startswith("attachment")
        assert "no-store" in response["Cache-Control"]
        files = zipfile.ZipFile(io.BytesIO(response.content))
        key = load_pem_private_key(files.read("www.acme.test.key"), None)
        leaf = Certificate.objects.get().body.x509
        assert _spki(key.public_key()) == _spki(leaf.public_key())

        again = root.post(page, {"fmt": "zip"})
        assert again.status_code == 410
        gone = root.get(page)
        assert gone.status_code == 410
        assert "root@localhost" in gone.content.decode()

    def test_a_look_does_not_cost_it(self, root, page):
        root.get(page)
        root.get(page, {"fmt": "zip"})
        assert root.post(page, {"fmt": "zip"}).status_code == 200

    def test_a_file_that_cannot_be_made_does_not_cost_it(self, root, page):
        assert root.post(page, {"fmt": "p12"}).status_code == 422
        response = root.post(page, {"fmt": "p12", "password": "between us"})
        key, leaf, chain = pkcs12.load_key_and_certificates(response.content, b"between us")
        assert key is not None
        assert leaf == Certificate.objects.get().body.x509
        assert len(chain) == 2

    def test_it_leaves_no_trace_but_the_event(self, root, page, caplog):
        content = root.post(page, {"fmt": "pem"}).content.decode()
        body = "".join(content.splitlines()[1:-1])
        assert AuditEvent.objects.filter(name="certificate.key_collected").count() == 1
        assert body[:40] not in caplog.text
        assert all(body[:40] not in str(event.document) for event in AuditEvent.objects.all())
        assert not LogEntry.objects.exists()


def test_an_api_key_is_shown_once_and_nowhere_else(root, office):
    form = {
        "organization": office.organization.pk,
        "owner": office.person.user.pk,
        "name": "deploy",
        "permissions": ["certificates:read"],
        "lifetime": 30,
    }
    response = root.post("/admin/accounts/apikey/create/", form)
    assert "no-store" in response["Cache-Control"]
    row = ApiKey.objects.get()
    token = next(word for word in response.content.decode().split() if word.startswith(f'tabindex="0">{row.prefix}'))
    token = token.removeprefix('tabindex="0">').split("<")[0]
    assert len(token) > 30
    assert token not in root.get(f"/admin/accounts/apikey/{row.pk}/change/").content.decode()
    create(root, f"accounts/apikey/{row.pk}/revoke")
    row.refresh_from_db()
    assert row.revoked_at is not None


def _spki(key) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
