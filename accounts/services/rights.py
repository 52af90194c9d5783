"""What a new credential may be given: what its maker and its owner both have, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from accounts.features import require_feature
from accounts.grants import GrantOrder
from accounts.models import Membership, Organization, User
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.services.grants import allowed_by, check_grants
from accounts.services.people import member_permissions
from kernel.actor import Actor
from kernel.errors import Denied, FieldError, field_error
from kernel.features import Feature
from kernel.permissions import Permission
from kernel.text import _


def read_rights(
    permissions: Iterable[str], grants: Sequence[GrantOrder] | None, organization: Organization
) -> tuple[set[Permission], list[FieldError]]:
    """What a credential is to be able to do, here or at some CA; and what is wrong with it."""
    named = list(permissions)
    if grants is None:
        return _read_permissions(named)
    errors = check_grants(grants, organization)
    if named:
        text = _("A key of listed CAs has the rights that it is given at each.")
        errors.append(field_error("permissions", "contradiction", text))
    return allowed_by(grants), errors


def _read_permissions(values: Iterable[str]) -> tuple[set[Permission], list[FieldError]]:
    wanted: set[Permission] = set()
    errors: list[FieldError] = []
    known = {permission.value: permission for permission in ORGANIZATION_PERMISSIONS}
    for index, value in enumerate(values):
        if value in known:
            wanted.add(known[value])
        else:
            text = _("There is no permission %(value)s.")
            errors.append(field_error(f"permissions[{index}]", "unknown-permission", text, value=value))
    if not wanted and not errors:
        errors.append(field_error("permissions", "required", _("Name at least one permission.")))
    return wanted, errors


def require_no_more_than(actor: Actor, organization: Organization, owner: User, wanted: set[Permission]) -> None:
    """Nobody makes a key that can do more than they can, nor one in the name of somebody who cannot do as much."""
    membership = Membership.objects.filter(organization=organization, user=owner).first()
    missing = wanted - (actor.permissions & member_permissions(owner, membership))
    if missing:
        raise Denied(
            _("A key cannot have permissions that its maker and its owner do not both have: %(missing)s."),
            missing=", ".join(sorted(missing)),
        )


def require_licensed(grants: Sequence[GrantOrder] | None, organization: Organization) -> None:
    """Raises Unlicensed: read, issue and revoke are given one by one, and the licence gives all three or none."""
    if any(len({order.can_read, order.can_issue, order.can_revoke}) > 1 for order in grants or ()):
        require_feature(organization, Feature.GRANULAR_GRANTS)


def only_for_oneself(wanted: set[Permission], owner: User, maker_id: int | None) -> list[FieldError]:
    """What is wrong with these rights in the name of somebody else."""
    if Permission.REQUESTS_DECIDE not in wanted or maker_id == owner.pk:
        return []
    text = _("Only its owner can make a key with %(permission)s: whoever makes a key has seen it.")
    return [field_error("permissions", "owner-only", text, permission=Permission.REQUESTS_DECIDE.value)]
