"""Pages that guesses could be made at: so many requests of one address in a minute, beside what each page counts of the
guesses themselves (`accounts.guessing`); and what they do where nothing counts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.address_ranges import network_of
from accounts.guessing import Tries

_MINUTE: Final = 60
_View = Callable[..., HttpResponseBase]


def refused_uncounted(view: _View) -> _View:
    """A view whose forms guesses could be made by: with the cache gone it answers 503, and lets nobody in."""
    return _guarded(view, lambda request: request.method == "POST")


def counted_always(view: _View) -> _View:
    """The same for one that only looking at costs something: others are asked."""
    return _guarded(view, lambda request: True)


def _guarded(view: _View, is_counted: Callable[[HttpRequest], bool]) -> _View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if settings.RATELIMIT_ENABLE and is_counted(request) and not _requests_of(request).take():
                return _too_many(request)
            return view(request, *args, **kwargs)
        except RedisError:
            return _unavailable(request)

    return guarded


def _requests_of(request: HttpRequest) -> Tries:
    network = network_of(request.META.get("REMOTE_ADDR"))
    return Tries.of("sign-in-requests", network, most=settings.RATE_LIMITS["sign-in"], window=_MINUTE)


def _too_many(request: HttpRequest) -> HttpResponse:
    text = _("So many requests come from where you are that nobody is let in from there for a minute. Try again then.")
    response = _page(request, _("Too many requests"), text, 429)
    response["Retry-After"] = str(_MINUTE)
    return response


def _unavailable(request: HttpRequest) -> HttpResponse:
    text = _("A server that counts the tries does not answer. Those who are signed in already may go on.")
    return _page(request, _("Nobody can sign in now"), text, 503)


def _page(request: HttpRequest, title: str, text: str, status: int) -> HttpResponse:
    context = {
        "title": title,
        "text": text,
        "status": status,
        "trace_id": getattr(request, "trace_id", ""),
        "layout": "base_bare.html",
    }
    return render(request, "web/error.html", context, status=status)
