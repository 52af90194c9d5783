"""The list of roles, and one of them with its rules in words and the templates that stand on it."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Count, Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from cas import selectors
from cas.admin.roles import CloneRole, CreateRole, RetireRole
from cas.admin.words import in_words, role_rules, template_rules
from cas.models import Role
from certificates.admin.roles import ChangeRole
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.desk import Desk
from web.policy.listing import Asked, found_of, page_of
from web.policy.showing import MOST_NAMED, list_context, standing_of
from web.spreadsheets import Sheet, wants_csv
from web.trail import trail_of

_SHEET: Final = Sheet(
    "roles",
    {
        "id": "public_id",
        "name": "name",
        "description": "description",
        "lets_through": lambda row: in_words(role_rules(row)),
        "authority": "ca.name",
        "templates": "users",
        "version": "version",
        "status": standing_of,
    },
)


class RoleDesk(Desk):
    name = "role"
    list_name = "roles"
    place = "roles/"
    plural = _("Roles")
    reading = Permission.ROLES_READ
    list_doors = {CreateRole: Permission.ROLES_WRITE}
    doors = {
        ChangeRole: Permission.ROLES_WRITE,
        CloneRole: Permission.ROLES_WRITE,
        RetireRole: Permission.ROLES_WRITE,
    }

    def find(self, actor: Actor, ref: Ref) -> Model:
        return selectors.recall_role(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        asked = Asked.read(request.GET)
        in_use = Count("templates", filter=Q(templates__retired_at__isnull=True))
        found = found_of(selectors.all_roles(visible_to=actor).annotate(users=in_use), asked, column="name")
        if wants_csv(request.GET):
            return _SHEET.of(found)
        page = page_of(found, asked, column="name")
        rows = [(row, in_words(role_rules(row))) for row in page.rows]
        context = list_context(self, request, actor, asked) | {"page": page, "rows": rows}
        return render(request, "web/policy/roles.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: Role) -> HttpResponse:
        context: dict[str, Any] = {
            "title": obj.name,
            "role": obj,
            "standing": standing_of(obj),
            "rules": role_rules(obj),
            "doors": self.offered(request, actor, obj),
            "trail": trail_of(actor, "role", obj),
        }
        if holds(actor, Permission.TEMPLATES_READ):
            users = selectors.templates(visible_to=actor).filter(role=obj).order_by("code")[:MOST_NAMED]
            context["templates"] = [(row, in_words(template_rules(row))) for row in users]
        return render(request, "web/policy/role.html", context)


DESK: Final = RoleDesk()
