"""API keys: shown once, never more than their maker and their owner, refused in one voice."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiKey, Membership, User
from accounts.roles import ORGANIZATION_PERMISSIONS, PERMISSIONS, OrganizationRole
from accounts.selectors import api_keys, get_api_key
from accounts.services.api_keys import NewApiKey, create_api_key, revoke_api_key
from accounts.services.credentials import authenticate_token
from accounts.services.organizations import change_member_role, remove_member
from accounts.services.people import actor_for_user
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, NotFound, Unauthenticated
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.happened import last_event
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

READ, ISSUE = Permission.CERTIFICATES_READ, Permission.CERTIFICATES_ISSUE
DECIDE = Permission.REQUESTS_DECIDE
SECOND = timedelta(seconds=1)
HOME = "192.0.2.7"


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization("ACME"))


def make(person: cast.Person, actor: Actor | None = None, **changes: object) -> NewApiKey:
    asked = {"organization": person.organization, "owner": person.user, "name": "ci", "permissions": [READ]}
    return create_api_key(actor=actor or person.actor, **(asked | changes))


def use(made: NewApiKey, ip: str | None = HOME) -> Actor:
    return authenticate_token(made.token, ip=ip, trace_id="01TRACE")


# --- the stranger -----------------------------------------------------------------------------------------------------


def test_a_stranger_neither_sees_nor_makes_nor_revokes(owner):
    stranger = cast.stranger()
    key = make(owner).row
    assert list(api_keys(visible_to=stranger.actor)) == []
    with refused(NotFound, "api-key-not-found"):
        get_api_key(Ref("pk", key.pk), visible_to=stranger.actor)
    with refused(Denied):
        revoke_api_key(actor=stranger.actor, key=key)
    with refused(Denied):
        make(owner, actor=stranger.actor)
    with refused(Denied):
        make(stranger, owner=owner.user)
    assert list(api_keys(visible_to=owner.actor)) == [key]


# --- the token --------------------------------------------------------------------------------------------------------


def test_a_token_is_pkf_and_32_letters_and_digits(owner):
    assert re.fullmatch(r"pkf_[A-Za-z0-9]{32}", make(owner).token.reveal().decode())


def test_no_two_tokens_are_alike(owner):
    assert len({tokens.mint("pkf").token.reveal() for _ in range(100)}) == 100


def test_the_row_keeps_neither_the_token_nor_a_plain_hash_of_it(owner):
    made = make(owner)
    made.row.refresh_from_db()
    digest = bytes(made.row.digest)
    assert made.token.reveal().startswith(made.row.prefix.encode())
    assert len(made.row.prefix) < 16
    assert digest != tokens.digest(made.token, Secret(b""))
    assert digest != tokens.digest(made.token, Secret(b"\x00" * 32))


TOKENS = {
    "nothing": "",
    "the prefix": "pkf_",
    "too short": "pkf_" + "a" * 31,
    "too long": "pkf_" + "a" * 33,
    "another kind": "cmk_" + "a" * 32,
    "another sign": "pkf_" + "a" * 31 + "-",
    "letters of another script": "pkf_" + "ä" * 32,
    "a NUL": "pkf_" + "a" * 31 + "\0",
    "no underscore": "pkf" + "a" * 33,
    "an upper-case kind": "PKF_" + "a" * 32,
}


@pytest.mark.parametrize("text", TOKENS.values(), ids=TOKENS)
def test_what_cannot_be_a_token_is_not_looked_for(text):
    assert tokens.lookup_prefix(text) is None
    with refused(Unauthenticated, "invalid-token"):
        authenticate_token(Secret(text), ip=HOME)


@pytest.mark.parametrize("position", [0, 5, 11, 12, 20, 35])
def test_every_letter_of_a_token_counts(owner, position):
    made = make(owner)
    text = bytearray(made.token.reveal())
    text[position] = ord("x" if chr(text[position]) != "x" else "y")
    with refused(Unauthenticated, "invalid-token"):
        authenticate_token(Secret(bytes(text)), ip=HOME)


def test_bytes_that_are_no_text_are_no_token():
    with refused(Unauthenticated, "invalid-token"):
        authenticate_token(Secret(b"pkf_" + b"\xff" * 32), ip=HOME)


# --- making one -------------------------------------------------------------------------------------------------------


def test_every_wrong_field_is_listed(owner):
    with invalid(
        ("name", "required"),
        ("permissions[1]", "unknown-permission"),
        ("permissions[2]", "unknown-permission"),
        ("allowed_cidrs[0]", "invalid"),
        ("allowed_cidrs[2]", "invalid"),
        ("expires_at", "in-the-past"),
    ):
        make(
            owner,
            name="  ",
            permissions=[READ, "certificates:everything", Permission.AUDIT_SEAL],
            allowed_cidrs=["10.0.0.1/8", "10.0.0.0/8", "office"],
            expires_at=timezone.now() - SECOND,
        )


def test_a_key_of_no_permissions_is_refused(owner):
    with invalid(("permissions", "required")):
        make(owner, permissions=[])


def test_a_key_can_do_no_more_than_its_owner(owner):
    member = cast.member(owner.organization, OrganizationRole.MEMBER)
    assert make(owner, owner=member.user, permissions=[READ, ISSUE]).row.owner == member.user
    with refused(Denied):
        make(owner, owner=member.user, permissions=[READ, Permission.CERTIFICATES_REVOKE])


def test_a_key_can_do_no_more_than_its_maker(owner):
    approver = cast.member(owner.organization, OrganizationRole.APPROVER)
    with refused(Denied):
        make(owner, owner=approver.user, permissions=[ISSUE])
    robot = use(make(owner, permissions=[Permission.API_KEYS_WRITE, READ]))
    assert make(owner, actor=robot, permissions=[READ]).row.permissions == [READ]
    with refused(Denied):
        make(owner, actor=robot, permissions=[READ, ISSUE])


def test_only_members_own_keys(owner):
    guest = cast.stranger()
    with refused(Denied):
        make(owner, owner=guest.user)


# --- who made it ------------------------------------------------------------------------------------------------------


@pytest.fixture
def approver(owner) -> cast.Person:
    """Somebody who decides, and who may make keys."""
    person = cast.member(owner.organization, OrganizationRole.APPROVER)
    Membership.objects.filter(user=person.user).update(capabilities=[Permission.API_KEYS_WRITE])
    return replace(person, actor=actor_for_user(person.user))


def boss(owner: cast.Person) -> Actor:
    return actor_for_user(cast.superuser(), organization=owner.organization)


def test_who_will_own_a_key_makes_one_that_decides(approver):
    actor = use(make(approver, permissions=[DECIDE]))
    assert (actor.permissions, actor.person_id, actor.maker_id) == ({DECIDE}, approver.user.pk, None)


MAKERS = {
    "a superuser": boss,
    "the console": lambda _owner: cast.SUPERUSER,
    "a key of a superuser": lambda owner: use(
        make(
            owner, actor=boss(owner), owner=User.objects.get(is_superuser=True), permissions=[*ORGANIZATION_PERMISSIONS]
        )
    ),
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_nobody_makes_a_key_that_decides_in_the_name_of_another(owner, approver, maker):
    with invalid(("permissions", "owner-only")):
        make(approver, actor=maker(owner), permissions=[DECIDE, READ])


def test_a_key_that_another_has_made_is_the_makers_as_well(owner, approver):
    root = boss(owner)
    made = make(approver, actor=root, permissions=[READ, Permission.API_KEYS_WRITE])
    assert (made.row.owner, made.row.maker_id) == (approver.user, root.person_id)
    actor = use(made)
    assert (actor.person_id, actor.maker_id) == (approver.user.pk, root.person_id)
    second = make(approver, actor=actor, permissions=[READ])
    assert use(second).maker_id == root.person_id, "whoever has the first key can see what it makes"
    assert last_event().document["metadata"]["maker"] == root.person_id


@pytest.mark.parametrize("maker", ["a superuser", "nobody knows whom"])
def test_a_key_that_another_has_made_decides_nothing_whatever_stands_in_its_row(owner, approver, maker):
    made = make(approver, permissions=[DECIDE, READ])
    stranger = boss(owner).person_id if maker == "a superuser" else None
    ApiKey.objects.filter(pk=made.row.pk).update(maker=stranger)
    assert use(made).permissions == {READ}


# --- using one --------------------------------------------------------------------------------------------------------


def test_a_key_acts_with_its_own_permissions_for_its_owner(owner):
    made = make(owner, permissions=[ISSUE, READ, READ])
    actor = use(made)
    assert actor == Actor(
        kind=ActorKind.API_KEY,
        id=made.row.pk,
        label="ci",
        organization_id=owner.organization.pk,
        permissions=frozenset({ISSUE, READ}),
        person_id=owner.user.pk,
        ip=HOME,
        trace_id="01TRACE",
    )


def test_a_key_may_use_a_capability_of_its_owner(owner):
    member = cast.member(owner.organization, OrganizationRole.MEMBER)
    Membership.objects.filter(user=member.user).update(capabilities=[Permission.CERTIFICATES_REVOKE])
    made = make(owner, owner=member.user, permissions=[Permission.CERTIFICATES_REVOKE])
    assert use(made).permissions == {Permission.CERTIFICATES_REVOKE}


def test_the_key_of_a_superuser_is_bound_to_its_organization(owner):
    root = cast.superuser()
    own = actor_for_user(root, organization=owner.organization)
    actor = use(make(owner, actor=own, owner=root, permissions=[READ, DECIDE]))
    assert not actor.is_superuser
    assert actor.organization_id == owner.organization.pk
    assert actor.permissions == {READ, DECIDE}


def _revoke(key: ApiKey, owner: cast.Person) -> None:
    revoke_api_key(actor=owner.actor, key=key)


def _expire(key: ApiKey, owner: cast.Person) -> None:
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())


def _disable_owner(key: ApiKey, owner: cast.Person) -> None:
    User.objects.filter(pk=key.owner_id).update(is_active=False)


def _remove_owner(key: ApiKey, owner: cast.Person) -> None:
    remove_member(actor=owner.actor, membership=Membership.objects.get(user=key.owner_id))


ENDINGS = {
    "revoked": _revoke,
    "expired": _expire,
    "its owner is disabled": _disable_owner,
    "its owner is no member any more": _remove_owner,
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
def test_a_key_stops_at_once(owner, end: Callable[[ApiKey, cast.Person], None]):
    operator = cast.member(owner.organization, OrganizationRole.OPERATOR)
    made = make(owner, owner=operator.user)
    use(made)
    end(made.row, owner)
    with refused(Unauthenticated, "invalid-token"):
        use(made)


def test_a_key_loses_what_its_owner_loses(owner):
    operator = cast.member(owner.organization, OrganizationRole.OPERATOR)
    made = make(owner, owner=operator.user, permissions=[READ, ISSUE])
    membership = Membership.objects.get(user=operator.user)
    change_member_role(actor=owner.actor, membership=membership, role=OrganizationRole.AUDITOR)
    assert use(made).permissions == {READ}
    change_member_role(actor=owner.actor, membership=membership, role=OrganizationRole.OPERATOR)
    assert use(made).permissions == {READ, ISSUE}
    assert PERMISSIONS[OrganizationRole.OPERATOR] > {READ, ISSUE}


def test_a_key_that_ends_works_until_then(owner):
    assert use(make(owner, expires_at=timezone.now() + timedelta(minutes=1))).permissions == {READ}


def test_a_key_is_revoked_once(owner):
    made = make(owner)
    revoke_api_key(actor=owner.actor, key=made.row)
    with refused(Conflict, "already-revoked"):
        revoke_api_key(actor=owner.actor, key=made.row)


ADDRESSES = {
    "inside": (["192.0.2.0/24"], "192.0.2.7", True),
    "outside": (["192.0.2.0/24"], "192.0.3.7", False),
    "the one address": (["192.0.2.7"], "192.0.2.7", True),
    "one of several ranges": (["10.0.0.0/8", "192.0.2.0/24"], "192.0.2.7", True),
    "mapped into IPv6": (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
    "mapped into IPv6, outside": (["192.0.2.0/24"], "::ffff:10.0.0.1", False),
    "a mapped range": (["::ffff:192.0.2.0/120"], "192.0.2.7", True),
    "a mapped range, outside": (["::ffff:192.0.2.0/120"], "192.0.3.7", False),
    "IPv6 inside": (["2001:db8::/32"], "2001:db8::1", True),
    "IPv6 for an IPv4 range": (["0.0.0.0/0"], "2001:db8::1", False),
    "IPv4 for an IPv6 range": (["2001:db8::/32"], "192.0.2.7", False),
    "an address of a link": (["fe80::/10"], "fe80::1%eth0", True),
    "no address known": (["192.0.2.0/24"], None, False),
    "an empty address, as behind a socket": (["192.0.2.0/24"], "", False),
    "something that is no address": (["192.0.2.0/24"], "unix:", False),
    "no ranges, no address": ([], None, True),
}


@pytest.mark.parametrize(("ranges", "ip", "admitted"), ADDRESSES.values(), ids=ADDRESSES)
def test_a_key_works_from_its_addresses(owner, ranges, ip, admitted):
    made = make(owner, allowed_cidrs=ranges)
    if admitted:
        assert use(made, ip).ip == ip
    else:
        with refused(Unauthenticated, "invalid-token"):
            use(made, ip)


def test_its_last_use_is_noted_to_the_minute(owner):
    made = make(owner)
    use(made)
    made.row.refresh_from_db()
    first = made.row.last_used_at
    assert made.row.last_used_ip == HOME
    use(made, "192.0.2.8")
    made.row.refresh_from_db()
    assert made.row.last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    use(made, "192.0.2.8")
    made.row.refresh_from_db()
    assert made.row.last_used_at >= first
    assert made.row.last_used_ip == "192.0.2.8"


def test_a_refused_use_is_not_noted(owner):
    made = make(owner, allowed_cidrs=["10.0.0.0/8"])
    with refused(Unauthenticated):
        use(made)
    made.row.refresh_from_db()
    assert made.row.last_used_at is None
