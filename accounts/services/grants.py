"""Grants: what a credential that is let to single CAs may do with each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Model

from accounts.grants import GrantOrder, permissions_of
from accounts.models import ApiKey, Grant, Organization, ServiceAccount
from accounts.rows import insert
from kernel.errors import FieldError, field_error
from kernel.permissions import Permission
from kernel.text import _


def check_grants(orders: Sequence[GrantOrder], organization: Organization) -> list[FieldError]:
    """What is wrong with these: none at all, a CA of nobody here or named twice, nothing allowed."""
    if not orders:
        return [field_error("grants", "required", _("Name at least one CA."))]
    errors = []
    known = _known_cas([order.ca_id for order in orders], organization)
    seen: set[int] = set()
    for index, order in enumerate(orders):
        place = f"grants[{index}]"
        if order.ca_id not in known:
            text = _("There is no such certificate authority.")
            errors.append(field_error(f"{place}.ca_id", "ca-not-found", text))
        if order.ca_id in seen:
            errors.append(field_error(f"{place}.ca_id", "named-twice", _("Each CA is named once.")))
        if not (order.can_read or order.can_issue or order.can_revoke):
            errors.append(field_error(place, "required", _("Allow something, or leave the CA out.")))
        elif order.can_export and not order.can_read:
            text = _("Private keys are exported by those who may read.")
            errors.append(field_error(f"{place}.can_export", "contradiction", text))
        seen.add(order.ca_id)
    return errors


def allowed_by(orders: Iterable[GrantOrder]) -> set[Permission]:
    """What they allow at some CA or other."""
    return {permission for order in orders for permission in permissions_of(order)}


def add_grants(orders: Sequence[GrantOrder], *, to: ApiKey | ServiceAccount) -> None:
    """A step of what makes the credential."""
    subject = {"api_key": to} if isinstance(to, ApiKey) else {"service_account": to}
    insert(
        [
            Grant(
                organization_id=to.organization_id,
                ca_id=order.ca_id,
                can_read=order.can_read,
                can_issue=order.can_issue,
                can_revoke=order.can_revoke,
                can_export=order.can_export,
                **subject,
            )
            for order in orders
        ]
    )


def orders_of(subject: ApiKey | ServiceAccount) -> list[GrantOrder]:
    """What a credential was let to, to be asked for again."""
    names = ("ca_id", "can_read", "can_issue", "can_revoke", "can_export")
    return [GrantOrder(*values) for values in subject.grants.values_list(*names)]


def told(orders: Iterable[GrantOrder]) -> list[dict[str, object]]:
    """As the audit log keeps them."""
    return [
        {"ca": order.ca_id, "permissions": sorted(permission.value for permission in permissions_of(order))}
        for order in orders
    ]


def _known_cas(ids: Sequence[int], organization: Organization) -> set[int]:
    """This room is below the one of CAs: it knows their table by its own column alone."""
    model: type[Model] = Grant._meta.get_field("ca").remote_field.model
    rows = model._default_manager.filter(pk__in=ids, organization_id=organization.pk)
    return set(rows.values_list("pk", flat=True))
