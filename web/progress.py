"""How far long work has come: noted by the request that does it, and read by the page that waits for its answer.

The work is one request, with this or without it. What is noted may be lost, and nothing else is then.
"""

from __future__ import annotations

import logging
import time
from typing import Final, Self
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, JsonResponse, QueryDict
from django.views.decorators.http import require_safe

from kernel.actor import Actor
from web.navigation import reading_actor

log = logging.getLogger(__name__)

_KEPT_SECONDS: Final = 300
_PAUSE_SECONDS: Final = 0.5


class Progress:
    """So many steps, of which those that are done are noted now and then."""

    def __init__(self, key: str, steps: int) -> None:
        self._key = key
        self._steps = steps
        self._done = 0
        self._noted_at = 0.0

    @classmethod
    def of_form(cls, request: HttpRequest, actor: Actor, steps: int) -> Self:
        """Under the ticket that the form carries; of one without, nothing is noted."""
        return cls(_key(actor, request.POST), steps)

    def step(self, outcome: object = None) -> None:
        self._done += 1
        now = time.monotonic()
        if self._key and now - self._noted_at >= _PAUSE_SECONDS:
            self._noted_at = now
            self._note()

    def _note(self) -> None:
        try:
            cache.set(self._key, [self._done, self._steps], _KEPT_SECONDS)
        except Exception:
            # Whatever client the cache has: the work goes on.
            log.warning("the progress of long work is not noted", exc_info=True)


@login_required
@require_safe
def show(request: HttpRequest) -> JsonResponse:
    """How many steps are done, and of how many; 0 of 0 where nothing is known of it."""
    key = _key(reading_actor(request), request.GET)
    done, steps = (cache.get(key) if key else None) or (0, 0)
    return JsonResponse({"done": done, "of": steps}, headers={"Cache-Control": "no-store, private"})


def _key(actor: Actor, sent: QueryDict) -> str:
    """Nobody reads another's; empty where there is no ticket."""
    try:
        return f"progress:{actor.id}:{UUID(sent.get('ticket', ''))}"
    except ValueError:
        return ""
