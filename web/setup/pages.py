"""The pages of the first run: a start, a few questions, a look at everything, and the files at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Organization, User
from accounts.policy import holds
from accounts.services.organizations import create_organization
from accounts.sessions import WORKPLACE, actor_of
from audit.admin.forms import add_domain_error
from certificates.bundles import file_stem
from certificates.services.keys import is_awaited
from kernel.actor import Actor
from kernel.errors import DomainError
from kernel.permissions import Permission
from web.first_steps import dismiss
from web.setup.forms import CertificateForm, IssuingForm, RootForm, RulesForm, StartForm, answers_of
from web.setup.making import make_missing
from web.setup.showing import REASONS, TITLES, hierarchy, items, may_see
from web.setup.standing import Part, Standing
from web.setup.trusting import test_commands, trust_recipes
from web.setup.wishes import Wishes
from web.workplace import choose_first

QUESTIONS: Final[Mapping[Part, type[forms.Form]]] = {
    Part.ROOT: RootForm,
    Part.ISSUING: IssuingForm,
    Part.RULES: RulesForm,
    Part.CERTIFICATE: CertificateForm,
}
# Where a session keeps what was answered, until it is made.
_ANSWERS: Final = "setup"
_View = Callable[..., HttpResponse]


def _at_setup(view: _View) -> Callable[..., HttpResponseBase]:
    """For who may make CAs where he works, and for the superuser of an installation that is still empty; the view is
    handed the actor and how far his organization has come.
    """

    @wraps(view)
    @login_required
    def guarded(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        actor = actor_of(request)
        is_first = actor.is_superuser and not Organization.objects.exists()
        if actor.organization_id is None and not is_first:
            return choose_first(request)
        if not holds(actor, Permission.CAS_CREATE):
            raise PermissionDenied
        return view(request, actor, Standing.of(actor), **parts)

    return guarded


@_at_setup
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, actor: Actor, standing: Standing) -> HttpResponse:
    """The two things that nobody can guess, and the choice between our answers to the rest and one's own."""
    if not standing.missing:
        return redirect("setup-done")
    wishes = _wishes(request, standing)
    initial = {"organization": wishes.organization, "common_name": wishes.common_name}
    form = StartForm(request.POST or None, initial=initial, has_organization=standing.organization is not None)
    if request.method == "POST" and form.is_valid():
        if "steps" not in request.POST:
            request.session.pop(_ANSWERS, None)
        _remember(request, form)
        return redirect(_after(None, standing) if "steps" in request.POST else "setup-review")
    return _show(request, "start", standing, {"title": _("Set up"), "form": form}, form)


@_at_setup
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, actor: Actor, standing: Standing, part: Part) -> HttpResponse:
    wishes = _wishes(request, standing)
    if part not in standing.missing or not wishes.organization:
        return redirect("setup")
    question = QUESTIONS[part]
    initial = {name: getattr(wishes, name) for name in question.base_fields}
    form = question(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        _remember(request, form)
        return redirect(_after(part, standing) if "steps" in request.POST else "setup-review")
    context = {
        "part": part,
        "title": TITLES[part],
        "why": REASONS[part],
        "form": form,
        "is_last": part is Part.CERTIFICATE,
    }
    return _show(request, "ask", standing, context, form)


@_at_setup
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, actor: Actor, standing: Standing) -> HttpResponse:
    """Everything at a glance; and then everything at once, from where the last time stopped."""
    wishes = _wishes(request, standing)
    form = forms.Form(request.POST if request.method == "POST" else None)
    if not standing.missing:
        return redirect("setup-done")
    if not wishes.organization:
        return redirect("setup")
    if request.method == "POST" and form.is_valid():
        try:
            make_missing(_in_organization(request, actor, standing, wishes), wishes)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            request.session.pop(_ANSWERS, None)
            return redirect("setup-done")
        standing = Standing.of(actor_of(request))
    return _show(request, "review", standing, {"title": _("Review"), "form": form}, form)


@_at_setup
@require_safe
def done(request: HttpRequest, actor: Actor, standing: Standing) -> HttpResponse:
    row, root = standing.certificate, standing.root
    if row is None or root is None:
        return redirect("setup")
    if not (may_see(actor, Part.ROOT) and may_see(actor, Part.CERTIFICATE)):
        return redirect("home")
    context = {
        "title": _("Ready"),
        "certificate": row,
        "is_awaited": is_awaited(row),
        "recipes": list(trust_recipes(root)),
        "test": test_commands(root, row.common_name, file_stem(str(row))),
    }
    return _show(request, "done", standing, context)


@login_required
@require_POST
def dismissed(request: HttpRequest) -> HttpResponse:
    """The list of first steps is not shown in this browser any more."""
    return dismiss(request, redirect("home"))


def _wishes(request: HttpRequest, standing: Standing) -> Wishes:
    name = standing.organization.name if standing.organization else ""
    return Wishes.of(request.session.get(_ANSWERS, {}), organization=name)


def _remember(request: HttpRequest, form: forms.Form) -> None:
    request.session[_ANSWERS] = request.session.get(_ANSWERS, {}) | answers_of(form)


def _after(part: Part | None, standing: Standing) -> str:
    """The next question that is still open."""
    questions = list(QUESTIONS)
    rest = questions[questions.index(part) + 1 :] if part else questions
    return next((f"setup-{each}" for each in rest if each in standing.missing), "setup-review")


def _in_organization(request: HttpRequest, actor: Actor, standing: Standing, wishes: Wishes) -> Actor:
    """Where it is made: in the organization that there is, else in a new one, which the person owns and works in."""
    if standing.organization is not None:
        return actor
    organization = create_organization(actor=actor, name=wishes.organization, owner=cast(User, request.user))
    request.session[WORKPLACE] = organization.pk
    return actor_of(request)


def _show(
    request: HttpRequest, name: str, standing: Standing, context: dict[str, Any], form: forms.Form | None = None
) -> HttpResponse:
    wishes, actor = _wishes(request, standing), actor_of(request)
    context |= {
        "items": items(standing, wishes, actor),
        "hierarchy": hierarchy(standing, wishes, actor),
        "standing": standing,
    }
    return render(request, f"web/setup/{name}.html", context, status=422 if form is not None and form.errors else 200)


URLS: Final[list[URLPattern]] = [
    path("setup/", start, name="setup"),
    *(path(f"setup/{part}/", ask, {"part": part}, name=f"setup-{part}") for part in QUESTIONS),
    path("setup/review/", review, name="setup-review"),
    path("setup/done/", done, name="setup-done"),
    path("setup/dismiss/", dismissed, name="setup-dismiss"),
]
