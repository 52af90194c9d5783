"""A device without a browser asks a person, who types what it shows (RFC 8628 section 3.3)."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.guessing import Tries
from accounts.models import OAuthDevice
from accounts.services.oauth_consents import give_consent_to_device, refuse_device, waiting_device
from accounts.sessions import actor_of
from audit.admin.forms import add_domain_error, message_of
from kernel.errors import DomainError, NotFound
from web.account.fresh import fresh_required
from web.account.guessing import refused_uncounted
from web.oauth.asking import Question

# Wrong codes of one person within a quarter of an hour (RFC 8628 section 5.1).
_TRIES = 10


class CodeForm(forms.Form):
    user_code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        help_text=gettext_lazy("As the device shows it. Only if you have started this yourself, and just now."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )


@refused_uncounted
@require_http_methods(["GET", "HEAD", "POST"])
@fresh_required
def device(request: HttpRequest) -> HttpResponseBase:
    """First the code, which a link may have brought; then the question, like any application's."""
    form = CodeForm(request.POST or None, initial={"user_code": request.GET.get("user_code", "")[:20]})
    if request.method == "POST" and form.is_valid():
        waiting = _find(request, form)
        if waiting is not None:
            return _ask(request, waiting, form.cleaned_data["user_code"])
    context = {"title": _("Connect a device"), "form": form}
    return render(request, "oauth/device.html", context, status=422 if form.errors else 200)


def _find(request: HttpRequest, form: CodeForm) -> OAuthDevice | None:
    tries = Tries.of("device", request.user.pk, most=_TRIES)
    if not tries.take():
        form.add_error(None, _("Too many tries. Wait a quarter of an hour, then try again."))
        return None
    try:
        waiting = waiting_device(form.cleaned_data["user_code"])
        tries.give_back()
        return waiting
    except NotFound as error:
        add_domain_error(form, error)
        return None


def _ask(request: HttpRequest, waiting: OAuthDevice, user_code: str) -> HttpResponse:
    question = Question.put(request, waiting.client, tuple(waiting.scopes), waiting.resource)
    decision, error = request.POST.get("decision", ""), None
    try:
        if decision == "deny":
            refuse_device(actor=actor_of(request), user_code=user_code)
            messages.success(request, _("The device gets nothing."))
            return redirect("applications")
        if decision == "allow":
            give_consent_to_device(actor=question.actor, order=question.order(), user_code=user_code)
            messages.success(request, _("Done. Go back to the device."))
            return redirect("applications")
    except DomainError as refusal:
        error = message_of(refusal)
    context = {
        "title": _("Let a device act for you"),
        "question": question,
        "user_code": user_code,
        "error": error,
    }
    return render(request, "oauth/consent.html", context, status=422 if error else 200)
