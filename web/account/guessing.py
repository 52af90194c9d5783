"""What a page does where guesses are counted (`accounts.guessing`) and nothing counts them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from redis.exceptions import RedisError


def refused_uncounted(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view that guesses could be made at: with the cache gone it answers 503, and lets nobody in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except RedisError:
            return _unavailable(request)

    return guarded


def _unavailable(request: HttpRequest) -> HttpResponse:
    context = {
        "title": _("Nobody can sign in now"),
        "text": _("A server that counts the tries does not answer. Those who are signed in already may go on."),
        "status": 503,
        "trace_id": getattr(request, "trace_id", ""),
        "layout": "base_bare.html",
    }
    return render(request, "web/error.html", context, status=503)
