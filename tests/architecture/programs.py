"""The calls and the events of services about people's programs, and about accounts that others make and change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import Organization
from accounts.people_selectors import get_person
from accounts.services import organizations, person_accounts, sign_in_tokens
from accounts.services.person_accounts import PersonChange, PersonOrder
from accounts.services.sign_in_tokens import TokenPair
from kernel.actor import Actor, ActorKind
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast

NOBODY = Actor(kind=ActorKind.USER, id=0, label="", organization_id=None, permissions=frozenset())
_PASSWORD = Secret("a wholly different sentence")


def _sign_in(s: Any) -> TokenPair:
    name = s.office.person.user.email
    return sign_in_tokens.sign_in_by_password(actor=NOBODY, name=name, password=Secret(cast.PASSWORD))


def _order(organization: Organization | None) -> PersonOrder:
    return PersonOrder(username="bob", email="bob@acme.test", password=_PASSWORD, organization=organization)


def _person(s: Any) -> Any:
    return person_accounts.create_person(actor=s.owner, order=_order(s.office.organization))


def _loner(s: Any) -> Any:
    return person_accounts.create_person(actor=cast.SUPERUSER, order=_order(None))


def _change(s: Any) -> Any:
    return person_accounts.update_person(actor=s.owner, user=_person(s), change=PersonChange(password=_PASSWORD))


def _admit(s: Any) -> Any:
    user = get_person(Ref("pk", _loner(s).pk), visible_to=cast.SUPERUSER)
    return person_accounts.admit_person(actor=cast.SUPERUSER, organization=s.office.organization, user=user)


def _close(_s: Any) -> Any:
    return organizations.close_organization(actor=cast.SUPERUSER, organization=cast.organization("Nobody Ltd"))


SIGNED_IN = "session.started"
MADE = ["user.created", "custom_role.created", "membership.created"]
PROGRAM_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "accounts.sign_in_by_password": (_sign_in, [SIGNED_IN]),
    "accounts.refresh_sign_in": (
        lambda s: sign_in_tokens.refresh_sign_in(actor=NOBODY, token=_sign_in(s).refresh),
        [SIGNED_IN],
    ),
    "accounts.sign_out_token": (
        lambda s: sign_in_tokens.sign_out_token(actor=s.owner, token=_sign_in(s).refresh),
        [SIGNED_IN, "session.ended"],
    ),
    "accounts.end_sign_in_tokens": (lambda s: sign_in_tokens.end_sign_in_tokens(actor=s.owner), ["session.ended"]),
    "accounts.create_person": (_person, MADE),
    "accounts.update_person": (_change, [*MADE, "password.changed"]),
    "accounts.admit_person": (_admit, ["user.created", "custom_role.created", "membership.created"]),
    "accounts.close_user": (
        lambda s: person_accounts.close_user(actor=cast.SUPERUSER, user=_loner(s)),
        ["user.created", "user.closed"],
    ),
    "accounts.update_organization": (
        lambda s: organizations.update_organization(
            actor=s.owner, organization=s.office.organization, description="Rockets"
        ),
        ["organization.updated"],
    ),
    "accounts.close_organization": (_close, ["organization.created", "organization.closed"]),
}
