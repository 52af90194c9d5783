"""`Idempotency-Key`: a header under which a client may ask again without anything being done twice.

Authenticate, ask for the permission, look for an answer that is remembered, and only then act.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final, cast

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from api.common.remembered import HEADER, Answer, Question, answer_once
from kernel.actor import Actor
from kernel.errors import Invalid
from kernel.secret import Secret
from kernel.text import _

# Two headers of this name arrive as one, with a comma between them (RFC 9110 section 5.3).
KEY_PATTERN: Final = "^[!-+\\--~]{1,255}$"
_KEPT_HEADERS: Final = ("Content-Type", "Content-Disposition", "Location")


class IdempotentViewSet(ViewSet):
    """A view set some of whose actions take an `Idempotency-Key`; elsewhere the header means nothing.

    What such an action does is done in one transaction, with its answer; it may rely on being the only one with its
    key. It answers with a whole body, not with a stream.
    """

    # The key of this request, where it has one and the action takes it.
    idempotency_key: Secret | None = None
    # Of actions that are not remembered whatever they are sent: the schema of the bodies for which they are.
    remembered_bodies: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @property
    def takes_key(self) -> bool:
        """Whether what is asked for is remembered where the client sends a key."""
        return False

    @property
    def may_take_key(self) -> bool:
        """Whether the action takes a key; of a view where that depends on the body: with some bodies."""
        return self.takes_key

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.idempotency_key = read_key(request._request) if self.takes_key else None
        if self.idempotency_key is not None:
            # As DRF's own `as_view` has it: the handler of a method is an attribute of the view.
            method = str(request.method).lower()
            setattr(self, method, partial(self._answer_once, self.idempotency_key, getattr(self, method)))

    def _answer_once(
        self, key: Secret, handler: Callable[..., HttpResponseBase], request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        actor = cast(Actor, request.user)
        question = Question(actor=actor, method=str(request.method), path=request.path, body=_body(request), key=key)
        answer = answer_once(question, lambda: self._finished(request, handler(request, *args, **kwargs)))
        response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
        if "Content-Type" not in answer.headers:
            del response.headers["Content-Type"]
        return response

    def _finished(self, request: Request, response: Any) -> Answer:
        """What this response would send."""
        finished = self.finalize_response(request, response)
        if hasattr(finished, "render"):
            finished.render()
        headers = {name: finished.headers[name] for name in _KEPT_HEADERS if name in finished.headers}
        return Answer(finished.status_code, headers, finished.content)


def read_key(request: HttpRequest) -> Secret | None:
    """The key that was sent; None where none was. Raises Invalid, naming the header."""
    text = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if text is None:
        return None
    if "," in text:
        raise Invalid.of(HEADER, "repeated", _("Send this header once, and without a comma."))
    if not re.fullmatch(KEY_PATTERN, text):
        raise Invalid.of(HEADER, "invalid", _("A key is 1 to 255 visible ASCII characters."))
    return Secret(text)


def _body(request: Request) -> Secret:
    """The query and the body, however its JSON was laid out."""
    data = dict(request.data.lists()) if isinstance(request.data, QueryDict) else request.data
    return Secret(json.dumps([request.META.get("QUERY_STRING", ""), data], sort_keys=True, separators=(",", ":")))
