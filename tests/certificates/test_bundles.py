"""A certificate in every format that people download, with its key and without."""

from __future__ import annotations

import io
import zipfile
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs7, pkcs12

from cas.core.keys import serialize_private_key
from certificates.bundles import Download, Format, bundle, bundle_with_key
from kernel.secret import Secret
from tests import pki
from tests.refusals import invalid

PASSWORD = Secret("a password for the file")


@cache
def leaf() -> x509.Certificate:
    return pki.issue()


@cache
def key() -> Secret:
    return serialize_private_key(pki.a_key(), encoding="der")


def chain() -> tuple[x509.Certificate, ...]:
    return pki.intermediate().chain


def plain(fmt: Format, name: str = "api.example.com") -> Download:
    return bundle(leaf(), chain(), fmt, name=name)


def keyed(fmt: Format, password: Secret | None = None) -> Download:
    return bundle_with_key(leaf(), chain(), key(), fmt, name="api.example.com", password=password)


def files(download: Download) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(download.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_single_certificate_as_pem_and_der():
    assert x509.load_pem_x509_certificates(plain(Format.PEM).content) == [leaf()]
    assert x509.load_der_x509_certificate(plain(Format.DER).content) == leaf()


def test_a_chain_goes_upwards():
    assert x509.load_pem_x509_certificates(plain(Format.CHAIN).content) == [*chain()]
    assert x509.load_pem_x509_certificates(plain(Format.FULLCHAIN).content) == [leaf(), *chain()]


def test_a_p7b_holds_them_all():
    assert set(pkcs7.load_der_pkcs7_certificates(plain(Format.P7B).content)) == {leaf(), *chain()}


def test_a_p12_without_a_key_holds_them_all():
    loaded = pkcs12.load_pkcs12(plain(Format.P12).content, None)
    assert loaded.key is None
    found = {each.certificate for each in [loaded.cert, *loaded.additional_certs] if each}
    assert found == {leaf(), *chain()}


def test_a_zip_has_each_in_a_file_of_its_own():
    assert files(plain(Format.ZIP)) == {
        "api.example.com.pem": plain(Format.PEM).content,
        "chain.pem": plain(Format.CHAIN).content,
        "fullchain.pem": plain(Format.FULLCHAIN).content,
    }


@pytest.mark.parametrize("fmt", Format)
def test_without_a_key_there_is_none(fmt):
    content = plain(fmt).content
    assert b"PRIVATE" not in content
    assert key().reveal() not in content


# --- with the key -----------------------------------------------------------------------------------------------------


def test_a_key_as_pem_and_der():
    public = pki.a_key().public_key()
    assert load_pem_private_key(keyed(Format.PEM).content, None).public_key() == public
    assert load_der_private_key(keyed(Format.DER).content, None).public_key() == public


@pytest.mark.parametrize("fmt", [Format.PEM, Format.DER, Format.ZIP])
def test_a_password_encrypts_the_key(fmt):
    content = keyed(fmt, PASSWORD).content
    if fmt is Format.ZIP:
        content = files(keyed(fmt, PASSWORD))["api.example.com.key"]
    load = load_der_private_key if fmt is Format.DER else load_pem_private_key
    assert load(content, PASSWORD.reveal()).public_key() == pki.a_key().public_key()
    with pytest.raises(TypeError):
        load(content, None)


def test_a_p12_has_the_key_with_its_certificates():
    content = keyed(Format.P12, PASSWORD).content
    private, certificate, others = pkcs12.load_key_and_certificates(content, PASSWORD.reveal())
    assert private.public_key() == certificate.public_key()
    assert (certificate, set(others)) == (leaf(), set(chain()))


def test_a_p12_with_a_key_has_a_password():
    with invalid(("password", "blank")):
        keyed(Format.P12)


def test_a_zip_with_the_key_is_readable_by_its_owner_only():
    with zipfile.ZipFile(io.BytesIO(keyed(Format.ZIP).content)) as archive:
        assert {info.filename for info in archive.infolist()} == {
            "api.example.com.key",
            "api.example.com.pem",
            "chain.pem",
            "fullchain.pem",
        }
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o600}


@pytest.mark.parametrize("fmt", [Format.P7B, Format.CHAIN, Format.FULLCHAIN])
def test_formats_that_have_no_room_for_a_key(fmt):
    with invalid(("fmt", "no-room-for-key")):
        keyed(fmt)


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["pem", "PEM", "p12", "pfx", "PFX", "zip", "fullchain"])
def test_formats_by_name(text):
    assert Format.read(text) in Format


@pytest.mark.parametrize("text", ["", "exe", "p 12", "pem\0"])
def test_a_format_that_nobody_knows(text):
    with invalid(("fmt", "unknown-format")):
        Format.read(text)


NAMES = {
    "api.example.com": "api.example.com.pem",
    "*.example.com": "wildcard.example.com.pem",
    "../../etc/passwd": "etc_passwd.pem",
    'a"; x="b\r\nSet-Cookie: c': "a_x_b_Set-Cookie_c.pem",
    "Jürgen Groß": "J_rgen_Gro.pem",
    "工務省": "certificate.pem",
    "": "certificate.pem",
    "x" * 200: "x" * 80 + ".pem",
}


@pytest.mark.parametrize(("name", "filename"), NAMES.items())
def test_a_file_name_that_nothing_misreads(name, filename):
    assert plain(Format.PEM, name).filename == filename
