"""People from elsewhere: known by issuer and subject alone, in one organization, and never as more than was meant."""

from __future__ import annotations

import pytest

from accounts.models import ExternalIdentity, Membership, SignInProvider, User
from accounts.selectors import get_sign_in_provider, sign_in_providers
from accounts.services.credentials import authenticate_token
from accounts.services.custom_roles import create_custom_role, update_custom_role
from accounts.services.external_identities import bind_identity, delete_identity, recognize
from accounts.services.organizations import add_member, change_member_role
from accounts.services.people import actor_for_user, disable_user
from accounts.services.sign_in_providers import (
    ProviderOrder,
    client_secret_of,
    create_sign_in_provider,
    delete_sign_in_provider,
    update_sign_in_provider,
)
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, NotFound, Unauthenticated
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

ISSUER = "https://id.example.com"
NOBODY = Actor(kind=ActorKind.USER, id=0, label="", organization_id=None, permissions=frozenset())
SECRET = Secret("canary of the client")
BY_GROUP = ProviderOrder(
    name="Example ID",
    role_claim="groups",
    role_map={"pki-operators": "operator", "pki-auditors": "auditor"},
    makes_members=True,
)


@pytest.fixture
def owner():
    return cast.owner(cast.organization())


def configure(owner, order: ProviderOrder = BY_GROUP, issuer: str = ISSUER) -> SignInProvider:
    return create_sign_in_provider(
        actor=owner.actor,
        organization=owner.organization,
        issuer=issuer,
        client_id="chancery",
        client_secret=SECRET,
        order=order,
    )


def claims(sub: str = "248289761001", *groups: str, **more: object) -> dict[str, object]:
    return {"sub": sub, "email": f"{sub}@elsewhere.example", "groups": list(groups), **more}


def enter(provider: SignInProvider, *args: str, **more: object) -> User:
    return recognize(actor=NOBODY, provider=provider, claims=claims(*args, **more))


def unknown():
    return refused(Denied, "identity-unknown")


def bind(owner, person, subject: str = "1", issuer: str = ISSUER) -> ExternalIdentity:
    membership = Membership.objects.get(user=person.user, organization=owner.organization)
    return bind_identity(actor=owner.actor, membership=membership, issuer=issuer, subject=subject)


class TestStrangers:
    def test_one_sees_no_provider_and_changes_none(self, owner):
        row, stranger = configure(owner), cast.stranger()
        assert not sign_in_providers(visible_to=stranger.actor).exists()
        with refused(NotFound, "sign-in-provider-not-found"):
            get_sign_in_provider(Ref("pk", row.pk), visible_to=stranger.actor)
        for attempt in (
            lambda: update_sign_in_provider(actor=stranger.actor, provider=row, order=BY_GROUP),
            lambda: delete_sign_in_provider(actor=stranger.actor, provider=row),
            lambda: configure(cast.Person(stranger.user, owner.organization, stranger.actor)),
            lambda: bind_identity(
                actor=stranger.actor, membership=Membership.objects.get(user=owner.user), issuer=ISSUER, subject="1"
            ),
        ):
            with refused(Denied):
                attempt()

    def test_the_same_subject_is_somebody_else_in_another_organization(self, owner):
        stranger = cast.stranger()
        here = enter(configure(owner), "1", "pki-operators")
        there = enter(configure(stranger), "1", "pki-operators", email="other@elsewhere.example")
        assert here != there
        assert actor_for_user(there).organization_id == stranger.organization.pk

    def test_a_provider_of_one_organization_lets_nobody_into_another(self, owner):
        stranger = cast.stranger()
        bind(stranger, stranger, "1")
        with unknown():
            enter(configure(owner), "1")


class TestNewcomers:
    def test_one_becomes_a_member_with_the_role_of_the_claim(self, owner):
        user = enter(configure(owner), "1", "staff", "pki-auditors", name="Jane Doe")
        assert (user.name, user.managed_by, user.has_usable_password()) == ("Jane Doe", owner.organization, False)
        assert Membership.objects.get(user=user).role == "auditor"
        assert ExternalIdentity.objects.get(user=user).is_bound_by_hand is False

    def test_it_is_the_same_person_next_time_whatever_the_address_is_then(self, owner):
        provider = configure(owner)
        first = enter(provider, "1", "pki-auditors")
        assert enter(provider, "1", "pki-auditors", email="married@elsewhere.example") == first
        assert User.objects.filter(managed_by=owner.organization).count() == 1

    @pytest.mark.parametrize("email", ["owner@acme.example", "OWNER@acme.example"])
    def test_an_address_makes_nobody_of_whom_it_belongs_to(self, owner, email):
        with unknown():
            enter(configure(owner), "1", "pki-operators", email=email, email_verified=True)
        assert not ExternalIdentity.objects.exists()

    @pytest.mark.parametrize("more", [{"email": None}, {"email": ["a@b.example"]}, {"email": "none"}])
    def test_without_an_address_nobody_is_made(self, owner, more):
        with unknown():
            enter(configure(owner), "1", "pki-operators", **more)

    @pytest.mark.parametrize("sub", [None, "", 1, ["1"], "x" * 256])
    def test_without_a_subject_nobody_is_known(self, owner, sub):
        with unknown():
            recognize(actor=NOBODY, provider=configure(owner), claims=claims() | {"sub": sub})

    def test_where_nobody_is_made_only_who_was_bound_is_known(self, owner):
        provider = configure(owner, ProviderOrder(name="Example ID", default_role="member"))
        with unknown():
            enter(provider, "1")
        person = cast.member(owner.organization, "member")
        bind(owner, person)
        assert enter(provider, "1") == person.user

    def test_a_claim_may_stand_deeper(self, owner):
        order = ProviderOrder(
            name="Deep", role_claim="realm_access.roles", role_map={"ops": "operator"}, makes_members=True
        )
        user = enter(configure(owner, order), "1", realm_access={"roles": ["ops"]})
        assert Membership.objects.get(user=user).role == "operator"

    def test_such_a_person_belongs_to_no_other_organization(self, owner):
        user, stranger = enter(configure(owner), "1", "pki-operators"), cast.stranger()
        with refused(Denied):
            add_member(actor=stranger.actor, organization=stranger.organization, user=user, role="member")


class TestRolesThatFollow:
    def test_another_group_is_another_role_and_none_is_the_end(self, owner):
        provider = configure(owner)
        user = enter(provider, "1", "pki-operators")
        enter(provider, "1", "pki-auditors")
        assert Membership.objects.get(user=user).role == "auditor"
        with unknown():
            enter(provider, "1")
        assert not Membership.objects.filter(user=user).exists()

    def test_keys_end_with_it(self, owner):
        keeper = create_custom_role(
            actor=owner.actor,
            organization=owner.organization,
            name="Robots",
            permissions=[Permission.CERTIFICATES_READ],
        )
        order = ProviderOrder(name="X", role_claim="groups", role_map={"bots": keeper.slug}, makes_members=True)
        provider = configure(owner, order)
        user = enter(provider, "1", "bots")
        person = cast.Person(user, owner.organization, owner.actor)
        _row, token = cast.api_key(person, [Permission.CERTIFICATES_READ])
        authenticate_token(Secret(token), ip=None)
        with unknown():
            enter(provider, "1")
        with refused(Unauthenticated):
            authenticate_token(Secret(token), ip=None)

    def test_a_disabled_person_stays_outside(self, owner):
        provider = configure(owner)
        disable_user(actor=cast.SUPERUSER, user=enter(provider, "1", "pki-operators"))
        with unknown():
            enter(provider, "1", "pki-operators")

    def test_a_provider_out_of_use_knows_nobody(self, owner):
        provider = configure(owner)
        enter(provider, "1", "pki-operators")
        provider.is_active = False
        with unknown():
            enter(provider, "1", "pki-operators")


class TestOwnersAndApprovers:
    @pytest.mark.parametrize("role", ["owner", "approver"])
    def test_no_claim_makes_one(self, owner, role):
        with invalid(("default_role", "only-by-hand")):
            configure(owner, ProviderOrder(name="X", default_role=role, makes_members=True))
        with invalid(("role_map.bosses", "only-by-hand")):
            configure(owner, ProviderOrder(name="X", role_claim="groups", role_map={"bosses": role}))

    def test_a_role_that_grows_into_one_is_given_no_more(self, owner):
        role = create_custom_role(
            actor=owner.actor, organization=owner.organization, name="Small", permissions=[Permission.REQUESTS_READ]
        )
        provider = configure(owner, ProviderOrder(name="X", default_role=role.slug, makes_members=True))
        enter(provider, "1")
        update_custom_role(actor=owner.actor, role=role, permissions=[Permission.REQUESTS_DECIDE])
        for subject in ("1", "2"):
            with unknown():
                enter(provider, subject)

    @pytest.mark.parametrize("role", ["owner", "approver"])
    def test_one_who_was_promoted_comes_in_only_when_bound(self, owner, role):
        provider = configure(owner)
        user = enter(provider, "1", "pki-operators")
        membership = Membership.objects.get(user=user)
        change_member_role(actor=owner.actor, membership=membership, role=role)
        with unknown():
            enter(provider, "1", "pki-operators")
        bind(owner, cast.Person(user, owner.organization, owner.actor), "1")
        assert enter(provider, "1", "pki-operators") == user
        assert Membership.objects.get(user=user).role == role

    def test_a_superuser_is_never_bound(self, owner):
        root = cast.superuser()
        add_member(actor=owner.actor, organization=owner.organization, user=root, role="member")
        with refused(Denied):
            bind(owner, cast.Person(root, owner.organization, owner.actor))

    def test_who_became_superuser_comes_in_by_no_provider(self, owner):
        provider, person = configure(owner), cast.member(owner.organization, "member")
        bind(owner, person)
        User.objects.filter(pk=person.user.pk).update(is_superuser=True)
        with unknown():
            enter(provider, "1")

    def test_nobody_binds_a_member_who_can_do_more_than_they_can(self, owner):
        robot = cast.robot(owner, [Permission.MEMBERS_WRITE])
        with refused(Denied):
            bind_identity(actor=robot, membership=Membership.objects.get(user=owner.user), issuer=ISSUER, subject="1")

    def test_an_identity_is_one_person_s(self, owner):
        bind(owner, owner, "1")
        with refused(Conflict, "external-identity-exists"):
            bind(owner, cast.member(owner.organization, "member"), "1")

    def test_an_identity_that_was_removed_is_unknown(self, owner):
        provider, person = configure(owner, ProviderOrder(name="X")), cast.member(owner.organization, "member")
        delete_identity(actor=owner.actor, identity=bind(owner, person))
        with unknown():
            enter(provider, "1")


class TestConfiguration:
    def test_the_secret_is_sealed_for_its_row(self, owner):
        row = configure(owner)
        assert client_secret_of(SignInProvider.objects.get()) == SECRET
        assert SECRET.reveal() not in bytes(row.sealed_secret)

    def test_it_stays_where_none_is_given(self, owner):
        row = configure(owner)
        update_sign_in_provider(actor=owner.actor, provider=row, order=BY_GROUP)
        assert client_secret_of(SignInProvider.objects.get()) == SECRET

    @pytest.mark.parametrize(
        "issuer",
        [
            "http://id.example.com",
            "ftp://id.example.com",
            "https://",
            "https://user@id.example.com",
            "https://id.example.com?x=1",
            "https://id.example.com#x",
            "https://[::1",
            "javascript:alert(1)",
            "id.example.com",
        ],
    )
    def test_an_issuer_is_an_address_with_tls(self, owner, issuer):
        with invalid(("issuer", "invalid")):
            configure(owner, issuer=issuer)

    def test_one_on_this_machine_may_go_without_beside_a_chancery_without(self, owner, settings):
        settings.BASE_URL = "https://pki.example.com"
        with invalid(("issuer", "invalid")):
            configure(owner, issuer="http://localhost:9000")
        settings.BASE_URL = "http://localhost:8000"
        configure(owner, issuer="http://localhost:9000")

    def test_nobody_gives_a_role_that_can_do_more_than_they_can(self, owner):
        robot = cast.robot(owner, [Permission.ORGANIZATIONS_WRITE])
        with refused(Denied):
            configure(cast.Person(owner.user, owner.organization, robot))

    @pytest.mark.parametrize(
        ("order", "wrong"),
        [
            (ProviderOrder(name=" "), ("name", "required")),
            (ProviderOrder(name="X", role_map={"a": "member"}), ("role_claim", "required")),
            (ProviderOrder(name="X", makes_members=True), ("default_role", "required")),
            (ProviderOrder(name="X", default_role="king"), ("default_role", "unknown-role")),
        ],
    )
    def test_what_is_no_configuration(self, owner, order, wrong):
        with invalid(wrong):
            configure(owner, order)

    def test_a_client_of_an_issuer_is_configured_once(self, owner):
        configure(owner)
        with refused(Conflict, "sign-in-provider-exists"):
            configure(owner)
