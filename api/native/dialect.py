"""How the native API speaks: statuses, problem details (RFC 9457), ids by version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path
from django.utils.translation import gettext
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.models import Organization
from accounts.selectors import acting_in, get_organization
from api.common.answers import problem_answer
from api.common.catalogue import title_of
from api.common.dialect import DialectViewSet
from api.common.fields import INTEGER_IDS, required
from api.common.inputs import Query
from api.common.paging import OffsetPageQuery, Page, PageQuery, read_page
from api.common.problems import Family, Problem
from api.common.shapes import kept
from api.common.trace import trace_id_of
from kernel.errors import Invalid
from kernel.ref import Ref

STATUSES: Final[Mapping[Family, int]] = {
    Family.MALFORMED: 400,
    Family.UNAUTHENTICATED: 401,
    Family.UNLICENSED: 402,
    Family.DENIED: 403,
    Family.NOT_FOUND: 404,
    Family.METHOD_NOT_ALLOWED: 405,
    Family.NOT_ACCEPTABLE: 406,
    Family.CONFLICT: 409,
    Family.GONE: 410,
    Family.LENGTH_REQUIRED: 411,
    Family.TOO_LARGE: 413,
    Family.UNSUPPORTED_MEDIA_TYPE: 415,
    Family.INVALID: 422,
    Family.TOO_MANY: 429,
    Family.BROKEN: 500,
    Family.UNAVAILABLE: 503,
}
ERRORS_PATH: Final = "/developers/errors/"


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem as `application/problem+json`, in the language of the request."""
    status = STATUSES[problem.family]
    body: dict[str, Any] = {
        "type": f"{settings.BASE_URL}{ERRORS_PATH}{problem.code}",
        "title": gettext(title_of(problem.code)),
        "status": status,
        "detail": problem.detail.render(gettext),
        "instance": escape_uri_path(request.path),
        "trace_id": trace_id_of(request),
    }
    if problem.errors:
        body["errors"] = [
            {"field": error.field, "code": error.code, "detail": error.message.render(gettext)}
            for error in problem.errors
        ]
    return problem_answer(problem, body, status=status, content_type="application/problem+json")


class NativeViewSet(DialectViewSet):
    """The base of all native views. One view serves both versions; `version` says which one is spoken to."""

    has_items = True
    statuses = STATUSES
    # What a field of an order is called here.
    field_names: ClassVar[Mapping[str, str]] = {}
    # POSTs that nobody minds being done again: they take no Idempotency-Key.
    repeatable: ClassVar[frozenset[str]] = frozenset()

    @property
    def takes_key(self) -> bool:
        return bool(self.action) and self.action == self.action_map.get("post") and self.action not in self.repeatable

    @property
    def home(self) -> Ref | None:
        """The actor's own organization; a superuser may have none."""
        return Ref("pk", self.actor.organization_id) if self.actor.organization_id else None

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        """The parameters that the address of an action may have: lists are paged, others have none of themselves."""
        if action == "list":
            return OffsetPageQuery if version == INTEGER_IDS else PageQuery
        return cls.queries.get(action, Query)

    def show(self, shape: type[Serializer[Any]], instance: object) -> Any:
        """The instance in an output shape of this version."""
        return kept(shape, self.version).to_representation(instance)

    def created(self, body: Mapping[str, Any], *, among: str | None = None) -> Response:
        """201, with the address of the new thing where it has one in this version: below this one, or below `among`."""
        place = self.request.path if among is None else among
        headers = {"Location": f"{escape_uri_path(place)}/{body['id']}"} if self.has_items else {}
        return Response(body, status=201, headers=headers)

    def organization_of(self, values: dict[str, Any]) -> Organization:
        """The organization that a body names (taken out of it), else the actor's own. Raises Denied, Invalid."""
        actor = acting_in(self.actor, values.pop("organization_id", None))
        if actor.organization_id is None:
            raise Invalid(errors=[required("organization_id")])
        return get_organization(Ref("pk", actor.organization_id), visible_to=actor)

    def page(self, shape: type[Serializer[Any]], rows: QuerySet[Any]) -> Response:
        """The page of a list that the address asks for. Raises Malformed."""
        return self.listed(shape, read_page(rows, self.parameters, exactly=self.version == INTEGER_IDS))

    def listed(self, shape: type[Serializer[Any]], page: Page[Any]) -> Response:
        """A page in the documented envelope."""
        pagination: dict[str, Any] = {"next_cursor": page.next_cursor, "total": page.total}
        if page.is_estimate:
            pagination["total_is_estimate"] = True
        items = [kept(shape, self.version).to_representation(row) for row in page.rows]
        return Response({"data": items, "pagination": pagination})

    def render(self, request: HttpRequest, problem: Problem) -> HttpResponse:
        return problem_response(request, problem)

    def field_name(self, field: str) -> str:
        head, dot, rest = field.partition(".")
        return self.field_names.get(head, head) + dot + rest
