"""The reference says what the API does, because it is made from the same document."""

from __future__ import annotations

import pytest

from api.common.catalogue import PROBLEM_TYPES
from api.native.openapi import document
from pkiproject.developers import chapters

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_operation_is_there(client, version):
    text = client.get(f"/developers/{version}/").content.decode()
    for path, item in document(version)["paths"].items():
        for method, operation in item.items():
            assert f'id="{operation["operationId"]}"' in text, f"{method} {path}"
            assert f"<code>{path}</code>" in text


def test_what_is_shown_for_python_is_python(client):
    """Every call of v2 by our client, whose methods have these names; v1 by plain requests."""
    shown = [
        operation.python
        for version in ("v1", "v2")
        for chapter in chapters(version)
        for operation in chapter.operations
    ]
    for snippet in shown:
        compile(snippet, "snippet", "exec")
    assert any("requests.get(" in snippet for snippet in shown)
    assert any('client.certificates.renew(\n    "<id>",' in snippet for snippet in shown)
    assert any("for each in client.certificates.list():" in snippet for snippet in shown)


def test_it_is_no_heavier_than_any_page(client):
    answer = client.get("/developers/", headers={"accept-encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < 100 * 1024


def test_a_body_is_told_field_by_field(client):
    text = client.get("/developers/").content.decode()
    for words in ("template_code", "certificates:issue", "keyCompromise", "curl", "client.certificates.issue("):
        assert words in text


@pytest.mark.parametrize("code", sorted(PROBLEM_TYPES))
def test_the_type_of_every_problem_leads_to_an_explanation(client, code):
    response = client.get(f"/developers/errors/{code}")
    assert response.status_code == 200
    assert code in response.content.decode()


def test_the_type_in_a_real_answer_is_such_an_address(client):
    problem = client.get("/api/v2/certificates", headers={"Accept": "application/json"}).json()
    path = "/developers/" + problem["type"].split("/developers/", 1)[1]
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/developers/v9/", "/developers/errors/no-such-problem"])
def test_what_is_not_there_is_not_found(client, path):
    assert client.get(path).status_code == 404
