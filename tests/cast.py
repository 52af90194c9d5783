"""The fixed cast: an owner, a teammate, a stranger, a robot, and somebody who may only read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import ApiKey, Organization, User
from accounts.roles import ORGANIZATION_PERMISSIONS, OrganizationRole
from accounts.services.api_keys import create_api_key
from accounts.services.credentials import authenticate_token
from accounts.services.organizations import add_member, create_organization
from accounts.services.people import actor_for_user, create_user
from kernel.actor import Actor, ActorKind
from kernel.permissions import Permission
from kernel.secret import Secret

PASSWORD = "correct horse battery staple"

SUPERUSER = Actor(
    kind=ActorKind.CONSOLE,
    id=0,
    label="console",
    organization_id=None,
    permissions=ORGANIZATION_PERMISSIONS,
    is_superuser=True,
)


@dataclass(frozen=True)
class Person:
    """A member of one organization, as a row and as an actor."""

    user: User
    organization: Organization
    actor: Actor


def organization(name: str = "ACME") -> Organization:
    return create_organization(actor=SUPERUSER, name=name)


def member(of: Organization, role: str = OrganizationRole.OWNER, email: str = "") -> Person:
    """A person with a role in this organization; the e-mail address says which."""
    address = email or f"{role}@{of.slug}.example"
    user = create_user(actor=SUPERUSER, email=address, password=Secret(PASSWORD))
    add_member(actor=SUPERUSER, organization=of, user=user, role=role)
    return Person(user, of, actor_for_user(user))


def owner(of: Organization) -> Person:
    return member(of, OrganizationRole.OWNER)


def stranger() -> Person:
    """The owner of another organization."""
    return member(organization("Umbrella"), OrganizationRole.OWNER)


def superuser(email: str = "root@localhost") -> User:
    return create_user(actor=SUPERUSER, email=email, password=Secret(PASSWORD), is_superuser=True)


def api_key(person: Person, permissions: Iterable[Permission] | None = None, name: str = "robot") -> tuple[ApiKey, str]:
    """A key of this person; all that they may do where no permissions are given. The row and the token."""
    wanted = person.actor.permissions if permissions is None else permissions
    made = create_api_key(
        actor=person.actor,
        organization=person.organization,
        owner=person.user,
        name=name,
        permissions=sorted(wanted),
    )
    return made.row, made.token.reveal().decode()


def robot(person: Person, permissions: Iterable[Permission] | None = None) -> Actor:
    _row, token = api_key(person, permissions)
    return authenticate_token(Secret(token), ip="192.0.2.7")
