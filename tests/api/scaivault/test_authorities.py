"""CAs and CRLs, as the page has them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from cas.models import CertificateAuthority
from certificates.models import Certificate
from tests.api.scaivault.desk import PKI, body, certificate_in, openssl, refused, wire_with, wrong_fields

CA = f"{PKI}/ca"


def root(api, **changes):
    plain = {"name": "Root", "common_name": "Example Root CA", "ca_type": "root", "key_type": "ec"}
    return api.post(CA, {name: value for name, value in (plain | changes).items() if value is not None})


def test_a_stranger_finds_nothing_of_it(office, stranger):
    own = str(office.issuing.public_id)
    for method, path, sent in (
        ("GET", own, None),
        ("GET", f"{own}/certificate", None),
        ("GET", f"{own}/crl", None),
        ("POST", f"{own}/crl", {}),
        ("POST", f"{own}/revoke", {"reason": "superseded"}),
    ):
        assert refused(stranger.send(method, f"{CA}/{path}", sent), 404) == "ca_not_found"
    assert body(stranger.get(CA)) == {"data": [], "next_cursor": None}
    below = {"name": "x", "common_name": "x", "ca_type": "intermediate", "key_type": "ec", "parent_ca_id": own}
    assert refused(stranger.post(CA, below), 404) == "ca_not_found"
    assert CertificateAuthority.objects.filter(status="active").count() == 2


@pytest.mark.row("S1")
def test_cas_are_listed_for_administrators_alone(api, office):
    listed = body(api.get(CA))
    assert [ca["name"] for ca in listed["data"]] == ["ACME Issuing CA", "ACME Root"]
    assert listed["next_cursor"] is None
    reader = wire_with(office.person, "cas:read")
    assert refused(reader.get(CA), 403) == "insufficient_scope"
    first = body(api.get(f"{CA}?limit=1"))
    second = body(api.get(f"{CA}?limit=1&cursor={first['next_cursor']}"))
    assert [*first["data"], *second["data"]] == listed["data"]


@pytest.mark.row("S2", "S3", "S4", "S5", "S9", "S10")
def test_a_root_is_created_and_shown(api):
    made = body(root(api), 201)
    UUID(made["id"])
    shown = body(api.get(f"{CA}/{made['id']}"))
    assert shown == made
    assert {name: made[name] for name in ("name", "common_name", "ca_type", "key_type", "key_size", "is_active")} == {
        "name": "Root",
        "common_name": "Example Root CA",
        "ca_type": "root",
        "key_type": "ec",
        "key_size": 256,
        "is_active": True,
    }
    assert (made["parent_ca_id"], made["certificates_issued"], made["status"]) == (None, 0, "active")
    begin, end = (datetime.fromisoformat(made[name]) for name in ("valid_from", "valid_until"))
    assert end - begin == timedelta(days=3650, seconds=-1)
    assert refused(root(api), 409) == "ca_exists"


@pytest.mark.row("S3", "S4", "S5")
def test_what_the_page_requires_is_required(api):
    assert wrong_fields(api.post(CA, {})) == {"name": "required", "common_name": "required", "ca_type": "required"}
    assert wrong_fields(root(api, ca_type="leaf")) == {"ca_type": "unknown_value"}


@pytest.mark.row("S6", "S9")
def test_an_intermediate_stands_under_its_parent_for_half_as_long(api):
    above = body(root(api), 201)
    intermediate = {"name": "Issuing", "common_name": "Issuing CA", "ca_type": "intermediate"}
    assert wrong_fields(root(api, **intermediate)) == {"parent_ca_id": "required"}
    assert wrong_fields(root(api, parent_ca_id=above["id"])) == {"parent_ca_id": "contradiction"}
    nowhere = "00000000-0000-4000-8000-000000000000"
    assert refused(root(api, **intermediate, parent_ca_id=nowhere), 404) == "ca_not_found"
    made = body(root(api, **intermediate, parent_ca_id=above["id"]), 201)
    assert (made["ca_type"], made["parent_ca_id"]) == ("intermediate", above["id"])
    begin, end = (datetime.fromisoformat(made[name]) for name in ("valid_from", "valid_until"))
    assert end - begin == timedelta(days=1825, seconds=-1)
    signed = certificate_in(api.get(f"{CA}/{made['id']}/certificate").content.decode())
    signed.verify_directly_issued_by(certificate_in(api.get(f"{CA}/{above['id']}/certificate").content.decode()))


@pytest.mark.row("S7", "S8")
def test_keys_are_rsa_4096_unless_somebody_says_otherwise(api):
    made = body(root(api, key_type=None, name="Usual"), 201)
    assert (made["key_type"], made["key_size"]) == ("rsa", 4096)
    key = certificate_in(api.get(f"{CA}/{made['id']}/certificate").content.decode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 4096


@pytest.mark.row("S7", "S8", "S9")
@pytest.mark.parametrize(
    ("kind", "size", "of"), [("rsa", 2048, rsa.RSAPublicKey), ("ec", 384, ec.EllipticCurvePublicKey)]
)
def test_sizes_and_days_can_be_said(api, kind, size, of):
    made = body(root(api, key_type=kind, key_size=size, validity_days=100), 201)
    certificate = certificate_in(api.get(f"{CA}/{made['id']}/certificate").content.decode())
    assert isinstance(certificate.public_key(), of)
    assert certificate.public_key().key_size == made["key_size"] == size
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=100, seconds=-1)


@pytest.mark.row("S8")
@pytest.mark.parametrize(("kind", "size"), [("rsa", 1024), ("rsa", 3072), ("rsa", 256), ("ec", 521), ("ec", 2048)])
def test_other_sizes_are_no_sizes(api, kind, size):
    assert wrong_fields(root(api, key_type=kind, key_size=size)) == {"key_size": "unknown_value"}
    assert wrong_fields(root(api, key_type="dsa")) == {"key_type": "unknown_value"}


@pytest.mark.row("S11")
def test_the_certificate_is_a_pem_file(api, office):
    answer = api.get(f"{CA}/{office.issuing.public_id}/certificate")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-pem-file")
    assert certificate_in(answer.content.decode()) == office.issuing.certificates.get().certificate


@pytest.mark.row("S12", "S13", "S14")
def test_a_ca_is_revoked_with_everything_under_it(api, office):
    issued = office.issue().certificate
    operator = wire_with(office.person, *(office.owner.permissions - {"cas:revoke"}))
    address = f"{CA}/{office.root.public_id}/revoke"
    assert refused(operator.post(address, {"reason": "superseded"}), 403) == "insufficient_scope"
    shown = body(api.post(address, {"reason": "cessationOfOperation"}))
    assert (shown["status"], shown["is_active"]) == ("revoked", False)
    office.issuing.refresh_from_db()
    issued.refresh_from_db()
    assert (office.issuing.status, issued.state) == ("revoked", "revoked")
    listed = parent_crl(api, office)
    entry = listed.get_revoked_certificate_by_serial_number(office.issuing.certificates.get().certificate.serial_number)
    assert entry is not None
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value == "cessationOfOperation"
    assert refused(api.post(address, {"reason": "superseded"}), 409) == "already_revoked"


def parent_crl(api, office):
    body(api.post(f"{CA}/{office.root.public_id}/crl"))
    return x509.load_der_x509_crl(api.get(f"{CA}/{office.root.public_id}/crl").content)


@pytest.mark.row("S14")
def test_other_words_are_kept_as_a_comment(api, office):
    body(api.post(f"{CA}/{office.issuing.public_id}/revoke", {"reason": "We move to another data centre."}))
    told = api.get("/api/v2/audit?event=ca.revoked").json()["data"]
    assert told[0]["metadata"]["comment"] == "We move to another data centre."
    assert not Certificate.objects.filter(state="issued").exists()


@pytest.mark.row("S15", "S16")
def test_a_crl_is_made_at_once_with_a_higher_number(api, office):
    address = f"{CA}/{office.issuing.public_id}/crl"
    first, second = (body(api.post(address)) for _time in range(2))
    read = [x509.load_pem_x509_crl(each["crl_pem"].encode()) for each in (first, second)]
    numbers = [each.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for each in read]
    assert numbers == [int(each["crl_number"]) for each in (first, second)]
    assert numbers[0] < numbers[1]
    next_update = datetime.fromisoformat(second["next_update"])
    assert next_update == read[1].next_update_utc
    assert next_update > timezone.now()


@pytest.mark.row("S17")
@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (None, Encoding.DER),
        ("*/*", Encoding.DER),
        ("application/pkix-crl", Encoding.DER),
        ("application/x-pem-file", Encoding.PEM),
        ("application/pkix-crl;q=0.5, application/x-pem-file", Encoding.PEM),
        ("text/html", Encoding.DER),
    ],
)
def test_the_crl_comes_as_accept_prefers_it(api, office, accept, encoding):
    headers = {"Accept": accept} if accept else {}
    answer = api.get(f"{CA}/{office.issuing.public_id}/crl", **headers)
    assert answer.status_code == 200
    assert "Accept" in answer.headers["Vary"].split(", ")
    if encoding is Encoding.PEM:
        assert answer.headers["Content-Type"] == "application/x-pem-file"
        crl = x509.load_pem_x509_crl(answer.content)
    else:
        assert answer.headers["Content-Type"] == "application/pkix-crl"
        crl = x509.load_der_x509_crl(answer.content)
    assert crl.is_signature_valid(office.issuing.certificates.get().certificate.public_key())


@pytest.mark.row("S17")
@pytest.mark.needs("openssl")
def test_openssl_reads_and_believes_the_crl(api, office, tmp_path):
    (tmp_path / "crl.der").write_bytes(api.get(f"{CA}/{office.issuing.public_id}/crl").content)
    pem = api.get(f"{CA}/{office.issuing.public_id}/certificate").content
    (tmp_path / "ca.pem").write_bytes(pem)
    said = openssl(tmp_path, "crl", "-inform", "DER", "-in", "crl.der", "-CAfile", "ca.pem", "-noout", "-verify")
    assert "verify OK" in said
