"""How the OAuth endpoints read and answer: forms in, JSON out, errors by their names in the RFCs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from api.common.dialect import log_cause
from api.common.problems import to_problem
from api.common.throttles import count_token_request, tell_usage
from kernel.errors import TooMany, Unavailable

# More than any form or registration of a client needs.
LARGEST_BODY: Final = 32 * 1024
_LONGEST_NUMBER: Final = 18
FORM: Final = "application/x-www-form-urlencoded"

View = Callable[..., HttpResponse]


class OAuthProblem(Exception):
    """An error with its name in the RFCs, for a client and its developer."""

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        self.error, self.description, self.status, self.headers = error, description, status, headers or {}
        super().__init__(error)


def endpoint(method: str, media_type: str | None = None) -> Callable[[View], View]:
    """A view for programs: one method, one kind of body, no session, no CSRF token, and every failure as JSON."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest, **kwargs: str) -> HttpResponse:
            try:
                if method == "POST":
                    count_token_request(request)
                _check(request, method, media_type)
                response = view(request, **kwargs)
            except Exception as error:
                response = _failed(request, error)
            response.setdefault("Cache-Control", "no-store")
            tell_usage(request, response)
            return response

        return guarded

    return decorate


def document(content: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    return JsonResponse(dict(content), status=status)


def body_of(request: HttpRequest) -> str:
    """A form, as text. Raises OAuthProblem."""
    try:
        return request.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OAuthProblem("invalid_request", "The body is not UTF-8 text.") from error


def _check(request: HttpRequest, method: str, media_type: str | None) -> None:
    if request.method != method and not (method == "GET" and request.method == "HEAD"):
        raise OAuthProblem("invalid_request", f"Ask with {method}.", status=405, headers={"Allow": method})
    if media_type is None:
        return
    if request.content_type != media_type:
        raise OAuthProblem("invalid_request", f"The body must be {media_type}.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    # Python refuses to read thousands of digits as a number.
    if not length.isdecimal() or len(length) > _LONGEST_NUMBER or int(length) > LARGEST_BODY:
        raise OAuthProblem("invalid_request", f"The body is longer than {LARGEST_BODY} bytes.", status=413)


def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, OAuthProblem):
        content = {"error": error.error, "error_description": error.description}
        return JsonResponse(content, status=error.status, headers=dict(error.headers))
    if isinstance(error, TooMany):
        content = {"error": "temporarily_unavailable", "error_description": str(error)}
        return JsonResponse(content, status=429, headers={"Retry-After": str(error.retry_after)})
    if isinstance(error, Unavailable):
        content = {"error": "temporarily_unavailable", "error_description": str(error)}
        return JsonResponse(content, status=503, headers={"Retry-After": "5"})
    log_cause(request, to_problem(error))
    return document({"error": "server_error"}, status=500)
