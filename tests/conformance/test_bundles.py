"""Downloads, opened by OpenSSL."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cas.core.keys import KeyAlgorithm
from certificates.bundles import Download, Format, bundle, bundle_with_key
from certificates.services.minting import Issued
from kernel.errors import Invalid
from kernel.secret import Secret
from tests.conformance.verifiers import openssl
from tests.office import open_office

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.needs("openssl")]

PASSWORD = Secret("a password with ü")
ALGORITHMS = [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048, KeyAlgorithm.ED25519]


def saved(download: Download, folder: Path) -> Path:
    path = folder / download.filename
    path.write_bytes(download.content)
    return path


def certificates_in(text: str) -> list[x509.Certificate]:
    start = text.index("-----BEGIN CERTIFICATE")
    return x509.load_pem_x509_certificates(text[start:].encode())


def issue(algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256, name: str = "www.acme.test") -> Issued:
    return open_office(algorithm=algorithm).issue(name)


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, KeyAlgorithm.ML_DSA_44])
def test_p7b_and_p12_without_a_key_hold_the_whole_chain(algorithm: KeyAlgorithm, tmp_path: Path):
    issued = issue(algorithm)
    everything = {issued.x509, *issued.chain}
    p7b = openssl("pkcs7", "-inform", "DER", "-print_certs", "-in", saved(bundle_of(issued, Format.P7B), tmp_path))
    assert set(certificates_in(p7b.said)) == everything
    p12 = openssl("pkcs12", "-nokeys", "-passin", "pass:", "-in", saved(bundle_of(issued, Format.P12), tmp_path))
    assert set(certificates_in(p12.said)) == everything


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_p12_opens_with_its_password_alone(algorithm: KeyAlgorithm, tmp_path: Path):
    issued = issue(algorithm)
    path = saved(with_key(issued, Format.P12), tmp_path)
    opened = openssl("pkcs12", "-nodes", "-passin", f"pass:{PASSWORD.reveal().decode()}", "-in", path)
    assert set(certificates_in(opened.said)) == {issued.x509, *issued.chain}
    assert "BEGIN PRIVATE KEY" in opened.said
    assert not openssl("pkcs12", "-nodes", "-passin", "pass:another", "-in", path).is_good


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_key_belongs_to_the_certificate(algorithm: KeyAlgorithm, tmp_path: Path):
    issued = issue(algorithm)
    expected = issued.x509.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    plain = bundle_with_key(issued.x509, issued.chain, issued.private_key, Format.PEM, name="a")
    assert openssl("pkey", "-pubout", "-in", saved(plain, tmp_path)).said == expected
    sealed = saved(with_key(issued, Format.PEM), tmp_path)
    password = f"pass:{PASSWORD.reveal().decode()}"
    assert openssl("pkey", "-pubout", "-in", sealed, "-passin", password).said == expected
    assert not openssl("pkey", "-pubout", "-in", sealed, "-passin", "pass:another").is_good


@pytest.mark.parametrize("name", ["www.acme.test", "*.acme.test", "chain", "fullchain", "../../etc/passwd", "ü", ""])
def test_a_zip_holds_a_file_for_each_purpose(name: str, tmp_path: Path):
    issued = issue()
    download = bundle_with_key(issued.x509, issued.chain, issued.private_key, Format.ZIP, name=name)
    archive = zipfile.ZipFile(io.BytesIO(download.content))
    archive.extractall(tmp_path)
    names = archive.namelist()
    assert len(names) == len(set(names)) == 4
    assert all("/" not in each and ".." not in each for each in names)
    pems = {each: x509.load_pem_x509_certificates(archive.read(each)) for each in names if each.endswith(".pem")}
    assert list(issued.chain) in pems.values()
    assert [issued.x509] in pems.values()
    assert pems["fullchain.pem"] == [issued.x509, *issued.chain]
    assert pems["chain.pem"] == list(issued.chain)
    verdict = openssl(
        "verify",
        "-CAfile",
        tmp_path / "chain.pem",
        next(tmp_path / each for each in pems if pems[each] == [issued.x509]),
    )
    assert verdict.is_good, verdict.said


def test_formats_without_room_for_a_key_refuse_it():
    issued = issue()
    for fmt in (Format.P7B, Format.CHAIN, Format.FULLCHAIN):
        with pytest.raises(Invalid):
            bundle_with_key(issued.x509, issued.chain, issued.private_key, fmt, name="a")


def test_a_post_quantum_key_is_refused_where_no_software_could_read_it():
    issued = issue(KeyAlgorithm.ML_DSA_44)
    with pytest.raises(Invalid):
        with_key(issued, Format.P12)


def bundle_of(issued: Issued, fmt: Format) -> Download:
    return bundle(issued.x509, issued.chain, fmt, name="www.acme.test")


def with_key(issued: Issued, fmt: Format) -> Download:
    return bundle_with_key(issued.x509, issued.chain, issued.private_key, fmt, name="www.acme.test", password=PASSWORD)
