"""Organizations and their members: strangers are refused, and an organization keeps an owner."""

from __future__ import annotations

import pytest

from accounts.models import Membership, Organization
from accounts.roles import OrganizationRole
from accounts.selectors import get_membership, get_organization, memberships, organizations
from accounts.services.organizations import add_member, change_member_role, create_organization, remove_member
from kernel.errors import Conflict, Denied, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast
from tests.happened import happenings
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

OWNER, OPERATOR, MEMBER = OrganizationRole.OWNER, OrganizationRole.OPERATOR, OrganizationRole.MEMBER


@pytest.fixture
def acme() -> Organization:
    return cast.organization("ACME")


def membership_of(person: cast.Person) -> Membership:
    return Membership.objects.get(user=person.user, organization=person.organization)


# --- the stranger -----------------------------------------------------------------------------------------------------


def test_a_stranger_sees_only_their_own(acme):
    stranger = cast.stranger()
    owner = cast.owner(acme)
    assert list(organizations(visible_to=stranger.actor)) == [stranger.organization]
    assert [row.user for row in memberships(visible_to=stranger.actor)] == [stranger.user]
    with refused(NotFound, "organization-not-found"):
        get_organization(Ref("pk", acme.pk), visible_to=stranger.actor)
    with refused(NotFound, "member-not-found"):
        get_membership(Ref("pk", membership_of(owner).pk), visible_to=stranger.actor)


def test_a_stranger_changes_nothing(acme):
    stranger, owner = cast.stranger(), cast.owner(acme)
    row = membership_of(owner)
    with refused(Denied):
        add_member(actor=stranger.actor, organization=acme, user=stranger.user, role=OWNER)
    with refused(Denied):
        change_member_role(actor=stranger.actor, membership=row, role=MEMBER)
    with refused(Denied):
        remove_member(actor=stranger.actor, membership=row)
    assert list(Membership.objects.filter(organization=acme)) == [row]


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OWNER])
def test_only_owners_choose_members(acme, role):
    cast.owner(acme)
    person = cast.member(acme, role)
    with refused(Denied):
        change_member_role(actor=person.actor, membership=membership_of(person), role=OWNER)


# --- organizations ----------------------------------------------------------------------------------------------------


def test_a_new_organization_may_begin_with_its_owner():
    user = cast.superuser("founder@localhost")
    with happenings() as names:
        made = create_organization(actor=cast.SUPERUSER, name="  Ministry of Works ", owner=user)
    assert (made.name, made.slug) == ("Ministry of Works", "ministry-of-works")
    assert membership_of(cast.Person(user, made, cast.SUPERUSER)).role == OWNER
    assert sorted(names) == ["membership.created", "organization.created"]


def test_only_a_superuser_founds_one(acme):
    with refused(Denied):
        create_organization(actor=cast.owner(acme).actor, name="Another")
    assert Organization.objects.count() == 1


@pytest.mark.parametrize(("name", "slug"), [("ACME", "other"), ("Other", "acme"), (" ACME ", "")])
def test_name_and_slug_are_given_once(acme, name, slug):
    with refused(Conflict, "organization-exists"):
        create_organization(actor=cast.SUPERUSER, name=name, slug=slug)


@pytest.mark.parametrize(
    ("name", "slug", "field", "code"),
    [
        ("", "", "name", "required"),
        ("   ", "x", "name", "required"),
        ("n" * 121, "x", "name", "too-long"),
        ("AC\0ME", "x", "name", "unprintable"),
        ("Name", "Not A Slug", "slug", "invalid"),
        ("Name", "../etc", "slug", "invalid"),
        ("Name", "-edge-", "slug", "invalid"),
        ("Name", "s" * 81, "slug", "invalid"),
        ("***", "", "slug", "invalid"),
    ],
)
def test_a_name_that_is_none_is_refused(name, slug, field, code):
    with invalid((field, code)):
        create_organization(actor=cast.SUPERUSER, name=name, slug=slug)


def test_the_slug_of_a_long_name_fits():
    made = create_organization(actor=cast.SUPERUSER, name="x" * 118)
    assert len(made.slug) <= Organization._meta.get_field("slug").max_length


# --- members ----------------------------------------------------------------------------------------------------------


def test_a_member_may_have_one_role_at_a_time(acme):
    owner, person = cast.owner(acme), cast.member(acme, MEMBER)
    with refused(Conflict, "member-exists"):
        add_member(actor=owner.actor, organization=acme, user=person.user, role=OPERATOR)
    changed = change_member_role(actor=owner.actor, membership=membership_of(person), role=OPERATOR)
    assert changed.role == membership_of(person).role == OPERATOR


def test_a_role_that_does_not_exist_is_refused(acme):
    owner, person = cast.owner(acme), cast.member(acme, MEMBER)
    with invalid(("role", "unknown-role")):
        add_member(actor=owner.actor, organization=acme, user=cast.superuser(), role="king")
    with invalid(("role", "unknown-role")):
        change_member_role(actor=owner.actor, membership=membership_of(person), role="")


def test_the_last_owner_stays(acme):
    owner = cast.owner(acme)
    cast.member(acme, OPERATOR)
    with refused(Conflict, "last-owner"):
        remove_member(actor=owner.actor, membership=membership_of(owner))
    with refused(Conflict, "last-owner"):
        change_member_role(actor=owner.actor, membership=membership_of(owner), role=MEMBER)
    change_member_role(actor=owner.actor, membership=membership_of(owner), role=OWNER)
    assert membership_of(owner).role == OWNER


def test_an_owner_of_another_organization_does_not_count(acme):
    cast.stranger()
    owner = cast.owner(acme)
    with refused(Conflict, "last-owner"):
        remove_member(actor=owner.actor, membership=membership_of(owner))


def test_the_last_but_one_owner_may_go(acme):
    owner, second = cast.owner(acme), cast.member(acme, OWNER, "second@acme.example")
    remove_member(actor=owner.actor, membership=membership_of(owner))
    assert list(memberships(visible_to=second.actor)) == [membership_of(second)]


def test_who_was_removed_cannot_be_removed_or_changed_again(acme):
    owner, person = cast.owner(acme), cast.member(acme, MEMBER)
    stale = membership_of(person)
    remove_member(actor=owner.actor, membership=membership_of(person))
    with refused(Conflict, "member-not-found"):
        remove_member(actor=owner.actor, membership=stale)
    with refused(Conflict, "member-not-found"):
        change_member_role(actor=owner.actor, membership=stale, role=OPERATOR)


def test_a_key_that_may_choose_members_gives_nobody_more_than_it_has(acme):
    """Else a key of `members:write` alone could make an owner, and through that one do everything."""
    owner, person = cast.owner(acme), cast.member(acme, MEMBER)
    robot = cast.robot(owner, {Permission.MEMBERS_WRITE})
    with refused(Denied):
        change_member_role(actor=robot, membership=membership_of(person), role=OWNER)
    with refused(Denied):
        add_member(actor=robot, organization=acme, user=cast.superuser(), role=OPERATOR)
    assert membership_of(person).role == MEMBER


def test_an_owner_appoints_approvers_and_does_not_decide(acme):
    owner, person = cast.owner(acme), cast.member(acme, MEMBER)
    role = OrganizationRole.APPROVER
    assert change_member_role(actor=owner.actor, membership=membership_of(person), role=role).role == role
