"""Steps that roles and templates share: fields from orders, rows under their unique names, profile versions."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final, TypeVar

from django.db import IntegrityError, transaction

from cas.core.profile import Profile, errors_of_role
from cas.models import CertificateAuthority, ProfileVersion, Role, Template
from cas.orders import RoleOrder, TemplateOrder
from cas.services.approvals import approval_errors
from kernel.errors import Conflict, FieldError, Invalid, NotFound, field_error
from kernel.limits import text_errors
from kernel.ref import Ref
from kernel.text import _

Row = TypeVar("Row", Role, Template)

_LONGEST_DESCRIPTION: Final = 500


def columns(order: RoleOrder | TemplateOrder) -> dict[str, Any]:
    """The order's plain fields as the row keeps them; what refers to other rows is left out."""
    values = {field.name: getattr(order, field.name) for field in fields(order)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if not isinstance(value, Ref)
    }


def insert(row: Row, taken: Conflict) -> None:
    """Raises `taken` where the unique name is in use."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise taken from error


def assign(row: Row, order: RoleOrder | TemplateOrder) -> list[str]:
    """Make the row its own next version, as the order says. Returns the fields for `save` to write."""
    changes: dict[str, Any] = {**columns(order), "version": row.version + 1}
    for name, value in changes.items():
        setattr(row, name, value)
    return [*changes, "updated_at"]


def save(row: Row, changed: list[str], taken: Conflict) -> None:
    """Raises `taken` where the unique name is in use."""
    try:
        with transaction.atomic():
            row.save(update_fields=changed)
    except IntegrityError as error:
        raise taken from error


def lock(model: type[Row], pk: int) -> Row:
    """The row, locked. Raises NotFound where it was retired: it is not there any more, for whoever comes late too."""
    row = model._default_manager.select_for_update(of=("self",)).select_related("ca", "organization").get(pk=pk)
    if row.retired_at is not None:
        raise NotFound(_("%(name)s is retired already."), code="already-retired", name=str(row))
    return row


def require_same_ca(ca: CertificateAuthority, row: Role | Template) -> None:
    """A role or template stays with its CA: what it promised was promised of that one."""
    if ca.pk != row.ca_id:
        raise Invalid.of("ca", "immutable", _("The CA of a role or template cannot be changed."))


def keep_profile(template: Template) -> ProfileVersion:
    """Check role and template together and store them as the version that is issued under from now on.

    Raises Invalid with every violation.
    """
    profile = agreed(template)
    version, _created = ProfileVersion.objects.get_or_create(
        organization_id=template.organization_id,
        template=template,
        template_version=template.version,
        role_version=template.role.version,
        defaults={"document": profile.to_document()},
    )
    template.profile = version
    template.save(update_fields=["profile"])
    return version


def agreed(template: Template) -> Profile:
    """What role and template say together. Raises Invalid with every violation, where they do not agree."""
    document = {"role": template.role.to_document(), "template": template.to_document()}
    try:
        return Profile.from_document(document)
    except Invalid as error:
        raise Invalid(errors=[_without_section(each, "template") for each in error.errors]) from error


def role_errors(role: Role) -> list[FieldError]:
    """What is wrong with the role by itself."""
    return [_without_section(error, "role") for error in errors_of_role(role.to_document())]


def policy_errors(row: Row) -> list[FieldError]:
    """What is wrong with the fields that roles and templates both have."""
    return [
        *text_errors("description", row.description, longest=_LONGEST_DESCRIPTION, several_lines=True),
        *approval_errors(row.approvals_needed, row.approver_role),
    ]


def code_errors(field: str, value: str, longest: int) -> list[FieldError]:
    """A code stands in addresses and filters, so it has no spaces, commas or colons."""
    allowed = value.replace("-", "").replace("_", "").replace(".", "")
    if value and len(value) <= longest and allowed.isascii() and allowed.isalnum():
        return []
    text = _("Up to %(longest)s letters, digits, hyphens, underscores and dots.")
    return [field_error(field, "invalid", text, longest=longest)]


def _without_section(error: FieldError, section: str) -> FieldError:
    """The field as the row calls it: a form about a template has no field `template.validity`."""
    return replace(error, field=error.field.removeprefix(f"{section}."))
