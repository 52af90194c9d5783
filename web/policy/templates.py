"""The list of templates, and one of them with its rules in words, its versions and who stands on it."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from audit.admin.html import Status
from cas import selectors
from cas.admin.templates import ChangeTemplate, CreateTemplate, RetireTemplate
from cas.admin.words import in_words, template_rules
from cas.models import Template
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.desk import Desk
from web.policy.listing import Asked, page_of

_MOST_CHOICES: Final = 200


class TemplateDesk(Desk):
    name = "template"
    list_name = "templates"
    place = "templates/"
    plural = _("Templates")
    reading = Permission.TEMPLATES_READ
    list_doors = {CreateTemplate: Permission.TEMPLATES_WRITE}
    doors = {ChangeTemplate: Permission.TEMPLATES_WRITE, RetireTemplate: Permission.TEMPLATES_WRITE}

    def find(self, actor: Actor, ref: Ref) -> Model:
        return selectors.recall_template(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponse:
        asked = Asked.read(request.GET)
        page = page_of(selectors.all_templates(visible_to=actor), asked, column="code")
        context = {
            "title": self.plural,
            "asked": asked,
            "doors": self.list_offered(request, actor),
            "page": page,
            "rows": [(row, in_words(template_rules(row))) for row in page.rows],
            "authorities": selectors.authorities(visible_to=actor).order_by("name")[:_MOST_CHOICES],
        }
        return render(request, "web/policy/templates.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: Template) -> HttpResponse:
        context: dict[str, Any] = {
            "title": obj.name,
            "template": obj,
            "standing": standing_of(obj),
            "rules": template_rules(obj),
            "doors": self.offered(request, actor, obj),
            "reads_roles": holds(actor, Permission.ROLES_READ),
        }
        return render(request, "web/policy/template.html", context)


def standing_of(row: Any) -> Status:
    return Status.ACTIVE if row.retired_at is None else Status.RETIRED


DESK: Final = TemplateDesk()
