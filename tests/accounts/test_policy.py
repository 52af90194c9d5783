"""`holds()` at the door and `require()` at the object: who may do what to whose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts import policy
from accounts.roles import ORGANIZATION_PERMISSIONS, PERMISSIONS, OrganizationRole
from kernel.actor import SYSTEM, Actor, ActorKind
from kernel.errors import Denied
from kernel.permissions import Grant, Permission

ISSUE = Permission.CERTIFICATES_ISSUE
REVOKE = Permission.CERTIFICATES_REVOKE
HERE, ELSEWHERE = 1, 2
CA, OTHER_CA = 10, 11

MEMBER = Actor(kind=ActorKind.USER, id=1, label="member", organization_id=HERE, permissions=frozenset({ISSUE}))
NOBODY = replace(MEMBER, organization_id=None)
SUPERUSER = replace(NOBODY, is_superuser=True)
SUPERUSER_HERE = replace(SUPERUSER, organization_id=HERE)
WEAK_SUPERUSER = replace(SUPERUSER, permissions=frozenset())
GRANTED = replace(MEMBER, grants=(Grant(CA, frozenset({ISSUE})),))
REVOKER_OF_OTHER = replace(
    MEMBER,
    permissions=frozenset({ISSUE, REVOKE}),
    grants=(Grant(CA, frozenset({ISSUE})), Grant(OTHER_CA, frozenset({REVOKE}))),
)
GRANTED_NOTHING = replace(MEMBER, grants=())

CASES = {
    "a member at home": (MEMBER, ISSUE, HERE, None, True),
    "a member at home, at a CA": (MEMBER, ISSUE, HERE, CA, True),
    "a member abroad": (MEMBER, ISSUE, ELSEWHERE, None, False),
    "a member, for the whole system": (MEMBER, ISSUE, None, None, False),
    "a member without the permission": (MEMBER, REVOKE, HERE, None, False),
    "somebody without an organization": (NOBODY, ISSUE, HERE, None, False),
    "somebody without an organization, for the whole system": (NOBODY, ISSUE, None, None, False),
    "a superuser above all": (SUPERUSER, ISSUE, ELSEWHERE, None, True),
    "a superuser inside one organization, there": (SUPERUSER_HERE, ISSUE, HERE, None, True),
    "a superuser inside one organization, elsewhere": (SUPERUSER_HERE, ISSUE, ELSEWHERE, None, False),
    "a superuser is no permission by himself": (WEAK_SUPERUSER, ISSUE, HERE, None, False),
    "the system publishes anywhere": (SYSTEM, Permission.CRLS_PUBLISH, ELSEWHERE, CA, True),
    "the system issues nowhere": (SYSTEM, ISSUE, HERE, CA, False),
    "a grant at its CA": (GRANTED, ISSUE, HERE, CA, True),
    "a grant at another CA": (GRANTED, ISSUE, HERE, OTHER_CA, False),
    "a grant, of the organization": (GRANTED, ISSUE, HERE, None, False),
    "a grant at its CA, abroad": (GRANTED, ISSUE, ELSEWHERE, CA, False),
    "a grant for something else": (REVOKER_OF_OTHER, REVOKE, HERE, CA, False),
    "no grants at all": (GRANTED_NOTHING, ISSUE, HERE, CA, False),
}


@pytest.mark.parametrize(("actor", "permission", "organization_id", "ca_id", "may"), CASES.values(), ids=CASES)
def test_require(actor, permission, organization_id, ca_id, may):
    if may:
        policy.require(actor, permission, organization_id=organization_id, ca_id=ca_id)
    else:
        with pytest.raises(Denied, match=permission.value):
            policy.require(actor, permission, organization_id=organization_id, ca_id=ca_id)


def test_at_the_door_only_the_permission_counts():
    assert policy.holds(NOBODY, ISSUE)
    assert policy.holds(GRANTED_NOTHING, ISSUE)
    assert not policy.holds(MEMBER, REVOKE)


def test_every_role_has_its_permissions():
    assert set(PERMISSIONS) == set(OrganizationRole.values)
    assert all(permissions <= ORGANIZATION_PERMISSIONS for permissions in PERMISSIONS.values())


@pytest.mark.parametrize("role", OrganizationRole.values)
def test_only_approvers_decide(role):
    assert (Permission.REQUESTS_DECIDE in PERMISSIONS[role]) is (role == OrganizationRole.APPROVER)


@pytest.mark.parametrize("role", OrganizationRole.values)
def test_nobody_seals_the_log_by_a_role(role):
    assert Permission.AUDIT_SEAL not in PERMISSIONS[role]


@pytest.mark.parametrize("role", [OrganizationRole.APPROVER, OrganizationRole.AUDITOR])
def test_who_watches_does_not_issue(role):
    assert not PERMISSIONS[role] & {ISSUE, REVOKE, Permission.CAS_CREATE, Permission.CERTIFICATES_EXPORT_KEY}


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OrganizationRole.OWNER])
def test_only_owners_take_private_keys_out(role):
    assert Permission.CERTIFICATES_EXPORT_KEY not in PERMISSIONS[role]
