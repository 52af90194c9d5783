"""Domain errors: a family, a code, facts, and a sentence in the reader's language."""

from __future__ import annotations

import pytest

from kernel import errors
from kernel.errors import Conflict, DomainError, Invalid, NotFound, TooMany, field_error
from kernel.text import Text, _

FRENCH = {"%(count)s names are too many": "%(count)s noms, c'est trop"}

FAMILIES = {
    "Unauthenticated": "unauthenticated",
    "NotFound": "not-found",
    "Denied": "permission-denied",
    "Invalid": "validation-failed",
    "Conflict": "conflict",
    "Gone": "gone",
    "Unlicensed": "not-licensed",
    "TooMany": "rate-limited",
    "Unavailable": "unavailable",
}


@pytest.mark.parametrize(("family", "code"), FAMILIES.items())
def test_each_family_has_a_code_of_its_own(family, code):
    assert getattr(errors, family).code == code
    assert issubclass(getattr(errors, family), DomainError)


def test_there_is_no_family_that_this_table_forgets():
    assert {family.__name__ for family in DomainError.__subclasses__() if family.__module__ == "kernel.errors"} == set(
        FAMILIES
    )


def test_a_sentence_is_filled_with_its_facts():
    error = NotFound(_("There is no %(thing)s."), thing="such CA")
    assert str(error) == "There is no such CA."
    assert error.facts == {"thing": "such CA"}


def test_a_single_error_may_have_a_code_of_its_own():
    assert Conflict("x", code="last-owner").error_code == "last-owner"
    assert Conflict("x").error_code == "conflict"


def test_a_limit_says_when_to_come_back():
    assert TooMany("Later.", retry_after=900).retry_after == 900


def test_invalid_lists_every_field():
    error = Invalid(errors=[field_error("a", "x", "%(n)s is odd", n=3), field_error("b", "y", "bad")])
    assert [(each.field, each.code, str(each.message)) for each in error.errors] == [
        ("a", "x", "3 is odd"),
        ("b", "y", "bad"),
    ]
    assert str(error) == "a: 3 is odd; b: bad"


def test_one_wrong_field_speaks_for_the_whole():
    error = Invalid.of("sans", "too-many", _("%(count)s names are too many"), count=3)
    (only,) = error.errors
    assert (only.field, only.code) == ("sans", "too-many")
    assert str(only.message) == str(error.message) == "3 names are too many"
    assert error.error_code == "validation-failed"


def test_a_text_is_translated_before_it_is_filled():
    text = Text("%(count)s names are too many", {"count": 3})
    assert text.render(lambda template: FRENCH[template]) == "3 noms, c'est trop"


def test_facts_are_not_read_as_templates():
    assert str(NotFound(_("There is no %(name)s."), name="100%(x)s %d")) == "There is no 100%(x)s %d."


def test_a_sentence_without_facts_may_have_a_percent_sign():
    assert str(Text("100% wrong")) == "100% wrong"
