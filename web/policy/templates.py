"""The list of templates, and one of them with its rules in words, its versions and who may ask by it."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from cas import selectors
from cas.admin.differences import history
from cas.admin.templates import CloneTemplate, CreateTemplate
from cas.admin.words import in_words, shortened, template_rules
from cas.models import Template
from certificates.admin.templates import ChangeTemplate, RetireTemplate
from certificates.selectors import certificates
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.desk import Desk
from web.policy.listing import Asked, found_of, page_of
from web.policy.people import members_who_may
from web.policy.showing import list_context, standing_of
from web.policy.trying import TryCsr
from web.spreadsheets import Sheet, wants_csv
from web.trail import trail_of

_VERSIONS: Final = 20
_COUNTED: Final = 10_000
_SHEET: Final = Sheet(
    "templates",
    {
        "id": "public_id",
        "code": "code",
        "name": "name",
        "description": "description",
        "lets_through": lambda row: in_words(template_rules(row)),
        "authority": "ca.name",
        "role": "role.name",
        "version": "version",
        "status": standing_of,
    },
)


class TemplateDesk(Desk):
    name = "template"
    list_name = "templates"
    place = "templates/"
    plural = _("Templates")
    reading = Permission.TEMPLATES_READ
    list_doors = {CreateTemplate: Permission.TEMPLATES_WRITE}
    doors = {
        ChangeTemplate: Permission.TEMPLATES_WRITE,
        TryCsr: Permission.CERTIFICATES_ISSUE,
        CloneTemplate: Permission.TEMPLATES_WRITE,
        RetireTemplate: Permission.TEMPLATES_WRITE,
    }

    def find(self, actor: Actor, ref: Ref) -> Model:
        return selectors.recall_template(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        asked = Asked.read(request.GET)
        found = found_of(selectors.all_templates(visible_to=actor), asked, column="code")
        if wants_csv(request.GET):
            return _SHEET.of(found)
        page = page_of(found, asked, column="code")
        rows = [(row, in_words(template_rules(row))) for row in page.rows]
        context = list_context(self, request, actor, asked) | {"page": page, "rows": rows}
        return render(request, "web/policy/templates.html", context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: Template) -> HttpResponse:
        users = members_who_may(Permission.CERTIFICATES_ISSUE, visible_to=actor)
        versions = list(selectors.profile_versions(obj)[: _VERSIONS + 1])
        context: dict[str, Any] = {
            "title": obj.name,
            "template": obj,
            "standing": standing_of(obj),
            "rules": template_rules(obj),
            "doors": self.offered(request, actor, obj),
            "reads_roles": holds(actor, Permission.ROLES_READ),
            "versions": history(versions)[:_VERSIONS],
            "users": None if users is None else shortened([str(each.user) for each in users]),
            "trail": trail_of(actor, "template", obj),
        }
        if holds(actor, Permission.CERTIFICATES_READ):
            made = certificates(visible_to=actor).filter(template=obj).order_by()
            context |= {"made": made[:_COUNTED].count(), "most": _COUNTED}
        return render(request, "web/policy/template.html", context)


DESK: Final = TemplateDesk()
