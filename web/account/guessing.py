"""Counting guesses, in the cache that all web processes share. What cannot be counted is not let in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

WINDOW_SECONDS: Final = 15 * 60


@dataclass(frozen=True, slots=True)
class Tries:
    """So many in a quarter of an hour, by whoever or for whatever `parts` say.

    Each is counted before it is made, and given back where it was a right one: nobody slips in between a question
    and a count, however many try at once.
    """

    key: str
    most: int

    @classmethod
    def of(cls, kind: str, *parts: object, most: int) -> Tries:
        who = "\0".join(str(part) for part in parts)
        return cls(f"tries:{kind}:{hashlib.sha256(who.encode()).hexdigest()}", most)

    def take(self) -> bool:
        """Count a try; False where there were as many already, and nothing may be tried."""
        cache.add(self.key, 0, WINDOW_SECONDS)
        try:
            count = cache.incr(self.key)
        except ValueError:
            # It lapsed between the two.
            return self.take()
        if count > self.most:
            self.give_back()
            return False
        return True

    def give_back(self) -> None:
        with suppress(ValueError):
            cache.decr(self.key)

    def forget(self) -> None:
        cache.delete(self.key)


def take_all(several: Iterable[Tries]) -> bool:
    """Count a try in each; in none where one of them has no more."""
    taken: list[Tries] = []
    for tries in several:
        if not tries.take():
            for each in taken:
                each.give_back()
            return False
        taken.append(tries)
    return True


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
