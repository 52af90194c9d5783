"""Roles that issue by their own name: each has one template, which is made, changed and retired with it.

For clients of systems where the role is all that a certificate is asked for by.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from accounts import policy
from cas import selectors
from cas.core.keys import KeyAlgorithm, KeyFamily
from cas.models import Role, Template
from cas.orders import RoleOrder, TemplateOrder
from cas.selectors import issuing_code
from cas.services import profiles
from cas.services.roles import add_role, retire_role, update_role
from cas.services.templates import add_template, order_of, retire_template, rewrite_template
from kernel.actor import Actor
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref

_USUAL_VALIDITY: Final = timedelta(days=90)
_USUAL_ALGORITHM: Final = KeyAlgorithm.RSA_2048
_PURPOSES: Final = ("server_auth", "client_auth")
# What the prefix of the template's code leaves of eighty characters.
_LONGEST_NAME: Final = 80 - len(issuing_code(""))


@transaction.atomic
def create_issuing_role(*, actor: Actor, order: RoleOrder) -> Role:
    """A role and its template.

    Raises NotFound (the CA), Denied, Invalid with every wrong field, Conflict (the name is taken).
    """
    ca = selectors.get_ca(order.ca, visible_to=actor)
    for permission in (Permission.ROLES_WRITE, Permission.TEMPLATES_WRITE):
        policy.require(actor, permission, organization_id=ca.organization_id, ca_id=ca.pk)
    if errors := profiles.code_errors("name", order.name, longest=_LONGEST_NAME):
        raise Invalid(errors=errors)
    role = add_role(actor, ca, order)
    add_template(actor, ca, role, _template_order(role, order))
    return role


@transaction.atomic
def update_issuing_role(*, actor: Actor, role: Role, order: RoleOrder) -> Role:
    """Make the role what the order says; its template follows where it would promise more than that.

    Raises Denied, Invalid (also where another template under it would promise more), Conflict.
    """
    own = _own_template(role)
    if own is not None:
        policy.require(actor, Permission.TEMPLATES_WRITE, organization_id=own.organization_id, ca_id=own.ca_id)
        # The role first, as everybody who changes one locks; its change keeps the profile of both.
        profiles.lock(Role, role.pk)
        template = profiles.lock(Template, own.pk)
        if changes := _following(template, order):
            rewrite_template(actor, template, replace(order_of(template), **changes))
    return update_role(actor=actor, role=role, order=order)


@transaction.atomic
def retire_issuing_role(*, actor: Actor, role: Role) -> Role:
    """With its template. Raises Denied, Conflict (other templates stand on it), NotFound (retired already)."""
    own = _own_template(role)
    if own is not None:
        profiles.lock(Role, role.pk)
        retire_template(actor=actor, template=own)
    return retire_role(actor=actor, role=role)


def _own_template(role: Role) -> Template | None:
    return Template.objects.filter(role=role, code=issuing_code(role.name), retired_at__isnull=True).first()


def _template_order(role: Role, order: RoleOrder) -> TemplateOrder:
    return TemplateOrder(
        ca=Ref("pk", role.ca_id),
        role=Ref("pk", role.pk),
        name=role.name,
        code=issuing_code(role.name),
        key_algorithm=_algorithm(order, _USUAL_ALGORITHM),
        any_key_algorithm=True,
        validity=min(_USUAL_VALIDITY, order.max_ttl),
        key_usage=_key_usage(order),
        extended_key_usage=_PURPOSES,
    )


def _following(template: Template, order: RoleOrder) -> dict[str, Any]:
    """What of the template changes with its role."""
    changes: dict[str, Any] = {}
    if template.validity > order.max_ttl:
        changes["validity"] = order.max_ttl
    if tuple(template.role.key_algorithms) != order.key_algorithms:
        changes["key_algorithm"] = _algorithm(order, template.key_algorithm)
        changes["key_usage"] = _key_usage(order)
    return changes


def _algorithm(order: RoleOrder, usual: str) -> str:
    """What a key is made of where nobody brings one."""
    return usual if not order.key_algorithms or usual in order.key_algorithms else order.key_algorithms[0]


def _key_usage(order: RoleOrder) -> tuple[str, ...]:
    """RFC 8813 section 3: RSA keys alone encipher keys."""
    known = [KeyAlgorithm(name) for name in order.key_algorithms if name in KeyAlgorithm.__members__]
    enciphers = not known or any(each.family is KeyFamily.RSA for each in known)
    return ("digital_signature", "key_encipherment") if enciphers else ("digital_signature",)
