"""Nobody gets further by what they make than they were let themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership
from accounts.roles import PERMISSIONS, OrganizationRole
from accounts.services.api_keys import create_api_key
from accounts.services.credentials import authenticate_token
from accounts.services.organizations import change_member_role, remove_member
from kernel.actor import Actor
from kernel.errors import Denied
from kernel.permissions import Permission
from tests import cast
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

MAKE = Permission.API_KEYS_WRITE
END = timezone.now() + timedelta(days=7)
HOME = "10.1.0.0/16"


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization())


def bound_robot(owner: cast.Person, **limits: object) -> Actor:
    """A key that may make keys, within limits."""
    made = create_api_key(
        actor=owner.actor, organization=owner.organization, owner=owner.user, name="robot", permissions=[MAKE], **limits
    )
    return authenticate_token(made.token, ip="10.1.2.3")


def make(robot: Actor, owner: cast.Person, **limits: object) -> None:
    create_api_key(
        actor=robot, organization=owner.organization, owner=owner.user, name="child", permissions=[MAKE], **limits
    )


BEYOND = {
    "for ever": ({"expires_at": END}, {}, "expires_at"),
    "a moment longer": ({"expires_at": END}, {"expires_at": END + timedelta(seconds=1)}, "expires_at"),
    "from anywhere": ({"allowed_cidrs": [HOME]}, {}, "allowed_cidrs"),
    "from a wider range": ({"allowed_cidrs": [HOME]}, {"allowed_cidrs": ["10.0.0.0/8"]}, "allowed_cidrs"),
    "from elsewhere too": ({"allowed_cidrs": [HOME]}, {"allowed_cidrs": [HOME, "192.0.2.0/24"]}, "allowed_cidrs"),
    "from all of IPv6": ({"allowed_cidrs": [HOME]}, {"allowed_cidrs": ["::/0"]}, "allowed_cidrs"),
}


@pytest.mark.parametrize(("own", "wanted", "field"), BEYOND.values(), ids=BEYOND)
def test_a_key_makes_none_with_wider_limits(owner, own, wanted, field):
    robot = bound_robot(owner, **own)
    with invalid((field, "beyond-maker")):
        make(robot, owner, **wanted)


WITHIN = {
    "no limits": ({}, {}),
    "the same end": ({"expires_at": END}, {"expires_at": END}),
    "an earlier end": ({"expires_at": END}, {"expires_at": END - timedelta(days=1)}),
    "the same range": ({"allowed_cidrs": [HOME]}, {"allowed_cidrs": [HOME]}),
    "parts of the range": ({"allowed_cidrs": [HOME]}, {"allowed_cidrs": ["10.1.2.0/24", "10.1.3.4/32"]}),
    "that range, as IPv6 says it": ({"allowed_cidrs": [HOME]}, {"allowed_cidrs": ["::ffff:10.1.2.0/120"]}),
}


@pytest.mark.parametrize(("own", "wanted"), WITHIN.values(), ids=WITHIN)
def test_a_key_makes_others_within_its_limits(owner, own, wanted):
    make(bound_robot(owner, **own), owner, **wanted)


def test_a_person_is_bound_by_none_of_their_keys(owner):
    bound_robot(owner, expires_at=END)
    make(owner.actor, owner)


def test_who_may_choose_members_throws_out_none_who_can_do_more(owner):
    other = cast.member(owner.organization, OrganizationRole.OWNER, email="second@acme.example")
    robot = cast.robot(owner, PERMISSIONS[OrganizationRole.MEMBER] | {Permission.MEMBERS_WRITE})
    row = Membership.objects.get(user=other.user)
    with refused(Denied):
        remove_member(actor=robot, membership=row)
    with refused(Denied):
        change_member_role(actor=robot, membership=row, role=OrganizationRole.MEMBER)
    row.refresh_from_db()
    assert row.role == OrganizationRole.OWNER


def test_who_may_choose_members_chooses_among_those_who_can_do_no_more(owner):
    other = cast.member(owner.organization, OrganizationRole.APPROVER)
    robot = cast.robot(owner, PERMISSIONS[OrganizationRole.MEMBER] | {Permission.MEMBERS_WRITE})
    row = Membership.objects.get(user=other.user)
    change_member_role(actor=robot, membership=row, role=OrganizationRole.MEMBER)
    remove_member(actor=robot, membership=row)
    assert not Membership.objects.filter(user=other.user).exists()
