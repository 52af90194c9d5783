"""People: made by superusers, known in one organization at a time, masters of their own password."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership, User
from accounts.roles import ORGANIZATION_PERMISSIONS, PERMISSIONS, OrganizationRole
from accounts.selectors import api_keys, find_user, home_of, memberships, organizations
from accounts.services.organizations import add_member
from accounts.services.people import actor_for_user, change_password, create_first_administrator, create_user
from accounts.sessions import PasswordBackend
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied, Invalid
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import cast
from tests.happened import happenings
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

GOOD = Secret(cast.PASSWORD)
BETTER = Secret("a wholly different sentence")


def sign_in(name: str, password: Secret) -> User | None:
    found = PasswordBackend().authenticate(None, username=name, password=password.reveal().decode())
    return found if isinstance(found, User) else None


# --- making people ----------------------------------------------------------------------------------------------------


def test_only_a_superuser_makes_people():
    owner = cast.owner(cast.organization())
    with refused(Denied):
        create_user(actor=owner.actor, email="new@acme.example", password=GOOD)
    assert find_user("new@acme.example") is None


def test_a_person_is_found_whatever_the_case_of_the_address():
    made = create_user(actor=cast.SUPERUSER, email=" Alice@Acme.Example ", password=GOOD, username="Alice")
    assert find_user("alice@acme.example") == made
    assert sign_in("ALICE@acme.example", GOOD) == made
    assert sign_in("alice", GOOD) == made


@pytest.mark.parametrize(
    ("email", "username"),
    [("ALICE@acme.example", "other"), ("other@acme.example", "ALICE")],
    ids=["the address in another case", "the username in another case"],
)
def test_nobody_takes_the_name_of_another(email, username):
    create_user(actor=cast.SUPERUSER, email="alice@acme.example", password=GOOD, username="alice")
    with refused(Conflict, "user-exists"):
        create_user(actor=cast.SUPERUSER, email=email, password=GOOD, username=username)


@pytest.mark.parametrize("email", ["", "alice", "alice@", "@acme.example", "a b@acme.example", "a\0b@acme.example"])
def test_what_is_no_address_is_refused(email):
    with invalid(("email", "invalid")):
        create_user(actor=cast.SUPERUSER, email=email, password=GOOD)


def test_every_name_that_is_too_long_is_listed():
    address = f"{'a' * 60}@{'b.' * 100}example"
    with invalid(("email", "too-long"), ("username", "too-long"), ("name", "unprintable")):
        create_user(actor=cast.SUPERUSER, email=address, username="u" * 255, name="Ali\0ce", password=GOOD)


def test_a_long_address_is_a_name_to_sign_in_by():
    address = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.example"
    made = create_user(actor=cast.SUPERUSER, email=address, password=GOOD)
    assert len(made.username) <= User._meta.get_field("username").max_length
    assert sign_in(address, GOOD) == made


@pytest.mark.parametrize(
    "password",
    ["short", "password1234", "123456789012345", "alice@acme.example"],
    ids=["too short", "everybody's", "digits", "his own address"],
)
def test_a_weak_password_is_refused(password):
    with pytest.raises(Invalid) as refusal:
        create_user(actor=cast.SUPERUSER, email="alice@acme.example", password=Secret(password))
    assert {(error.field, error.code) for error in refusal.value.errors} == {("password", "weak-password")}
    assert find_user("alice@acme.example") is None


def test_without_a_password_nobody_signs_in():
    create_user(actor=cast.SUPERUSER, email="robot@acme.example", password=None)
    for guess in ("", "!", cast.PASSWORD):
        assert sign_in("robot@acme.example", Secret(guess)) is None


def test_the_disabled_do_not_sign_in():
    person = cast.owner(cast.organization())
    assert sign_in(person.user.email, GOOD) == person.user
    User.objects.filter(pk=person.user.pk).update(is_active=False)
    assert sign_in(person.user.email, GOOD) is None


# --- passwords --------------------------------------------------------------------------------------------------------


def test_a_person_changes_the_password():
    person = cast.owner(cast.organization())
    change_password(actor=person.actor, user=person.user, old=GOOD, new=BETTER)
    assert sign_in(person.user.email, GOOD) is None
    assert sign_in(person.user.email, BETTER) == person.user


def test_nobody_changes_the_password_of_another():
    acme = cast.organization()
    owner, teammate = cast.owner(acme), cast.member(acme, OrganizationRole.OPERATOR)
    for actor in (owner.actor, cast.SUPERUSER):
        with refused(Denied):
            change_password(actor=actor, user=teammate.user, old=GOOD, new=BETTER)


def test_a_key_does_not_change_the_password_of_its_owner():
    owner = cast.owner(cast.organization())
    robot = replace(cast.robot(owner), id=owner.user.pk)
    with refused(Denied):
        change_password(actor=robot, user=owner.user, old=GOOD, new=BETTER)


@pytest.mark.parametrize(
    ("old", "new", "field", "code"),
    [
        (BETTER, Secret("a third one, unlike the others"), "old_password", "wrong"),
        (GOOD, GOOD, "new_password", "unchanged"),
        (GOOD, Secret("short one"), "new_password", "weak-password"),
        (GOOD, Secret(b"\xff\xfe\xff not text at all"), "new_password", "invalid"),
    ],
    ids=["the old one is wrong", "nothing changes", "the new one is weak", "the new one is not text"],
)
def test_a_change_that_is_refused(old, new, field, code):
    person = cast.owner(cast.organization())
    with invalid((field, code)):
        change_password(actor=person.actor, user=person.user, old=old, new=new)
    assert sign_in(person.user.email, GOOD) == person.user


# --- a person as an actor ---------------------------------------------------------------------------------------------


def test_a_member_acts_in_the_only_organization():
    person = cast.member(cast.organization(), OrganizationRole.OPERATOR)
    assert person.actor.organization_id == person.organization.pk
    assert person.actor.permissions == PERMISSIONS[OrganizationRole.OPERATOR]
    assert person.actor.person_id == person.user.pk


def test_of_several_organizations_a_member_acts_in_the_named_one_or_in_the_default():
    acme, umbrella = cast.organization("ACME"), cast.organization("Umbrella")
    user = cast.owner(acme).user
    add_member(actor=cast.SUPERUSER, organization=umbrella, user=user, role=OrganizationRole.AUDITOR)
    assert actor_for_user(user, organization=umbrella).permissions == PERMISSIONS[OrganizationRole.AUDITOR]
    assert actor_for_user(user, organization=acme).permissions == PERMISSIONS[OrganizationRole.OWNER]
    undecided = actor_for_user(user)
    assert (undecided.organization_id, undecided.permissions) == (None, frozenset())
    user.default_organization = umbrella
    assert actor_for_user(user).organization_id == umbrella.pk


def test_a_superuser_is_at_home_in_the_named_organization_or_that_of_the_oldest_membership():
    root = cast.superuser()
    nowhere = actor_for_user(root)
    with pytest.raises(Invalid):
        home_of(nowhere)
    umbrella, acme = cast.organization("Umbrella"), cast.organization("ACME")
    with pytest.raises(Invalid):
        home_of(nowhere)
    for organization in (acme, umbrella):
        add_member(actor=cast.SUPERUSER, organization=organization, user=root, role=OrganizationRole.OWNER)
    assert home_of(actor_for_user(root)) == acme
    User.objects.filter(pk=root.pk).update(default_organization=umbrella)
    assert home_of(replace(actor_for_user(root), organization_id=None)) == umbrella


def test_an_organization_of_others_gives_nothing():
    person, stranger = cast.owner(cast.organization()), cast.stranger()
    actor = actor_for_user(person.user, organization=stranger.organization)
    assert (actor.organization_id, actor.permissions) == (None, frozenset())
    person.user.default_organization = stranger.organization
    assert actor_for_user(person.user).organization_id is None


def test_who_belongs_nowhere_sees_nothing():
    user = create_user(actor=cast.SUPERUSER, email="guest@localhost", password=GOOD)
    cast.api_key(cast.owner(cast.organization()))
    actor = actor_for_user(user)
    for visible in (organizations, memberships, api_keys):
        assert not visible(visible_to=actor).exists()


def test_a_superuser_stands_above_organizations_until_entering_one():
    acme = cast.organization()
    user = cast.superuser()
    above, inside = actor_for_user(user), actor_for_user(user, organization=acme)
    assert (above.organization_id, inside.organization_id) == (None, acme.pk)
    assert above.permissions == inside.permissions == ORGANIZATION_PERMISSIONS


def test_the_disabled_may_nothing():
    person = cast.owner(cast.organization())
    person.user.is_active = False
    assert actor_for_user(person.user).permissions == frozenset()
    root = cast.superuser()
    root.is_active = False
    assert actor_for_user(root).permissions == frozenset()


def test_a_capability_adds_one_permission_to_a_role():
    person = cast.member(cast.organization(), OrganizationRole.MEMBER)
    Membership.objects.update(capabilities=[Permission.CERTIFICATES_REVOKE, Permission.AUDIT_SEAL, "nonsense"])
    extra = actor_for_user(person.user).permissions - PERMISSIONS[OrganizationRole.MEMBER]
    assert extra == {Permission.CERTIFICATES_REVOKE}


# --- the first administrator ------------------------------------------------------------------------------------------


def test_the_first_administrator_is_made_once():
    made = create_first_administrator(actor=SYSTEM, email="admin@localhost")
    assert made is not None
    user, password = made
    assert user.is_superuser
    assert user.must_change_password
    assert sign_in("admin", password) == user
    assert create_first_administrator(actor=SYSTEM, email="second@localhost") is None


def test_where_anybody_exists_there_is_no_first_administrator():
    cast.owner(cast.organization())
    assert create_first_administrator(actor=SYSTEM, email="admin@localhost") is None


def test_first_passwords_are_random_and_long():
    passwords = set()
    for _round in range(3):
        user, password = create_first_administrator(actor=SYSTEM, email="admin@localhost")
        passwords.add(password.reveal())
        user.delete()
    assert len(passwords) == 3
    assert all(len(password) >= 20 for password in passwords)


def test_a_first_password_ends_after_a_day():
    user, password = create_first_administrator(actor=SYSTEM, email="admin@localhost")
    assert timedelta(hours=23) < user.password_expires_at - timezone.now() <= timedelta(days=1)
    User.objects.update(password_expires_at=timezone.now() - timedelta(seconds=1))
    assert sign_in("admin", password) is None


def test_a_changed_first_password_does_not_end():
    user, password = create_first_administrator(actor=SYSTEM, email="admin@localhost")
    with happenings() as names:
        change_password(actor=actor_for_user(user), user=user, old=password, new=BETTER)
    user.refresh_from_db()
    assert (user.must_change_password, user.password_expires_at) == (False, None)
    assert names == ["password.changed"]
