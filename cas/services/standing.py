"""Opening a CA for the clients of other systems (`cas.standing`)."""

from __future__ import annotations

from django.db import transaction

from accounts import policy
from cas import selectors
from cas.models import CertificateAuthority, Role, Template
from cas.orders import Dialect
from cas.services.roles import add_role
from cas.services.templates import add_template
from cas.standing import Slot, role_order, slots_of, template_order
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref


@transaction.atomic
def enable_dialect(*, actor: Actor, ca: Ref, dialect: Dialect) -> CertificateAuthority:
    """The CA answers clients of this system from now on, by templates of its own; what it has of them stays as it is.

    Raises NotFound (the CA), Denied, Conflict (CertMate: another CA of the organization answers them already).
    """
    row = selectors.get_ca(ca, visible_to=actor)
    for permission in (Permission.ROLES_WRITE, Permission.TEMPLATES_WRITE):
        policy.require(actor, permission, organization_id=row.organization_id, ca_id=row.pk)
    add_standing_templates(actor, row, dialect)
    return row


def add_standing_templates(actor: Actor, ca: CertificateAuthority, dialect: Dialect) -> None:
    """A step: what `enable_dialect` does, for whoever is making the CA and so decides what it begins with."""
    there = Template.objects.filter(ca=ca, retired_at__isnull=True).values_list("code", flat=True)
    for slot in slots_of(dialect):
        if slot.code(ca.pk) not in there:
            kept = Role.objects.filter(ca=ca, name=slot.code(ca.pk), retired_at__isnull=True).first()
            role = kept or add_role(actor, ca, role_order(slot, ca.pk))
            add_template(actor, ca, role, template_order(slot, ca.pk))


def standing_templates(ca: CertificateAuthority) -> dict[Dialect, list[str]]:
    """The dialects whose clients the CA answers, and the codes of the templates that it has for them."""
    codes = {slot.code(ca.pk): slot.dialect for slot in Slot}
    found: dict[Dialect, list[str]] = {}
    there = Template.objects.filter(ca=ca, code__in=codes, retired_at__isnull=True).order_by("id")
    for code in there.values_list("code", flat=True):
        found.setdefault(codes[code], []).append(code)
    return found
