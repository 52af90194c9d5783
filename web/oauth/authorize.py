"""An application asks a person, through his browser (RFC 6749 section 4.1, RFC 9700, RFC 9207)."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.redirects import origin_of
from accounts.services.oauth_consents import give_consent
from accounts.services.oauth_server import AuthorizationRequest, Misdirected, Refused, read_authorization
from audit.admin.forms import message_of
from kernel.errors import DomainError
from web.account.fresh import fresh_required
from web.errors import page
from web.middleware import CONTENT_SECURITY_POLICY, TRUSTED_TYPES
from web.oauth.asking import Question


class SeeOther(HttpResponseRedirect):
    """A form that was sent is not sent on (RFC 9700 section 4.12)."""

    status_code = 303
    allowed_schemes = ["https", "http"]


@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponseBase:
    """Asks every time, whatever was said before. The request stands in the address, and is judged again when the
    answer comes.
    """
    try:
        asked = read_authorization((name, value) for name, values in request.GET.lists() for value in values)
    except Misdirected:
        text = _("The application is not known here, or wants its answer sent where it never said. Nothing was given.")
        return page(request, 400, _("This request cannot be trusted"), text)
    except Refused as refused:
        return _refused(request, refused)
    return _ask(request, asked)


@fresh_required
def _ask(request: HttpRequest, asked: AuthorizationRequest) -> HttpResponse:
    question, error = Question.put(request, asked.client, asked.scopes, asked.resource), None
    decision = request.POST.get("decision", "")
    if decision == "deny":
        return SeeOther(asked.refuse("access_denied", "The person said no."))
    if decision == "allow":
        try:
            code = give_consent(
                actor=question.actor,
                order=question.order(),
                redirect_uri=asked.redirect_uri,
                challenge=asked.challenge,
            )
            return SeeOther(asked.answer(code.reveal().decode()))
        except DomainError as refusal:
            error = message_of(refusal)
    context = {
        "title": _("Let an application act for you"),
        "question": question,
        "receiver": urlsplit(asked.redirect_uri).netloc,
        "error": error,
    }
    response = render(request, "oauth/consent.html", context, status=422 if error else 200)
    response["Content-Security-Policy"] = _policy(asked.redirect_uri)
    return response


def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Who registered himself could send people anywhere with a request that is always refused, so they are asked
    (RFC 9700 section 4.11.2).
    """
    if refused.client.is_verified:
        return SeeOther(refused.location)
    context = {
        "title": _("The application asked for something that cannot be"),
        "refused": refused,
        "receiver": urlsplit(refused.location).netloc,
        "layout": "base.html" if request.user.is_authenticated else "base_bare.html",
    }
    return render(request, "oauth/refused.html", context, status=400)


def _policy(redirect_uri: str) -> str:
    """The page's own, in which a form may lead on to the application."""
    origin = origin_of(redirect_uri)
    # A Content-Security-Policy has no way to write an address of IPv6.
    target = f"{urlsplit(origin).scheme}:" if "[" in origin else origin
    return CONTENT_SECURITY_POLICY.replace("form-action 'self'", f"form-action 'self' {target}") + TRUSTED_TYPES
