"""Names, docstrings and signatures as Python has them."""

from __future__ import annotations

import ast

import pytest

from sdk.generate.document import Document, Field, Model, Operation, Parameter, Resource, Type
from sdk.generate.python import write
from sdk.generate.python_text import about, camel, docstring, formatted, safe

TEXT, NUMBER = Type("string"), Type("integer")


def _operation(name: str, verb: str, path: str, **members: object) -> Operation:
    plain: dict[str, object] = {
        "path_parameters": (),
        "query": (),
        "body": "",
        "body_required": False,
        "answer": "nothing",
        "model": "",
        "media_types": (),
        "pending": (),
        "takes_key": False,
        "summary": "Do it",
        "description": "",
    }
    return Operation(name=name, verb=verb, path=path, **{**plain, **members})  # type: ignore[arg-type]


def _written(operations: list[Operation], models: list[Model]) -> dict[str, str]:
    """By file, such as `models` and `resources/moons`."""
    files = write(Document((Resource("moons", "All moons.", tuple(operations)),), tuple(models)))
    return {path.removeprefix("python/src/chancery_client/").removesuffix(".py"): text for path, text in files.items()}


def _words(*values: str) -> Type:
    return Type("string", enum=values)


@pytest.mark.parametrize(("name", "wanted"), [("dns_providers", "DnsProviders"), ("cas", "Cas"), ("a-b", "AB")])
def test_classes_are_called_in_capitals(name: str, wanted: str) -> None:
    assert camel(name) == wanted


def test_words_of_python_have_an_underscore_more() -> None:
    assert [safe(name) for name in ("from", "class", "list", "type")] == ["from_", "class_", "list", "type"]


def test_members_are_described_below_what_they_belong_to() -> None:
    fields = [Field("since", TEXT, required=True, description="From then\n  on."), Field("until", TEXT, required=True)]
    assert about("Of a moon.", fields, heading="Args") == "Of a moon.\n\nArgs:\n    since: From then on."


def test_a_backslash_stays_one() -> None:
    assert ast.literal_eval(docstring(r"`\*` is a star")) == r"`\*` is a star"


def test_what_is_written_is_in_the_form_of_the_house() -> None:
    assert formatted("from b import c\nimport a\nx = {'k':1}\nuse(a, c)\n") == (
        'import a\nfrom b import c\n\nx = {"k": 1}\nuse(a, c)\n'
    )


def test_what_need_not_be_there_has_a_default_behind_what_must() -> None:
    moon = Model("Moon", "A moon.", (Field("note", TEXT, required=False), Field("id", TEXT, required=True)), False)
    text = _written([_operation("get", "GET", "/moons/{id}", answer="model", model="Moon")], [moon])["models"]
    assert "    id: str\n    note: Optional[str] = None\n" in text


def test_what_must_be_sent_comes_first_and_the_rest_may_be_left_out() -> None:
    request = Model("MoonRequest", "", (Field("note", TEXT, False), Field("name", TEXT, True)), True)
    call = _operation("create", "POST", "/moons", body="MoonRequest", takes_key=True)
    text = _written([call], [request])["resources/moons"]
    wanted = "self, *, name: str, note: Maybe[str] = UNSET, idempotency_key: Optional[str] = None"
    assert wanted in text
    assert 'body={"note": note, "name": name}, key=idempotency_key' in text


def test_secrets_are_taken_as_text_too_and_given_as_secrets() -> None:
    moon = Model("Moon", "", (Field("key", Type("secret"), required=True),), False)
    request = Model("MoonRequest", "", (Field("key", Type("secret"), required=True),), True)
    call = _operation("create", "POST", "/moons", body="MoonRequest", answer="model", model="Moon")
    files = _written([call], [moon, request])
    assert "key: AnySecret" in files["resources/moons"]
    assert "    key: Secret\n" in files["models"]


def test_lists_of_words_have_the_shortest_name_that_means_one_thing() -> None:
    phases, kinds, others = _words("new", "full"), _words("dark", "bright"), _words("rock", "ice")
    calls = [
        _operation("list", "GET", "/moons", query=(Parameter("phase", phases, False), Parameter("kind", kinds, False))),
        _operation("tides", "GET", "/moons/tides", query=(Parameter("kind", others, False),)),
    ]
    text = _written(calls, [])["words"]
    assert 'Phase = Literal["new", "full"]' in text
    assert 'MoonsListKind = Literal["dark", "bright"]' in text
    assert 'MoonsTidesKind = Literal["rock", "ice"]' in text


def test_answers_may_have_words_that_nobody_knows_yet() -> None:
    moon = Model("Moon", "", (Field("phase", _words("new", "full"), required=True),), False)
    assert "    phase: str\n" in _written([_operation("get", "GET", "/moons")], [moon])["models"]


def test_objects_inside_of_bodies_are_dicts_with_known_keys() -> None:
    crater = Model("Crater", "", (Field("depth", NUMBER, True), Field("note", TEXT, False)), True)
    request = Model("MoonRequest", "", (Field("craters", Type("list", Type("model", model="Crater")), True),), True)
    files = _written([_operation("create", "POST", "/moons", body="MoonRequest")], [crater, request])
    assert "class _Crater(TypedDict):" in files["inputs"]
    assert "class Crater(_Crater, total=False):" in files["inputs"]
    assert "craters: Sequence[Crater]" in files["resources/moons"]


def test_a_name_that_would_mean_two_things_is_refused() -> None:
    request = Model("MoonRequest", "", (Field("id", TEXT, required=True),), True)
    call = _operation("move", "POST", "/moons/{id}", path_parameters=(Parameter("id", TEXT, True),), body="MoonRequest")
    with pytest.raises(ValueError, match="more than one id"):
        _written([call], [request])


def test_a_list_is_read_by_both_clients_without_waiting_for_it() -> None:
    moon = Model("Moon", "", (Field("id", TEXT, required=True),), False)
    text = _written([_operation("list", "GET", "/moons", answer="list", model="Moon")], [moon])["resources/moons"]
    assert "    def list(self) -> Pages[Moon]:" in text
    assert "    def list(self) -> AsyncPages[Moon]:" in text
    assert "await" not in text
