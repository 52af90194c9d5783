"""What people say about a certificate: its tags, a note, and who answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.pages import Facts, ServicePage, Words
from certificates.admin.revoke import facts_of
from certificates.models import Certificate
from certificates.services.editing import update_certificate
from kernel.ref import Ref


class TagsField(forms.CharField):
    """Words with commas or spaces between them; a tuple of them, each once."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        return tuple(dict.fromkeys(str(value or "").replace(",", " ").split()))

    def run_validators(self, value: Any) -> None:
        super().run_validators(" ".join(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(data) != tuple(initial or ())


class EditForm(forms.Form):
    tags = TagsField(
        label=_("Tags"), required=False, max_length=4000, help_text=_("Words to find it by, with commas between them.")
    )
    description = forms.CharField(label=_("Note"), required=False, max_length=1000)
    owner = forms.CharField(
        label=_("Who answers for it"),
        required=False,
        max_length=254,
        help_text=_("The e-mail address of a member of the organization."),
        widget=forms.EmailInput,
    )


class Edit(ServicePage):
    slug = "edit"
    title = _("Edit")
    explanation = _("What is said about the certificate. What stands in it was signed, and never changes.")
    submit = _("Save")
    icon = "list"
    form_class = EditForm
    obj: Certificate

    def initial(self) -> Mapping[str, Any]:
        owner = self.obj.owner.email if self.obj.owner else ""
        return {"tags": self.obj.tags, "description": self.obj.description, "owner": owner}

    def form(self) -> forms.Form:
        self._form = super().form()
        self._form.fields["owner"].required = self.obj.owner is not None
        return self._form

    def facts(self) -> Facts:
        return facts_of(self.obj)

    def act(self, data: Mapping[str, Any]) -> Words:
        changes = {name: data[name] for name in self._form.changed_data}
        if not changes:
            return _("Nothing was changed.")
        actor = actor_of(self.request, self.obj.organization)
        row = update_certificate(actor=actor, certificate=Ref("pk", self.obj.pk), **changes)
        return _("%(name)s is saved.") % {"name": row}
