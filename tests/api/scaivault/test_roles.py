"""Roles, and what is issued by their names, as the page has it."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cas.models import Role, Template
from cas.services.roles import order_of as role_order
from cas.services.roles import update_role
from certificates.models import Certificate
from tests import pki
from tests.api.scaivault.desk import (
    PKI,
    body,
    certificate_in,
    create_role,
    names_in,
    openssl,
    refused,
    wire_with,
    wrong_fields,
)

ROLES = f"{PKI}/roles"


def issue(api, role="servers", **wish):
    return api.post(f"{PKI}/issue/{role}", {"common_name": "www.acme.test"} | wish)


def sign(api, csr, role="servers", **wish):
    return api.post(f"{PKI}/sign/{role}", {"csr_pem": csr} | wish)


def signed_by_nobody(csr: str | bytes) -> str:
    """The same with another last bit of its signature."""
    head, *lines, foot = (csr if isinstance(csr, str) else csr.decode()).strip().splitlines()
    der = bytearray(base64.b64decode("".join(lines)))
    der[-1] ^= 1
    return "\n".join([head, base64.b64encode(der).decode(), foot])


def test_a_stranger_finds_nothing_of_it(api, office, stranger):
    create_role(api, office)
    for method, path, sent in (
        ("GET", "roles/servers", None),
        ("PATCH", "roles/servers", {"max_ttl": "1h"}),
        ("DELETE", "roles/servers", None),
        ("POST", "issue/servers", {"common_name": "www.acme.test"}),
        ("POST", "sign/servers", {"csr_pem": pki.make_csr(subject="CN=www.acme.test")}),
    ):
        assert refused(stranger.send(method, f"{PKI}/{path}", sent), 404) == "role_not_found"
    assert body(stranger.get(ROLES))["data"] == []
    mine = {"name": "servers", "ca_id": str(office.issuing.public_id)}
    assert refused(stranger.post(ROLES, mine), 404) == "ca_not_found"
    assert not Certificate.objects.exists()
    assert Role.objects.get(name="servers").retired_at is None


@pytest.mark.row("S18", "S19", "S21", "S29")
def test_a_role_is_created_shown_and_listed(api, office):
    made = create_role(api, office)
    UUID(made["id"])
    shown = {name: value for name, value in made.items() if name not in ("id", "created_at", "updated_at")}
    assert shown == {
        "name": "servers",
        "ca_id": str(office.issuing.public_id),
        "allowed_domains": ["acme.test"],
        "allow_subdomains": True,
        "allow_ip_sans": False,
        "max_ttl": "30d",
        "key_type": "ec",
        "key_bits": 256,
        "require_cn": False,
        "store_private_keys": False,
    }
    assert body(api.get(f"{ROLES}/servers")) == made
    listed = body(api.get(ROLES))
    assert [role["name"] for role in listed["data"]] == ["servers", "web"]
    assert Template.objects.get(role__name="servers").code == "scaivault.servers"
    reader = wire_with(office.person, "roles:read")
    assert refused(reader.post(ROLES, {"name": "x", "ca_id": made["ca_id"]}), 403) == "insufficient_scope"


@pytest.mark.row("S20")
def test_a_name_is_given_once(api, office):
    create_role(api, office)
    again = {"name": "servers", "ca_id": str(office.issuing.public_id)}
    assert refused(api.post(ROLES, again), 409) == "role_exists"
    assert wrong_fields(api.post(ROLES, again | {"name": "no spaces"})) == {"name": "invalid"}


def test_what_is_missing_or_unknown_is_named(api, office):
    assert wrong_fields(api.post(ROLES, {"colour": "red"})) == {
        "name": "required",
        "ca_id": "required",
        "colour": "unknown_field",
    }


@pytest.mark.row("S22", "S23")
def test_domains_are_patterns(api, office):
    create_role(api, office, allowed_domains=["web-*.acme.test"], allow_subdomains=False)
    assert body(issue(api, common_name="web-7.acme.test"), 201)
    for name in ("www.acme.test", "a.web-7.acme.test", "web-7.acme.test.example"):
        assert wrong_fields(issue(api, common_name=name)) == {"common_name": "name_not_allowed"}
    assert wrong_fields(api.patch(f"{ROLES}/servers", {"allowed_domains": ["**"]})) == {
        "allowed_domains": "bad_pattern"
    }


@pytest.mark.row("S23", "S30")
def test_subdomains_are_let_in_where_the_role_says_so(api, office):
    create_role(api, office, allow_subdomains=False)
    assert body(issue(api, common_name="acme.test"), 201)
    assert wrong_fields(issue(api)) == {"common_name": "name_not_allowed"}
    changed = body(api.patch(f"{ROLES}/servers", {"allow_subdomains": True}))
    assert (changed["allow_subdomains"], changed["allowed_domains"]) == (True, ["acme.test"])
    assert body(issue(api), 201)
    assert body(issue(api, common_name="*.acme.test"), 201)


@pytest.mark.row("S24", "S35")
def test_addresses_are_let_in_where_the_role_says_so(api, office):
    create_role(api, office)
    assert wrong_fields(issue(api, alt_names=["a.acme.test"], ip_sans=["10.0.0.1"])) == {
        "ip_sans[0]": "name_not_allowed"
    }
    body(api.patch(f"{ROLES}/servers", {"allow_ip_sans": True}))
    certificate = certificate_in(body(issue(api, ip_sans="10.0.0.1, 2001:db8::1"), 201)["certificate"])
    assert names_in(certificate) == ["www.acme.test", "10.0.0.1", "2001:db8::1"]
    assert wrong_fields(issue(api, ip_sans=["www.acme.test"])) == {"ip_sans[0]": "bad_name"}


@pytest.mark.row("S25")
@pytest.mark.parametrize(
    ("written", "shown"), [("720h", "30d"), ("90d", "90d"), ("3600", "1h"), (86400, "1d"), ("15m", "15m"), ("1w", "7d")]
)
def test_durations_in_every_notation_of_the_page(api, office, written, shown):
    assert create_role(api, office, max_ttl=written)["max_ttl"] == shown


@pytest.mark.row("S25")
@pytest.mark.parametrize("written", ["soon", "", "-1h", "1.5h", "90 d", "1y", True, None, -5, "٣d", "9" * 40])
def test_what_is_no_duration_is_a_bad_request(api, office, written):
    sent = {"name": "x", "ca_id": str(office.issuing.public_id), "max_ttl": written}
    answer = api.post(ROLES, sent)
    if written is None:
        assert wrong_fields(answer) == {"max_ttl": "null"}
    else:
        assert refused(answer, 400) == "invalid_duration"
    assert not Role.objects.filter(name="x").exists()


@pytest.mark.row("S26")
def test_a_csr_brings_a_key_of_the_roles_shape(api, office):
    create_role(api, office, key_type="rsa", key_bits=2048)
    csr = pki.make_csr(subject="CN=www.acme.test")
    assert wrong_fields(sign(api, csr)) == {"csr_pem": "key_not_allowed"}
    made = body(issue(api), 201)
    assert load_pem_private_key(made["private_key"].encode(), None).key_size == 2048
    changed = body(api.patch(f"{ROLES}/servers", {"key_type": "ec", "key_bits": 256}))
    assert (changed["key_type"], changed["key_bits"]) == ("ec", 256)
    assert body(sign(api, csr), 201)
    assert wrong_fields(api.patch(f"{ROLES}/servers", {"key_bits": 1024})) == {"key_bits": "unknown_value"}


@pytest.mark.row("S27")
def test_a_csr_without_a_common_name_is_refused_where_one_is_required(api, office):
    create_role(api, office, require_cn=True)
    csr = pki.make_csr(subject="", sans=("www.acme.test",))
    assert wrong_fields(sign(api, csr)) == {"common_name": "required"}
    body(api.patch(f"{ROLES}/servers", {"require_cn": False}))
    assert body(sign(api, csr), 201)


@pytest.mark.row("S28", "S38", "S53", "S54")
def test_keys_are_kept_only_where_the_role_says_so(api, office):
    create_role(api, office)
    once = body(issue(api), 201)
    address = f"{PKI}/certificates/{{}}/private-key"
    assert refused(api.post(address.format(once["id"])), 404) == "no_private_key"
    body(api.patch(f"{ROLES}/servers", {"store_private_keys": True}))
    kept = body(issue(api), 201)
    assert body(api.post(address.format(kept["id"]))) == {"private_key": kept["private_key"]}
    told = api.get("/api/v2/audit?event=certificate.key_collected").json()["data"]
    assert len(told) == 1
    assert refused(api.get(address.format(kept["id"])), 405) == "method_not_allowed"
    reader = wire_with(office.person, "certificates:read", "certificates:export-key")
    assert refused(reader.post(address.format(kept["id"])), 403) == "insufficient_scope"


@pytest.mark.row("S30")
def test_a_change_leaves_the_rest_as_it_is(api, office):
    made = create_role(api, office)
    changed = body(api.patch(f"{ROLES}/servers", {"max_ttl": "24h"}))
    same = {name: value for name, value in changed.items() if name not in ("max_ttl", "updated_at")}
    assert same == {name: value for name, value in made.items() if name not in ("max_ttl", "updated_at")}
    assert changed["max_ttl"] == "1d"
    assert wrong_fields(api.patch(f"{ROLES}/servers", {"name": "other"})) == {"name": "unknown_field"}


@pytest.mark.row("S31")
def test_a_role_is_deleted_and_issues_no_more(api, office):
    create_role(api, office)
    issued = body(issue(api), 201)
    gone = api.delete(f"{ROLES}/servers")
    assert (gone.status_code, gone.content) == (204, b"")
    assert refused(issue(api), 404) == "role_not_found"
    assert refused(api.get(f"{ROLES}/servers"), 404) == "role_not_found"
    assert body(api.get(f"{PKI}/certificates/{issued['id']}"))["status"] == "issued"
    assert create_role(api, office)


@pytest.mark.row("S32", "S33", "S34", "S37", "S38")
def test_a_certificate_is_issued_by_the_name_of_a_role(api, office):
    create_role(api, office)
    made = body(issue(api, alt_names=["api.acme.test", "acme.test"], ttl="24h"), 201)
    assert set(made) == {"id", "certificate", "private_key", "ca_chain", "serial_number", "not_after"}
    certificate = certificate_in(made["certificate"])
    assert names_in(certificate) == ["www.acme.test", "api.acme.test", "acme.test"]
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(hours=24, seconds=-1)
    assert datetime.fromisoformat(made["not_after"]) == certificate.not_valid_after_utc.astimezone(UTC)
    assert int(made["serial_number"].replace(":", ""), 16) == certificate.serial_number
    key = load_pem_private_key(made["private_key"].encode(), None)
    assert key.public_key() == certificate.public_key()
    chain = [certificate_in(pem) for pem in made["ca_chain"]]
    certificate.verify_directly_issued_by(chain[0])
    chain[0].verify_directly_issued_by(chain[1])
    assert wrong_fields(api.post(f"{PKI}/issue/servers", {})) == {"common_name": "required"}
    shown = api.get(f"{PKI}/certificates/{made['id']}")
    assert made["private_key"] not in shown.content.decode()


@pytest.mark.row("S32")
@pytest.mark.needs("openssl")
def test_openssl_believes_it(api, office, tmp_path):
    create_role(api, office)
    made = body(issue(api), 201)
    (tmp_path / "leaf.pem").write_text(made["certificate"])
    (tmp_path / "issuing.pem").write_text(made["ca_chain"][0])
    (tmp_path / "root.pem").write_text(made["ca_chain"][-1])
    verify = ("verify", "-purpose", "sslserver", "-verify_hostname", "www.acme.test", "-x509_strict")
    assert "OK" in openssl(tmp_path, *verify, "-CAfile", "root.pem", "-untrusted", "issuing.pem", "leaf.pem")


@pytest.mark.row("S34")
def test_names_may_come_as_text_with_commas(api, office):
    create_role(api, office)
    certificate = certificate_in(body(issue(api, alt_names="a.acme.test, b.acme.test"), 201)["certificate"])
    assert names_in(certificate) == ["www.acme.test", "a.acme.test", "b.acme.test"]
    assert wrong_fields(issue(api, alt_names=["a.acme.test", "b.example"])) == {"alt_names[1]": "name_not_allowed"}
    assert wrong_fields(issue(api, alt_names=5)) == {"alt_names": "not_a_list"}
    many = {"alt_names": ["a.acme.test"] * 600, "ip_sans": ["10.0.0.1"] * 600}
    assert wrong_fields(issue(api, **many)) == {"alt_names": "too_many_names"}


@pytest.mark.row("S36", "S41")
def test_nothing_lasts_longer_than_the_role_lets_it(api, office):
    create_role(api, office, max_ttl="720h")
    csr = pki.make_csr(subject="CN=www.acme.test")
    for answer in (issue(api, ttl="721h"), sign(api, csr, ttl="31d")):
        assert refused(answer, 400) == "ttl_too_long"
    for answer in (issue(api, ttl="for ever"), sign(api, csr, ttl="for ever")):
        assert refused(answer, 400) == "invalid_duration"
    assert not Certificate.objects.exists()
    certificate = certificate_in(body(sign(api, csr, ttl="720h"), 201)["certificate"])
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(hours=720, seconds=-1)


@pytest.mark.row("S39", "S40")
def test_a_csr_is_signed_at_once(api, office):
    create_role(api, office)
    csr = pki.make_csr(subject="CN=www.acme.test", sans=("api.acme.test",))
    made = body(sign(api, csr), 201)
    assert set(made) == {"id", "certificate", "ca_chain", "serial_number", "not_after"}
    certificate = certificate_in(made["certificate"])
    assert names_in(certificate) == ["www.acme.test", "api.acme.test"]
    assert wrong_fields(sign(api, signed_by_nobody(csr))) == {"csr_pem": "bad_signature"}
    assert wrong_fields(sign(api, "no CSR")) == {"csr_pem": "unreadable_csr"}
    assert Certificate.objects.count() == 1


@pytest.mark.row("S42")
def test_san_stands_in_the_place_of_the_csrs_names(api, office):
    create_role(api, office)
    csr = pki.make_csr(subject="CN=www.acme.test", sans=("api.acme.test",))
    certificate = certificate_in(body(sign(api, csr, san=["b.acme.test"]), 201)["certificate"])
    assert names_in(certificate) == ["www.acme.test", "b.acme.test"]
    assert wrong_fields(sign(api, csr, san=["b.example"])) == {"san[0]": "name_not_allowed"}


def test_a_role_that_asks_for_approval_says_so(api, office):
    create_role(api, office)
    role = Role.objects.get(name="servers")
    update_role(actor=office.owner, role=role, order=replace(role_order(role), requires_approval=True))
    answer = issue(api)
    assert refused(answer, 403) == "approval_required"
    assert "scaivault.servers" in answer.json()["error"]["message"]
    assert not Certificate.objects.exists()


def test_a_role_made_elsewhere_issues_by_its_only_template(api, office):
    assert body(issue(api, role="web"), 201)
    assert refused(issue(api, role="absent"), 404) == "role_not_found"
