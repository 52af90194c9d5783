"""Problems: every failure has a family, every family a status, every code an entry in the catalogue."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core import exceptions as django
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework import serializers

from api.common.catalogue import PROBLEM_TYPES
from api.common.openapi import WORDS
from api.common.problems import Family, field_errors, to_problem
from api.native.dialect import STATUSES
from kernel import errors

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("kernel", "audit", "accounts", "cas", "certificates", "acme_client", "notices", "api")
FAMILY_NAMES = {
    "NotFound", "Denied", "Invalid", "Conflict", "Gone", "Unlicensed", "TooMany", "Unavailable", "Unauthenticated",
    "AlreadyRevoked", "WrongPassphrase", "Malformed", "TooLarge", "LengthRequired",
}  # fmt: skip


def codes_in_the_sources() -> Iterator[str]:
    """What `code=` says in every call of an error class, and the `code` of the classes themselves."""
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in FAMILY_NAMES:
                    yield from (
                        keyword.value.value
                        for keyword in node.keywords
                        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
                    )


def test_every_code_that_can_be_raised_is_in_the_catalogue():
    found = {code for code in codes_in_the_sources() if code}
    assert len(found) > 30
    assert found - PROBLEM_TYPES.keys() == set()


def test_every_family_of_the_kernel_has_its_own_code_in_the_catalogue():
    families = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DomainError)
    ]
    codes = {kind.code for kind in families} - {"error"}
    assert codes - PROBLEM_TYPES.keys() == set()


def test_the_dialect_has_a_status_and_words_for_every_family():
    assert set(STATUSES) == set(Family) == set(WORDS)


def test_a_code_belongs_to_the_family_that_raises_it():
    assert PROBLEM_TYPES["template-not-found"].family is Family.NOT_FOUND
    assert {each.family for each in PROBLEM_TYPES.values()} == set(Family)


FOREIGN = {
    "DRF parse error": (drf.ParseError(), 400),
    "not authenticated": (drf.NotAuthenticated(), 401),
    "DRF denied": (drf.PermissionDenied(), 403),
    "DRF not found": (drf.NotFound(), 404),
    "method": (drf.MethodNotAllowed("PUT"), 405),
    "not acceptable": (drf.NotAcceptable(), 406),
    "media type": (drf.UnsupportedMediaType("text/plain"), 415),
    "throttled": (drf.Throttled(wait=7), 429),
    "validation": (drf.ValidationError({"a": ["wrong"]}), 422),
    "Django 404": (Http404(), 404),
    "Django denied": (django.PermissionDenied(), 403),
    "bad host": (django.DisallowedHost("x"), 400),
    "suspicious": (django.SuspiciousOperation("x"), 400),
    "too big": (django.RequestDataTooBig(), 413),
    "too many fields": (django.TooManyFieldsSent(), 400),
    "bad request": (django.BadRequest(), 400),
    "database gone": (OperationalError("connection refused at 10.1.2.3"), 503),
    "a bug": (ZeroDivisionError("secret detail"), 500),
}


@pytest.mark.parametrize(("exception", "status"), FOREIGN.values(), ids=FOREIGN.keys())
def test_an_exception_of_any_origin_is_a_problem_that_tells_nothing_of_its_text(exception, status):
    problem = to_problem(exception)
    assert STATUSES[problem.family] == status
    assert problem.code in PROBLEM_TYPES
    assert "secret" not in str(problem.detail)
    assert "10.1.2.3" not in str(problem.detail)


def test_only_what_the_client_is_not_told_is_for_the_log():
    assert to_problem(ZeroDivisionError()).cause is not None
    assert to_problem(errors.NotFound("x")).cause is None


def test_nested_violations_are_told_with_the_path_of_their_field():
    class Inner(serializers.Serializer):
        names = serializers.ListField(child=serializers.IntegerField())

    class Outer(serializers.Serializer):
        inner = Inner()

    outer = Outer(data={"inner": {"names": [1, "x"]}})
    assert not outer.is_valid()
    assert [(error.field, error.code) for error in field_errors(outer.errors)] == [("inner.names[1]", "invalid")]
