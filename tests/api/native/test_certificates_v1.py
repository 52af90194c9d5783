"""PKIFactor's documented certificate calls at /api/v1/, as its documents write them."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs7, pkcs12

from cas.core.keys import KeyAlgorithm
from certificates.models import Certificate
from tests import pki
from tests.api.wire import wrong_fields

URL = "/api/v1/certificates"
PEM = "-----BEGIN CERTIFICATE-----\n"


def leaf_of(answer) -> x509.Certificate:
    return x509.load_pem_x509_certificate(answer["certificate"].encode())


def issue(api, **changes):
    body = {"template_code": "web-tls", "subject": {"common_name": "www.acme.test"}} | changes
    answer = api.post(URL, body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def octets_of(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


SANS = ["www.acme.test", "acme.test", "10.0.0.1"]


@pytest.mark.row("P1", "P35", "P37", "P38", "P41")
def test_a_signed_certificate_is_returned_with_its_chain_and_its_key(api, office):
    body = {"template_code": "web-tls", "subject": {"common_name": "www.acme.test"}, "sans": SANS}
    response = api.post("/api/v1/certificates", body)
    assert response.status_code == 201
    answer = response.json()
    assert response["Location"] == f"{URL}/{Certificate.objects.get().pk}"
    leaf = leaf_of(answer)
    assert leaf.subject.rfc4514_string() == "CN=www.acme.test"
    assert pki.sans_of(leaf) == SANS
    key = load_pem_private_key(answer["private_key"].encode(), None)
    assert key.public_key() == leaf.public_key()
    issuing, root = (x509.load_pem_x509_certificate(each.encode()) for each in answer["chain"])
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)


@pytest.mark.row("P49", "P50", "P51", "P52", "P53", "P54", "P55", "P56", "P57")
def test_the_item_is_spelled_as_documented(api, office):
    leaf = leaf_of(issue(api, sans=SANS))
    assert api.get(URL).json()["data"] == [
        {
            "id": Certificate.objects.get().pk,
            "serial": ":".join(f"{octet:02X}" for octet in octets_of(leaf.serial_number)),
            "subject": {"common_name": "www.acme.test"},
            "sans": SANS,
            "status": "issued",
            "not_before": f"{leaf.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
            "not_after": f"{leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
            "pki": {"id": office.issuing.pk, "name": "ACME Issuing CA", "type": "internal"},
            "template": {"id": office.template.pk, "code": "web-tls"},
        }
    ]


ITEM = ("id", "serial", "subject", "sans", "status", "not_before", "not_after", "pki", "template")


@pytest.mark.row("P42", "P43", "P48")
def test_list_and_detail_show_the_item_in_the_documented_envelope(api):
    issued = issue(api, sans=["www.acme.test"])
    listed = api.get(URL).json()
    assert listed == {
        "data": [{name: issued[name] for name in ITEM}],
        "pagination": {"next_cursor": None, "total": 1},
    }
    detail = api.get(f"{URL}/{issued['id']}").json()
    once = ("chain", "private_key", "delivery")
    later = {"owner": "owner@acme.example", "replaced_by_ids": []}
    assert detail == {name: value for name, value in issued.items() if name not in once} | later


def test_the_private_key_is_handed_out_once(api):
    issued = issue(api)
    for path in (URL, f"{URL}/{issued['id']}", f"{URL}/{issued['id']}/download?fmt=zip"):
        assert b"PRIVATE KEY" not in api.get(path).content


@pytest.mark.row("P36", "P37")
def test_the_flat_common_name_of_the_sdk_is_a_subject_too(api):
    answer = api.post(URL, {"template_code": "web-tls", "common_name": "www.acme.test", "sans": ["www.acme.test"]})
    assert answer.status_code == 201
    assert answer.json()["subject"] == {"common_name": "www.acme.test"}


@pytest.mark.row("P36", "P37")
def test_what_is_missing_is_said_at_once(api):
    assert wrong_fields(api.post(URL, {})) == {"template_code": "required"}
    assert wrong_fields(api.post(URL, {"template_code": "web-tls"})) == {"subject": "required"}


WRONG = {
    "a number for a text": ({"template_code": 5}, {"template_code": "invalid"}),
    "null": ({"template_code": None}, {"template_code": "null"}),
    "an empty text": ({"template_code": ""}, {"template_code": "blank"}),
    "a subject that is a text": ({"subject": "CN=x"}, {"subject": "invalid"}),
    "an unknown attribute": ({"subject": {"cn": "www.acme.test"}}, {"subject.cn": "unknown-attribute"}),
    "two wrong attributes": (
        {"subject": {"country": "xx", "common_name": 5}},
        {"subject.country": "unknown-country", "subject.common_name": "bad-type"},
    ),
    "two common names": ({"common_name": "acme.test"}, {"common_name": "contradiction"}),
    "sans that are a text": ({"sans": "www.acme.test"}, {"sans": "not-a-list"}),
    "a san that is a number": ({"sans": ["www.acme.test", 5]}, {"sans[1]": "invalid"}),
    "sans that are no names": (
        {"sans": ["a b", "www.acme.test", "ip:x"]},
        {"sans[0]": "bad-name", "sans[2]": "bad-name"},
    ),
    "names outside the role": (
        {"subject": {"common_name": "evil.test"}, "sans": ["www.acme.test", "evil.test"]},
        {"subject.common_name": "name-not-allowed", "sans[1]": "name-not-allowed"},
    ),
    "an unknown key format": ({"key_format": "jks"}, {"key_format": "unknown-value"}),
    "an unknown delivery format": ({"delivery_format": "PEM"}, {"delivery_format": "unknown-value"}),
    "no days": ({"validity_days": 0}, {"validity_days": "min-value"}),
    "days in a text": ({"validity_days": "90"}, {"validity_days": "invalid"}),
    "days that are true": ({"validity_days": True}, {"validity_days": "invalid"}),
    "too many days": ({"validity_days": 398}, {"validity": "too-long"}),
    "days twice": ({"validity_days": 9, "validity": "9d"}, {"validity": "contradiction"}),
    "a CSR that is none": ({"csr": "x"}, {"csr": "unreadable-csr"}),
    "a tag with a comma": ({"tags": ["prod", "a,b"]}, {"tags[1]": "invalid"}),
    "a PKCS#12 file without a password": ({"delivery_format": "p12"}, {"password": "required"}),
    "a key in PKCS#12 without a password": ({"key_format": "p12"}, {"password": "required"}),
    "an encrypted PKCS#1 key": (
        {"key_format": "pkcs1", "password": "x" * 12},
        {"key_format": "unsupported-format"},
    ),
}


def test_wrong_input_is_named_field_by_field_and_nothing_is_issued(api, subtests):
    for name, (changes, wrong) in WRONG.items():
        with subtests.test(name):
            answer = api.post(URL, {"template_code": "web-tls", "subject": {"common_name": "www.acme.test"}} | changes)
            assert wrong_fields(answer) == wrong
            assert answer.status_code == 422
    assert not Certificate.objects.exists()


KEY_FORMATS = {
    "pem": lambda text, _password: load_pem_private_key(text.encode(), None),
    "pkcs8": lambda text, _password: load_pem_private_key(text.encode(), None),
    "pkcs1": lambda text, _password: load_pem_private_key(text.encode(), None),
    "der": lambda text, _password: load_der_private_key(base64.b64decode(text), None),
    "p12": lambda text, password: pkcs12.load_pkcs12(base64.b64decode(text), password).key,
}


@pytest.mark.row("P39")
def test_the_key_comes_in_the_format_that_was_asked_for(api, subtests):
    labels = {"pem": "PRIVATE KEY", "pkcs8": "PRIVATE KEY", "pkcs1": "EC PRIVATE KEY"}
    for key_format, read in KEY_FORMATS.items():
        with subtests.test(key_format):
            answer = issue(api, key_format=key_format, **({"password": "a b c d e f"} if key_format == "p12" else {}))
            assert read(answer["private_key"], b"a b c d e f").public_key() == leaf_of(answer).public_key()
            if key_format in labels:
                assert answer["private_key"].startswith(f"-----BEGIN {labels[key_format]}-----\n")


@pytest.mark.row("P39")
def test_a_password_encrypts_the_key(api):
    answer = issue(api, password="twelve letters")
    assert answer["private_key"].startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert load_pem_private_key(answer["private_key"].encode(), b"twelve letters")


@pytest.mark.row("P40")
def test_a_delivery_holds_everything_in_one_file(api):
    formats = {"der": {}, "p7b": {}, "zip": {}, "p12": {"password": "twelve letters"}}
    files = {}
    for fmt, more in formats.items():
        answer = issue(api, delivery_format=fmt, **more)
        files[fmt] = (leaf_of(answer), base64.b64decode(answer["delivery"]["content"]), answer["delivery"])
    leaf, content, _file = files["der"]
    assert x509.load_der_x509_certificate(content) == leaf
    leaf, content, _file = files["p7b"]
    assert leaf in pkcs7.load_der_pkcs7_certificates(content)
    leaf, content, file = files["p12"]
    loaded = pkcs12.load_pkcs12(content, b"twelve letters")
    assert (loaded.cert.certificate, loaded.key.public_key()) == (leaf, leaf.public_key())
    assert len(loaded.additional_certs) == 2
    assert (file["content_type"], file["filename"]) == ("application/x-pkcs12", "www.acme.test.p12")
    leaf, content, _file = files["zip"]
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert sorted(names) == ["chain.pem", "fullchain.pem", "www.acme.test.key", "www.acme.test.pem"]


@pytest.mark.row("P40")
def test_a_delivery_as_pem_is_the_answer_itself(api):
    assert issue(api, delivery_format="pem")["delivery"] is None


def test_a_csr_brings_its_own_key_and_names(api):
    answer = api.post(URL, {"template_code": "web-tls", "csr": pki.make_csr(None, "CN=www.acme.test", ("acme.test",))})
    assert answer.status_code == 201
    body = answer.json()
    assert body["private_key"] is None
    assert body["key_custody"] == "subscriber"
    assert body["sans"] == ["www.acme.test", "acme.test"]
    assert leaf_of(body).public_key() == pki.a_key().public_key()


def test_a_csr_goes_without_what_belongs_to_a_managed_key(api):
    body = {"template_code": "web-tls", "csr": pki.make_csr(), "key_format": "pem", "password": "x"}
    assert wrong_fields(api.post(URL, body)) == {"key_format": "contradiction", "password": "contradiction"}


def test_a_csr_of_another_kind_of_key_is_blamed_on_the_csr(api):
    csr = pki.make_csr(pki.a_key(KeyAlgorithm.ED25519), "CN=www.acme.test")
    assert list(wrong_fields(api.post(URL, {"template_code": "web-tls", "csr": csr}))) == ["csr"]


DOWNLOADS = {
    "pem": ("application/x-pem-file", "www.acme.test.pem"),
    "der": ("application/pkix-cert", "www.acme.test.cer"),
    "p7b": ("application/x-pkcs7-certificates", "www.acme.test.p7b"),
    "p12": ("application/x-pkcs12", "www.acme.test.p12"),
    "pfx": ("application/x-pkcs12", "www.acme.test.p12"),
    "chain": ("application/x-pem-file", "www.acme.test-chain.pem"),
    "fullchain": ("application/x-pem-file", "www.acme.test-fullchain.pem"),
    "zip": ("application/zip", "www.acme.test.zip"),
}


@pytest.mark.row("P44", "P45")
def test_a_certificate_is_downloaded_in_every_format(api, subtests):
    issued = issue(api)
    for fmt, (media_type, filename) in DOWNLOADS.items():
        with subtests.test(fmt):
            response = api.get(f"{URL}/{issued['id']}/download?fmt={fmt}", Accept="application/octet-stream")
            assert (response.status_code, response["Content-Type"]) == (200, media_type)
            assert response["Content-Disposition"] == f'attachment; filename="{filename}"'
            assert leaf_in(response.content, fmt) == (None if fmt == "chain" else leaf_of(issued))


def leaf_in(content: bytes, fmt: str) -> x509.Certificate | None:
    match fmt:
        case "der":
            return x509.load_der_x509_certificate(content)
        case "p7b":
            return min(pkcs7.load_der_pkcs7_certificates(content), key=lambda each: each.not_valid_after_utc)
        case "p12" | "pfx":
            certificates = pkcs12.load_pkcs12(content, None)
            found = [certificates.cert, *certificates.additional_certs]
            return min((each.certificate for each in found if each), key=lambda each: each.not_valid_after_utc)
        case "zip":
            return x509.load_pem_x509_certificate(zipfile.ZipFile(io.BytesIO(content)).read("www.acme.test.pem"))
        case "chain":
            assert len(x509.load_pem_x509_certificates(content)) == 2
            return None
    return x509.load_pem_x509_certificates(content)[0]


@pytest.mark.row("P44", "P45")
def test_a_download_without_a_format_is_pem_and_an_unknown_one_is_refused(api):
    path = f"{URL}/{issue(api)['id']}/download"
    assert api.get(path).content.startswith(PEM.encode())
    answer = api.get(f"{path}?fmt=exe")
    assert (answer.status_code, wrong_fields(answer)) == (422, {"fmt": "unknown-value"})


@pytest.mark.row("P47")
def test_a_certificate_is_revoked_once(api):
    path = f"{URL}/{issue(api)['id']}"
    answer = api.post(f"{path}/revoke", {"reason": "Key compromise", "comment": "laptop lost"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "revoked"
    assert body["revocation"]["reason"] == "keyCompromise"
    assert body["revocation"]["comment"] == "laptop lost"
    assert datetime.fromisoformat(body["revocation"]["revoked_at"])
    again = api.post(f"{path}/revoke")
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "already-revoked")


@pytest.mark.row("P47")
def test_a_revocation_needs_no_body(api):
    path = f"{URL}/{issue(api)['id']}/revoke"
    assert api.post(path).json()["revocation"]["reason"] == "unspecified"


def test_a_reason_that_is_none_is_refused(api):
    path = f"{URL}/{issue(api)['id']}"
    for reason in ("because", "", 7, True, None, "cACompromise", "removeFromCRL"):
        assert list(wrong_fields(api.post(f"{path}/revoke", {"reason": reason}))) == ["reason"]
    assert api.get(path).json()["status"] == "issued"


@pytest.mark.row("P27", "P28", "P30")
def test_a_key_is_a_bearer_token_of_32_letters_and_digits_for_one_organization(api, office, stranger):
    assert re.fullmatch("pkf_[A-Za-z0-9]{32}", api.token)
    issue(api)
    assert api.get(URL).json()["pagination"]["total"] == 1
    assert stranger.get(URL).json()["pagination"]["total"] == 0
