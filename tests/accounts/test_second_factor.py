"""Second factors: one's own, sealed at rest, told of, and the end of every other session."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.webauthn.internal.auth import begin_registration

from accounts.models import Organization, User
from accounts.services.organizations import set_second_factor_rule
from accounts.services.second_factor import (
    add_authenticator_app,
    add_passkey,
    factors_of,
    is_missing,
    make_recovery_codes,
    recovery_codes_left,
    remove_second_factor,
    reset_second_factor,
)
from kernel.errors import Conflict, Denied, NotFound
from kernel.secret import Secret
from tests import cast
from tests.architecture.people import at_a_page, code_of
from tests.passkeys import SoftPasskey
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return cast.owner(cast.organization())


def add_app(person: cast.Person) -> str:
    secret = generate_totp_secret()
    add_authenticator_app(actor=person.actor, user=person.user, secret=Secret(secret), code=code_of(secret))
    return secret


def make_passkey(person: cast.Person, **changes: object) -> None:
    with at_a_page(person.user):
        credential = SoftPasskey(**changes).create(begin_registration(person.user, passwordless=True))
        add_passkey(actor=person.actor, user=person.user, name="laptop", credential=credential)


def test_nobody_changes_another_s(owner):
    stranger, robot = cast.stranger(), cast.robot(owner)
    add_app(owner)
    number = factors_of(owner.user)[0].pk
    for actor in (stranger.actor, robot, cast.SUPERUSER):
        with refused(Denied):
            remove_second_factor(actor=actor, user=owner.user, number=number)
        with refused(Denied):
            make_recovery_codes(actor=actor, user=owner.user)
    with refused(NotFound, "second-factor-not-found"):
        remove_second_factor(actor=stranger.actor, user=stranger.user, number=number)


def test_a_secret_is_sealed_in_the_database(owner):
    secret = add_app(owner)
    (row,) = factors_of(owner.user)
    assert secret not in str(row.data)
    assert row.wrap().validate_code(code_of(secret))


def test_a_code_is_good_once(owner):
    secret = add_app(owner)
    (row,) = factors_of(owner.user)
    code = code_of(secret)
    assert row.wrap().validate_code(code)
    assert not row.wrap().validate_code(code)


def test_an_app_with_the_wrong_code_is_not_added(owner):
    secret = Secret(generate_totp_secret())
    with invalid(("code", "wrong")):
        add_authenticator_app(actor=owner.actor, user=owner.user, secret=secret, code="000000x")
    assert not factors_of(owner.user)


def test_there_is_one_app(owner):
    add_app(owner)
    with refused(Conflict, "second-factor-exists"):
        add_app(owner)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"origin": "https://evil.example"}, id="of another site"),
        pytest.param({"origin": "http://localhost.evil.example"}, id="of a site that begins like ours"),
    ],
)
def test_a_passkey_that_is_not_for_us_is_not_added(owner, changes):
    with invalid(("credential", "invalid")):
        make_passkey(owner, **changes)


@pytest.mark.parametrize(
    "credential", [{}, {"id": 1}, {"response": []}, {"id": "x", "response": {"clientDataJSON": 5}}]
)
def test_nonsense_is_no_passkey(owner, credential):
    with at_a_page(owner.user), invalid(("credential", "invalid")):
        add_passkey(actor=owner.actor, user=owner.user, name="x", credential=credential)


def test_a_challenge_is_good_once(owner):
    with at_a_page(owner.user):
        credential = SoftPasskey().create(begin_registration(owner.user, passwordless=True))
        add_passkey(actor=owner.actor, user=owner.user, name="laptop", credential=credential)
        with invalid(("credential", "invalid")):
            add_passkey(actor=owner.actor, user=owner.user, name="again", credential=credential)


def test_recovery_codes_come_ten_at_a_time_and_each_is_good_once(owner):
    add_app(owner)
    codes = [code.reveal().decode() for code in make_recovery_codes(actor=owner.actor, user=owner.user)]
    row = Authenticator.objects.get(type="recovery_codes")
    assert len(set(codes)) == 10
    assert not any(code in str(row.data) for code in codes)
    assert row.wrap().validate_code(codes[3])
    assert not row.wrap().validate_code(codes[3])
    assert recovery_codes_left(owner.user) == 9


def test_new_codes_end_the_old_ones(owner):
    add_app(owner)
    old = make_recovery_codes(actor=owner.actor, user=owner.user)[0].reveal().decode()
    make_recovery_codes(actor=owner.actor, user=owner.user)
    assert not Authenticator.objects.get(type="recovery_codes").wrap().validate_code(old)


def test_without_a_second_factor_there_are_no_recovery_codes(owner):
    with refused(Conflict, "second-factor-missing"):
        make_recovery_codes(actor=owner.actor, user=owner.user)
    add_app(owner)
    make_recovery_codes(actor=owner.actor, user=owner.user)
    remove_second_factor(actor=owner.actor, user=owner.user, number=factors_of(owner.user)[0].pk)
    assert not Authenticator.objects.filter(user=owner.user).exists()


@pytest.mark.parametrize("change", [add_app, make_passkey])
def test_every_session_ends_with_a_change(owner, change):
    before = owner.user.get_session_auth_hash()
    change(owner)
    assert User.objects.get(pk=owner.user.pk).get_session_auth_hash() != before


def test_a_superuser_helps_who_has_lost_theirs_and_not_themselves(owner):
    add_app(owner)
    reset_second_factor(actor=cast.SUPERUSER, user=owner.user)
    assert not factors_of(owner.user)
    with refused(Denied):
        reset_second_factor(actor=owner.actor, user=cast.member(owner.organization, "member").user)


class TestWhoNeedsOne:
    @pytest.mark.parametrize(
        ("rule", "role", "missing"),
        [
            ("optional", "owner", False),
            ("owners", "owner", True),
            ("owners", "operator", False),
            ("everyone", "operator", True),
        ],
    )
    def test_the_organization_says(self, owner, rule, role, missing):
        set_second_factor_rule(actor=owner.actor, organization=owner.organization, rule=rule)
        person = owner if role == "owner" else cast.member(owner.organization, role)
        assert is_missing(person.user) is missing
        add_app(person)
        assert is_missing(person.user) is False

    def test_recovery_codes_alone_are_none(self, owner):
        set_second_factor_rule(actor=owner.actor, organization=owner.organization, rule="everyone")
        Authenticator.objects.create(user=owner.user, type="recovery_codes", data={"seed": "", "used_mask": 0})
        assert is_missing(owner.user)

    def test_the_installation_says_for_superusers(self, settings):
        root = cast.superuser()
        assert is_missing(root) is False
        settings.SUPERUSERS_NEED_SECOND_FACTOR = True
        assert is_missing(root) is True

    def test_a_stranger_changes_no_rule(self, owner):
        with refused(Denied):
            set_second_factor_rule(actor=cast.stranger().actor, organization=owner.organization, rule="everyone")
        assert Organization.objects.get(pk=owner.organization.pk).second_factor == "optional"

    def test_an_unknown_rule_is_none(self, owner):
        with invalid(("second_factor", "invalid")):
            set_second_factor_rule(actor=owner.actor, organization=owner.organization, rule="sometimes")
