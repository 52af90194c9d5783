"""How views become an OpenAPI document: what each operation takes, answers and refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from inspect import getdoc
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework.serializers import ListSerializer

from api.common.fields import Id
from api.common.idempotency import KEY_PATTERN
from api.common.inputs import Input
from api.common.problems import Family
from api.common.remembered import HEADER

PROBLEM_TYPE: Final = "application/problem+json"
# Unknown parameters are refused (INVALID) also where there are none.
_ALWAYS: Final = (
    Family.MALFORMED,
    Family.UNAUTHENTICATED,
    Family.DENIED,
    Family.METHOD_NOT_ALLOWED,
    Family.NOT_ACCEPTABLE,
    Family.INVALID,
    Family.BROKEN,
    Family.UNAVAILABLE,
)
_WITH_BODY: Final = (Family.LENGTH_REQUIRED, Family.TOO_LARGE, Family.UNSUPPORTED_MEDIA_TYPE)
_GOOD: Final = {
    "200": "Done.",
    "201": "Made.",
    "202": "It is not done yet, and is followed at `Location`.",
    "204": "Done; there is nothing to say.",
    "207": "Done in part; the answer says what was not.",
}
_TEXT: Final = {"schema": {"type": "string"}, "required": True}
_HEADERS: Final[Mapping[Family, dict[str, Any]]] = {
    Family.UNAUTHENTICATED: {"WWW-Authenticate": _TEXT},
    Family.METHOD_NOT_ALLOWED: {"Allow": _TEXT},
    Family.CONFLICT: {
        "Retry-After": {
            "description": "Where the first request with this `Idempotency-Key` is still running.",
            "schema": {"type": "integer", "minimum": 1},
        }
    },
    Family.TOO_MANY: {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "required": True}},
}
_KEY: Final[Mapping[str, Any]] = {
    "in": "header",
    "name": HEADER,
    "description": "The same key and body within 24 hours: done once, and answered alike.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": KEY_PATTERN},
}
_REMEMBERED_BODIES: Final = "x-remembered-bodies"
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
    reads: Iterable[Mapping[str, Any]] = (),
    sends: Mapping[str, Any] | None = None,
) -> Callable[[Any], Any]:
    """Document an action: what it takes, what it answers by status, and what it may refuse beyond the usual.

    `reads` are the headers that it knows, as parameters; `sends` those of what it answers where it does not refuse.
    """

    def decorate(method: Any) -> Any:
        method.refusals, method.reads, method.sends = tuple(refusals), tuple(map(dict, reads)), dict(sends or {})
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

    view: Any  # a view set of some dialect

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        operation["operationId"] = f"{_snake(type(self.view).__name__)}_{self.view.action}"
        if self.view.action not in self.view.needs_no_permission | self.view.public:
            operation["x-permission"] = self.view.permissions[self.view.action].value
        if for_own := self.view.permissions_for_own.get(self.view.action):
            operation["x-permissions-for-own"] = sorted(for_own)
        parameters = [*map(_as_id, operation.pop("parameters", [])), *self._query_parameters()]
        parameters += getattr(getattr(self.view, self.view.action), "reads", ())
        if self.view.may_take_key:
            parameters.append(_key_for(self.view.remembered_bodies.get(self.view.action)))
        if parameters:
            operation["parameters"] = parameters
        if "requestBody" in operation:
            operation["requestBody"]["required"] = bool(self._body_of(operation, registry).get("required"))
        for status, response in operation["responses"].items():
            response["description"] = response["description"] or _GOOD[status]
            response["headers"] = self._headers(status)
        operation["responses"] |= {
            str(self.view.statuses[family]): {"$ref": f"#/components/responses/{response_name(family)}"}
            for family in sorted(self._families(operation), key=lambda each: self.view.statuses[each])
        }
        return operation

    def get_tags(self) -> list[str]:
        return [self.view.title]

    def get_description(self) -> str:  # type: ignore[override]
        return getdoc(getattr(self.view, self.view.action)) or ""

    def get_auth(self) -> list[dict[str, list[str]]]:
        super().get_auth()  # which registers the schemes
        known: list[dict[str, list[str]]] = [{name: []} for name in CredentialsSchema.name]
        return [{}, *known] if self.view.action in self.view.public else known

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Where an answer is a bare array, and not an envelope with one in it."""
        return isinstance(serializer, ListSerializer)

    def _headers(self, status: str) -> dict[str, Any]:
        headers: dict[str, Any] = {"X-Trace-Id": {"$ref": "#/components/headers/TraceId"}}
        if status == "202" or (status == "201" and self.view.has_items):
            headers["Location"] = {
                "description": "Where it is now.",
                "schema": {"type": "string", "format": "uri-reference"},
            }
        return headers | getattr(getattr(self.view, self.view.action), "sends", {})

    def _families(self, operation: Mapping[str, Any]) -> set[Family]:
        families = {*_ALWAYS, *getattr(getattr(self.view, self.view.action), "refusals", ())}
        if "requestBody" in operation:
            families |= set(_WITH_BODY)
        if self.view.may_take_key:
            families.add(Family.CONFLICT)
        if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
            families.add(Family.NOT_FOUND)
        return families

    def _body_of(self, operation: Mapping[str, Any], registry: Any) -> dict[str, Any]:
        schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
        name = schema["$ref"].rpartition("/")[2]
        return registry[name, "schemas"].schema

    def _query_parameters(self) -> list[dict[str, Any]]:
        query = self.view.query_of(self.view.action, self.view.version)
        parameters = []
        for name, field in query().fields.items():
            schema = self._map_serializer_field(field, "request")
            described = {"description": schema.pop("description")} if "description" in schema else {}
            parameters.append({"in": "query", "name": name, "schema": schema, **described})
        return parameters

    def _map_serializer_field(self, field: Any, direction: Direction, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        schema.pop("x-spec-enum-id", None)
        return schema

    def _map_serializer(self, serializer: Any, direction: Direction, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        if isinstance(serializer, Input):
            schema["additionalProperties"] = False
            if serializer.example:
                schema["examples"] = [self._example(serializer)]
            if serializer.all_optional:
                schema.pop("required", None)
                for member in schema["properties"].values():
                    member.pop("default", None)
        return schema

    def _example(self, serializer: Input) -> dict[str, Any]:
        fields, version = serializer.fields, self.view.version
        return {
            name: Id.example(version) if isinstance(fields[name], Id) else value
            for name, value in serializer.example.items()
        }

    def _get_serializer_name(self, serializer: Any, direction: Direction, bypass_extensions: bool = False) -> str:
        if isinstance(serializer, PolymorphicProxySerializer):
            return str(serializer.component_name)
        name = type(serializer).__name__
        return f"{name.removesuffix('In')}Request" if isinstance(serializer, Input) else name.removesuffix("Out")


def _key_for(bodies: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameter for the key, of an action that is remembered for these bodies alone; None: for all."""
    if bodies is None:
        return dict(_KEY)
    told = f"{_KEY['description']} With some bodies only: `{_REMEMBERED_BODIES}` is their schema."
    return {**_KEY, "description": told, _REMEMBERED_BODIES: bodies}


def _as_id(parameter: dict[str, Any]) -> dict[str, Any]:
    """What views take as a reference is an id to clients."""
    return parameter | {"name": "id", "description": "As lists show it."} if parameter["name"] == "ref" else parameter


def problem_responses() -> dict[str, Any]:
    """The components that the operations refer to: one response for each family."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        response_name(family): {
            "description": WORDS[family],
            "headers": {"X-Trace-Id": {"$ref": "#/components/headers/TraceId"}} | _HEADERS.get(family, {}),
            "content": {PROBLEM_TYPE: {"schema": schema}},
        }
        for family in Family
    }


def response_name(family: Family) -> str:
    return "".join(word.capitalize() for word in family.value.split("_"))


def _snake(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()


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


class RowsSchema(OpenApiSerializerFieldExtension):
    """A list of bodies of one shape."""

    target_class = "api.common.fields.Rows"

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> dict[str, Any]:
        items = auto_schema.resolve_serializer(self.target.shape(), direction).ref
        return {"type": "array", "items": items, "minItems": 1, "maxItems": self.target.most}


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
