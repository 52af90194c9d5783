"""Records as operators meet them: in the organization where they work, with the questions that the admin asks too.

A `ServicePage` knows its form and its service, and nothing of who may come. Here it stands behind a permission, is
handed only what the actor may see, and leads back to our own pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Organization
from accounts.policy import holds
from accounts.selectors import of_whole_organization, under_granted_cas
from accounts.sessions import actor_of
from audit.admin.pages import PageDesk, ServicePage, Words
from cas.models import CertificateAuthority
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from web.addresses import address_of
from web.errors import Lacking
from web.navigation import reading_actor
from web.workplace import choose_first

View = Callable[..., HttpResponseBase]
Need = Permission | frozenset[Permission]
"""A permission, or several of which any one will do."""
Doors = Mapping[type[ServicePage], Need]


class Desk(PageDesk):
    """One kind of record: its list, its record, and the pages beside both, each behind a permission.

    `name` is that of its addresses (`certificate`, `certificate-revoke`), `list_name` that of the list's, `place` where
    they stand.
    """

    page_template = "web/service_page.html"

    name: ClassVar[str]
    list_name: ClassVar[str]
    place: ClassVar[str]
    # What follows the place in the address of one record.
    one: ClassVar[str] = "<uuid:public_id>/"
    plural: ClassVar[Words]
    reading: ClassVar[Need]
    list_doors: ClassVar[Doors] = {}
    doors: ClassVar[Doors] = {}

    def find(self, actor: Actor, ref: Ref) -> Model:
        """Raises NotFound."""
        raise NotImplementedError

    def called(self, obj: Any) -> str:
        """What stands for it in an address, and comes back to `find` as `public_id`."""
        return str(obj.public_id)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        raise NotImplementedError

    def show_record(self, request: HttpRequest, actor: Actor, obj: Any) -> HttpResponse:
        raise NotImplementedError

    def urls(self) -> list[URLPattern]:
        return [
            path(self.place, self.guarded(self.reading, self.show_list), name=self.list_name),
            *(self._door(page, need, self.place) for page, need in self.list_doors.items()),
            *self.record_urls(),
        ]

    def record_urls(self) -> list[URLPattern]:
        one = f"{self.place}{self.one}"
        return [
            path(one, self.about_one(self.reading, self.show_record), name=self.name),
            *(self._door(page, need, one) for page, need in self.doors.items()),
        ]

    def list_address(self) -> str:
        return reverse(self.list_name)

    def address_of(self, obj: Model) -> str:
        return address_of(obj)

    def page_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"list_title": self.plural}

    def prepare(self, page: ServicePage, form: forms.Form) -> None:
        narrow(form, actor_of(page.request))

    def offered(self, request: HttpRequest, actor: Actor, obj: Any) -> list[tuple[str, ServicePage]]:
        """The pages that this actor is let to and this record is ready for, with their addresses."""
        return self.ready(self.pages_of(request, actor, obj))

    def pages_of(self, request: HttpRequest, actor: Actor, obj: Any) -> list[ServicePage]:
        """The pages beside this record that this actor is let to."""
        return [page(request, obj) for page, need in self.doors.items() if is_let(actor, need)]

    def ready(self, pages: Iterable[ServicePage]) -> list[tuple[str, ServicePage]]:
        """Those of these pages that their record is ready for, with their addresses."""
        return [(self._address(page, page.obj), page) for page in pages if page.is_offered()]

    def list_offered(self, request: HttpRequest, actor: Actor) -> list[tuple[str, ServicePage]]:
        pages = [page(request) for page, need in self.list_doors.items() if is_let(actor, need)]
        return [(self._address(page), page) for page in pages]

    def guarded(self, need: Need, show: View, *, methods: Sequence[str] = ("GET", "HEAD")) -> View:
        """A view for whoever holds the permission; `show` gets the request and the actor."""

        @login_required
        @require_http_methods(methods)
        def view(request: HttpRequest, **parts: Any) -> HttpResponseBase:
            return self._enter(request, need, lambda actor: show(request, actor, **parts))

        return view

    def about_one(self, need: Need, show: View) -> View:
        """The same about one record, which `show` gets after the actor. What he may not see is not there."""

        @login_required
        @require_safe
        def view(request: HttpRequest, public_id: UUID | str, **parts: Any) -> HttpResponseBase:
            return self._enter(
                request, need, lambda actor: show(request, actor, self._found(actor, public_id), **parts)
            )

        return view

    def _door(self, page: type[ServicePage], need: Need, place: str) -> URLPattern:
        @login_required
        @require_http_methods(["GET", "HEAD", "POST"])
        def view(request: HttpRequest, public_id: UUID | str | None = None) -> HttpResponseBase:
            def enter(actor: Actor) -> HttpResponseBase:
                return self.serve(page(request, None if public_id is None else self._found(actor, public_id)))

            return self._enter(request, need, enter)

        return path(f"{place}{page.slug}/", view, name=self._name_of(page))

    def _enter(self, request: HttpRequest, need: Need, show: Callable[[Actor], HttpResponseBase]) -> HttpResponseBase:
        actor = reading_actor(request)
        if actor.organization_id is None:
            return choose_first(request)
        if not is_let(actor, need):
            raise Lacking(*_needed(need))
        return show(actor)

    def _found(self, actor: Actor, public_id: UUID | str) -> Model:
        try:
            return self.find(actor, Ref("public_id", str(public_id)))
        except NotFound as error:
            raise Http404 from error

    def _address(self, page: ServicePage, obj: Any = None) -> str:
        return reverse(self._name_of(page), args=[self.called(obj)] if obj is not None else [])

    def _name_of(self, page: type[ServicePage] | ServicePage) -> str:
        return f"{self.name}-{page.slug}".replace("/", "-")


def is_let(actor: Actor, need: Need) -> bool:
    return any(holds(actor, each) for each in _needed(need))


def _needed(need: Need) -> frozenset[Permission]:
    return frozenset({need}) if isinstance(need, Permission) else need


def narrow(form: forms.Form, actor: Actor) -> None:
    """Let a form choose among the rows that the actor may see; where there is but one, it is chosen.

    What was chosen beforehand stays so if it is among them.
    """
    for name, field in form.fields.items():
        if not isinstance(field, forms.ModelChoiceField) or field.queryset is None:
            continue
        field.queryset = _reachable(field.queryset, actor)
        only = list(field.queryset[:2])
        chosen = form.initial.pop(name, None)
        if len(only) == 1 and field.required:
            form.initial[name] = only[0].pk
        elif _is_choice(field, chosen):
            form.initial[name] = chosen
        if field.queryset.model is Organization:
            field.widget = forms.HiddenInput()


def _is_choice(field: forms.ModelChoiceField, chosen: Any) -> bool:
    """Whether it is one of those that the field lets through; it may be a number, or a row."""
    try:
        return field.clean(getattr(chosen, "pk", chosen)) is not None
    except (forms.ValidationError, OverflowError):
        return False


def _reachable(rows: QuerySet[Any], actor: Actor) -> QuerySet[Any]:
    if rows.model is Organization:
        return rows.filter(pk=actor.organization_id)
    if rows.model is CertificateAuthority:
        return under_granted_cas(rows, actor, column="pk")
    if hasattr(rows.model, "ca"):
        return under_granted_cas(rows, actor)
    return of_whole_organization(rows, actor)
