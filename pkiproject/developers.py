"""The reference for developers: the API's own OpenAPI document, as pages of the shell.

Here, because the API and the pages do not know each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from api.common.catalogue import PROBLEM_TYPES
from api.native.openapi import document
from pkiproject import snippets

VERSIONS: Final = ("v2", "v1")
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, with what goes in and what comes out."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    permission: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    result: tuple[Field, ...]
    answers: tuple[Answer, ...]
    curl: str
    python: str
    go: str


@dataclass(frozen=True, slots=True)
class Chapter:
    name: str
    description: str
    operations: tuple[Operation, ...]


@gzip_page
@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """The newest version. Long, and without a word that a visitor has sent: so it may go compressed."""
    return _reference(request, VERSIONS[0])


@gzip_page
@require_safe
def reference_of(request: HttpRequest, version: str) -> HttpResponse:
    if version not in VERSIONS:
        raise Http404
    return _reference(request, version)


def _reference(request: HttpRequest, version: str) -> HttpResponse:
    context = {
        "title": _("Developers"),
        "version": version,
        "versions": VERSIONS,
        "about": document(version)["info"]["description"],
        "base_url": settings.BASE_URL,
        "chapters": chapters(version),
        "first_call": f'curl -H "Authorization: Bearer $TOKEN" {settings.BASE_URL}/api/{version}/certificates',
    }
    return _page(request, "reference", context)


@gzip_page
@require_safe
def errors(request: HttpRequest) -> HttpResponse:
    return _page(request, "errors", {"title": _("Problems"), "problems": PROBLEM_TYPES.values()})


@require_safe
def error(request: HttpRequest, code: str) -> HttpResponse:
    """Where the `type` of a problem (RFC 9457) leads."""
    if code not in PROBLEM_TYPES:
        raise Http404
    return _page(request, "error", {"title": code, "problem": PROBLEM_TYPES[code]})


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """In the shell of who is signed in; everybody may read it, as the type of every problem leads here."""
    return render(request, f"developers/{name}.html", context)


@cache
def chapters(version: str) -> tuple[Chapter, ...]:
    """The document by its tags."""
    found = document(version)
    return tuple(
        Chapter(
            name=tag["name"],
            description=tag["description"] or "",
            operations=tuple(
                _operation(found, path, method, operation)
                for path, item in found["paths"].items()
                for method, operation in item.items()
                if method in _METHODS and tag["name"] in operation["tags"]
            ),
        )
        for tag in found["tags"]
    )


def _operation(found: _Schema, path: str, method: str, operation: _Schema) -> Operation:
    body_schema = _content(operation.get("requestBody", {}))
    answers = {status: _resolve(found, answer) for status, answer in operation["responses"].items()}
    good = next((answer for status, answer in answers.items() if status.startswith("2")), {})
    example = _example(found, body_schema) if body_schema else None
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        permission=operation.get("x-permission", ""),
        parameters=tuple(_parameters(found, operation)),
        body=tuple(_fields(found, body_schema)),
        result=tuple(_fields(found, _content(good))),
        answers=tuple(_answers(answers)),
        curl=snippets.curl(method.upper(), settings.BASE_URL + path, example),
        python=_python(method.upper(), path, operation["operationId"], example),
        go=snippets.go(method.upper(), settings.BASE_URL + path, example),
    )


def _python(method: str, path: str, name: str, example: Any) -> str:
    """With our client where it knows the operation, whose name then has a dot."""
    if "." in name:
        return snippets.python_client(name, path, example or {})
    return snippets.python(method, settings.BASE_URL + path, example)


def _parameters(found: _Schema, operation: _Schema) -> Iterator[Field]:
    for raw in operation.get("parameters", ()):
        parameter = _resolve(found, raw)
        yield Field(
            parameter["name"],
            _type_of(found, parameter["schema"]),
            parameter.get("required", False),
            parameter.get("description", ""),
        )


def _fields(found: _Schema, schema: _Schema) -> Iterator[Field]:
    resolved = _resolve(found, schema)
    required = resolved.get("required", ())
    for name, part in resolved.get("properties", {}).items():
        yield Field(name, _type_of(found, part), name in required, part.get("description", ""))


def _answers(answers: Mapping[str, _Schema]) -> Iterator[Answer]:
    for status, answer in answers.items():
        phrase = HTTPStatus(int(status)).phrase if status.isdigit() else ""
        yield Answer(status, answer.get("description") or phrase)


def _content(holder: _Schema) -> _Schema:
    """The schema of the first media type that a body or an answer has."""
    media: _Schema = next(iter(holder.get("content", {}).values()), {})
    schema: _Schema = media.get("schema", {})
    return schema


def _resolve(found: _Schema, node: _Schema) -> _Schema:
    """What a `$ref`, or an `allOf` around one, points to."""
    if len(node.get("allOf", ())) == 1:
        node = node["allOf"][0]
    if "$ref" not in node:
        return node
    target: Any = found
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return _resolve(found, target)


def _type_of(found: _Schema, schema: _Schema) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"] if value is not None)
    if options := schema.get("oneOf") or schema.get("anyOf"):
        return " | ".join(dict.fromkeys(_type_of(found, option) for option in options))
    if "$ref" in schema or schema.get("allOf"):
        return _name_of(schema) if "properties" in _resolve(found, schema) else _type_of(found, _resolve(found, schema))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"[{_type_of(found, schema.get('items', {}))}]"
    kinds = " | ".join(kind) if isinstance(kind, list) else kind
    return f"{kinds} ({schema['format']})" if "format" in schema else kinds


def _name_of(schema: _Schema) -> str:
    node = schema["allOf"][0] if "allOf" in schema else schema
    return str(node["$ref"]).rsplit("/", 1)[-1]


def _example(found: _Schema, schema: _Schema) -> Any:
    """The smallest body that says something: what is required, else the first two fields."""
    resolved = _resolve(found, schema)
    if examples := resolved.get("examples"):
        return examples[0]
    properties = resolved.get("properties", {})
    names = [name for name in properties if name in resolved.get("required", ())] or list(properties)[:2]
    return {name: _value(found, name, properties[name]) for name in names}


def _value(found: _Schema, name: str, schema: _Schema) -> Any:
    resolved = _resolve(found, schema)
    for source in ("examples", "enum"):
        if resolved.get(source):
            return resolved[source][0]
    if "default" in resolved:
        return resolved["default"]
    kind = resolved.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        return _example(found, resolved)
    if kind == "array":
        return [_value(found, name, resolved.get("items", {}))]
    plain: dict[Any, Any] = {"integer": 1, "boolean": True, "number": 1}
    return plain.get(kind, f"<{name}>")
