"""The private key that was made here: handed out once, as a file, never on a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.files import attachment
from audit.admin.forms import SecretField
from audit.admin.pages import Facts, ServicePage, Words
from cas.chains import chain_of
from certificates.admin.revoke import facts_of
from certificates.bundles import Format, bundle_with_key
from certificates.models import Certificate, SubscriberKey
from certificates.services.keys import collect_private_key, may_collect
from kernel.ref import Ref


class CollectForm(forms.Form):
    fmt = forms.ChoiceField(
        label=_("As"),
        choices=[
            (Format.ZIP, _("ZIP: key, certificate and chain, each as PEM")),
            (Format.P12, _("PKCS#12: all in one file, for Windows, macOS and Java")),
            (Format.PEM, _("PEM: the key alone")),
            (Format.DER, _("DER: the key alone, in PKCS#8")),
        ],
        initial=Format.ZIP,
        widget=forms.RadioSelect(attrs={"class": "lines"}),
    )
    password = SecretField(
        label=_("Password of the file"), help_text=_("Encrypts the key. PKCS#12 needs one; the others may go without.")
    )


class CollectKey(ServicePage):
    slug = "private-key"
    title = _("Collect the private key")
    explanation = _(
        "The file comes once. Afterwards the key is nowhere here; a lost one is replaced by a new certificate."
    )
    submit = _("Download the key")
    icon = "key"
    gives_file = True
    form_class = CollectForm

    def __init__(self, request: HttpRequest, obj: Any = None) -> None:
        super().__init__(request, obj)
        if obj is not None and obj.key_custody == Certificate.KeyCustody.STORED:
            text = _("The role keeps the key here, sealed. Each time that it is handed out is recorded.")
            self.explanation = text  # type: ignore[misc]

    def is_offered(self) -> bool:
        return self._is_here and may_collect(actor_of(self.request, self.obj.organization), self.obj)

    def refusal_status(self) -> int:
        return 410 if self._was_collected else super().refusal_status()

    def refusal(self) -> Words:
        if self._is_here:
            return _("It waits for whoever asked for the certificate.")
        kept = self._kept
        if kept is None or kept.collected_at is None:
            return _("There is no private key of this certificate here.")
        return _("The key was collected by %(by)s at %(at)s UTC.") % {
            "by": kept.collected_by,
            "at": kept.collected_at.strftime("%Y-%m-%d %H:%M"),
        }

    @property
    def _kept(self) -> SubscriberKey | None:
        return getattr(self.obj, "subscriber_key", None)

    @property
    def _is_here(self) -> bool:
        return self._kept is not None and self._kept.sealed is not None

    @property
    def _was_collected(self) -> bool:
        return self._kept is not None and self._kept.sealed is None and self._kept.collected_at is not None

    def facts(self) -> Facts:
        return facts_of(self.obj)

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        fmt, password = Format(data["fmt"]), data["password"]
        row: Certificate = self.obj
        chain = chain_of(row.ca).certificates if row.ca else ()
        # A file that cannot be made (a missing password, a key that the format cannot hold) must not cost the key.
        with transaction.atomic():
            row, key = collect_private_key(actor=actor_of(self.request), certificate=Ref("pk", row.pk))
            download = bundle_with_key(row.body.x509, chain, key, fmt, name=str(row), password=password)
        answer = attachment(download.filename, download.content, download.content_type)
        answer["Cache-Control"] = "no-store"
        return answer
