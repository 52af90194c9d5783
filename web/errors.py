"""The pages of 400, 403, 404 and 500, each with the number under which the log knows the request."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext as _

from kernel.permissions import Permission


class Lacking(PermissionDenied):
    """A permission is missing, which an organization could give. Where several would do, the first is named."""

    def __init__(self, *permissions: Permission) -> None:
        self.permission = min(permissions).value
        super().__init__(self.permission)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return page(request, 413, _("That is too much"), _("The form or its file is longer than anything needed here."))
    text = _("The address or the form was not understood. Go back and try again.")
    return page(request, 400, _("That request makes no sense"), text)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = _("You are signed in, but this page is not for your account. A superuser can tell you who may open it.")
    if isinstance(exception, Lacking):
        needed = _("This needs the permission %(permission)s.") % {"permission": exception.permission}
        text = f"{needed} " + _("Whoever looks after the members of your organization can give it to you.")
    return page(request, 403, _("Not for you"), text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    text = _(
        "The form was too old, or came from another place. Nothing was changed. Open the page again and repeat it."
    )
    return page(request, 403, _("The form has expired"), text)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = _("There is no such page, or it is not yours to see.")
    return page(request, 404, _("Nothing here"), text)


def server_error(request: HttpRequest) -> HttpResponse:
    """Drawn without the database, the session or the person: any of them may be what is broken."""
    context = {
        "title": _("Something broke on our side"),
        "text": _("Nothing was half done. Tell whoever runs Chancery the number below; the log has the rest."),
        "status": 500,
        "trace_id": getattr(request, "trace_id", ""),
        "layout": "base_bare.html",
    }
    return HttpResponse(loader.render_to_string("web/error.html", context), status=500)


def page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    signed_in = hasattr(request, "user") and request.user.is_authenticated
    context = {
        "title": title,
        "text": text,
        "status": status,
        "trace_id": getattr(request, "trace_id", ""),
        "layout": "base.html" if signed_in else "base_bare.html",
    }
    return render(request, "web/error.html", context, status=status)
