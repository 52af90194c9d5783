"""Asking for one certificate: the form, what would become of it while it is filled in, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.pages import ServicePage
from cas.admin.words import in_words, template_rules
from certificates.admin.issue import ISSUED_WORDS, MANAGED_WORDS, waiting_words
from certificates.services.approval import demands_of
from certificates.services.issuance import issue_certificate
from certificates.services.submission import AwaitingApproval
from kernel.actor import Actor
from web.addresses import address_of
from web.asked import text_of
from web.desk import narrow
from web.issuing.forms import CertificateForm, Way, choosable, order_of
from web.issuing.preview import show

_MOST_TEMPLATES: Final = 50


class AskForOne(ServicePage):
    slug = "new"
    title = _("Issue a certificate")
    explanation = _("See what you would get before you ask for it.")
    submit = _("Issue the certificate")
    check = _("Check")
    icon = "certificate"
    form_class = CertificateForm
    template_name = "web/issuing/new.html"
    error_fields = {
        "subject": "names",
        "subject.common_name": "common_name",
        "sans": "names",
        "public_key": "way",
        "csr": "csr",
    }

    def form(self) -> forms.Form:
        if "fit" in self.request.POST:
            # Another template was chosen: what is there already stays, and nobody is told off for what is not.
            form = CertificateForm(initial=self.request.POST.dict())
        else:
            form = cast(CertificateForm, super().form())
        code = text_of(self.request.GET, "template")
        narrow(form, actor_of(self.request))
        form.fit(code)
        return form

    def context(self, form: forms.Form) -> Mapping[str, Any]:
        actor = actor_of(self.request)
        if not isinstance(form, CertificateForm):
            return {}
        chosen = form.chosen
        return {
            "chosen": chosen,
            "limits": template_rules(chosen) if chosen else (),
            "needs_approval": bool(chosen and demands_of(chosen)),
            "templates": [] if chosen else _offered(form),
            "shown": show(actor, form),
        }

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        outcome = issue_certificate(actor=actor_of(self.request), order=order_of(data))
        if isinstance(outcome, AwaitingApproval):
            messages.success(self.request, str(waiting_words(outcome)))
            return redirect(address_of(outcome.request))
        row = outcome.certificate
        is_managed = data["way"] == Way.MANAGED
        messages.success(self.request, str((MANAGED_WORDS if is_managed else ISSUED_WORDS) % {"name": row}))
        return redirect("certificate-private-key" if is_managed else "certificate", row.public_id)


def preview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What the page shows beside its form, for the form as it is now. Nothing is done."""
    page = AskForOne(request)
    return render(request, "web/issuing/_preview.html", {**page.context(page.form())})


def _offered(form: CertificateForm) -> list[tuple[Any, str]]:
    return [(row, in_words(template_rules(row))) for row in choosable(form)[:_MOST_TEMPLATES]]
