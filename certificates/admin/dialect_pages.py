"""The page that opens an authority to the clients of another system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.pages import Words
from cas.orders import Dialect
from cas.services.standing import enable_dialect, standing_templates
from certificates.admin.authority_forms import OneAuthorityPage, in_service
from kernel.ref import Ref

# Names of systems are not translated.
_NAMES: Final = {
    Dialect.FASTPKI: "FastPKI",
    Dialect.CERTMATE: "CertMate",
    Dialect.CERTMAN: "Certman",
    Dialect.SCAIVAULT: "ScaiVault",
}


class DialectForm(forms.Form):
    dialect = forms.ChoiceField(label=_("System"), choices=[(each.value, _NAMES[each]) for each in Dialect])


class OpenToClients(OneAuthorityPage):
    slug = "clients"
    title = _("Open to other systems' clients")
    explanation = _(
        "Clients of these systems name an authority and no template. It gets roles and templates for them, which are "
        "then edited like any other."
    )
    submit = _("Open it")
    icon = "check"
    form_class = DialectForm

    def is_offered(self) -> bool:
        return in_service(self.obj)

    def form(self) -> forms.Form:
        form = super().form()
        there = standing_templates(self.obj)
        form.fields["dialect"].choices = [(each.value, _NAMES[each]) for each in Dialect if each not in there]  # type: ignore[attr-defined]
        return form

    def act(self, data: Mapping[str, Any]) -> Words:
        dialect = Dialect(data["dialect"])
        enable_dialect(actor=actor_of(self.request), ca=Ref("pk", self.obj.pk), dialect=dialect)
        return _("%(name)s answers clients of %(system)s now.") % {"name": self.obj.name, "system": _NAMES[dialect]}
