"""The reference says what the API does, because it is made from the same document."""

from __future__ import annotations

import pytest

from api.common.catalogue import PROBLEM_TYPES
from api.native.openapi import document

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_operation_is_there(client, version):
    text = client.get(f"/developers/{version}/").content.decode()
    for path, item in document(version)["paths"].items():
        for method, operation in item.items():
            assert f'id="{operation["operationId"]}"' in text, f"{method} {path}"
            assert f"<code>{path}</code>" in text


def test_a_body_is_told_field_by_field(client):
    text = client.get("/developers/").content.decode()
    for words in ("template_code", "certificates:issue", "keyCompromise", "curl", "requests.post("):
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
