"""`manage.py ca`: each verb does its one thing, and says no in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from django.core.cache import cache

from cas import keystore
from cas.backends.pkcs11 import _names
from cas.core.keys import KeyAlgorithm, serialize_private_key
from cas.models import CaCertificate, CertificateAuthority
from kernel.secret import Secret
from tests import elsewhere
from tests.certificates.test_commands import refusal, run
from tests.elsewhere import Elsewhere, pem
from tests.office import Office, open_office
from tests.pki import make_csr

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_has_guessed_yet():
    cache.clear()


@pytest.fixture
def office() -> Office:
    return open_office()


@pytest.fixture
def root() -> Elsewhere:
    return elsewhere.root()


def write(folder: Path, name: str, content: bytes | str) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def ca(name: str) -> CertificateAuthority:
    return CertificateAuthority.objects.get(name=name)


def preferred(name: str) -> CaCertificate:
    return CaCertificate.objects.get(ca__name=name, preferred=True)


def test_a_csr_goes_out_and_a_certificate_comes_back(office, root, tmp_path):
    out = tmp_path / "request.pem"
    assert str(out) in run("ca", "request", "Offline", "--subject", "CN=Offline,O=ACME", "--out", str(out))
    request = x509.load_pem_x509_csr(out.read_bytes())
    answer = write(tmp_path, "answer.pem", pem(root.certify(request), root.certificate))
    assert "in service, under Old Root" in run("ca", "complete", "Offline", answer)
    run("ca", "csr", "Offline", "--out", str(tmp_path / "again.pem"))
    again = x509.load_pem_x509_csr((tmp_path / "again.pem").read_bytes())
    renewed = write(tmp_path, "renewed.pem", pem(root.certify(again)))
    assert "external, preferred" in run("ca", "renew", "Offline", "--certificate", renewed)
    assert "exists already" in refusal("ca", "csr", "Offline", "--out", str(out))


def test_nobody_waits_any_more(office, tmp_path):
    out = str(tmp_path / "request.pem")
    run("ca", "request", "Offline", "--out", out)
    assert "its name is free" in run("ca", "cancel", "Offline")
    run("ca", "request", "Offline", "--out", str(tmp_path / "again.pem"))
    assert "ACME Root is active" in refusal("ca", "cancel", "ACME Root")


def test_a_partner_is_certified(office, tmp_path):
    request, out = write(tmp_path, "partner.csr", make_csr(subject="CN=Partner")), tmp_path / "chain.pem"
    run("ca", "sign", "Partner", request, "--parent", "ACME Root", "--path-length", "0", "--out", str(out))
    assert len(x509.load_pem_x509_certificates(out.read_bytes())) == 2
    assert "CN=Partner" in run("ca", "list")
    assert "no such certificate authority" in refusal("ca", "sign", "Other", request, "--parent", "Nobody")


def test_a_ca_moves_in(office, root, tmp_path):
    old = root.below()
    password = Secret("the old password")
    key = write(tmp_path, "key.pem", serialize_private_key(old.key, password=password).reveal())
    arguments = [
        *("ca", "import", "Moved", key),
        *("--certificates", write(tmp_path, "chain.pem", pem(*old.chain))),
        *("--last-crl", write(tmp_path, "last.crl", old.crl((5, None), number=12))),
        *("--public-path", "/crl/old.crl"),
    ]
    wrong, right = (write(tmp_path, name, name) for name in ("a guess", password.reveal().decode()))
    assert "not the password" in refusal(*arguments, "--password-file", wrong)
    assert "has moved in" in run(*arguments, "--password-file", right)
    assert ca("Moved").revocations.count() == 1


def test_a_ca_is_added_crossed_preferred_and_revoked(office, root, tmp_path):
    assert "is known" in run("ca", "add", write(tmp_path, "root.pem", pem(root.certificate)), "--name", "Trusted")
    run("create_ca", "New Root")
    fingerprint = run("ca", "cross", "ACME Root", "--issuer", "New Root", "--validity", "1y").split()[0]
    run("ca", "prefer", "ACME Root", ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2)).upper())
    assert preferred("ACME Root").fingerprint == fingerprint
    shown = run("ca", "chains", "ACME Issuing CA").splitlines()
    assert shown[:2] == ["ACME Issuing CA > ACME Root > New Root", "ACME Issuing CA > ACME Root"]
    assert "is revoked" in run("ca", "revoke", "ACME Root", fingerprint, "--reason", "superseded")
    assert preferred("ACME Root").kind == "self-signed"
    assert "has no certificate" in refusal("ca", "prefer", "ACME Root", "00")


def test_a_ca_is_renewed_and_succeeded(office):
    assert "preferred" in run("ca", "renew", "ACME Issuing CA")
    assert "it is active" in run("ca", "succeed", "ACME Issuing CA", "G2", "--key-algorithm", "ECDSA_P384")
    assert "1 templates" in run("ca", "move-templates", "ACME Issuing CA", "G2")
    assert office.issue().certificate.ca == ca("G2")


def test_nothing_was_lost(office):
    assert "0 serial numbers" in run("ca", "abandon", "ACME Issuing CA")


def test_what_cannot_be_read_is_told(office, tmp_path):
    assert "cannot be read" in refusal("ca", "add", str(tmp_path / "nothing.pem"))
    assert "certificates: this is not a certificate" in refusal("ca", "add", write(tmp_path, "x", b"nonsense"))


@pytest.mark.needs("softhsm2-util")
def test_a_key_on_the_token_is_used_by_its_label(office, hsm_token, tmp_path):
    label = _names(keystore.generate_key(KeyAlgorithm.ECDSA_P256, "pkcs11").reference)["label"]
    out = str(tmp_path / "request.pem")
    run("ca", "request", "Token", "--token-key", label, "--out", out)
    assert ca("Token").key.backend == "pkcs11"
