"""The OpenAPI 3.1 document, as the writers of the languages want it: resources, operations, models, types.

What a client needs is kept: names, types, which fields must be there, what is secret. Limits and patterns are the
server's to judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sdk.generate.names import model_name

Schema = Mapping[str, Any]
Kind = Literal["string", "integer", "number", "boolean", "datetime", "date", "secret", "any", "list", "map", "model"]
AnswerKind = Literal["model", "list", "bytes", "stream", "text", "nothing"]

_MOUNT: Final = "/api/v2"
_REF: Final = "#/components/schemas/"
_VERBS: Final = ("get", "post", "put", "patch", "delete")
_SCALARS: Final[dict[str, Kind]] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}
_FORMATS: Final[dict[str, Kind]] = {"date-time": "datetime", "date": "date", "password": "secret"}
_BOOLEAN: Final = {"true", "false"}
_KEY: Final = "Idempotency-Key"
_BODIES: Final = "x-remembered-bodies"
_AT_ONCE: Final = ("200", "201", "204", "207")


@dataclass(frozen=True)
class Type:
    """What a value is.

    Attributes:
        item: of a list or a map, what is in it; the keys of a map are data, never names.
        model: of a model, its name.
        enum: of a string, the words that are known; a newer server may send others.
    """

    kind: Kind
    item: Type | None = None
    model: str = ""
    enum: tuple[str, ...] = ()
    nullable: bool = False


@dataclass(frozen=True)
class Field:
    """A member of a model; its name is that on the wire."""

    name: str
    type: Type
    required: bool
    description: str = ""
    default: object = None


@dataclass(frozen=True)
class Model:
    """An object: one that clients send (`is_input`), or one that they get."""

    name: str
    description: str
    fields: tuple[Field, ...]
    is_input: bool


@dataclass(frozen=True)
class Parameter:
    """A part of the path, or of the query."""

    name: str
    type: Type
    required: bool
    description: str = ""


@dataclass(frozen=True)
class Condition:
    """What a body must be, for the server to remember what it answered.

    Attributes:
        field: the list, or the flag, that it is about.
        most: how many items the list may have; of a flag, which must not be set, None.
    """

    field: str
    most: int | None = None


@dataclass(frozen=True)
class Operation:
    """One method of a resource.

    Attributes:
        path: below `/api/v2`, such as `/certificates/{id}/renew`.
        query: without `cursor`, which those who read lists need not know.
        body: the model that is sent, or "".
        model: what is answered; of a list, what is in it; else "".
        media_types: what may be answered, where it is no JSON.
        pending: the models that come with 202, where 201 or 200 is usual: what was filed instead of done.
        takes_key: whether the server remembers an `Idempotency-Key`.
        key_condition: of what takes a key with some bodies only, with which.
    """

    name: str
    verb: str
    path: str
    path_parameters: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    body: str
    body_required: bool
    answer: AnswerKind
    model: str
    media_types: tuple[str, ...]
    pending: tuple[str, ...]
    takes_key: bool
    summary: str
    description: str
    key_condition: Condition | None = None


@dataclass(frozen=True)
class Resource:
    """What is found under one attribute of a client."""

    name: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Document:
    """All of the API, in the order of its document; models by name."""

    resources: tuple[Resource, ...]
    models: tuple[Model, ...]

    def model(self, name: str) -> Model:
        return next(model for model in self.models if model.name == name)


def read_document(document: Schema) -> Document:
    """What the OpenAPI document of API v2 describes.

    Raises:
        ValueError: something in it is of a shape that the SDKs do not know.
    """
    return _Reader(document).read()


@dataclass
class _Reader:
    document: Schema
    models: dict[str, Model] = field(default_factory=dict)

    def read(self) -> Document:
        resources: dict[str, list[Operation]] = {}
        descriptions: dict[str, str] = {}
        about = {tag["name"]: tag.get("description") or "" for tag in self.document["tags"]}
        for path, verb, operation in self._operations():
            name, _, method = operation["operationId"].partition(".")
            descriptions.setdefault(name, about[operation["tags"][0]])
            resources.setdefault(name, []).append(self._operation(method, path, verb, operation))
        found = tuple(Resource(name, descriptions[name], tuple(each)) for name, each in resources.items())
        return Document(found, tuple(self.models[name] for name in sorted(self.models)))

    def _operations(self) -> Iterator[tuple[str, str, Schema]]:
        for path, item in self.document["paths"].items():
            for verb in _VERBS:
                if verb in item:
                    yield path.removeprefix(_MOUNT), verb.upper(), item[verb]

    def _operation(self, name: str, path: str, verb: str, operation: Schema) -> Operation:
        answer, model, media_types = self._answer(operation)
        body, body_required = self._body(operation)
        parameters = operation.get("parameters", ())
        return Operation(
            name=name,
            verb=verb,
            path=path,
            path_parameters=tuple(self._parameter(each, path) for each in _in_order(path, parameters)),
            query=tuple(
                self._parameter(each, path)
                for each in parameters
                if each["in"] == "query" and not (answer == "list" and each["name"] == "cursor")
            ),
            body=body,
            body_required=body_required,
            answer=answer,
            model=model,
            media_types=media_types,
            pending=self._pending(operation),
            takes_key=any(each["name"] == _KEY for each in parameters),
            summary=operation.get("summary") or "",
            description=operation.get("description") or "",
            key_condition=_condition(path, parameters),
        )

    def _parameter(self, parameter: Schema, path: str) -> Parameter:
        return Parameter(
            parameter["name"],
            self._type(parameter["schema"], f"{path}?{parameter['name']}", is_input=True),
            bool(parameter.get("required")),
            parameter.get("description") or "",
        )

    def _body(self, operation: Schema) -> tuple[str, bool]:
        body = operation.get("requestBody")
        if body is None:
            return "", False
        schema = body["content"]["application/json"]["schema"]
        return self._model(schema["$ref"], is_input=True), bool(body.get("required"))

    def _answer(self, operation: Schema) -> tuple[AnswerKind, str, tuple[str, ...]]:
        """Of success: its kind, its model, and the media types of what is no JSON."""
        done = (operation["responses"][status] for status in _done(operation))
        content: Schema = next((answer.get("content", {}) for answer in done), {})
        if not content:
            return "nothing", "", ()
        if "application/json" in content:
            return self._json_answer(content["application/json"]["schema"])
        media_types = tuple(content)
        if media_types == ("application/x-ndjson",):
            return "stream", "", media_types
        if all(media_type.startswith("text/") for media_type in media_types):
            return "text", "", media_types
        return "bytes", "", media_types

    def _json_answer(self, schema: Schema) -> tuple[AnswerKind, str, tuple[str, ...]]:
        target = self.document["components"]["schemas"][schema["$ref"].removeprefix(_REF)]
        if set(target["properties"]) == {"data", "pagination"}:
            return "list", self._model(target["properties"]["data"]["items"]["$ref"], is_input=False), ()
        return "model", self._model(schema["$ref"], is_input=False), ()

    def _pending(self, operation: Schema) -> tuple[str, ...]:
        if "202" in _done(operation) or "202" not in operation["responses"]:
            return ()
        schema = operation["responses"]["202"]["content"]["application/json"]["schema"]
        target = self.document["components"]["schemas"][schema["$ref"].removeprefix(_REF)]
        return tuple(self._model(each["$ref"], is_input=False) for each in target.get("oneOf", (schema,)))

    def _model(self, reference: str, *, is_input: bool) -> str:
        schema_name = reference.removeprefix(_REF)
        name = model_name(schema_name)
        if name not in self.models:
            self._read_model(name, self.document["components"]["schemas"][schema_name], is_input=is_input)
        return name

    def _read_model(self, name: str, schema: Schema, *, is_input: bool) -> None:
        """Known before its fields are read, so that a model may hold others of its kind."""
        described = schema.get("description") or ""
        self.models[name] = Model(name, described, (), is_input)
        required = set(schema.get("required", ()))
        fields = tuple(
            Field(
                key,
                self._type(member, f"{name}.{key}", is_input=is_input),
                key in required,
                member.get("description") or "",
                member.get("default"),
            )
            for key, member in schema["properties"].items()
        )
        self.models[name] = Model(name, described, fields, is_input)

    def _type(self, schema: Schema, place: str, *, is_input: bool) -> Type:
        for keyword in ("allOf", "oneOf"):
            if keyword in schema:
                return self._wrapped(schema[keyword], place, is_input=is_input)
        if "$ref" in schema:
            return Type("model", model=self._model(schema["$ref"], is_input=is_input))
        types = schema.get("type", ())
        named = [types] if isinstance(types, str) else list(types)
        kinds = [each for each in named if each != "null"]
        if len(kinds) != 1:
            raise ValueError(f"{place}: a value of one type was expected, not {types!r}")
        return self._plain(kinds[0], schema, place, nullable="null" in named, is_input=is_input)

    def _wrapped(self, choices: list[Schema], place: str, *, is_input: bool) -> Type:
        """One schema, perhaps beside null."""
        real = [each for each in choices if each.get("type") != "null"]
        if len(real) != 1:
            raise ValueError(f"{place}: one schema was expected, beside null")
        inner = self._type(real[0], place, is_input=is_input)
        return Type(
            inner.kind, inner.item, inner.model, inner.enum, nullable=inner.nullable or len(real) < len(choices)
        )

    def _plain(self, kind: str, schema: Schema, place: str, *, nullable: bool, is_input: bool) -> Type:
        if kind == "array":
            return Type("list", self._type(schema["items"], f"{place}[]", is_input=is_input), nullable=nullable)
        if kind == "object":
            return self._object(schema, place, nullable=nullable, is_input=is_input)
        words = tuple(each for each in schema.get("enum", ()) if each is not None)
        if set(words) == _BOOLEAN:
            return Type("boolean", nullable=nullable)
        if kind == "string" and schema.get("writeOnly"):
            return Type("secret", nullable=nullable)
        scalar = _FORMATS.get(schema.get("format", ""), _SCALARS[kind]) if kind == "string" else _SCALARS[kind]
        return Type(scalar, enum=words, nullable=nullable)

    def _object(self, schema: Schema, place: str, *, nullable: bool, is_input: bool) -> Type:
        """A model of its own where all its members are known, else a map."""
        extra = schema.get("additionalProperties")
        if "properties" in schema and extra is False:
            name = _inline_name(place)
            self._read_model(name, schema, is_input=is_input)
            return Type("model", model=name, nullable=nullable)
        if "properties" not in schema and isinstance(extra, Mapping):
            return Type("map", self._type(extra, f"{place}{{}}", is_input=is_input), nullable=nullable)
        return Type("map", Type("any"), nullable=nullable)


def _done(operation: Schema) -> tuple[str, ...]:
    """The statuses of what was done: 202 is one where nothing else is."""
    return tuple(status for status in operation["responses"] if status in _AT_ONCE) or ("202",)


def _condition(path: str, parameters: Sequence[Schema]) -> Condition | None:
    """Of one field: a list of so many items, or a flag that is not set."""
    bodies = next((each.get(_BODIES) for each in parameters if each["name"] == _KEY), None)
    if bodies is None:
        return None
    if set(bodies) == {"properties"} and len(bodies["properties"]) == 1:
        ((name, rule),) = bodies["properties"].items()
        if set(rule) == {"maxItems"}:
            return Condition(name, rule["maxItems"])
        if rule == {"const": False}:
            return Condition(name)
    raise ValueError(f"{path}: keys are remembered for bodies that the SDKs do not know: {bodies}")


def _in_order(path: str, parameters: list[Schema]) -> list[Schema]:
    """The parameters of the path, as they stand in it."""
    found = [each for each in parameters if each["in"] == "path"]
    return sorted(found, key=lambda each: path.index(f"{{{each['name']}}}"))


def _inline_name(place: str) -> str:
    """`AcmeProviderDirectory` of `AcmeProvider.directories[]`."""
    model, _, member = place.partition(".")
    word = member.removesuffix("[]")
    if word != member:
        word = f"{word.removesuffix('ies')}y" if word.endswith("ies") else word.removesuffix("s")
    return model + "".join(part.capitalize() for part in word.split("_"))
