"""The paths that two documents have: PKIFactor's and FastPKI's `/api/v1/certificates/{id}` and what is below it.

The credential chooses whose words are spoken: a token of FastPKI's clients, good or not, is answered in theirs,
everyone else in PKIFactor's. No view knows of this. Of collections the slash at the end chooses: they are two paths.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from api.common.auth import shows_program_token
from api.common.problems import Problem
from api.fastpki import dialect as fastpki
from api.fastpki import urls as fastpki_urls
from api.native import dialect as native
from api.native.routes import V1 as PKIFACTOR

_MOUNT: Final = "/api/v1/"
_FASTPKI: Final = {str(route.pattern): route.callback for route in fastpki_urls.urlpatterns}


def _by_credential(view: Callable[..., Any], fastpki_view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def chosen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = (fastpki_view if shows_program_token(request) else view)(request, *args, **kwargs)
        return answer

    return chosen


def _first_part(address: str) -> str:
    return address.partition("/")[0]


# `cas`, `users` …: what only FastPKI's document has.
_ONLY_FASTPKI: Final = {_first_part(address) for address in _FASTPKI} - {
    _first_part(str(route.pattern)) for route in PKIFACTOR
}


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """What goes wrong below `/api/v1/` outside any view: an unknown path, a body that ends too early."""
    is_fastpki = _first_part(request.path.removeprefix(_MOUNT)) in _ONLY_FASTPKI or shows_program_token(request)
    return (fastpki if is_fastpki else native).problem_response(request, problem)


urlpatterns: list[URLPattern] = [
    path(address, _by_credential(route.callback, _FASTPKI[address]))
    for route in PKIFACTOR
    if (address := str(route.pattern)) in _FASTPKI
]
