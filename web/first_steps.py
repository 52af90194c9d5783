"""From nothing to the first certificate and a little beyond: what is done, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.policy import holds
from accounts.sessions import actor_of
from certificates.beginnings import Progress, progress
from kernel.actor import Actor
from kernel.permissions import Permission

# In which organization this browser is not to show them any more.
_COOKIE: Final = "first-steps"
_REMEMBERED: Final = timedelta(days=365)

COMMANDS: Final = """\
manage.py create_organization Example
manage.py create_ca "Example Root" --subject "CN=Example Root,O=Example"
manage.py create_ca "Example Issuing" --subject "CN=Example Issuing,O=Example" --parent "Example Root" --path-length 0
manage.py create_role web --ca "Example Issuing" --domain example.internal --allow-subdomains
manage.py create_template web-tls --ca "Example Issuing" --role web
manage.py issue_certificate web-tls --common-name api.example.internal --out api.pem --key-out api.key"""


@dataclass(frozen=True, slots=True)
class Step:
    title: str | Promise
    why: str | Promise
    url: str
    is_done: bool
    is_next: bool = False


def first_steps(request: HttpRequest, actor: Actor) -> list[Step]:
    """The steps in their order, of which the first that is not done is the next. None for whoever cannot take them,
    has taken them all, or does not want to be told.
    """
    if not holds(actor, Permission.CAS_CREATE) or _is_dismissed(request, actor):
        return []
    steps = _steps(actor.organization_id is not None, progress(visible_to=actor))
    following = next((index for index, step in enumerate(steps) if not step.is_done), None)
    if following is None:
        return []
    return [replace(step, is_next=index == following) for index, step in enumerate(steps)]


def after_first_password(request: HttpRequest) -> str:
    """Where somebody goes who has just chosen a password: the first one here begins at the beginning."""
    is_first = actor_of(request).is_superuser and not Organization.objects.exists()
    return reverse("setup" if is_first else "home")


def dismiss(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    here = str(actor_of(request).organization_id)
    response.set_cookie(_COOKIE, here, max_age=_REMEMBERED, secure=request.is_secure(), httponly=True, samesite="Lax")
    return response


def _is_dismissed(request: HttpRequest, actor: Actor) -> bool:
    return request.COOKIES.get(_COOKIE) == str(actor.organization_id)


def _steps(has_organization: bool, found: Progress) -> list[Step]:
    setup = reverse("setup")
    return [
        Step(_("An organization"), _("whose certificates they are"), setup, has_organization),
        Step(_("A root"), _("the beginning of the chain, which others are told to trust"), setup, found.root),
        Step(_("An issuing CA"), _("which issues day by day while the root rests"), setup, found.issuing),
        Step(
            _("A role and a template"),
            _("the guard rails, and the recipe that people and programs ask for by name"),
            setup,
            found.template,
        ),
        Step(_("The first certificate"), _("with its key, ready to be downloaded"), setup, found.certificate),
        Step(
            _("A second person"),
            _("such as an approver: what matters is not decided by one alone"),
            reverse("members"),
            found.people,
        ),
        Step(_("An API key"), _("for the programs that renew by themselves"), reverse("api-keys"), found.api_key),
    ]
