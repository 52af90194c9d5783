"""What applications can ask for, in permissions, and which part of the API a token is for. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from accounts.grants import RIGHTS
from accounts.roles import ONLY_BY_HAND, ORGANIZATION_PERMISSIONS
from kernel.permissions import Permission

# An application neither decides on requests nor makes credentials and members, which would outlive its own consent.
_EVERYTHING: Final = ORGANIZATION_PERMISSIONS - ONLY_BY_HAND

SCOPES: Final[Mapping[str, frozenset[Permission]]] = {
    "pki:read": RIGHTS["can_read"],
    "pki:issue": RIGHTS["can_read"] | RIGHTS["can_issue"],
    "pki:revoke": RIGHTS["can_read"] | RIGHTS["can_revoke"],
    "pki:admin": _EVERYTHING,
    **{permission.value: frozenset({permission}) for permission in sorted(_EVERYTHING)},
}
# Of applications that name none: what can be ticked for each CA. The person decides.
DEFAULT: Final = ("pki:read", "pki:issue", "pki:revoke")
# What can be ticked for one CA.
TICKS: Final = ("can_read", "can_issue", "can_revoke")
_OF_CAS: Final = frozenset().union(*(RIGHTS[tick] for tick in TICKS))

# Where our API is mounted: each part of it can be a resource of its own (RFC 8707); "" is all of them.
MOUNTS: Final = ("", "/api", "/api/v1", "/api/v2", "/v1", "/v1/pki")


def permissions_of(scopes: Iterable[str]) -> frozenset[Permission]:
    """What they allow together. One that no longer exists allows nothing."""
    return frozenset().union(*(SCOPES.get(scope, frozenset()) for scope in scopes))


def ticks_of(permissions: frozenset[Permission]) -> tuple[str, ...]:
    """What of it can be ticked for a single CA."""
    return tuple(tick for tick in TICKS if permissions & RIGHTS[tick])


def beyond_cas(permissions: frozenset[Permission]) -> frozenset[Permission]:
    """What of it cannot be given for a single CA, only for the organization as a whole."""
    return permissions - _OF_CAS


def read_resource(resource: str, base: str) -> str | None:
    """The resource without a slash at its end, if it is a part of the API at `base`; None otherwise."""
    resource = resource.removesuffix("/")
    return resource if any(resource == base + mount for mount in MOUNTS) else None


def is_for(resource: str, path: str) -> bool:
    """Whether a token for this resource is one for this path of ours."""
    mount = urlsplit(resource).path.removesuffix("/")
    return path == mount or path.startswith(mount + "/")


def lies_within(resource: str, other: str) -> bool:
    return resource == other or resource.startswith(other + "/")
