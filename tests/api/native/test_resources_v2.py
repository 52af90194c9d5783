"""Every resource of /api/v2/: a whole office made, changed and closed over the wire."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs7

from accounts.models import Membership, Organization
from certificates.models import Certificate, Revocation
from kernel.permissions import Permission
from tests import cast, pki
from tests.api.wire import Wire, wire_of, wrong_fields

V2 = "/api/v2"


@pytest.fixture
def owner(db) -> Wire:
    return wire_of(cast.owner(cast.organization()))


def made(answer) -> dict:
    assert answer.status_code == 201, answer.content
    body = answer.json()
    UUID(body["id"])
    assert answer["Location"].endswith(f"/{body['id']}")
    return body


def make_ca(wire: Wire, name: str, **changes: object) -> dict:
    body = {"name": name, "subject": {"common_name": name, "organization": "ACME"}, "validity_days": 3650}
    return made(wire.post(f"{V2}/cas", body | changes))


def make_office(wire: Wire) -> dict[str, dict]:
    root = make_ca(wire, "Root")
    issuing = make_ca(wire, "Issuing", parent_id=root["id"], validity_days=1825, path_length=0)
    role = {"pki_id": issuing["id"], "name": "web", "max_ttl": "397d", "allowed_domains": ["acme.test"]}
    role = made(wire.post(f"{V2}/roles", role | {"allow_subdomains": True, "store_private_keys": False}))
    template = {"pki_id": issuing["id"], "pki_role": "web", "name": "Web", "code": "web-tls", "validity": "90d"}
    template = made(wire.post(f"{V2}/templates", template | {"extended_key_usage": ["server_auth"]}))
    return {"root": root, "issuing": issuing, "role": role, "template": template}


def issue(wire: Wire, **changes: object) -> dict:
    body = {"template_code": "web-tls", "common_name": "www.acme.test"} | changes
    return made(wire.post(f"{V2}/certificates", body))


def test_an_office_is_made_from_nothing_to_a_certificate_that_verifies(owner):
    office = make_office(owner)
    assert (office["root"]["parent"], office["issuing"]["parent"]["name"]) == (None, "Root")
    issued = issue(owner)
    leaf, issuing, root = (
        x509.load_pem_x509_certificate(each.encode()) for each in (issued["certificate"], *issued["chain"])
    )
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert pki.urls_of(leaf)["crl"] == office["issuing"]["crl_url"]
    assert issued["pki"] == {"id": office["issuing"]["id"], "name": "Issuing", "type": "internal"}
    assert issued["template"] == {"id": office["template"]["id"], "code": "web-tls"}


def test_a_ca_is_shown_with_its_certificate_and_chain_in_files(owner):
    office = make_office(owner)
    path = f"{V2}/cas/{office['issuing']['id']}"
    shown = owner.get(path).json()
    assert shown == office["issuing"]
    certificate = x509.load_pem_x509_certificate(shown["certificate"]["pem"].encode())
    assert x509.load_der_x509_certificate(owner.get(f"{path}/certificate?fmt=der").content) == certificate
    assert x509.load_pem_x509_certificate(owner.get(f"{path}/certificate").content) == certificate
    chain = x509.load_pem_x509_certificates(owner.get(f"{path}/chain").content)
    assert [each.subject.rfc4514_string() for each in chain] == ["CN=Issuing,O=ACME", "CN=Root,O=ACME"]
    assert set(pkcs7.load_der_pkcs7_certificates(owner.get(f"{path}/chain?fmt=p7b").content)) == set(chain)
    assert wrong_fields(owner.get(f"{path}/chain?fmt=der")) == {"fmt": "unknown-value"}


def test_a_ca_is_changed_disabled_enabled_retired_and_each_step_only_once(owner):
    ca = make_ca(owner, "Root")
    path = f"{V2}/cas/{ca['id']}"
    changed = owner.patch(path, {"description": "ours", "crl_lifetime": "14d"})
    assert (changed.json()["description"], changed.json()["crl_lifetime"]) == ("ours", "14d")
    for step, status in (("disable", "disabled"), ("enable", "active"), ("retire", "retired")):
        answer = owner.post(f"{path}/{step}")
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        again = owner.post(f"{path}/{step}")
        assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "wrong-status")


def test_revoking_a_ca_revokes_everything_below_it(owner):
    office = make_office(owner)
    issued = issue(owner)
    answer = owner.post(f"{V2}/cas/{office['issuing']['id']}/revoke", {"reason": "cessationOfOperation"})
    assert (answer.status_code, answer.json()["status"]) == (200, "revoked")
    detail = owner.get(f"{V2}/certificates/{issued['id']}").json()
    assert (detail["status"], detail["revocation"]["reason"]) == ("revoked", "cessationOfOperation")
    refused = owner.post(f"{V2}/certificates", {"template_code": "web-tls", "common_name": "www.acme.test"})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (503, "ca-not-active")
    again = owner.post(f"{V2}/cas/{office['issuing']['id']}/revoke", {"reason": "superseded"})
    assert again.status_code == 409


def test_a_ca_is_not_revoked_without_a_reason(owner):
    path = f"{V2}/cas/{make_ca(owner, 'Root')['id']}/revoke"
    assert wrong_fields(owner.post(path)) == {"reason": "required"}
    assert wrong_fields(owner.post(path, {"reason": "certificateHold"})) == {"reason": "reason-not-allowed"}


def test_a_crl_is_published_on_demand(owner):
    ca = make_ca(owner, "Root")
    path = f"{V2}/cas/{ca['id']}/crl"
    first, second = owner.post(path).json(), owner.post(path).json()
    assert second["number"] > first["number"]
    assert re.fullmatch("[0-9a-f]{64}", second["sha256"])


def test_a_ca_behind_a_passphrase_signs_only_with_it(owner):
    ca = make_ca(owner, "Root", passphrase="correct horse battery")
    path = f"{V2}/cas/{ca['id']}/crl"
    locked = owner.post(path)
    assert (locked.status_code, locked.json()["type"].rpartition("/")[2]) == (503, "ca-locked")
    wrong = owner.post(path, {"passphrase": "wrong horse battery"})
    assert (wrong.status_code, wrong.json()["type"].rpartition("/")[2]) == (403, "wrong-passphrase")
    assert owner.post(path, {"passphrase": "correct horse battery"}).status_code == 200
    assert b"horse" not in owner.get(f"{V2}/audit").content


def test_wrong_passphrases_are_limited_and_recorded(owner):
    ca = make_ca(owner, "Root", passphrase="correct horse battery")
    path = f"{V2}/cas/{ca['id']}/crl"
    answers = [owner.post(path, {"passphrase": f"wrong horse {index}"}) for index in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    events = [event["event"] for event in owner.get(f"{V2}/audit").json()["data"]]
    assert "passphrase.refused" in events


CAS = {
    "no lifetime": ({"validity_days": None}, {"validity_days": "null"}),
    "an unknown algorithm": ({"key_algorithm": "RSA_1024"}, {"key_algorithm": "unknown-value"}),
    "a constraint that is none": ({"permitted_names": ["a b"]}, {"permitted_names[0]": "bad-name"}),
    "a base URL that is none": ({"base_url": "ftp://x"}, {"base_url": "invalid"}),
    "a short passphrase": ({"passphrase": "short"}, {"passphrase": "too-short"}),
    "an empty name": ({"name": ""}, {"name": "blank"}),
    "a CRL that lives a minute": ({"crl_lifetime": "1m"}, {"crl_lifetime": "out-of-range"}),
}


def test_a_ca_that_cannot_be_is_refused_field_by_field(owner, subtests):
    good = {"name": "Root", "subject": {"common_name": "Root"}, "validity_days": 3650}
    for name, (changes, wrong) in CAS.items():
        with subtests.test(name):
            assert wrong_fields(owner.post(f"{V2}/cas", good | changes)) == wrong
    assert wrong_fields(owner.post(f"{V2}/cas", {"name": "Root"})) == {"subject": "required"}
    assert owner.get(f"{V2}/cas").json()["pagination"]["total"] == 0


def test_an_intermediate_stands_under_a_ca_that_is_seen(owner):
    theirs = make_ca(wire_of(cast.stranger()), "Theirs")
    body = {"name": "X", "subject": {"common_name": "X"}, "validity_days": 9, "parent_id": theirs["id"]}
    assert owner.post(f"{V2}/cas", body).status_code == 404


def test_what_a_role_or_template_gets_is_what_it_shows(owner):
    office = make_office(owner)
    role = f"{V2}/roles/{office['role']['id']}"
    changed = owner.patch(role, {"allow_wildcards": True, "max_ttl": "36h"})
    assert wrong_fields(changed) == {"validity": "too-long"}
    changed = owner.patch(role, {"allow_wildcards": True}).json()
    assert changed | {"updated_at": ""} == office["role"] | {"allow_wildcards": True, "version": 2, "updated_at": ""}
    template = f"{V2}/templates/{office['template']['id']}"
    changed = owner.patch(template, {"validity_days": 30, "name": "Short"}).json()
    assert (changed["validity"], changed["validity_days"], changed["name"], changed["version"]) == (
        "30d",
        30,
        "Short",
        2,
    )
    assert owner.get(template).json() == changed
    assert wrong_fields(owner.patch(template, {"pki_id": office["root"]["id"]})) == {"pki_id": "unknown-field"}


def test_roles_and_templates_are_retired(owner):
    office = make_office(owner)
    role, template = f"{V2}/roles/{office['role']['id']}", f"{V2}/templates/{office['template']['id']}"
    in_use = owner.delete(role)
    assert (in_use.status_code, in_use.json()["type"].rpartition("/")[2]) == (409, "role-in-use")
    for path in (template, role):
        gone = owner.delete(path)
        assert (gone.status_code, gone.content) == (204, b"")
        assert owner.get(path).status_code == 404
    refused = owner.post(f"{V2}/certificates", {"template_code": "web-tls", "common_name": "www.acme.test"})
    assert refused.json()["type"].endswith("/template-not-found")


def test_a_hold_is_lifted_and_a_revocation_is_not(owner):
    make_office(owner)
    path = f"{V2}/certificates/{issue(owner)['id']}"
    assert owner.post(f"{path}/release").json()["type"].endswith("/not-on-hold")
    assert owner.post(f"{path}/revoke", {"reason": "certificateHold"}).json()["status"] == "held"
    assert owner.post(f"{path}/revoke", {"reason": "certificateHold"}).status_code == 409
    released = owner.post(f"{path}/release").json()
    assert (released["status"], released["revocation"]) == ("issued", None)
    since = {"reason": "keyCompromise", "invalidity_date": "2026-01-15T08:00:00Z"}
    revoked = owner.post(f"{path}/revoke", since).json()
    assert revoked["revocation"]["invalidity_date"] == "2026-01-15T08:00:00Z"
    assert owner.post(f"{path}/release").status_code == 409
    assert Revocation.objects.count() == 2


def test_an_invalidity_date_in_the_future_is_refused_by_its_name(owner):
    make_office(owner)
    path = f"{V2}/certificates/{issue(owner)['id']}/revoke"
    answer = owner.post(path, {"invalidity_date": "2999-01-01T00:00:00Z"})
    assert wrong_fields(answer) == {"invalidity_date": "in-the-future"}


def test_a_key_that_waits_is_collected_once(owner):
    make_office(owner)
    issued = issue(owner, key_delivery="later")
    assert (issued["private_key"], issued["key_custody"]) == (None, "waiting")
    path = f"{V2}/certificates/{issued['id']}/private-key"
    refused = owner.post(path, {"key_format": "p12"})
    assert wrong_fields(refused) == {"password": "required"}
    collected = owner.post(path, {"key_format": "pkcs8", "password": "a b c d e f"})
    assert collected.status_code == 200
    key = load_pem_private_key(collected.json()["private_key"].encode(), b"a b c d e f")
    assert key.public_key() == x509.load_pem_x509_certificate(issued["certificate"].encode()).public_key()
    again = owner.post(path)
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (410, "key-collected")


def test_a_key_that_was_handed_out_is_not_here(owner):
    make_office(owner)
    answer = owner.post(f"{V2}/certificates/{issue(owner)['id']}/private-key")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "no-private-key")


def test_tags_and_description_are_changed_and_nothing_else(owner):
    make_office(owner)
    issued = issue(owner, tags=["prod"], description="the shop")
    assert (issued["tags"], issued["description"]) == (["prod"], "the shop")
    path = f"{V2}/certificates/{issued['id']}"
    changed = owner.patch(path, {"tags": ["prod", "critical"]}).json()
    assert (changed["tags"], changed["description"]) == (["prod", "critical"], "the shop")
    assert wrong_fields(owner.patch(path, {"serial": "00"})) == {"serial": "unknown-field"}


def test_members_come_change_and_go_and_an_owner_stays(owner):
    other = cast.create_user(actor=cast.SUPERUSER, email="new@acme.example", password=None)
    member = made(owner.post(f"{V2}/members", {"email": other.email, "role": "operator"}))
    path = f"{V2}/members/{member['id']}"
    assert owner.post(f"{V2}/members", {"email": other.email, "role": "operator"}).status_code == 409
    assert owner.patch(path, {"role": "auditor"}).json()["role"] == "auditor"
    assert owner.delete(path).status_code == 204
    own = owner.get(f"{V2}/members").json()["data"][0]
    last = owner.delete(f"{V2}/members/{own['id']}")
    assert (last.status_code, last.json()["type"].rpartition("/")[2]) == (409, "last-owner")
    assert wrong_fields(owner.post(f"{V2}/members", {"email": other.email, "role": "boss"})) == {"role": "unknown-role"}
    assert wrong_fields(owner.post(f"{V2}/members", {"email": "x@y.z", "role": "member"})) == {"email": "unknown-user"}


@pytest.mark.row("P28", "P31")
def test_a_key_is_made_shown_once_used_and_revoked(owner):
    body = {"name": "robot", "permissions": ["certificates:read"], "expires_at": "2999-01-01T00:00:00Z"}
    new = made(owner.post(f"{V2}/api-keys", body))
    assert re.fullmatch("pkf_[A-Za-z0-9]{32}", new["token"])
    path = f"{V2}/api-keys/{new['id']}"
    shown = owner.get(path).json()
    assert shown == {name: value for name, value in new.items() if name != "token"}
    assert shown["permissions"] == ["certificates:read"]
    robot = Wire(new["token"])
    assert robot.get("/api/v1/certificates").status_code == 200
    assert robot.get(f"{V2}/cas").status_code == 403
    assert owner.delete(path).status_code == 204
    assert robot.get("/api/v1/certificates").status_code == 401
    assert owner.delete(path).status_code == 409


@pytest.mark.row("P32")
def test_the_documented_permission_names_are_permissions(owner):
    names = ["certificates:read", "certificates:issue", "templates:write"]
    assert made(owner.post(f"{V2}/api-keys", {"name": "r", "permissions": names}))["permissions"] == sorted(names)


KEYS = {
    "an unknown permission": ({"permissions": ["certificates:eat"]}, {"permissions[0]": "unknown-permission"}),
    "no permission": ({"permissions": []}, {"permissions": "min-length"}),
    "a past end": ({"expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": "in-the-past"}),
    "an end without a zone": ({"expires_at": "2999-01-01T00:00:00"}, {"expires_at": "invalid"}),
    "no range": ({"allowed_cidrs": ["10.0.0.0/8", "x"]}, {"allowed_cidrs[1]": "invalid"}),
}


def test_a_key_that_cannot_be_is_refused_field_by_field(owner, subtests):
    for name, (changes, wrong) in KEYS.items():
        with subtests.test(name):
            body = {"name": "robot", "permissions": ["certificates:read"]} | changes
            assert wrong_fields(owner.post(f"{V2}/api-keys", body)) == wrong


def test_a_key_cannot_make_a_key_that_can_do_more(db):
    person = cast.owner(cast.organization())
    maker = wire_of(person, Permission.API_KEYS_WRITE, Permission.CERTIFICATES_READ)
    assert maker.post(f"{V2}/api-keys", {"name": "x", "permissions": ["certificates:issue"]}).status_code == 403


def test_a_key_works_only_from_where_it_may(owner):
    body = {"name": "robot", "permissions": ["certificates:read"], "allowed_cidrs": ["192.0.2.0/24"]}
    robot = Wire(made(owner.post(f"{V2}/api-keys", body))["token"])
    assert robot.get(f"{V2}/stats").status_code == 401
    assert (
        robot.client.get(f"{V2}/stats", HTTP_AUTHORIZATION=f"Bearer {robot.token}", REMOTE_ADDR="192.0.2.9").status_code
        == 200
    )


def test_a_person_who_left_takes_their_keys_along(owner):
    assert owner.get(f"{V2}/stats").status_code == 200
    Membership.objects.all().delete()
    assert owner.get(f"{V2}/stats").status_code == 401


def test_only_superusers_make_organizations(owner):
    answer = owner.post(f"{V2}/organizations", {"name": "Evil"})
    assert answer.status_code == 403
    assert not Organization.objects.filter(name="Evil").exists()


def test_counts_are_those_of_the_register(owner):
    make_office(owner)
    first, _second = issue(owner), issue(owner)
    owner.post(f"{V2}/certificates/{first['id']}/revoke")
    counts = owner.get(f"{V2}/stats").json()
    assert counts["certificates"] == {"total": 2, "active": 1, "expiring": 0, "expired": 0, "held": 0, "revoked": 1}
    assert counts["authorities"] == 2
    assert Certificate.objects.count() == 2


def test_the_log_tells_what_happened_and_who_did_it(owner):
    make_office(owner)
    issued = issue(owner)
    event = owner.get(f"{V2}/audit").json()["data"][0]
    assert event["event"] == "certificate.issued"
    assert event["actor"]["type"] == "api_key"
    assert event["resource"]["public_id"] == issued["id"]
    assert event["resource"]["serial"] == issued["serial"]
    assert event["metadata"]["ip"] == "127.0.0.1"
    assert re.fullmatch(r"ed25519:[A-Za-z0-9+/]{86}==", event["signature"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["ts"])
