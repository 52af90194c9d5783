"""API keys and service accounts on the wire: for single CAs, replaced with an overlap, made for somebody else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import ApiKey, Grant
from cas.models import CertificateAuthority
from kernel.permissions import Permission
from tests import cast
from tests.api.routes import ROUTES, Route
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db
V2 = "/api/v2"
NEXT_YEAR = "2999-01-01T00:00:00Z"


@pytest.fixture
def office() -> Office:
    return open_office()


@pytest.fixture
def owner(office) -> Wire:
    return wire_of(office.person)


def made(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def grant(ca: CertificateAuthority, **rights: bool) -> dict[str, object]:
    return {"pki_id": str(ca.public_id), **rights}


def key_for(owner: Wire, *grants: dict[str, object]) -> Wire:
    return Wire(made(owner.post(f"{V2}/api-keys", {"name": "ci", "grants": grants}))["token"])


def issue(wire: Wire, office: Office) -> Any:
    return wire.post(f"{V2}/certificates", {"template_code": office.template.code, "common_name": "www.acme.test"})


# --- keys for single CAs ----------------------------------------------------------------------------------------------


@pytest.mark.row("C21", "C26")
def test_a_key_for_single_cas_says_what_it_may_do_there(office, owner):
    asked = [grant(office.issuing, can_issue=True), grant(office.root, can_read=False, can_revoke=True)]
    new = made(owner.post(f"{V2}/api-keys", {"name": "ci", "grants": asked}))
    assert re.fullmatch("cm_[A-Za-z0-9]{32}", new["token"])
    assert (new["kind"], new["permissions"]) == ("cm", [])
    shown = owner.get(f"{V2}/api-keys/{new['id']}").json()
    assert shown == {name: value for name, value in new.items() if name != "token"}
    rights = [{name.removeprefix("can_") for name, value in each.items() if value is True} for each in shown["grants"]]
    assert [each["pki_name"] for each in shown["grants"]] == [office.issuing.name, office.root.name]
    assert rights == [{"read", "issue"}, {"revoke"}]


@pytest.mark.row("C22", "C23", "C24")
def test_read_issue_and_revoke_are_given_one_by_one(office, owner):
    certificate = f"{V2}/certificates/{office.issue().certificate.public_id}"
    reading = key_for(owner, grant(office.issuing))
    issuing = key_for(owner, grant(office.issuing, can_read=False, can_issue=True))
    revoking = key_for(owner, grant(office.issuing, can_read=False, can_revoke=True))
    ca = f"{V2}/cas/{office.issuing.public_id}"
    assert [wire.get(ca).status_code for wire in (reading, issuing, revoking)] == [200, 403, 403]
    assert [wire.get(certificate).status_code for wire in (reading, issuing, revoking)] == [200, 403, 403]
    assert [issue(wire, office).status_code for wire in (reading, revoking, issuing)] == [403, 403, 201]
    body = {"reason": "superseded"}
    answers = [wire.post(f"{certificate}/revoke", body).status_code for wire in (reading, issuing, revoking)]
    assert answers == [403, 403, 200]


def test_what_is_read_at_one_ca_is_not_read_at_another_where_only_issuing_is_allowed(office, owner):
    certificate = office.issue().certificate
    wire = key_for(owner, grant(office.root), grant(office.issuing, can_read=False, can_issue=True))
    assert wire.get(f"{V2}/certificates").json()["data"] == []
    assert wire.get(f"{V2}/certificates/{certificate.public_id}").status_code == 404
    assert [ca["name"] for ca in wire.get(f"{V2}/cas").json()["data"]] == [office.root.name]
    assert wire.get(f"{V2}/cas/{office.issuing.public_id}").status_code == 404
    assert wire.get(f"{V2}/templates").json()["data"] == []
    assert issue(wire, office).status_code == 201


READS = [
    route
    for route in ROUTES
    if route.method == "GET" and not (route.is_item or route.is_by_serial or route.is_for_everyone)
]


@pytest.mark.parametrize("route", READS, ids=str)
def test_a_key_for_another_ca_finds_nothing_of_this_one(office, owner, route: Route):
    """Whatever can be read without naming a thing; what is not about a CA is closed."""
    issued = office.issue().certificate
    rights = {"can_read": True, "can_issue": True, "can_revoke": True}
    answer = key_for(owner, grant(office.root, **rights)).get(route.path())
    assert answer.status_code in (200, 403), answer.content
    is_about_cas = route.permission.value.split(":")[0] in ("cas", "roles", "templates", "certificates", "requests")
    assert answer.status_code == (200 if is_about_cas else 403)
    told = answer.content.decode()
    for word in (issued.serial, str(issued.public_id), str(office.issuing.public_id), "www.acme.test", "web-tls"):
        assert word not in told


GRANTS = {
    "none": ([], {"grants": "out-of-range"}),
    "one that is no object": (["x"], {"grants[0]": "invalid"}),
    "an unknown right": ([{"can_eat": True}], {"grants[0].can_eat": "unknown-field", "grants[0].pki_id": "required"}),
    "a CA that is nowhere": (
        [{"pki_id": "00000000-0000-4000-8000-000000000000"}],
        {"grants[0].pki_id": "ca-not-found"},
    ),
}


def test_a_grant_that_cannot_be_is_refused_field_by_field(office, owner, subtests):
    twice = [grant(office.root), grant(office.root)]
    elsewhere = [grant(open_office("Umbrella").issuing)]
    cases = GRANTS | {
        "one twice": (twice, {"grants[1].pki_id": "named-twice"}),
        "a CA of others": (elsewhere, {"grants[0].pki_id": "ca-not-found"}),
        "nothing": ([grant(office.root, can_read=False)], {"grants[0]": "required"}),
    }
    for name, (grants, wrong) in cases.items():
        with subtests.test(name):
            assert wrong_fields(owner.post(f"{V2}/api-keys", {"name": "ci", "grants": grants})) == wrong
    both = {"name": "ci", "grants": [grant(office.root)], "permissions": ["certificates:read"]}
    assert wrong_fields(owner.post(f"{V2}/api-keys", both)) == {"permissions": "contradiction"}
    assert not Grant.objects.exists()


def test_a_key_for_single_cas_makes_no_keys(office, owner):
    rights = {"can_read": True, "can_issue": True, "can_revoke": True, "can_export": True}
    wire = key_for(owner, grant(office.issuing, **rights))
    assert wire.post(f"{V2}/api-keys", {"name": "x", "grants": [grant(office.issuing)]}).status_code == 403
    assert wire.get(f"{V2}/api-keys").status_code == 403


# --- replaced ---------------------------------------------------------------------------------------------------------


def test_a_key_is_replaced_and_both_work_for_a_while(office, owner):
    old = made(owner.post(f"{V2}/api-keys", {"name": "ci", "grants": [grant(office.issuing, can_issue=True)]}))
    answer = owner.post(f"{V2}/api-keys/{old['id']}/rotate", {"overlap": "7d"})
    new = made(answer)
    assert answer["Location"] == f"{V2}/api-keys/{new['id']}"
    assert (new["replaces"], new["name"], new["grants"]) == (old["id"], old["name"], old["grants"])
    assert [issue(Wire(each["token"]), office).status_code for each in (old, new)] == [201, 201]
    shown = owner.get(f"{V2}/api-keys/{old['id']}").json()
    assert shown["replaced_by"] == new["id"]
    row = ApiKey.objects.get(public_id=old["id"])
    assert row.expires_at is not None
    assert timedelta(days=6) < row.expires_at - timezone.now() < timedelta(days=7)
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert [issue(Wire(each["token"]), office).status_code for each in (old, new)] == [401, 201]


def test_without_an_overlap_the_old_key_stops_at_once(owner):
    old = made(owner.post(f"{V2}/api-keys", {"name": "ci", "permissions": ["certificates:read"]}))
    new = made(owner.post(f"{V2}/api-keys/{old['id']}/rotate", {}))
    assert [Wire(each["token"]).get(f"{V2}/certificates").status_code for each in (old, new)] == [401, 200]


def test_an_overlap_makes_no_key_live_longer(owner):
    body = {"name": "ci", "permissions": ["certificates:read"], "expires_at": "2999-01-01T00:00:00Z"}
    old = made(owner.post(f"{V2}/api-keys", body))
    soon = timezone.now() + timedelta(hours=1)
    ApiKey.objects.filter(public_id=old["id"]).update(expires_at=soon)
    made(owner.post(f"{V2}/api-keys/{old['id']}/rotate", {"overlap": "30d"}))
    assert ApiKey.objects.get(public_id=old["id"]).expires_at == soon


def test_what_cannot_be_replaced(owner, subtests):
    def rotate(key: dict[str, Any], **body: str) -> Any:
        return owner.post(f"{V2}/api-keys/{key['id']}/rotate", body)

    def new() -> dict[str, Any]:
        return made(owner.post(f"{V2}/api-keys", {"name": "ci", "permissions": ["certificates:read"]}))

    def code(answer: Any) -> tuple[int, str]:
        return answer.status_code, answer.json()["type"].rpartition("/")[2]

    replaced, revoked, expired = new(), new(), new()
    made(rotate(replaced, overlap="1d"))
    owner.delete(f"{V2}/api-keys/{revoked['id']}")
    ApiKey.objects.filter(public_id=expired["id"]).update(expires_at=timezone.now())
    assert code(rotate(replaced)) == (409, "already-replaced")
    assert code(rotate(revoked)) == (409, "already-revoked")
    assert code(rotate(expired)) == (409, "key-expired")
    assert wrong_fields(rotate(new(), overlap="31d")) == {"overlap": "out-of-range"}
    assert wrong_fields(rotate(new(), expires_at="2020-01-01T00:00:00Z")) == {"expires_at": "in-the-past"}


def test_a_key_gets_no_longer_life_by_replacing_itself(office):
    row, token = cast.api_key(office.person)
    ends = timezone.now() + timedelta(days=1)
    ApiKey.objects.filter(pk=row.pk).update(expires_at=ends)
    new = made(Wire(token).post(f"{V2}/api-keys/{row.public_id}/rotate", {}))
    assert ApiKey.objects.get(public_id=new["id"]).expires_at <= ends
    again = Wire(new["token"]).post(f"{V2}/api-keys/{new['id']}/rotate", {"expires_at": NEXT_YEAR})
    assert wrong_fields(again) == {"expires_at": "beyond-maker"}


def test_who_replaces_the_key_of_another_has_seen_the_new_one(office, owner):
    other = cast.member(office.organization, "owner", "second@acme.example")
    row, _token = cast.api_key(other)
    assert made(owner.post(f"{V2}/api-keys/{row.public_id}/rotate", {}))["maker"] == office.person.user.email


# --- made for somebody else -------------------------------------------------------------------------------------------


def test_a_key_is_made_for_another_member(office, owner):
    operator = cast.member(office.organization, "operator")
    body = {"name": "ci", "permissions": ["certificates:read"], "owner": operator.user.email.upper()}
    new = made(owner.post(f"{V2}/api-keys", body))
    assert (new["owner"], new["maker"]) == (operator.user.email, office.person.user.email)
    assert owner.post(f"{V2}/api-keys", body | {"permissions": ["cas:create"]}).status_code == 403


@pytest.mark.parametrize("email", ["nobody@acme.example", "owner@umbrella.example"])
def test_whoever_is_no_member_owns_no_key_and_is_not_told_of(office, owner, email):
    cast.stranger()
    body = {"name": "ci", "permissions": ["certificates:read"], "owner": email}
    assert wrong_fields(owner.post(f"{V2}/api-keys", body)) == {"owner": "unknown-member"}


# --- service accounts -------------------------------------------------------------------------------------------------


@pytest.fixture
def person(office) -> Wire:
    """The owner in a browser: service accounts are made by people."""
    wire = Wire()
    wire.client.force_login(office.person.user)
    return wire


def test_a_service_account_is_made_changed_disabled_and_enabled(office, person):
    body = {"name": "deploy", "grants": [grant(office.issuing, can_issue=True)]}
    new = made(person.post(f"{V2}/service-accounts", body))
    path = f"{V2}/service-accounts/{new['id']}"
    assert (new["active"], new["owner"]) == (True, office.person.user.email)
    changed = person.patch(path, {"description": "web shop", "permissions": ["certificates:read"]}).json()
    assert (changed["permissions"], changed["grants"]) == (["certificates:read"], [])
    assert person.post(f"{path}/disable").json()["active"] is False
    assert person.post(f"{path}/disable").status_code == 409
    assert person.post(f"{path}/enable").json()["active"] is True
    assert person.get(f"{V2}/service-accounts").json()["pagination"]["total"] == 1
    assert person.post(f"{V2}/service-accounts", body).status_code == 409


def test_a_key_makes_no_service_account(owner):
    answer = owner.post(f"{V2}/service-accounts", {"name": "deploy", "permissions": ["certificates:read"]})
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("/not-with-this-credential")


def test_a_service_account_of_others_does_not_exist(person, office):
    new = made(person.post(f"{V2}/service-accounts", {"name": "deploy", "permissions": ["certificates:read"]}))
    stranger = wire_of(cast.stranger(), Permission.API_KEYS_READ, Permission.API_KEYS_WRITE)
    path = f"{V2}/service-accounts/{new['id']}"
    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}/disable").status_code == 404
    assert stranger.get(f"{V2}/service-accounts").json()["data"] == []
