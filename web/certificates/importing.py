"""Taking certificates of others into the register, from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.sessions import actor_of
from audit.admin.forms import CodeArea, SecretField, UploadField
from audit.admin.pages import Section, ServicePage
from certificates.admin.edit import TagsField
from certificates.import_orders import InventoryOrder
from certificates.services.inventory import LONGEST, Fate, import_file
from kernel.ref import Ref
from kernel.secret import Secret

_WORDS: Final = {
    Fate.IMPORTED: _("imported"),
    Fate.KNOWN: _("in the register already"),
    Fate.AUTHORITY: _("of an authority: part of the chains"),
    Fate.REFUSED: _("refused"),
}


class ImportForm(forms.Form):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))
    file = UploadField(
        label=_("File"), longest=LONGEST, help_text=_("PEM, DER, PKCS#7 or PKCS#12, with any number of certificates.")
    )
    text = forms.CharField(label=_("Or PEM"), required=False, max_length=LONGEST, widget=CodeArea())
    password = SecretField(label=_("Password of the file"))
    keeps_key = forms.BooleanField(
        label=_("Keep the private key"),
        required=False,
        help_text=_("Sealed. Otherwise a key in the file is forgotten at once."),
    )
    owner = forms.CharField(
        label=_("Who answers for them"),
        required=False,
        max_length=254,
        help_text=_("The e-mail address of a member of the organization; empty: you."),
        widget=forms.EmailInput,
    )
    tags = TagsField(label=_("Tags"), required=False, max_length=4000)
    description = forms.CharField(label=_("Note"), required=False, max_length=1000)

    sections: ClassVar = (
        Section("", "organization", "file", "text", "owner", "tags", "description"),
        Section(_("A private key in the file"), "password", "keeps_key", folded=True),
    )

    one_of: ClassVar = ("file", "text")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if bool(data.get("file")) == bool(data.get("text", "").strip()) and "file" not in self.errors:
            self.add_error("file", _("Choose a file, or paste PEM."))
        return data


class ImportCertificates(ServicePage):
    slug = "import"
    title = _("Import certificates")
    explanation = _(
        "Certificates that others have issued, to be listed here, and told of before they end, like our own. Nothing "
        "is signed, and only their issuer can revoke them."
    )
    submit = _("Import")
    icon = "file"
    form_class = ImportForm
    error_fields: ClassVar[Mapping[str, str]] = {"private_key": "file", "certificate": "file"}

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        order = InventoryOrder(
            organization=Ref("pk", data["organization"].pk),
            file=Secret(data["file"] or data["text"].encode()),
            password=data["password"],
            keeps_key=data["keeps_key"],
            owner=data["owner"] or None,
            tags=data["tags"],
            description=data["description"],
        )
        arrived = import_file(actor=actor_of(self.request), order=order)
        context = {
            **self.desk.page_context(self.request),
            "title": self.title,
            "arrived": [(each, _WORDS[each.fate]) for each in arrived],
            "imported": sum(each.fate is Fate.IMPORTED for each in arrived),
            "list_url": self.desk.list_address(),
        }
        return TemplateResponse(self.request, "web/certificates/imported.html", context)
