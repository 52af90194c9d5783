"""Credentials that are let to single CAs: what they may do there, and that there is nothing for them elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import policy
from accounts.grants import RIGHTS, GrantOrder
from accounts.models import ApiKey, Grant
from accounts.roles import OrganizationRole
from accounts.services.api_keys import NewApiKey, create_api_key
from accounts.services.credentials import authenticate_token
from accounts.services.organizations import change_member_role, remove_member
from accounts.services.people import actor_for_user
from kernel.actor import Actor
from kernel.errors import Denied, Unauthenticated
from kernel.permissions import Permission
from tests import cast
from tests.happened import last_event
from tests.office import Office, open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return open_office()


def make(office: Office, *grants: GrantOrder, **changes: object) -> NewApiKey:
    asked = {"organization": office.organization, "owner": office.person.user, "name": "ci", "grants": grants}
    return create_api_key(actor=office.owner, **(asked | changes))


def use(made: NewApiKey) -> Actor:
    return authenticate_token(made.token, ip="192.0.2.7")


def everything(ca_id: int) -> GrantOrder:
    return GrantOrder(ca_id, can_read=True, can_issue=True, can_revoke=True, can_export=True)


def may(actor: Actor, permission: Permission, ca_id: int | None) -> bool:
    try:
        policy.require(actor, permission, organization_id=actor.organization_id, ca_id=ca_id)
    except Denied:
        return False
    return True


# --- what it is -------------------------------------------------------------------------------------------------------


@pytest.mark.row("C26")
def test_a_key_of_listed_cas_begins_with_cm(office):
    made = make(office, GrantOrder(office.issuing.pk))
    assert re.fullmatch(r"cm_[A-Za-z0-9]{32}", made.token.reveal().decode())
    assert (made.row.kind, made.row.permissions) == (ApiKey.Kind.PER_CA, [])


def test_it_costs_one_query_however_many_cas(office):
    made = make(office, everything(office.issuing.pk), everything(office.root.pk))
    use(made)
    with CaptureQueriesContext(connection) as queries:
        actor = use(made)
    assert len(queries) == 1
    assert {grant.ca_id for grant in actor.grants or ()} == {office.issuing.pk, office.root.pk}


@pytest.mark.row("C21")
@pytest.mark.parametrize(("right", "allowed"), RIGHTS.items(), ids=RIGHTS)
def test_each_right_is_for_the_listed_ca_alone(office, right, allowed):
    chosen = replace(GrantOrder(office.issuing.pk), **{right: True})
    actor = use(make(office, chosen))
    assert allowed <= actor.permissions
    for permission in allowed:
        assert may(actor, permission, office.issuing.pk), permission
        assert not may(actor, permission, office.root.pk), permission
        assert not may(actor, permission, None), permission


@pytest.mark.parametrize("right", ["can_issue", "can_revoke"])
def test_who_may_do_one_thing_may_do_nothing_else(office, right):
    actor = use(make(office, GrantOrder(office.issuing.pk, **{"can_read": False, right: True})))
    assert actor.permissions == RIGHTS[right]


def test_what_is_not_about_a_ca_is_in_no_right():
    about_cas = {"cas", "roles", "templates", "certificates", "requests"}
    assert {permission.split(":")[0] for allowed in RIGHTS.values() for permission in allowed} == about_cas
    assert Permission.REQUESTS_DECIDE not in frozenset().union(*RIGHTS.values())


def test_a_door_lets_it_in_to_the_cas_where_it_has_the_right(office):
    made = make(office, GrantOrder(office.issuing.pk), GrantOrder(office.root.pk, can_read=False, can_issue=True))
    at_the_door = policy.narrowed(use(made), {Permission.CERTIFICATES_READ})
    assert [grant.ca_id for grant in at_the_door.grants or ()] == [office.issuing.pk]


# --- what it never has ------------------------------------------------------------------------------------------------


def test_it_has_no_right_that_its_owner_has_lost(office):
    actor = use(made := make(office, everything(office.issuing.pk)))
    assert may(actor, Permission.CERTIFICATES_REVOKE, office.issuing.pk)
    membership = office.person.user.memberships.get()
    cast.member(office.organization, OrganizationRole.OWNER, "second@acme.example")
    change_member_role(actor=cast.SUPERUSER, membership=membership, role=OrganizationRole.MEMBER)
    actor = use(made)
    assert may(actor, Permission.CERTIFICATES_ISSUE, office.issuing.pk)
    assert not may(actor, Permission.CERTIFICATES_RENEW, office.issuing.pk)
    assert not may(actor, Permission.CERTIFICATES_REVOKE, office.issuing.pk)
    remove_member(actor=cast.SUPERUSER, membership=membership)
    with refused(Unauthenticated, "invalid-token"):
        use(made)


def test_nobody_gives_at_a_ca_what_they_have_not(office):
    operator = cast.member(office.organization, OrganizationRole.OPERATOR)
    operator.user.memberships.update(capabilities=[Permission.API_KEYS_WRITE])
    actor = actor_for_user(operator.user)
    create_api_key(
        actor=actor,
        organization=office.organization,
        owner=operator.user,
        name="ci",
        grants=[replace(everything(office.issuing.pk), can_export=False)],
    )
    with refused(Denied):
        make(office, everything(office.issuing.pk), owner=operator.user)


def test_a_key_without_grants_may_do_nothing(office):
    made = make(office, GrantOrder(office.issuing.pk))
    Grant.objects.all().delete()
    actor = use(made)
    assert (actor.grants, actor.permissions) == ((), frozenset())


# --- what is asked for ------------------------------------------------------------------------------------------------


def test_every_wrong_grant_is_told(office):
    elsewhere = open_office("Umbrella").issuing.pk
    with invalid(
        ("grants[0].ca_id", "ca-not-found"),
        ("grants[2].ca_id", "named-twice"),
        ("grants[3]", "required"),
        ("grants[4].ca_id", "named-twice"),
        ("grants[4].can_export", "contradiction"),
        ("permissions", "contradiction"),
    ):
        make(
            office,
            GrantOrder(elsewhere),
            GrantOrder(office.issuing.pk),
            GrantOrder(office.issuing.pk),
            GrantOrder(office.root.pk, can_read=False),
            replace(GrantOrder(office.root.pk), can_read=False, can_issue=True, can_export=True),
            permissions=[Permission.CERTIFICATES_READ],
        )


def test_it_is_let_to_one_ca_at_least(office):
    with invalid(("grants", "required")):
        make(office)


@pytest.mark.django_db(transaction=True)
def test_the_database_lets_no_key_to_the_ca_of_another_organization(office):
    made, elsewhere = make(office, GrantOrder(office.issuing.pk)), open_office("Umbrella").issuing
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.filter(api_key=made.row).update(ca=elsewhere)
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.filter(api_key=made.row).update(api_key=None)


def test_the_log_says_what_was_given(office):
    made = make(office, GrantOrder(office.issuing.pk, can_revoke=True))
    told = last_event().document
    assert (told["event"], told["resource"]["id"]) == ("api_key.created", made.row.pk)
    given = sorted(RIGHTS["can_read"] | RIGHTS["can_revoke"])
    assert told["metadata"]["grants"] == [{"ca": office.issuing.pk, "permissions": given}]
