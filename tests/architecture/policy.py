"""The calls of services that foresee what a change of a role or a template would break: nothing happens by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cas.services import roles, templates
from certificates.services.impact import impact_of_role, impact_of_template


def _role(s: Any) -> None:
    impact_of_role(actor=s.owner, role=s.office.role, order=roles.order_of(s.office.role))


def _template(s: Any) -> None:
    impact_of_template(actor=s.owner, template=s.office.template, order=templates.order_of(s.office.template))


POLICY_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "certificates.impact_of_role": (_role, []),
    "certificates.impact_of_template": (_template, []),
}
