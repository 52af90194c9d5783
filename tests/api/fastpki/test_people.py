"""Users, organizations and the audit log, as FastPKI's clients know them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Membership, User
from accounts.services.people import actor_for_user
from accounts.services.sign_in_tokens import sign_in_by_password
from audit.models import AuditEvent
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import cast
from tests.api.fastpki.office import SOMEBODY, Client, certificate_body, fastpki_office, token_of
from tests.api.wire import Wire, wire_of
from tests.certificates.asking import with_capability

pytestmark = pytest.mark.django_db

PASSWORD = "a wholly different sentence"
BOB = {"username": "bob", "email": "bob@acme.test", "password": PASSWORD}
FLAGS = ("can_create_ca", "can_create_cert", "can_revoke_cert", "can_export_private_key", "can_delete_ca")


@pytest.fixture
def admin() -> Client:
    return fastpki_office()


@pytest.fixture
def root(admin: Client) -> Wire:
    user = cast.superuser()
    return Wire(token_of(cast.Person(user, admin.office.organization, actor_for_user(user))))


def create(wire: Wire, **changes: Any) -> Any:
    return wire.post("/api/v1/users/", BOB | changes)


class TestUsersOfAnAdmin:
    def test_they_belong_to_the_admins_organization_and_see_what_is_its(self, admin):
        made = create(admin.wire)
        assert made.status_code == 201, made.content
        found = made.json()
        assert found["organization_id"] == admin.office.organization.pk
        assert (found["role"], [found[flag] for flag in FLAGS]) == ("user", [False] * 5)
        bob = User.objects.get(username="bob")
        wire = Wire(token_of_user(bob))
        assert wire.get("/api/v1/users/me").json() == found
        assert [each["id"] for each in wire.get("/api/v1/cas/").json()] != []
        assert issue(wire, admin).status_code == 403

    @pytest.mark.row("F16")
    def test_the_capability_to_create_certificates_is_enough_for_it(self, admin):
        assert create(admin.wire, can_create_cert=True).json()["can_create_cert"] is True
        assert issue(Wire(token_of_user(User.objects.get(username="bob"))), admin).status_code == 201

    @pytest.mark.row("F17")
    def test_an_admin_of_the_organization_creates_certificates(self, admin):
        assert admin.wire.get("/api/v1/users/me").json()["role"] == "admin"
        assert issue(admin.wire, admin).status_code == 201

    @pytest.mark.row("F18")
    def test_a_superuser_creates_certificates_and_all_others_may_not(self, admin, root):
        assert issue(root, admin).status_code == 201
        auditor = Wire(token_of(cast.member(admin.office.organization, "auditor")))
        answer = issue(auditor, admin)
        assert (answer.status_code, set(answer.json())) == (403, {"detail"})

    @pytest.mark.row("F48")
    def test_the_capability_to_export_keys_is_enough_for_it(self, admin):
        number = issue(admin.wire, admin).json()["id"]
        create(admin.wire)
        bob = User.objects.get(username="bob")
        wire = Wire(token_of_user(bob))
        assert wire.get(f"/api/v1/certificates/{number}/private-key").status_code == 403
        with_capability(cast.Person(bob, admin.office.organization, actor_for_user(bob)), "certificates:export-key")
        answer = wire.get(f"/api/v1/certificates/{number}/private-key")
        assert answer.json()["private_key"].startswith("-----BEGIN")

    def test_capabilities_are_given_and_taken(self, admin):
        number = create(admin.wire, can_create_cert=True).json()["id"]
        path = f"/api/v1/users/{number}"
        assert admin.wire.patch(path, {"can_revoke_cert": True}).json()["can_create_cert"] is True
        found = admin.wire.patch(path, {"can_create_cert": False}).json()
        assert (found["can_create_cert"], found["can_revoke_cert"]) == (False, True)

    def test_a_role_that_allows_more_gives_way(self, admin):
        person = cast.member(admin.office.organization, "member")
        path = f"/api/v1/users/{person.user.pk}"
        assert admin.wire.get(path).json()["can_create_cert"] is True
        assert admin.wire.patch(path, {"can_create_cert": False}).json()["can_create_cert"] is False
        assert issue(Wire(token_of(person)), admin).status_code == 403

    def test_an_admin_makes_neither_admins_nor_superusers(self, admin):
        for role in ("admin", "superuser"):
            answer = create(admin.wire, role=role)
            assert answer.status_code == 403
            assert answer.json()["detail"] == "Not enough permissions to create admin or superuser accounts"
        assert not User.objects.filter(username="bob").exists()

    def test_an_admin_changes_neither_role_nor_organization_nor_standing(self, admin):
        path = f"/api/v1/users/{create(admin.wire).json()['id']}"
        for change in ({"role": "admin"}, {"is_active": False}, {"organization_id": None}):
            assert admin.wire.patch(path, change).status_code == 403, change

    def test_an_admin_gives_a_new_password_to_those_who_have_theirs_from_one(self, admin):
        path = f"/api/v1/users/{create(admin.wire).json()['id']}"
        bob = token_of_user(User.objects.get(username="bob"))
        assert admin.wire.patch(path, {"password": "another sentence altogether"}).status_code == 200
        assert Wire(bob).get("/api/v1/users/me").status_code == 401

    def test_an_admin_gives_none_to_those_who_chose_theirs(self, admin):
        person = cast.member(admin.office.organization, "operator")
        for change in ({"password": PASSWORD}, {"email": "mine@evil.test"}):
            assert admin.wire.patch(f"/api/v1/users/{person.user.pk}", change).status_code == 403

    def test_nobody_changes_their_own_password_without_the_present_one(self, admin):
        path = f"/api/v1/users/{admin.office.person.user.pk}"
        assert admin.wire.patch(path, {"password": PASSWORD}).status_code == 403

    def test_a_program_gives_nobody_a_password(self, admin):
        assert create(wire_of(admin.office.person)).status_code == 403

    def test_an_admin_does_not_list_or_delete_people(self, admin):
        assert admin.wire.get("/api/v1/users/").status_code == 403
        number = create(admin.wire).json()["id"]
        assert admin.wire.delete(f"/api/v1/users/{number}").status_code == 403


class TestUsersOfASuperuser:
    def test_a_superuser_makes_people_who_cannot_sign_in_yet_and_admins_do_not(self, admin, root):
        assert create(admin.wire, is_active=False).status_code == 403
        assert not User.objects.filter(username="bob").exists()
        assert create(root, is_active=False).json()["is_active"] is False

    def test_a_superuser_lists_everybody(self, admin, root):
        found = root.get("/api/v1/users/?skip=0&limit=1").json()
        assert len(found) == 1
        assert root.get("/api/v1/users/?skip=1").json()[0]["id"] != found[0]["id"]

    def test_a_superuser_moves_people(self, admin, root):
        other = cast.organization("Umbrella")
        number = create(root, organization_id=admin.office.organization.pk, can_create_ca=True).json()["id"]
        found = root.patch(f"/api/v1/users/{number}", {"organization_id": other.pk}).json()
        assert (found["organization_id"], found["can_create_ca"]) == (other.pk, True)
        assert Membership.objects.get(user_id=number).organization == other
        assert root.patch(f"/api/v1/users/{number}", {"organization_id": None}).json()["organization_id"] is None

    def test_a_superuser_makes_and_unmakes_admins_and_superusers(self, admin, root):
        number = create(root, organization_id=admin.office.organization.pk, role="admin").json()["id"]
        path = f"/api/v1/users/{number}"
        assert root.patch(path, {"role": "superuser"}).json()["role"] == "superuser"
        assert root.patch(path, {"role": "user"}).json()["role"] == "user"

    def test_the_last_admin_stays_one(self, admin, root):
        path = f"/api/v1/users/{admin.office.person.user.pk}"
        teammate = cast.member(admin.office.organization, "operator")
        assert root.patch(path, {"role": "user"}).status_code == 409
        assert root.delete(path).status_code == 409
        assert root.delete(f"/api/v1/users/{teammate.user.pk}").status_code == 204
        assert root.delete(path).status_code == 204

    def test_without_an_organization_nobody_is_an_admin(self, root):
        assert create(root, role="admin").status_code == 400
        assert create(root, can_create_ca=True).status_code == 400

    def test_who_is_deleted_is_gone_and_the_deeds_stay(self, admin, root):
        number = create(root, organization_id=admin.office.organization.pk).json()["id"]
        token = token_of_user(User.objects.get(pk=number))
        assert root.delete(f"/api/v1/users/{number}").status_code == 204
        assert Wire(token).get("/api/v1/users/me").status_code == 401
        assert root.get(f"/api/v1/users/{number}").status_code == 404
        assert User.objects.get(pk=number).closed_at is not None
        assert create(root).status_code == 400

    def test_a_superuser_does_not_delete_their_own_account(self, root):
        number = root.get("/api/v1/users/me").json()["id"]
        answer = root.delete(f"/api/v1/users/{number}")
        assert (answer.status_code, answer.json()) == (400, {"detail": "Cannot delete your own account"})


FAULTS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "no e-mail address": ({"email": None}, ["body", "email"]),
    "a short password": ({"password": "short"}, ["body", "password"]),
    "an unknown role": ({"role": "king"}, ["body", "role"]),
    "an unknown field": ({"is_admin": True}, ["body", "is_admin"]),
    "a word for a number": ({"organization_id": "1"}, ["body", "organization_id"]),
}


@pytest.mark.parametrize(("changes", "place"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_body_is_fastapis_list(admin, changes, place):
    answer = create(admin.wire, **changes)
    assert answer.status_code == 422
    (fault,) = answer.json()["detail"]
    assert set(fault) == {"type", "loc", "msg", "input"}
    assert fault["loc"] == place
    assert PASSWORD not in answer.content.decode()
    assert "short" not in str(fault["input"])


class TestOrganizations:
    def test_members_see_their_own_and_no_other(self, admin):
        other = cast.organization("Umbrella")
        (found,) = admin.wire.get("/api/v1/organizations/").json()
        assert found["id"] == admin.office.organization.pk
        assert admin.wire.get(f"/api/v1/organizations/{found['id']}").json() == found
        for path in (f"/api/v1/organizations/{other.pk}", f"/api/v1/organizations/{other.pk}/users"):
            assert admin.wire.get(path).status_code == 404

    def test_superusers_make_them_and_admins_do_not(self, admin, root):
        assert admin.wire.post("/api/v1/organizations/", {"name": "New"}).status_code == 403
        made = root.post("/api/v1/organizations/", {"name": "New", "description": None})
        assert (made.status_code, made.json()["description"]) == (201, None)
        again = root.post("/api/v1/organizations/", {"name": "New"})
        assert (again.status_code, isinstance(again.json()["detail"], str)) == (400, True)

    def test_a_change_shows_when_it_was(self, admin):
        path = f"/api/v1/organizations/{admin.office.organization.pk}"
        event = AuditEvent.objects.filter(name="organization.created")
        assert event.exists()
        found = admin.wire.send("PUT", path, {"name": "Acme Rockets"}).json()
        assert found["name"] == "Acme Rockets"
        assert found["updated_at"] >= found["created_at"]

    def test_a_slash_too_many_or_too_few_is_no_address(self, admin):
        number = admin.office.organization.pk
        for path in ("/api/v1/organizations", f"/api/v1/organizations/{number}/", "/api/v1/users", "/api/v1/users/me/"):
            answer = admin.wire.get(path)
            assert (answer.status_code, set(answer.json())) == (404, {"detail"}), path

    def test_people_come_and_go(self, admin, root):
        number = create(root).json()["id"]
        path = f"/api/v1/organizations/{admin.office.organization.pk}/users/{number}"
        assert admin.wire.post(path).status_code == 404
        assert root.post(path).json()["organization_id"] == admin.office.organization.pk
        assert root.post(path).status_code == 409
        assert number in [each["id"] for each in admin.wire.get(path.rpartition("/")[0]).json()]
        gone = admin.wire.delete(path)
        assert (gone.status_code, gone.json()["organization_id"]) == (200, None)
        assert admin.wire.delete(path).status_code == 404

    def test_only_an_empty_one_is_deleted(self, admin, root):
        path = f"/api/v1/organizations/{admin.office.organization.pk}"
        answer = root.delete(path)
        assert answer.status_code == 400
        assert answer.json()["detail"] == "Cannot delete organization with users. Remove all users first."
        empty = root.post("/api/v1/organizations/", {"name": "Empty"}).json()["id"]
        assert root.delete(f"/api/v1/organizations/{empty}").status_code == 204
        assert root.get(f"/api/v1/organizations/{empty}").status_code == 404
        number = create(root).json()["id"]
        assert root.post(f"/api/v1/organizations/{empty}/users/{number}").status_code == 404


class TestTheLog:
    def test_who_may_not_read_it_is_refused(self, admin):
        create(admin.wire)
        wire = Wire(token_of_user(User.objects.get(username="bob")))
        assert wire.get("/api/v1/audit-logs/").status_code == 403

    def test_it_is_the_organizations_own(self, admin):
        other = fastpki_office("Umbrella")
        create(admin.wire)
        found = other.wire.get("/api/v1/audit-logs/").json()
        assert {each["organization_id"] for each in found} == {other.office.organization.pk}

    @pytest.mark.row("F38", "F58")
    def test_what_happens_to_certificates_is_in_it_under_their_names(self, admin):
        number = issue(admin.wire, admin).json()["id"]
        admin.wire.post(f"/api/v1/certificates/{number}/revoke", {"reason": "Key compromise"})
        found = admin.wire.get(f"/api/v1/audit-logs/?resource_type=certificate&resource_id={number}").json()
        assert [each["action"] for each in found] == ["cert_revoke", "cert_create"]
        assert found[0]["user_id"] == admin.office.person.user.pk
        assert admin.wire.get("/api/v1/audit-logs/?action=cert_revoke").json() == found[:1]

    def test_by_person_and_by_time(self, admin):
        user = admin.office.person.user.pk
        issue(admin.wire, admin)
        assert {each["user_id"] for each in admin.wire.get(f"/api/v1/audit-logs/?user_id={user}").json()} == {user}
        assert admin.wire.get("/api/v1/audit-logs/?user_id=999999").json() == []
        assert admin.wire.get("/api/v1/audit-logs/?until=2020-01-01T00:00:00").json() == []
        assert admin.wire.get("/api/v1/audit-logs/?since=2020-01-01").json() != []

    @pytest.mark.parametrize(
        "query", ["action=nonsense", "limit=0", "limit=1001", "since=yesterday", "page=2", "skip=-1"]
    )
    def test_nonsense_is_a_fault_of_the_address(self, admin, query):
        answer = admin.wire.get(f"/api/v1/audit-logs/?{query}")
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def issue(wire: Wire, admin: Client) -> Any:
    return wire.post(f"/api/v1/certificates/?ca_id={admin.ca.pk}", certificate_body())


def token_of_user(user: User) -> str:
    pair = sign_in_by_password(actor=SOMEBODY, name=user.email, password=Secret(PASSWORD))
    return pair.access.reveal().decode()


def test_a_holder_of_a_key_without_the_right_is_refused(admin):
    wire = wire_of(admin.office.person, Permission.CERTIFICATES_READ)
    for path in ("/api/v1/organizations/", "/api/v1/service-accounts/", "/api/v1/audit-logs/", "/api/v1/users/"):
        assert wire.get(path).status_code == 403, path
    for path in ("/api/v1/organizations/", "/api/v1/users/me"):
        answer = Wire().get(path)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"}), path
