"""DialectViewSet: a ViewSet with credentials, a permission for each action, and one voice for all that goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from api.common import throttles
from api.common.auth import Credentials
from api.common.errors import LengthRequired
from api.common.idempotency import IdempotentViewSet
from api.common.inputs import Query
from api.common.negotiation import JsonNegotiation
from api.common.parser import StrictJsonParser
from api.common.permissions import HoldsPermission
from api.common.problems import Family, Problem, to_problem
from api.common.refusals import note_refusal
from api.common.request_notes import note_problem
from api.common.shapes import kept
from kernel.actor import Actor
from kernel.errors import Denied, DomainError
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

log = logging.getLogger(__name__)


class DialectViewSet(IdempotentViewSet):
    """The base of every dialect. A dialect adds `statuses` and `render`; a view adds its actions and `permissions`."""

    authentication_classes = [Credentials]
    permission_classes = [HoldsPermission]
    parser_classes = [StrictJsonParser]
    content_negotiation_class = JsonNegotiation
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    # Action -> permission; an action that is not listed is refused.
    permissions: ClassVar[Mapping[str, Permission]] = {}
    # Action -> what opens the door as well, to what selectors then show of one's own.
    permissions_for_own: ClassVar[Mapping[str, frozenset[Permission]]] = {}
    # Action -> what shows an object to somebody for whom the action on it is then refused: 403 in the place of 404.
    permissions_to_see: ClassVar[Mapping[str, frozenset[Permission]]] = {}
    # Actions for whoever has a credential at all: they show what is its own.
    needs_no_permission: ClassVar[frozenset[str]] = frozenset()
    # Actions for everybody: without a credential, or with a good one.
    public: ClassVar[frozenset[str]] = frozenset()
    # Action -> the limit that it counts against, where that is not the general one.
    limits: ClassVar[Mapping[str, str]] = {}
    general_limit: ClassVar[str] = throttles.GENERAL
    # Actions that answer with a file.
    downloads: ClassVar[frozenset[str]] = frozenset()
    # Which ids are read and shown: the integers of v1, or the UUIDs of v2.
    version: ClassVar[str] = "v2"
    # What the views are called in the documents.
    title: ClassVar[str] = ""
    # Whether an answer tells the address of what was made.
    has_items: ClassVar[bool] = False
    # Action -> the parameters that its address may have; none where it is not listed.
    queries: ClassVar[Mapping[str, type[Query]]] = {}
    # Family -> HTTP status, in this dialect.
    statuses: ClassVar[Mapping[Family, int]] = {}

    @property
    def actor(self) -> Actor:
        return cast(Actor, self.request.user)

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        """The parameters that the address of an action may have."""
        return cls.queries.get(action, Query)

    def render(self, request: HttpRequest, problem: Problem) -> HttpResponse:
        """The problem as this dialect says it."""
        raise NotImplementedError

    def perform_authentication(self, request: Request) -> None:
        """Whoever it turns out to be is counted, by the credential; without a good one by the address."""
        try:
            actor = request.user
        except DomainError:
            throttles.count_stranger(request._request)
            raise
        limit = self.limits.get(self.action or "", self.general_limit)
        if isinstance(actor, Actor):
            throttles.count_actor(request._request, limit, actor)
        elif self.action in self.public:
            throttles.count_address(request._request, limit)
        else:
            throttles.count_stranger(request._request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "") and not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired(_("Send the body with a Content-Length."))
        if self.action is not None:
            self.parameters = self.read_query(self.query_of(self.action, self.version), request)

    def read_query(self, shape: type[Query], request: Request) -> dict[str, Any]:
        """What the address says. Raises Invalid."""
        return shape.values(request.query_params, version=self.version)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        answer = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        answer.headers["Cache-Control"] = "no-store"
        throttles.tell_usage(request._request, answer)
        return answer

    def get_exception_handler(self) -> Callable[..., HttpResponse]:
        return self._answer

    def _answer(self, exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
        request = self.request._request
        problem = self.explain(to_problem(exc))
        note_problem(request, problem)
        log_cause(request, problem)
        actor = getattr(self.request, "_user", None)
        note_refusal(request, problem, actor if isinstance(actor, Actor) else None)
        return self.render(request, problem)

    def explain(self, problem: Problem) -> Problem:
        """The same problem in the words of this view."""
        errors = tuple(replace(error, field=self.field_name(error.field)) for error in problem.errors)
        return replace(problem, errors=errors)

    def field_name(self, field: str) -> str:
        """What a field of an order is called in what the client sent; a view that calls it otherwise overrides it."""
        return field


class ForeignViewSet(DialectViewSet):
    """The base of the dialects whose documents are of other systems."""

    @property
    def home(self) -> Ref:
        """The organization that the actor works in. Raises Denied: a superuser who has chosen none."""
        if self.actor.organization_id is None:
            raise Denied(_("Choose an organization first: this is done in one."))
        return Ref("pk", self.actor.organization_id)

    def show(self, shape: type[Serializer[Any]], instance: object, *, status: int = 200) -> Response:
        """The instance in an output shape."""
        return Response(kept(shape, self.version).to_representation(instance), status=status)


def log_cause(request: HttpRequest, problem: Problem) -> None:
    """What the client is not told goes to the log, under the trace id that the client is told."""
    if problem.cause is not None:
        log.error(
            "%s %s failed: %s",
            request.method,
            request.path,
            problem.code,
            exc_info=problem.cause,
            extra={"request": request},
        )
