"""A forgotten password."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.address_ranges import network_of
from accounts.guessing import Tries, one_name
from accounts.services.passwords import person_of_link, reset_password
from accounts.sessions import nobody
from accounts.tasks import mail_password_reset
from kernel.errors import Gone
from kernel.secret import Secret
from web.account.forms import NewPasswordForm
from web.account.guessing import refused_uncounted
from web.account.pages import done, show

# Within a quarter of an hour: from one address, and to one.
MOST_ASKED: Final = 20
MOST_MAILED: Final = 3


class AddressForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


@refused_uncounted
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """The same answer, as soon, whoever has an account: the mail is written elsewhere, by a worker."""
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        asked = Tries.of("reset-from", network_of(request.META.get("REMOTE_ADDR")), most=MOST_ASKED)
        mailed = Tries.of("reset-to", one_name(email), most=MOST_MAILED)
        if not asked.take():
            form.add_error(None, _("Too many tries. Wait a quarter of an hour, then try again."))
            return render(request, "web/account/forgotten.html", {"title": _("New password"), "form": form}, status=429)
        if mailed.take():
            ip, trace_id = request.META.get("REMOTE_ADDR"), getattr(request, "trace_id", "")
            mail_password_reset.delay(email, get_language() or "en", ip, trace_id)
        return render(request, "web/account/forgotten_sent.html", {"title": _("Look into your mailbox")})
    return show(request, "forgotten", {"title": _("New password"), "form": form}, form)


@sensitive_post_parameters("new_password", "repeated")
@refused_uncounted
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest, place: str, token: str) -> HttpResponse:
    """Where the link of the mail leads. Its second factor is asked for at the sign-in that follows."""
    form = NewPasswordForm(request.POST or None)
    try:
        person_of_link(place, token)
        if request.method == "POST" and form.is_valid():
            new = Secret(form.cleaned_data["new_password"])
            actor = nobody(request)
            if done(form, lambda: reset_password(actor=actor, place=place, token=token, new=new)):
                messages.success(request, _("Your password is changed. Sign in with it."))
                return redirect("sign-in")
    except Gone:
        return render(request, "web/account/link_gone.html", {"title": _("This link is not good any more")}, status=410)
    return show(request, "choose_password", {"title": _("Choose a new password"), "form": form}, form)
