"""The CA elsewhere is OpenSSL: its root certifies a CA of ours, and its intermediate moves in."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cas.core.names import parse_name
from cas.models import CertificateAuthority
from cas.orders import AuthorityImportOrder, PendingAuthorityOrder, RoleOrder, TemplateOrder
from cas.services.pending import create_pending_authority, sign_authority_csr
from cas.services.roles import create_role
from cas.services.templates import create_template
from certificates.models import Crl
from certificates.services.authorities import complete_authority, import_authority
from certificates.services.issuance import issue_at_once
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.office import order_for

pytestmark = [pytest.mark.django_db, pytest.mark.needs("openssl")]

EXTENSIONS = "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization("ACME"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a root that OpenSSL made: root.key, root.pem."""
    (tmp_path / "ca.cnf").write_text(EXTENSIONS)
    openssl(
        tmp_path,
        *("req", "-x509", "-newkey", "rsa:3072", "-noenc", "-keyout", "root.key", "-out", "root.pem"),
        *("-subj", "/O=Offline/CN=Offline Root", "-days", "3000"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    return tmp_path


def openssl(folder: Path, *words: str) -> str:
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def certify(folder: Path, csr: str, out: str) -> None:
    openssl(
        folder,
        *("x509", "-req", "-in", csr, "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-out", out),
        *("-days", "1500", "-extfile", "ca.cnf"),
    )


def verified_leaf(owner: cast.Person, ca: CertificateAuthority, folder: Path) -> str:
    """What `openssl verify` says of a leaf and its CRL."""
    role = create_role(
        actor=owner.actor,
        order=RoleOrder(
            ca=Ref("pk", ca.pk),
            name="web",
            max_ttl=timedelta(days=90),
            allowed_domains=("acme.test",),
            allow_subdomains=True,
        ),
    )
    template = create_template(
        actor=owner.actor,
        order=TemplateOrder(
            ca=Ref("pk", ca.pk),
            role=Ref("pk", role.pk),
            name="Web server",
            code="web-tls",
            key_algorithm="ECDSA_P256",
            validity=timedelta(days=90),
            key_usage=("digital_signature",),
            extended_key_usage=("server_auth",),
        ),
    )
    issued = issue_at_once(actor=owner.actor, order=order_for(template))
    (folder / "leaf.pem").write_bytes(issued.x509.public_bytes(Encoding.PEM))
    (folder / "issuing.pem").write_bytes(issued.chain[0].public_bytes(Encoding.PEM))
    (folder / "crl.der").write_bytes(bytes(Crl.objects.filter(scope__ca=ca).order_by("-number")[0].body))
    openssl(folder, "crl", "-inform", "DER", "-in", "crl.der", "-out", "crl.pem")
    return openssl(
        folder,
        *("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "www.acme.test"),
        *("-crl_check", "-CRLfile", "crl.pem", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "leaf.pem"),
    )


def test_an_offline_root_certifies_a_ca_of_ours(owner, folder):
    ca = create_pending_authority(
        actor=owner.actor,
        order=PendingAuthorityOrder(
            organization=Ref("pk", owner.organization.pk), name="Issuing", subject=parse_name("CN=Issuing,O=ACME")
        ),
    )
    request = sign_authority_csr(actor=owner.actor, ca=ca)
    (folder / "issuing.csr").write_bytes(request.public_bytes(Encoding.PEM))
    assert "self-signature verify OK" in _csr_check(folder)
    certify(folder, "issuing.csr", "answer.pem")
    answer = (folder / "answer.pem").read_bytes() + (folder / "root.pem").read_bytes()
    done = complete_authority(actor=owner.actor, ca=ca, certificates=answer)
    assert done.path_length == 0
    assert "leaf.pem: OK" in verified_leaf(owner, done, folder)


@pytest.mark.parametrize("key", [("rsa:2048",), ("ec", "-pkeyopt", "ec_paramgen_curve:P-384")], ids=["RSA", "EC"])
def test_an_intermediate_of_openssl_moves_in_by_pkcs12(owner, folder, key):
    openssl(
        folder,
        *("req", "-newkey", *key, "-noenc", "-keyout", "sub.key", "-out", "sub.csr"),
        *("-subj", "/O=Offline/CN=Offline Sub"),
    )
    certify(folder, "sub.csr", "sub.pem")
    openssl(
        folder,
        *("pkcs12", "-export", "-inkey", "sub.key", "-in", "sub.pem", "-certfile", "root.pem", "-out", "sub.p12"),
        *("-passout", "pass:the old password"),
    )
    ca = import_authority(
        actor=owner.actor,
        order=AuthorityImportOrder(
            organization=Ref("pk", owner.organization.pk),
            name="Moved",
            key_file=Secret((folder / "sub.p12").read_bytes()),
            password=Secret("the old password"),
            last_crl_number=4711,
        ),
    )
    assert "leaf.pem: OK" in verified_leaf(owner, ca, folder)


def _csr_check(folder: Path) -> str:
    done = subprocess.run(
        ["openssl", "req", "-in", "issuing.csr", "-verify", "-noout"], cwd=folder, capture_output=True, text=True
    )
    return done.stdout + done.stderr
