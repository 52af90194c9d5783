"""Pages that ask, and then call one service: the only way in which the admin changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import update_wrapper
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.admin.base import ReadOnlyAdmin
from audit.admin.forms import add_domain_error, message_of
from kernel.errors import DomainError, Gone

Words = str | Promise
Facts = Iterable[tuple[Words, object]]


class ServicePage:
    """One question with its form, and the one service that the answer goes to.

    GET shows the form and changes nothing; POST calls `act`. What the domain refuses comes back on the form with
    everything that was typed.
    """

    # Templates call whatever can be called; a page is handed to them as it is.
    do_not_call_in_templates: ClassVar[bool] = True

    slug: ClassVar[str]
    title: ClassVar[Words]
    explanation: ClassVar[Words] = ""
    # The label of the button that acts; empty for a page that only answers by its `check`.
    submit: ClassVar[Words] = ""
    icon: ClassVar[str] = "plus"
    is_dangerous: ClassVar[bool] = False
    # Whether what comes back is a file, so that the page stays where it is.
    gives_file: ClassVar[bool] = False
    # The label of a second button, which shows what the answer would mean and does nothing.
    check: ClassVar[Words] = ""
    # What stands over what it shows.
    preview_title: ClassVar[Words] = _("What would be issued")
    # What the button says that sends an answer again whose `warning` was read.
    anyway: ClassVar[Words] = _("Do it nevertheless")
    # A template for what the answer would bring, where facts are not enough; it reads that off the page.
    consequences_template: ClassVar[str] = ""
    form_class: ClassVar[type[forms.Form]] = forms.Form
    # A template of its own, where the usual one does not show enough.
    template_name: ClassVar[str] = ""
    # Names of the domain and the fields of the form they stand for, where the two differ.
    error_fields: ClassVar[Mapping[str, str]] = {}

    # Who serves it.
    desk: PageDesk

    def __init__(self, request: HttpRequest, obj: Any = None) -> None:
        self.request = request
        self.obj = obj

    def about(self) -> object:
        """What the page is about, as its heading calls it."""
        return self.obj

    def is_offered(self) -> bool:
        """Whether the object is in a state in which the service could say yes."""
        return True

    def refusal(self) -> Words:
        """What to say where the page is opened and nothing can be done."""
        return _("This cannot be done in its present state.")

    def refusal_status(self) -> int:
        """The status it is said with."""
        return 409

    def is_overtaken(self, error: DomainError) -> bool:
        """Whether this says that the object is not what the reader has seen any more, so that no other answer helps."""
        return False

    def preview(self, data: Mapping[str, Any]) -> Facts:
        """What the answer would mean, for pages with a `check` button. Raises DomainError."""
        return ()

    def warning(self, data: Mapping[str, Any]) -> str:
        """Empty where the answer may count at once. Otherwise the reader sees what it would bring, and sends it again
        together with this word, which stands for exactly this answer. Raises DomainError.
        """
        return ""

    def facts(self) -> Facts:
        """What it is about, named so that nobody acts on the wrong one."""
        return ()

    def initial(self) -> Mapping[str, Any]:
        return {}

    def context(self, form: forms.Form) -> Mapping[str, Any]:
        """What its own template needs besides the form."""
        return {}

    def form(self) -> forms.Form:
        data = self.request.POST if self.request.method == "POST" else None
        files = self.request.FILES if self.request.method == "POST" else None
        return self.form_class(data, files, initial=dict(self.initial()))

    def act(self, data: Mapping[str, Any]) -> HttpResponse | Words:
        """Call the service. A sentence becomes a message over the record; a response is sent as it is.

        Raises DomainError.
        """
        raise NotImplementedError

    def destination(self) -> str:
        """Where the reader goes after a sentence: the object, else the list."""
        return self.desk.address_of(self.obj) if self.obj is not None else self.desk.list_address()


class PageDesk:
    """Shows pages and hands their answers over. Where it stands decides how they look and who may come to it."""

    page_template: ClassVar[str]

    def list_address(self) -> str:
        """Of the list that the page belongs to."""
        raise NotImplementedError

    def address_of(self, obj: Model) -> str:
        """Of any record that a page may lead to."""
        raise NotImplementedError

    def page_context(self, request: HttpRequest) -> dict[str, Any]:
        """What the shell around every page needs."""
        return {}

    def prepare(self, page: ServicePage, form: forms.Form) -> None:
        """A last look at a form before it is shown or read."""

    def serve(self, page: ServicePage) -> HttpResponse:
        """Show it, or act on what was sent; 409 where it is not offered, 410 where what it is about has gone, 422 where
        something is wrong.
        """
        request, page.desk = page.request, self
        if request.method != "POST" and not page.is_offered():
            return self._render(page, page.form_class(), refusal=page.refusal(), status=page.refusal_status())
        form, preview, warning = page.form(), [], ""
        self.prepare(page, form)
        if request.method == "POST" and form.is_valid():
            try:
                if page.check and ("check" in request.POST or not page.submit):
                    preview = list(page.preview(form.cleaned_data))
                elif not (warning := page.warning(form.cleaned_data)) or request.POST.get("confirmed") == warning:
                    return self._answer(page, form.cleaned_data)
            except Gone as error:
                return self._render(page, form, refusal=message_of(error), status=410)
            except DomainError as error:
                if page.is_overtaken(error):
                    return self._render(page, page.form_class(), refusal=message_of(error), status=409)
                add_domain_error(form, error, page.error_fields)
        return self._render(page, form, preview=preview, warning=warning, status=422 if form.errors else 200)

    def _answer(self, page: ServicePage, data: Mapping[str, Any]) -> HttpResponse:
        answer = page.act(data)
        if isinstance(answer, HttpResponse):
            return answer
        messages.success(page.request, str(answer))
        return redirect(page.destination())

    def _render(
        self,
        page: ServicePage,
        form: forms.Form,
        *,
        status: int,
        refusal: Words = "",
        preview: Iterable[tuple[Words, object]] = (),
        warning: str = "",
    ) -> HttpResponse:
        context = {
            **self.page_context(page.request),
            "title": page.title,
            "page": page,
            "object": page.about(),
            "facts": list(page.facts()),
            "form": form,
            "sections": sections_of(form),
            "refusal": refusal,
            "preview": list(preview),
            "warning": warning,
            "back": page.destination(),
            "list_url": self.list_address(),
            **page.context(form),
        }
        return TemplateResponse(page.request, page.template_name or self.page_template, context, status=status)


class ServiceAdmin(PageDesk, ReadOnlyAdmin):
    """A read-only list and record, with pages beside them that call services."""

    page_template = "admin/service_page.html"

    list_pages: tuple[type[ServicePage], ...] = ()
    object_pages: tuple[type[ServicePage], ...] = ()

    def get_urls(self) -> list[URLPattern]:
        own = [path(f"{page.slug}/", self._view(page), name=self._name(page)) for page in self.list_pages]
        own += [
            path(f"<str:object_id>/{page.slug}/", self._view(page), name=self._name(page)) for page in self.object_pages
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        doors = [(reverse(f"admin:{self._name(page)}"), page) for page in self.list_pages]
        context = {"doors": doors, **(extra_context or {})}
        return super().changelist_view(request, context)

    def record_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        context = super().record_context(request, obj)
        offered = [page for page in self.object_pages if page(request, obj).is_offered()]
        context["doors"] = [(reverse(f"admin:{self._name(page)}", args=[quote(obj.pk)]), page) for page in offered]
        return context

    def _name(self, page: type[ServicePage]) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page.slug}"

    def _view(self, page_class: type[ServicePage]) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, object_id: str | None = None) -> HttpResponse:
            obj = None if object_id is None else self.get_object(request, unquote(object_id))
            if object_id is not None and obj is None:
                raise Http404
            return self.serve(page_class(request, obj))

        return update_wrapper(self.admin_site.admin_view(view), view)

    def list_address(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def address_of(self, obj: Model) -> str:
        return record_url(obj)

    def page_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts}


class Section:
    """Some fields of a form under one heading; a folded one opens by itself where something in it is wrong."""

    def __init__(self, heading: Words, *fields: str, folded: bool = False) -> None:
        self.heading: Final = heading
        self.fields: Final = fields
        self.folded: Final = folded


def sections_of(form: forms.Form) -> list[dict[str, Any]]:
    """The form's `sections`, with their bound fields; all in one where it names none. What it lacks is left out."""
    declared: Iterable[Section] = getattr(form, "sections", ()) or (Section("", *form.fields),)
    return [
        {
            "heading": section.heading,
            "fields": [form[name] for name in section.fields if name in form.fields],
            "is_folded": section.folded and not any(name in form.errors for name in section.fields),
            "can_fold": section.folded,
        }
        for section in declared
        if not section.fields or not form.fields.keys().isdisjoint(section.fields)
    ]


def record_url(obj: Model) -> str:
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[quote(obj.pk)])
