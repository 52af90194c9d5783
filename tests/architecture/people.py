"""The calls and the events of services about people: how they come, sign in and go.

What has to be there first is made by services too, and told with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from allauth.core.context import request_context
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.webauthn.internal.auth import begin_registration
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.test import RequestFactory

from accounts.models import Membership, User
from accounts.services import (
    custom_roles,
    external_identities,
    invitations,
    organizations,
    passwords,
    people,
    second_factor,
    sessions,
    sign_in_providers,
)
from accounts.services.sign_in_providers import ProviderOrder
from kernel.actor import Actor, ActorKind
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import cast
from tests.passkeys import SoftPasskey

NOBODY = Actor(kind=ActorKind.USER, id=0, label="", organization_id=None, permissions=frozenset())
CLAIMS = {"sub": "248289761001", "email": "jane@elsewhere.example", "name": "Jane Doe"}
NEW_PASSWORD = Secret("a wholly different sentence")


@contextmanager
def at_a_page(user: User) -> Iterator[None]:
    """A request with a session, which django-allauth keeps its challenges in."""
    request = RequestFactory().get("/", headers={"host": "localhost"})
    request.session, request.user = SessionStore(), user
    with request_context(request):
        yield


def _user(s: Any) -> User:
    return s.office.person.user


def code_of(secret: str) -> str:
    """What an authenticator app would show now."""
    return format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[1]))


def _add_app(s: Any) -> None:
    secret = generate_totp_secret()
    second_factor.add_authenticator_app(actor=s.owner, user=_user(s), secret=Secret(secret), code=code_of(secret))


def _add_passkey(s: Any) -> None:
    with at_a_page(_user(s)):
        credential = SoftPasskey().create(begin_registration(_user(s), passwordless=True))
        second_factor.add_passkey(actor=s.owner, user=_user(s), name="laptop", credential=credential)


def _then(first: Callable[[Any], object], call: Callable[[Any], object]) -> Callable[[Any], None]:
    def both(s: Any) -> None:
        first(s)
        call(s)

    return both


def _number_of_factor(s: Any) -> int:
    return second_factor.factors_of(_user(s))[0].pk


def _session(s: Any) -> int:
    row = UserSession.objects.create(user=_user(s), ip="192.0.2.1", session_key="k" * 32, user_agent="curl/8")
    return row.pk


def _role(s: Any) -> Any:
    return custom_roles.create_custom_role(
        actor=s.owner, organization=s.office.organization, name="Issuers", permissions=[Permission.CERTIFICATES_ISSUE]
    )


def _invitation(s: Any, email: str = "new@acme.example") -> Any:
    return invitations.invite(actor=s.owner, organization=s.office.organization, email=email, role="member")


def _token(row: Any) -> str:
    return invitations.link_of(row).split("/")[2]


def _accept(s: Any) -> None:
    row = _invitation(s, s.guest.email)
    invitations.accept_invitation(actor=people.actor_for_user(s.guest), token=_token(row), user=s.guest)


def _join(s: Any) -> None:
    invitations.join_by_invitation(actor=NOBODY, token=_token(_invitation(s)), name="New", password=NEW_PASSWORD)


def _reset_password(s: Any) -> None:
    passwords.mail_password_reset(actor=NOBODY, email=_user(s).email, language="en")
    place, token = mail.outbox[-1].body.split("/password/new/")[1].split("\n")[0].strip("/").split("/")
    passwords.reset_password(actor=NOBODY, place=place, token=token, new=NEW_PASSWORD)


def _provider(s: Any) -> Any:
    return sign_in_providers.create_sign_in_provider(
        actor=s.owner,
        organization=s.office.organization,
        issuer="https://id.example.com",
        client_id="chancery",
        client_secret=Secret("what only the two know"),
        order=ProviderOrder(name="Example", default_role="member", makes_members=True),
    )


def _bind(s: Any) -> Any:
    membership = Membership.objects.get(user=_user(s))
    return external_identities.bind_identity(
        actor=s.owner, membership=membership, issuer="https://id.example.com", subject="1"
    )


PROVIDER, APP = "sign_in_provider.created", "second_factor.added"
PEOPLE_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "accounts.update_profile": (
        lambda s: people.update_profile(actor=s.owner, user=_user(s), name="Ada"),
        ["user.updated"],
    ),
    "accounts.disable_user": (lambda s: people.disable_user(actor=cast.SUPERUSER, user=s.guest), ["user.disabled"]),
    "accounts.enable_user": (
        _then(
            lambda s: people.disable_user(actor=cast.SUPERUSER, user=s.guest),
            lambda s: people.enable_user(actor=cast.SUPERUSER, user=s.guest),
        ),
        ["user.disabled", "user.enabled"],
    ),
    "accounts.set_second_factor_rule": (
        lambda s: organizations.set_second_factor_rule(
            actor=s.owner, organization=s.office.organization, rule="everyone"
        ),
        ["organization.updated"],
    ),
    "accounts.create_custom_role": (_role, ["custom_role.created"]),
    "accounts.update_custom_role": (
        lambda s: custom_roles.update_custom_role(actor=s.owner, role=_role(s), name="Others"),
        ["custom_role.created", "custom_role.updated"],
    ),
    "accounts.delete_custom_role": (
        lambda s: custom_roles.delete_custom_role(actor=s.owner, role=_role(s)),
        ["custom_role.created", "custom_role.deleted"],
    ),
    "accounts.invite": (_invitation, ["invitation.created"]),
    "accounts.resend_invitation": (
        lambda s: invitations.resend_invitation(actor=s.owner, invitation=_invitation(s)),
        ["invitation.created", "invitation.resent"],
    ),
    "accounts.cancel_invitation": (
        lambda s: invitations.cancel_invitation(actor=s.owner, invitation=_invitation(s)),
        ["invitation.created", "invitation.cancelled"],
    ),
    "accounts.accept_invitation": (_accept, ["invitation.created", "membership.created", "invitation.accepted"]),
    "accounts.join_by_invitation": (
        _join,
        ["invitation.created", "user.created", "membership.created", "invitation.accepted"],
    ),
    "accounts.mail_password_reset": (
        lambda s: passwords.mail_password_reset(actor=NOBODY, email=_user(s).email, language="en"),
        ["password.reset_requested"],
    ),
    "accounts.reset_password": (_reset_password, ["password.reset_requested", "password.reset"]),
    "accounts.add_authenticator_app": (_add_app, [APP]),
    "accounts.add_passkey": (_add_passkey, [APP]),
    "accounts.make_recovery_codes": (
        _then(_add_app, lambda s: second_factor.make_recovery_codes(actor=s.owner, user=_user(s))),
        [APP, "recovery_codes.made"],
    ),
    "accounts.remove_second_factor": (
        _then(
            _add_passkey,
            lambda s: second_factor.remove_second_factor(actor=s.owner, user=_user(s), number=_number_of_factor(s)),
        ),
        [APP, "second_factor.removed"],
    ),
    "accounts.reset_second_factor": (
        _then(_add_app, lambda s: second_factor.reset_second_factor(actor=cast.SUPERUSER, user=_user(s))),
        [APP, "second_factor.removed"],
    ),
    "accounts.record_sign_in": (lambda s: sessions.record_sign_in(actor=s.owner), ["session.started"]),
    "accounts.record_sign_out": (lambda s: sessions.record_sign_out(actor=s.owner), ["session.ended"]),
    "accounts.end_session": (
        lambda s: sessions.end_session(actor=s.owner, user=_user(s), number=_session(s)),
        ["session.ended"],
    ),
    "accounts.end_other_sessions": (
        lambda s: sessions.end_other_sessions(actor=s.owner, user=_user(s)),
        ["session.ended"],
    ),
    "accounts.end_all_sessions": (
        lambda s: sessions.end_all_sessions(actor=cast.SUPERUSER, user=_user(s)),
        ["session.ended"],
    ),
    "accounts.create_sign_in_provider": (_provider, [PROVIDER]),
    "accounts.update_sign_in_provider": (
        lambda s: sign_in_providers.update_sign_in_provider(
            actor=s.owner, provider=_provider(s), order=ProviderOrder(name="Other")
        ),
        [PROVIDER, "sign_in_provider.updated"],
    ),
    "accounts.delete_sign_in_provider": (
        lambda s: sign_in_providers.delete_sign_in_provider(actor=s.owner, provider=_provider(s)),
        [PROVIDER, "sign_in_provider.deleted"],
    ),
    "accounts.recognize": (
        lambda s: external_identities.recognize(actor=NOBODY, provider=_provider(s), claims=CLAIMS),
        [PROVIDER, "user.created", "membership.created", "external_identity.created"],
    ),
    "accounts.bind_identity": (_bind, ["external_identity.created"]),
    "accounts.delete_identity": (
        lambda s: external_identities.delete_identity(actor=s.owner, identity=_bind(s)),
        ["external_identity.created", "external_identity.deleted"],
    ),
}
