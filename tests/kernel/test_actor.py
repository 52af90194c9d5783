"""Who asks, and what a grant covers."""

from __future__ import annotations

import dataclasses

import pytest

from kernel.actor import SYSTEM, Actor, ActorKind
from kernel.permissions import Grant, Permission

ALICE = Actor(kind=ActorKind.USER, id=3, label="alice", organization_id=1, permissions=frozenset())


def test_an_actor_never_changes():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ALICE.organization_id = 2


def test_actors_of_different_kinds_are_never_taken_for_each_other():
    robot = dataclasses.replace(ALICE, kind=ActorKind.API_KEY)
    assert (ALICE.pk, robot.pk) == ("user:3", "api_key:3")
    assert robot != ALICE


def test_the_system_may_publish_and_seal_and_nothing_else():
    assert SYSTEM.permissions == {Permission.CRLS_PUBLISH, Permission.AUDIT_SEAL}
    assert not SYSTEM.is_superuser
    assert SYSTEM.person_id is None


@pytest.mark.parametrize(
    ("permission", "ca_id", "covered"),
    [
        (Permission.CERTIFICATES_ISSUE, 7, True),
        (Permission.CERTIFICATES_ISSUE, 8, False),
        (Permission.CERTIFICATES_REVOKE, 7, False),
    ],
    ids=["its CA, its permission", "another CA", "another permission"],
)
def test_a_grant_covers_its_permissions_at_its_ca(permission, ca_id, covered):
    grant = Grant(7, frozenset({Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_READ}))
    assert grant.covers(permission, ca_id) is covered


def test_permission_names_are_what_api_keys_are_made_of():
    assert all(permission.value == permission.value.lower() for permission in Permission)
    assert all(permission.value.count(":") == 1 for permission in Permission)
