"""Roles of an organization's own: made of no more than their maker has, held by members, followed at once."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import CustomRole, Membership
from accounts.selectors import custom_roles, get_custom_role
from accounts.services.credentials import authenticate_token
from accounts.services.custom_roles import create_custom_role, delete_custom_role, update_custom_role
from accounts.services.invitations import invite
from accounts.services.organizations import add_member, change_member_role
from accounts.services.people import actor_for_user
from kernel.errors import Conflict, Denied, NotFound, Unauthenticated
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

READ, ISSUE, REVOKE = Permission.CERTIFICATES_READ, Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_REVOKE
DECIDE = Permission.REQUESTS_DECIDE


@pytest.fixture
def owner():
    return cast.owner(cast.organization())


def make(owner, *permissions: Permission, name: str = "Issuers", slug: str = "") -> CustomRole:
    return create_custom_role(
        actor=owner.actor, organization=owner.organization, name=name, slug=slug, permissions=permissions
    )


def held_by(owner, role: CustomRole) -> cast.Person:
    return cast.member(owner.organization, role.slug, "holder@acme.example")


def test_a_stranger_sees_none_and_changes_none(owner):
    role, stranger = make(owner, READ), cast.stranger()
    assert not custom_roles(visible_to=stranger.actor).exists()
    with refused(NotFound, "custom-role-not-found"):
        get_custom_role(Ref("pk", role.pk), visible_to=stranger.actor)
    for attempt in (
        lambda: update_custom_role(actor=stranger.actor, role=role, name="Mine"),
        lambda: delete_custom_role(actor=stranger.actor, role=role),
        lambda: make(cast.Person(stranger.user, owner.organization, stranger.actor), READ),
    ):
        with refused(Denied):
            attempt()
    assert CustomRole.objects.get().name == "Issuers"


def test_the_role_of_one_organization_is_none_of_another(owner):
    make(owner, READ, slug="pki-approver")
    stranger = cast.stranger()
    with invalid(("role", "unknown-role")):
        add_member(actor=stranger.actor, organization=stranger.organization, user=owner.user, role="pki-approver")


def test_the_database_refuses_it_too(owner):
    role, stranger = make(owner, READ), cast.stranger()

    def give_it_nevertheless():
        Membership.objects.filter(user=stranger.user).update(role=role.slug, custom_role=role)
        connection.check_constraints()

    with pytest.raises(IntegrityError), transaction.atomic():
        give_it_nevertheless()


@pytest.mark.parametrize("changes", [{"role": "nonsense"}, {"role": "owner", "custom_role": True}])
def test_a_membership_has_exactly_one_role(owner, changes):
    role = make(owner, READ)
    if "custom_role" in changes:
        changes = changes | {"custom_role": role}
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.filter(user=owner.user).update(**changes)


@pytest.mark.row("P69")
def test_an_approver_role_is_made_and_held(owner):
    role = make(owner, DECIDE, Permission.REQUESTS_READ, slug="pki-approver")
    holder = held_by(owner, role)
    assert Membership.objects.get(user=holder.user).role == "pki-approver"
    assert holder.actor.permissions == {DECIDE, Permission.REQUESTS_READ}


def test_who_holds_it_follows_it_at_once_and_so_do_their_keys(owner):
    role = make(owner, READ, ISSUE, Permission.API_KEYS_WRITE)
    holder = held_by(owner, role)
    _row, token = cast.api_key(holder, [READ, ISSUE])
    update_custom_role(actor=owner.actor, role=role, permissions=[READ])
    assert actor_for_user(holder.user).permissions == {READ}
    assert authenticate_token(Secret(token), ip=None).permissions == {READ}
    CustomRole.objects.filter(pk=role.pk).update(permissions=[])
    with refused(Unauthenticated):
        authenticate_token(Secret(token), ip=None)


def test_a_key_of_somebody_with_such_a_role_costs_no_more_queries(owner, django_assert_max_num_queries):
    holder = held_by(owner, make(owner, READ, Permission.API_KEYS_WRITE))
    _row, token = cast.api_key(holder, [READ])
    authenticate_token(Secret(token), ip=None)
    # The key with all that belongs to it, and the server's own secret where it is not at hand.
    with django_assert_max_num_queries(2):
        authenticate_token(Secret(token), ip=None)


def test_nobody_makes_a_role_that_can_do_more_than_they_can(owner):
    keeper = held_by(owner, make(owner, Permission.MEMBERS_WRITE, READ, name="Keepers"))
    with refused(Denied):
        make(keeper, REVOKE, name="More")
    wider = make(owner, REVOKE, name="Wider")
    with refused(Denied):
        update_custom_role(actor=keeper.actor, role=wider, permissions=[READ])
    with refused(Denied):
        add_member(actor=keeper.actor, organization=owner.organization, user=cast.superuser(), role=wider.slug)


def test_capabilities_come_beside_the_role_and_never_beyond_the_giver(owner):
    row = Membership.objects.get(user=cast.member(owner.organization, "member").user)
    change_member_role(actor=owner.actor, membership=row, role="member", capabilities=[REVOKE])
    assert REVOKE in actor_for_user(row.user).permissions
    keeper = held_by(owner, make(owner, Permission.MEMBERS_WRITE, READ, name="Keepers"))
    other = Membership.objects.get(user=cast.member(owner.organization, "auditor").user)
    with refused(Denied):
        change_member_role(actor=keeper.actor, membership=row, role="member", capabilities=[])
    with refused(Denied):
        change_member_role(actor=keeper.actor, membership=other, role=other.role, capabilities=[REVOKE])
    with invalid(("capabilities[0]", "unknown-permission")):
        change_member_role(actor=owner.actor, membership=row, role="member", capabilities=["everything"])


def test_another_role_takes_the_capabilities_along_only_when_it_is_said(owner):
    row = Membership.objects.get(user=cast.member(owner.organization, "member").user)
    change_member_role(actor=owner.actor, membership=row, role="member", capabilities=[REVOKE])
    changed = change_member_role(actor=owner.actor, membership=row, role="auditor")
    assert (changed.role, changed.capabilities) == ("auditor", [REVOKE.value])
    changed = change_member_role(actor=owner.actor, membership=row, role="auditor", capabilities=[])
    assert changed.capabilities == []


def test_one_that_is_in_use_stays(owner):
    role = make(owner, READ)
    invite(actor=owner.actor, organization=owner.organization, email="new@acme.example", role=role.slug)
    with refused(Conflict, "role-in-use"):
        delete_custom_role(actor=owner.actor, role=role)
    other = make(owner, READ, name="Others")
    held_by(owner, other)
    with refused(Conflict, "role-in-use"):
        delete_custom_role(actor=owner.actor, role=other)


@pytest.mark.parametrize(
    ("facts", "field", "code"),
    [
        pytest.param({"slug": "owner"}, "slug", "reserved", id="a name that every organization has"),
        pytest.param({"slug": "Not A Slug"}, "slug", "invalid", id="no slug"),
        pytest.param({"name": "…"}, "slug", "invalid", id="a name that makes no slug"),
        pytest.param({"name": " "}, "name", "required", id="no name"),
        pytest.param({"permissions": []}, "permissions", "required", id="no permission"),
        pytest.param({"permissions": ["x"]}, "permissions[0]", "unknown-permission", id="one that does not exist"),
        pytest.param({"permissions": ["audit:seal"]}, "permissions[0]", "unknown-permission", id="the system's own"),
    ],
)
def test_what_is_no_role(owner, facts, field, code):
    given = {"name": "Issuers", "permissions": [READ]} | facts
    with invalid((field, code)):
        create_custom_role(actor=owner.actor, organization=owner.organization, **given)


def test_a_slug_is_taken_once_in_an_organization(owner):
    make(owner, READ)
    with refused(Conflict, "custom-role-exists"):
        make(owner, READ)
    stranger = cast.stranger()
    make(stranger, READ)
