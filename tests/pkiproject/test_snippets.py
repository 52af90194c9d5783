"""The snippets of the reference are programs: each is read by what would run it."""

from __future__ import annotations

import ast
import json
import shlex

import pytest

from pkiproject import snippets

URL = "https://pki.example.com/api/v2/roles"
BODY = {"name": "it's", "allow_subdomains": True, "description": None, "allowed_domains": ["a.test", "é.test"]}


def test_curl_is_a_shell_command_with_the_body_as_it_is():
    words = shlex.split(snippets.curl("POST", URL, BODY).replace("\\\n", ""))
    assert words[:3] == ["curl", "-X", "POST"]
    assert json.loads(words[words.index("-d") + 1]) == BODY
    assert words[-1] == URL


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", BODY), ("DELETE", None)])
def test_python_is_python_and_sends_the_body(method, body):
    tree = ast.parse(snippets.python(method, URL, body))
    call = next(
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("requests.")
    )
    assert ast.unparse(call.func) == f"requests.{method.lower()}"
    sent = [ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == "json"]
    assert sent == ([] if body is None else [BODY])


def test_go_sends_the_body_and_checks_every_error():
    text = snippets.go("POST", URL, BODY)
    assert json.loads(text.partition("`")[2].partition("`")[0]) == BODY
    assert text.count("err :=") == text.count("if err != nil {") == 2
    assert "strings" not in snippets.go("GET", URL, None)
