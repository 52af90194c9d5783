"""A folder that a real `openssl ca` has made moves in: key, certificates, revocations, CRL number, addresses."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags
from django.core.management import CommandError, call_command
from django.test import Client

from cas.core.formats import to_pem
from cas.core.reading import extension_of
from cas.models import CertificateAuthority, IssuedSerial
from certificates.models import Certificate, Crl, PublicPath, Revocation, SubscriberKey
from certificates.moving.index_file import read_index
from certificates.services.validation import validate_certificate
from certificates.validation_orders import ValidationOrder
from kernel.errors import Invalid
from kernel.ref import Ref
from tests import cast, pki

PASSWORD = "the old password"
CONFIG = """
[ca]
default_ca = old
[old]
dir = .
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir/newcerts
certificate = $dir/cacert.pem
private_key = $dir/private/cakey.pem
default_md = sha256
default_days = 365
default_crl_days = 30
policy = any
x509_extensions = leaf
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:www.old.example
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:http://pki.old.example/crl/old-ca.crl,URI:http://pki.old.example/lists/ca.crl
"""
NAMES = ("one", "two", "three", "four")


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Four certificates: one good, one superseded, one on hold, one whose key was lost; and a CRL after that."""
    folder = tmp_path_factory.mktemp("openssl")
    for each in ("newcerts", "private"):
        (folder / each).mkdir()
    (folder / "index.txt").touch()
    (folder / "serial").write_text("0A01\n")
    (folder / "crlnumber").write_text("2F\n")
    (folder / "ca.cnf").write_text(CONFIG)
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-config", "ca.cnf")
    root = ("-keyout", "private/cakey.pem", "-out", "cacert.pem", "-subj", "/O=Old/CN=Old CA", "-days", "3650")
    openssl(folder, "req", "-x509", *new_key, *root, "-extensions", "root", "-passout", f"pass:{PASSWORD}")
    ca = ("ca", "-config", "ca.cnf", "-batch", "-passin", f"pass:{PASSWORD}")
    for name in NAMES:
        key = ("-keyout", f"private/{name}.key", "-noenc", "-out", f"{name}.csr", "-subj", f"/CN={name}.old.example")
        openssl(folder, "req", *new_key, *key)
        openssl(folder, *ca, "-in", f"{name}.csr", "-out", f"{name}.pem")
    openssl(folder, *ca, "-revoke", "two.pem", "-crl_reason", "superseded")
    openssl(folder, *ca, "-gencrl", "-out", "crl.pem")
    # These two are not on the CRL yet.
    openssl(folder, *ca, "-revoke", "three.pem", "-crl_reason", "certificateHold")
    openssl(folder, *ca, "-revoke", "four.pem", "-crl_compromise", "20260102030405Z")
    (folder / "password").write_text(PASSWORD)
    return folder


@pytest.fixture
def owner(db) -> cast.Person:
    return cast.owner(cast.organization("ACME"))


def run(folder: Path, *words: str) -> str:
    out = StringIO()
    password = ("--password-file", str(folder / "password"))
    call_command("import_openssl_ca", "Old CA", str(folder), *password, *words, stdout=out)
    return out.getvalue()


def newest_crl() -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(bytes(Crl.objects.latest("number").body))


def counts() -> list[int]:
    return [each.objects.count() for each in (CertificateAuthority, Certificate, IssuedSerial, Revocation, PublicPath)]


@pytest.mark.needs("openssl")
def test_everything_moves_in(made, owner):
    said = run(made)
    assert "certificates: 4 moved in, 0 were here, 0 left out" in said
    assert "revocations: 3 moved in" in said
    assert "cannot be answered here: http://pki.old.example/lists/ca.crl" in said
    ca = CertificateAuthority.objects.get()
    assert (ca.name, ca.subject) == ("Old CA", "CN=Old CA,O=Old")
    states = dict(Certificate.objects.values_list("common_name", "state"))
    good, superseded, held, lost = (f"{name}.old.example" for name in NAMES)
    assert states == {good: "issued", superseded: "revoked", held: "held", lost: "revoked"}
    reasons = dict(Revocation.objects.values_list("certificate__common_name", "reason"))
    assert reasons == {superseded: "superseded", held: "certificateHold", lost: "keyCompromise"}
    assert Revocation.objects.get(reason="keyCompromise").invalidity == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert not SubscriberKey.objects.exists()


@pytest.mark.needs("openssl")
def test_its_crl_goes_on_under_its_old_address(made, owner):
    run(made)
    crl = newest_crl()
    number = extension_of(crl.extensions, x509.CRLNumber)
    assert number is not None
    assert number.crl_number > 0x2F
    assert {entry.serial_number for entry in crl} == {0x0A02, 0x0A03, 0x0A04}
    answer = Client().get("/crl/old-ca.crl")
    assert answer.content == crl.public_bytes(Encoding.DER)


@pytest.mark.needs("openssl")
def test_openssl_believes_the_crl_that_is_signed_here(made, owner, tmp_path):
    run(made)
    crl = tmp_path / "new.pem"
    crl.write_bytes(newest_crl().public_bytes(Encoding.PEM))
    asked = ["openssl", "verify", "-CAfile", made / "cacert.pem", "-CRLfile", crl, "-crl_check"]
    good = subprocess.run([*asked, made / "one.pem"], capture_output=True, check=False)
    revoked = subprocess.run([*asked, made / "two.pem"], capture_output=True, check=False)
    assert (good.returncode, revoked.returncode) == (0, 2)


@pytest.mark.needs("openssl")
def test_what_moved_in_is_judged_like_what_was_issued_here(made, owner):
    run(made)
    for name, good in (("one", True), ("two", False)):
        shown = (made / f"{name}.pem").read_bytes()
        order = ValidationOrder(certificate=shown, organization=Ref("pk", owner.organization.pk))
        verdict = validate_certificate(actor=owner.actor, order=order)
        assert (verdict.valid, verdict.not_revoked) == (good, good)


@pytest.mark.needs("openssl")
def test_a_dry_run_keeps_nothing(made, owner):
    before = counts()
    said = run(made, "--dry-run")
    assert "certificates: 4 moved in" in said
    assert "this was a dry run" in said
    assert counts() == before


@pytest.mark.needs("openssl")
def test_twice_is_once(made, owner):
    run(made)
    before = counts()
    said = run(made)
    assert "was here already" in said
    assert "certificates: 0 moved in, 4 were here" in said
    assert "revocations: 0 moved in" in said
    assert counts() == before


@pytest.mark.needs("openssl")
def test_what_came_meanwhile_is_added(made, owner, tmp_path):
    folder = tmp_path / "later"
    shutil.copytree(made, folder)
    run(folder)
    ca = ("ca", "-config", "ca.cnf", "-batch", "-passin", f"pass:{PASSWORD}")
    openssl(folder, *ca, "-revoke", "one.pem", "-crl_reason", "keyCompromise")
    said = run(folder)
    assert "revocations: 1 moved in" in said
    assert Certificate.objects.get(common_name="one.old.example").state == "revoked"
    assert 0x0A01 in {entry.serial_number for entry in newest_crl()}


@pytest.mark.needs("openssl")
def test_keys_of_certificates_move_only_where_they_shall(made, owner):
    run(made, "--with-keys")
    assert SubscriberKey.objects.count() == 4


@pytest.mark.needs("openssl")
def test_a_wrong_password_moves_nothing(made, owner, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("a guess")
    with pytest.raises(CommandError, match="password"):
        call_command("import_openssl_ca", "Old CA", str(made), "--password-file", str(wrong))
    assert not CertificateAuthority.objects.exists()


@pytest.mark.needs("openssl")
def test_the_layout_of_easy_rsa(made, owner, tmp_path):
    folder = tmp_path / "pki"
    for each in ("private", "issued", "certs_by_serial"):
        (folder / each).mkdir(parents=True)
    shutil.copy(made / "cacert.pem", folder / "ca.crt")
    shutil.copy(made / "private/cakey.pem", folder / "private/ca.key")
    shutil.copy(made / "index.txt", folder)
    shutil.copy(made / "crl.pem", folder)
    shutil.copy(made / "password", folder)
    shutil.copy(made / "one.pem", folder / "issued/one.crt")
    shutil.copy(made / "newcerts/0A02.pem", folder / "certs_by_serial/0A02.pem")
    assert "certificates: 2 moved in" in run(folder)
    assert IssuedSerial.objects.filter(kind="imported").count() >= 4
    assert Revocation.objects.count() == 3


@pytest.mark.needs("openssl")
def test_a_certificate_of_another_ca_in_the_folder_is_left_alone(made, owner, tmp_path):
    folder = tmp_path / "mixed"
    shutil.copytree(made, folder)
    (folder / "newcerts/0A05.pem").write_text(to_pem(pki.issue()))
    assert "certificates: 4 moved in" in run(folder)


LINE = "V\t270101000000Z\t\t0A01\tunknown\t/CN=x"
WRONG = {
    "too few columns": "V\t270101000000Z\t0A01\tunknown\t/CN=x",
    "a state of its own": LINE.replace("V", "X", 1),
    "a serial number that is none": LINE.replace("0A01", "xyz"),
    "a time that is none": LINE.replace("270101000000Z", "tomorrow"),
    "a reason that is none": "R\t270101000000Z\t260101000000Z,boredom\t0A01\tunknown\t/CN=x",
    "revoked without a date": "R\t270101000000Z\t\t0A01\tunknown\t/CN=x",
    "a date without being revoked": "V\t270101000000Z\t260101000000Z\t0A01\tunknown\t/CN=x",
    "twice": f"{LINE}\n{LINE}",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_an_index_that_cannot_be_read_is_refused(text):
    with pytest.raises(Invalid, match="line"):
        read_index(text)


REVOKED = {
    "": (ReasonFlags.unspecified, None),
    ",superseded": (ReasonFlags.superseded, None),
    ",CACompromise": (ReasonFlags.ca_compromise, None),
    ",holdInstruction,1.2.840.10040.2.2": (ReasonFlags.certificate_hold, None),
    ",keyTime,20250102030405Z": (ReasonFlags.key_compromise, datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
}


@pytest.mark.parametrize("suffix", REVOKED)
def test_reasons_as_openssl_writes_them(suffix):
    (entry,) = read_index(f"R\t20510101000000Z\t260101000000Z{suffix}\t0A01\tunknown\t/CN=x")
    assert entry.revocation is not None
    assert (entry.revocation.reason, entry.revocation.invalidity) == REVOKED[suffix]
    assert (entry.ends.year, entry.revocation.at) == (2051, datetime(2026, 1, 1, tzinfo=UTC))


def test_years_of_two_digits_end_in_1949():
    first, last = read_index(f"{LINE}\n" + LINE.replace("0A01", "0A02").replace("270101", "500101"))
    assert (first.ends.year, last.ends.year) == (2027, 1950)
