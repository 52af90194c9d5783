"""The five capabilities and three roles of FastPKI, and the permissions and roles that they are here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from accounts.models import Membership, User
from accounts.roles import OrganizationRole
from kernel.permissions import Permission

SUPERUSER: Final = "superuser"
ADMIN: Final = "admin"
USER: Final = "user"
ROLES: Final = (SUPERUSER, ADMIN, USER)

# Who has the first permission of a line is said to have the capability; who is given it gets all of them.
CAPABILITIES: Final[Mapping[str, tuple[Permission, ...]]] = {
    "can_create_ca": (Permission.CAS_CREATE,),
    "can_create_cert": (Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_RENEW),
    "can_revoke_cert": (Permission.CERTIFICATES_REVOKE,),
    "can_export_private_key": (Permission.CERTIFICATES_EXPORT_KEY, Permission.CAS_EXPORT_KEY),
    "can_delete_ca": (Permission.CAS_WRITE,),
}
ALL: Final = frozenset(permission for line in CAPABILITIES.values() for permission in line)
# What every member and every service account sees of its organization.
READING: Final = frozenset(
    {
        Permission.ORGANIZATIONS_READ,
        Permission.CAS_READ,
        Permission.ROLES_READ,
        Permission.TEMPLATES_READ,
        Permission.CERTIFICATES_READ,
        Permission.CERTIFICATES_DOWNLOAD,
        Permission.REQUESTS_READ,
    }
)


def flags_of(held: Collection[str]) -> dict[str, bool]:
    """The capabilities that somebody with these permissions has."""
    return {name: line[0] in held for name, line in CAPABILITIES.items()}


def permissions_of(flags: Mapping[str, bool]) -> frozenset[Permission]:
    """What the capabilities that are true amount to."""
    return frozenset(permission for name, line in CAPABILITIES.items() if flags.get(name) for permission in line)


def taken_flags(values: dict[str, object]) -> dict[str, bool]:
    """The capabilities that a body names, taken out of it."""
    return {name: bool(values.pop(name)) for name in CAPABILITIES if name in values}


def role_of(user: User, membership: Membership | None) -> str:
    if user.is_superuser:
        return SUPERUSER
    return ADMIN if membership is not None and membership.role == OrganizationRole.OWNER else USER
