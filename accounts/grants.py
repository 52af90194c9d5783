"""What `read`, `issue`, `revoke` and `export` at one CA mean, in permissions. What is not about a CA is in none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from kernel import permissions
from kernel.permissions import Permission

RIGHTS: Final[Mapping[str, frozenset[Permission]]] = {
    "can_read": frozenset(
        {
            Permission.CAS_READ,
            Permission.ROLES_READ,
            Permission.TEMPLATES_READ,
            Permission.CERTIFICATES_READ,
            Permission.CERTIFICATES_DOWNLOAD,
            Permission.REQUESTS_READ,
        }
    ),
    "can_issue": frozenset({Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_RENEW}),
    "can_revoke": frozenset({Permission.CERTIFICATES_REVOKE}),
    "can_export": frozenset({Permission.CERTIFICATES_EXPORT_KEY}),
}


class CaRights(Protocol):
    """A grant, as a row or as it is asked for."""

    @property
    def ca_id(self) -> int: ...
    @property
    def can_read(self) -> bool: ...
    @property
    def can_issue(self) -> bool: ...
    @property
    def can_revoke(self) -> bool: ...
    @property
    def can_export(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class GrantOrder:
    """What a new credential may do with one CA; `ca_id` is its number."""

    ca_id: int
    can_read: bool = True
    can_issue: bool = False
    can_revoke: bool = False
    can_export: bool = False


def permissions_of(grant: CaRights) -> frozenset[Permission]:
    """What it allows at its CA."""
    return frozenset().union(*(allowed for name, allowed in RIGHTS.items() if getattr(grant, name)))


def narrowed(grants: Iterable[CaRights], rights: frozenset[Permission]) -> tuple[permissions.Grant, ...]:
    """The grants of an actor: what they allow, as far as the actor has the right."""
    return tuple(permissions.Grant(grant.ca_id, permissions_of(grant) & rights) for grant in grants)


def held(grants: Iterable[permissions.Grant]) -> frozenset[Permission]:
    """What an actor with these grants may do with some CA or other."""
    return frozenset().union(*(grant.permissions for grant in grants))
