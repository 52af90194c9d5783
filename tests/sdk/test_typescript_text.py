"""Names, comments and imports as TypeScript has them."""

from __future__ import annotations

import pytest

from sdk.generate.document import Document, Field, Model, Operation, Resource, Type
from sdk.generate.typescript import write
from sdk.generate.typescript_text import camel, comment, import_line, lower, pascal, sentence, uses


def test_names() -> None:
    assert [camel(name) for name in ("not_after", "id", "key_sha256")] == ["notAfter", "id", "keySha256"]
    assert [pascal(name) for name in ("acme_orders", "cas")] == ["AcmeOrders", "Cas"]
    assert lower("IssueRequest") == "issueRequest"
    assert [sentence(text) for text in ("List roles", "Done.", "")] == ["List roles.", "Done.", ""]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("Short.", "  /** Short. */\n"),
        ("One.\n\nTwo.", "  /**\n   * One.\n   *\n   * Two.\n   */\n"),
        ("Ends */ here.", "  /** Ends *\\/ here. */\n"),
        ("`max_ttl` is ours, `common_name` is data.", "  /** `maxTtl` is ours, `common_name` is data. */\n"),
    ],
)
def test_comments(text: str, wanted: str) -> None:
    assert comment(text, "  ", {"max_ttl"}) == wanted


def test_long_comments_have_lines_that_can_be_read() -> None:
    lines = comment("word " * 60, "    ").splitlines()
    assert len(lines) == 5
    assert all(len(line) <= 120 for line in lines)


def test_imports() -> None:
    assert import_line("./a.js") == ""
    assert import_line("./a.js", ["b", "a"]) == 'import { a, b } from "./a.js";\n'
    assert import_line("./a.js", types=["T"]) == 'import type { T } from "./a.js";\n'
    assert import_line("./a.js", ["a"], ["T"]) == 'import { a, type T } from "./a.js";\n'
    long = import_line("./a.js", types=[f"SomeModel{number}" for number in range(12)])
    assert long.startswith("import type {\n  SomeModel0,\n")


def test_a_name_is_used_in_code_and_not_in_words() -> None:
    code = '/** A Secret. */\nconst a: Record<string, Pki> = { path: "Role" };'
    assert [uses(code, name) for name in ("Pki", "Secret", "Role")] == [True, False, False]


def operation(*pending: str) -> Operation:
    return Operation(
        name="issue",
        verb="POST",
        path="/things",
        path_parameters=(),
        query=(),
        body="",
        body_required=False,
        answer="model",
        model="Thing",
        media_types=(),
        pending=pending,
        takes_key=True,
        summary="Make a thing",
        description="",
    )


def document(*pending: str) -> Document:
    fields = (
        Field("made_at", Type("datetime", nullable=True), True),
        Field("parts", Type("list", Type("model", model="Thing")), True),
        Field("labels", Type("map", Type("any")), False),
    )
    resource = Resource("things", "All things.", (operation(*pending),))
    return Document((resource,), (Model("Thing", "A thing.", fields, is_input=False),))


def test_what_is_written() -> None:
    files = write(document())
    assert (
        "  madeAt: Date | null;\n  parts: Thing[];\n  labels?: Record<string, unknown>;\n"
        in (files["typescript/src/models.ts"])
    )
    assert (
        '    madeAt: ["made_at", datetime],\n    parts: ["parts", list(model(() => thing))],\n    labels: ["labels"],\n'
        in files["typescript/src/shapes.ts"]
    )
    assert "async issue(options?: KeyedCallOptions): Promise<Thing> {" in files["typescript/src/resources/things.ts"]


def test_what_is_filed_has_a_name() -> None:
    with pytest.raises(ValueError, match="files Thing, which NotYetIssued has no name for"):
        write(document("Thing"))
