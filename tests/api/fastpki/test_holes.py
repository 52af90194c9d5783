"""Holes that FastPKI's server had about who may do what, each by its number: none of them is here."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache

from accounts.models import Membership, User
from accounts.services.people import actor_for_user
from certificates.models import Certificate
from tests import cast
from tests.api.fastpki.office import Client, certificate_body, fastpki_office, token_of
from tests.api.wire import Wire

pytestmark = pytest.mark.django_db

PASSWORD = "a wholly different sentence"
EVE = {"username": "eve", "email": "eve@umbrella.test", "password": PASSWORD}


@pytest.fixture
def acme() -> Client:
    return fastpki_office()


@pytest.fixture
def umbrella() -> Client:
    return fastpki_office("Umbrella")


@pytest.fixture
def root(acme: Client) -> Wire:
    user = cast.superuser()
    return Wire(token_of(cast.Person(user, acme.office.organization, actor_for_user(user))))


def issue(client: Client, wire: Wire | None = None) -> Any:
    return (wire or client.wire).post(f"/api/v1/certificates/?ca_id={client.ca.pk}", certificate_body())


def sign_in(name: str, password: str) -> Any:
    form = urlencode({"username": name, "password": password}).encode()
    return Wire().send("POST", "/api/v1/auth/token", form, Content_Type="application/x-www-form-urlencoded")


class TestV1AnAdminTakesOverNoAccountOfOthers:
    @pytest.mark.parametrize("change", [{"password": PASSWORD}, {"email": "mine@umbrella.test"}, {"role": "user"}])
    def test_of_another_organization(self, acme, umbrella, change):
        path = f"/api/v1/users/{acme.office.person.user.pk}"
        before = User.objects.get(pk=acme.office.person.user.pk)
        for answer in (umbrella.wire.get(path), umbrella.wire.patch(path, change)):
            assert (answer.status_code, answer.json()) == (404, {"detail": "User not found"})
        after = User.objects.get(pk=before.pk)
        assert (after.password, after.email) == (before.password, before.email)

    def test_nor_that_of_a_superuser(self, umbrella, root):
        number = root.get("/api/v1/users/me").json()["id"]
        assert umbrella.wire.patch(f"/api/v1/users/{number}", {"email": "mine@umbrella.test"}).status_code == 404

    def test_nor_that_of_a_superuser_in_their_own_organization(self, umbrella, root):
        number = root.get("/api/v1/users/me").json()["id"]
        root.post(f"/api/v1/organizations/{umbrella.office.organization.pk}/users/{number}")
        answer = umbrella.wire.patch(f"/api/v1/users/{number}", {"password": PASSWORD})
        assert answer.status_code == 403

    def test_nor_do_they_fetch_anybody_into_their_organization(self, acme, umbrella):
        organization, user = umbrella.office.organization.pk, acme.office.person.user.pk
        assert umbrella.wire.post(f"/api/v1/organizations/{organization}/users/{user}").status_code == 404

    def test_nor_wait_for_somebody_behind_an_address_that_is_not_theirs(self, acme, umbrella, root):
        number = umbrella.wire.post("/api/v1/users/", EVE | {"email": "bob@acme.test"}).json()["id"]
        answer = root.post(f"/api/v1/organizations/{acme.office.organization.pk}/users/{number}")
        assert answer.status_code == 403
        assert not Membership.objects.filter(user_id=number, organization=acme.office.organization).exists()


class TestV3WhoBelongsNowhereSeesNothing:
    def test_neither_certificates_nor_cas_nor_people(self, acme, root):
        issue(acme)
        root.post("/api/v1/users/", EVE)
        wire = Wire(sign_in("eve", PASSWORD).json()["access_token"])
        me = wire.get("/api/v1/users/me").json()
        assert me["organization_id"] is None
        for path in ("certificates/", "cas/", "organizations/", "service-accounts/", "audit-logs/", "users/"):
            answer = wire.get(f"/api/v1/{path}")
            assert answer.status_code == 403 or answer.json() == [], path
        assert wire.get(f"/api/v1/certificates/{Certificate.objects.get().pk}").status_code in (403, 404)
        assert wire.get(f"/api/v1/users/{acme.office.person.user.pk}").status_code == 404

    @pytest.mark.row("F43", "F44")
    def test_superusers_see_all_certificates_and_others_those_of_their_organization(self, acme, umbrella, root):
        one, two = issue(acme).json()["id"], issue(umbrella).json()["id"]
        assert {each["id"] for each in root.get("/api/v1/certificates/").json()} == {one, two}
        assert [each["id"] for each in acme.wire.get("/api/v1/certificates/").json()] == [one]
        assert [each["id"] for each in umbrella.wire.get("/api/v1/certificates/").json()] == [two]


class TestV4NobodyMakesASpyInAnotherOrganization:
    def test_an_admin_of_another_one_does_not(self, acme, umbrella):
        body = EVE | {"organization_id": acme.office.organization.pk}
        assert umbrella.wire.post("/api/v1/users/", body).status_code == 403
        assert not User.objects.filter(username="eve").exists()

    def test_a_plain_user_makes_nobody_at_all(self, acme):
        member = Wire(token_of(cast.member(acme.office.organization, "member")))
        assert member.post("/api/v1/users/", EVE).status_code == 403
        assert member.post("/api/v1/users/", EVE | {"organization_id": None}).status_code == 403

    def test_no_service_account_of_another_organization_either(self, acme, umbrella):
        body = {"name": "spy", "organization_id": acme.office.organization.pk}
        assert umbrella.wire.post("/api/v1/service-accounts/", body).status_code == 403

    def test_nor_is_one_of_another_organization_seen_or_touched(self, acme, umbrella):
        path = f"/api/v1/service-accounts/{acme.wire.post('/api/v1/service-accounts/', {'name': 'ci'}).json()['id']}"
        policy = {"max_validity_days": 1}
        assert acme.wire.send("PUT", f"{path}/policy", policy).status_code == 200
        token = acme.wire.post(f"{path}/tokens", {}).json()["id"]
        for method, place, body in (
            ("GET", path, None),
            ("PATCH", path, {"disabled": True}),
            ("DELETE", path, None),
            ("GET", f"{path}/tokens", None),
            ("POST", f"{path}/tokens", {}),
            ("DELETE", f"{path}/tokens/{token}", None),
            ("GET", f"{path}/policy", None),
            ("PUT", f"{path}/policy", policy),
            ("DELETE", f"{path}/policy", None),
        ):
            assert umbrella.wire.send(method, place, body).status_code == 404, (method, place)
        assert umbrella.wire.get("/api/v1/service-accounts/").json() == []


class TestV11RightsFollowTheMembership:
    def test_who_made_something_has_no_rights_after_leaving(self, acme, root):
        person = cast.member(acme.office.organization, "operator")
        wire = Wire(token_of(person))
        number = issue(acme, wire).json()["id"]
        assert wire.get(f"/api/v1/certificates/{number}").status_code == 200
        path = f"/api/v1/organizations/{acme.office.organization.pk}/users/{person.user.pk}"
        assert root.delete(path).status_code == 200
        for answer in (
            wire.get(f"/api/v1/certificates/{number}"),
            wire.get(f"/api/v1/certificates/{number}/private-key"),
            wire.post(f"/api/v1/certificates/{number}/revoke", {}),
        ):
            assert answer.status_code in (403, 404)

    def test_what_a_machine_may_goes_with_its_owner(self, acme, root):
        person = cast.member(acme.office.organization, "owner", email="second@acme.test")
        wire = Wire(token_of(person))
        number = wire.post("/api/v1/service-accounts/", {"name": "ci", "can_create_cert": True}).json()["id"]
        machine = Wire(wire.post(f"/api/v1/service-accounts/{number}/tokens", {}).json()["token"])
        assert machine.get("/api/v1/cas/").status_code == 200
        root.delete(f"/api/v1/organizations/{acme.office.organization.pk}/users/{person.user.pk}")
        assert machine.get("/api/v1/cas/").status_code == 401


class TestV12NobodyIsTheFirstUserByBeingFast:
    @pytest.mark.parametrize("role", ["user", "admin", "superuser"])
    def test_an_empty_office_takes_no_account_without_a_credential(self, role):
        assert not User.objects.exists()
        assert Wire().post("/api/v1/users/", EVE | {"role": role}).status_code == 401
        assert not User.objects.exists()


class TestV14NothingTellsWhoExists:
    def test_an_unknown_name_takes_as_long_as_a_wrong_password(self, acme):
        times: dict[str, list[float]] = {acme.office.person.user.email: [], "nobody@acme.test": []}
        for _ in range(5):
            for name, measured in times.items():
                cache.clear()
                begin = time.perf_counter()
                answer = sign_in(name, "wrong")
                measured.append(time.perf_counter() - begin)
                assert answer.json() == {"detail": "Incorrect username or password"}
        known, unknown = (sorted(measured)[2] for measured in times.values())
        assert 1 / 3 < known / unknown < 3

    def test_a_bad_token_is_not_as_if_there_were_none(self):
        for token in ("fpki_at_nonsense", "fpki_sa_nonsense", "eyJhbGciOiJub25lIn0.e30.", "nonsense"):
            answer = Wire(token).post("/api/v1/users/", EVE)
            assert (answer.status_code, answer.json()) == (401, {"detail": "Could not validate credentials"}), token


class TestV15WhatWasSaidIsKept:
    def test_capabilities_of_a_new_user(self, acme):
        wanted = {"can_create_ca": True, "can_revoke_cert": True, "can_create_cert": False}
        found = acme.wire.post("/api/v1/users/", EVE | wanted).json()
        assert {name: found[name] for name in wanted} == wanted
        assert acme.wire.get(f"/api/v1/users/{found['id']}").json() == found

    def test_capabilities_of_a_new_service_account(self, acme):
        wanted = {"can_create_cert": True, "can_export_private_key": True, "can_delete_ca": False}
        found = acme.wire.post("/api/v1/service-accounts/", {"name": "ci"} | wanted).json()
        assert {name: found[name] for name in wanted} == wanted

    def test_a_name_that_is_taken_is_a_bad_request_and_no_breakdown(self, acme, root):
        acme.wire.post("/api/v1/service-accounts/", {"name": "ci"})
        root.post("/api/v1/users/", EVE)
        for answer in (
            acme.wire.post("/api/v1/service-accounts/", {"name": "ci"}),
            root.post("/api/v1/users/", EVE | {"email": "other@umbrella.test"}),
            root.post("/api/v1/users/", EVE | {"username": "other"}),
            root.post("/api/v1/organizations/", {"name": acme.office.organization.name}),
        ):
            assert (answer.status_code, isinstance(answer.json()["detail"], str)) == (400, True), answer.content
