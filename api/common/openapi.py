"""How views become an OpenAPI document: what each operation takes, answers and refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiResponse, extend_schema
from rest_framework.serializers import BaseSerializer

from api.common.fields import Id
from api.common.inputs import Input
from api.common.problems import Family

PROBLEM_TYPE: Final = "application/problem+json"
_ALWAYS: Final = (Family.MALFORMED, Family.METHOD_NOT_ALLOWED, Family.NOT_ACCEPTABLE, Family.BROKEN, Family.UNAVAILABLE)
_GUARDED: Final = (Family.UNAUTHENTICATED, Family.DENIED)
_WITH_BODY: Final = (
    Family.LENGTH_REQUIRED,
    Family.TOO_LARGE,
    Family.UNSUPPORTED_MEDIA_TYPE,
    Family.INVALID,
)
WORDS: Final[Mapping[Family, str]] = {
    Family.MALFORMED: "The request cannot be understood.",
    Family.UNAUTHENTICATED: "No credential, or one that is not good.",
    Family.UNLICENSED: "The organization's licence does not cover this.",
    Family.DENIED: "The credential does not allow this.",
    Family.NOT_FOUND: "It does not exist, or is not visible to this credential.",
    Family.METHOD_NOT_ALLOWED: "The address does not take this method.",
    Family.NOT_ACCEPTABLE: "The Accept header refuses JSON.",
    Family.CONFLICT: "It contradicts what is already there.",
    Family.GONE: "It was there once and is not any more.",
    Family.LENGTH_REQUIRED: "The body comes without its length.",
    Family.TOO_LARGE: "The body is too large.",
    Family.UNSUPPORTED_MEDIA_TYPE: "The body is not application/json.",
    Family.INVALID: "The input is not acceptable; `errors` lists every violation.",
    Family.TOO_MANY: "A limit was reached; `Retry-After` says when to come back.",
    Family.BROKEN: "Something broke on our side.",
    Family.UNAVAILABLE: "It cannot be done now.",
}


def operation(
    summary: str,
    *,
    body: type[Input] | None = None,
    answers: Mapping[Any, Any],
    refusals: Iterable[Family] = (),
    examples: Any = None,
) -> Callable[[Any], Any]:
    """Document an action: what it takes, what it answers by status, and what it may refuse beyond the usual."""

    def decorate(method: Any) -> Any:
        method.refusals = tuple(refusals)
        return extend_schema(summary=summary, request=body, responses=dict(answers), examples=examples)(method)

    return decorate


def a_file(*media_types: str) -> dict[Any, Any]:
    """The answer of a download: bytes of one of these types."""
    return {
        (200, media_type): OpenApiResponse({"type": "string", "format": "binary"}, "The file.")
        for media_type in media_types
    }


class OperationSchema(AutoSchema):
    """Adds to each operation the permission it asks for and every problem that it can answer with."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        permission = self.view.permissions.get(self.view.action)
        operation["operationId"] = f"{type(self.view).__name__.lower()}_{self.view.action}"
        operation["parameters"] = [*operation.get("parameters", []), *self._query_parameters()]
        if not operation["parameters"]:
            del operation["parameters"]
        if permission is not None:
            operation["x-permission"] = permission.value
        for family in sorted(self._families(operation), key=lambda each: self.view.statuses[each]):
            operation["responses"][str(self.view.statuses[family])] = self._problem(family)
        for response in operation["responses"].values():
            response.setdefault("headers", {})["X-Trace-Id"] = {"$ref": "#/components/headers/TraceId"}
        return operation

    def get_tags(self) -> list[str]:
        return [type(self.view).__name__]

    def _families(self, operation: Mapping[str, Any]) -> set[Family]:
        families = {*_ALWAYS, *getattr(getattr(self.view, self.view.action), "refusals", ())}
        if operation.get("security") != [{}]:
            families |= set(_GUARDED)
        if "requestBody" in operation:
            families |= set(_WITH_BODY)
        # Unknown parameters are refused everywhere, also where there are none.
        families.add(Family.INVALID)
        if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
            families.add(Family.NOT_FOUND)
        return families

    def _problem(self, family: Family) -> dict[str, Any]:
        headers = {}
        if family is Family.UNAUTHENTICATED:
            headers["WWW-Authenticate"] = {"schema": {"type": "string"}, "required": True}
        if family is Family.METHOD_NOT_ALLOWED:
            headers["Allow"] = {"schema": {"type": "string"}, "required": True}
        if family is Family.TOO_MANY:
            headers["Retry-After"] = {"schema": {"type": "integer", "minimum": 1}, "required": True}
        schema = {"$ref": "#/components/schemas/Problem"}
        return {"description": WORDS[family], "headers": headers, "content": {PROBLEM_TYPE: {"schema": schema}}}

    def _query_parameters(self) -> list[dict[str, Any]]:
        query = self.view.query_of(self.view.action, self.view.version)
        parameters = []
        for name, field in query().fields.items():
            schema = self._map_serializer_field(field, "request")
            described = {"description": schema.pop("description")} if "description" in schema else {}
            parameters.append({"in": "query", "name": name, "schema": schema, **described})
        return parameters

    def _map_serializer(self, serializer: Any, direction: Direction, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        if isinstance(serializer, Input) or (isinstance(serializer, type) and issubclass(serializer, Input)):
            schema["additionalProperties"] = False
        return schema

    def _get_serializer_name(self, serializer: Any, direction: Direction, bypass_extensions: bool = False) -> str:
        kind = serializer if isinstance(serializer, type) else type(serializer)
        if issubclass(kind, BaseSerializer) and kind.__name__.endswith("In"):
            return f"{kind.__name__.removesuffix('In')}Request"
        return kind.__name__.removesuffix("Out")


class IdSchema(OpenApiSerializerFieldExtension):
    """An id is an integer in v1 and a UUID in v2."""

    target_class = Id

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> dict[str, Any]:
        return Id.schema(auto_schema.view.version)


class MadeSchema(OpenApiSerializerFieldExtension):
    """A member that a function makes says its own schema."""

    target_class = "api.common.fields.Made"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> dict[str, Any]:
        return dict(self.target.member_schema)


class CredentialsSchema(OpenApiAuthenticationExtension):
    target_class = "api.common.auth.Credentials"
    name = ["apiKey", "session"]  # type: ignore[assignment]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:  # type: ignore[override]
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key: `pkf_` and 32 letters and digits."},
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "chancery_session",
                "description": "A signed-in browser; changes need the CSRF token in `X-CSRFToken` too.",
            },
        ]
