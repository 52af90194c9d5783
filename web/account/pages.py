"""What the pages of the account and of the organization share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from accounts.models import Organization
from accounts.policy import holds
from accounts.sessions import actor_of
from audit.admin.forms import add_domain_error
from kernel.errors import DomainError
from kernel.permissions import Permission
from web.errors import Lacking
from web.workplace import choose_first

View = Callable[..., HttpResponseBase]


def in_organization(permission: Permission) -> Callable[[View], View]:
    """For who holds the permission in the organization he works in; the view is handed the actor and the organization.

    Who works in none is asked for one first.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        @login_required
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            actor = actor_of(request)
            if actor.organization_id is None:
                return choose_first(request)
            if not holds(actor, permission):
                raise Lacking(permission)
            organization = Organization.objects.get(pk=actor.organization_id)
            return view(request, actor, organization, *args, **kwargs)

        return guarded

    return decorate


def done(form: forms.BaseForm, act: Callable[[], object]) -> bool:
    """Call a service; what it refuses is put on the form."""
    try:
        act()
    except DomainError as error:
        add_domain_error(form, error)
        return False
    return True


def show(request: HttpRequest, template: str, context: dict[str, Any], *forms_shown: forms.BaseForm) -> HttpResponse:
    """The page; 422 where one of its forms was refused."""
    wrong = any(form.errors for form in forms_shown)
    return render(request, f"web/account/{template}.html", context, status=422 if wrong else 200)


def shown_once(request: HttpRequest, token: str, **context: object) -> HttpResponse:
    """The page of a new credential, with a command to try it, and where to go `back` to; nothing keeps it."""
    response = show(request, "token_made", {"token": token, "curl": curl_with(token), **context})
    response["Cache-Control"] = "no-store"
    return response


def curl_with(token: str) -> str:
    """Who one is, by this credential."""
    return f'curl -H "Authorization: Bearer {token}" {settings.BASE_URL}/api/v2/whoami'
