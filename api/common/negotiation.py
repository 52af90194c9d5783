"""Which body is read, and whether the client takes JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_OURS: Final = ("application/json", "application/problem+json")
# What most clients say, of which nothing has to be taken apart.
_PLAINLY_OURS: Final = frozenset({"*/*", "application/json"})


class JsonNegotiation(DefaultContentNegotiation):
    """Every answer is JSON; a download is what it is, whatever Accept says (RFC 9110 section 12.5.1 allows it)."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Raises NotAcceptable."""
        renderer = next(iter(renderers))
        view = (request.parser_context or {}).get("view")
        if request.META.get("HTTP_ACCEPT", "*/*") in _PLAINLY_OURS:
            return renderer, renderer.media_type
        is_download = getattr(view, "action", None) in getattr(view, "downloads", ())
        if is_download or any(request._request.accepts(media_type) for media_type in _OURS):
            return renderer, renderer.media_type
        raise NotAcceptable
