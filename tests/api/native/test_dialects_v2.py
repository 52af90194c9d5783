"""A CA is opened for other systems' clients over the API."""

from __future__ import annotations

import pytest

from tests import cast
from tests.office import open_office

pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    return open_office()


def address(office) -> str:
    return f"/api/v2/cas/{office.issuing.public_id}/dialects"


def test_a_ca_is_closed_until_it_is_opened(client, office):
    headers = {"Authorization": f"Bearer {cast.api_key(office.person)[1]}"}
    assert client.get(address(office), headers=headers).json() == {"dialects": []}
    opened = client.post(address(office), {"dialect": "fastpki"}, "application/json", headers=headers)
    assert opened.status_code == 200
    (shown,) = opened.json()["dialects"]
    number = office.issuing.pk
    assert shown == {
        "dialect": "fastpki",
        "templates": [f"fastpki.server.{number}", f"fastpki.client.{number}", f"fastpki.dual_purpose.{number}"],
    }
    assert client.get(address(office), headers=headers).json() == opened.json()


@pytest.mark.parametrize("body", [{}, {"dialect": "netscape"}, {"dialect": None}, {"dialect": "fastpki", "more": 1}])
def test_what_is_no_dialect_is_named(client, office, body):
    headers = {"Authorization": f"Bearer {cast.api_key(office.person)[1]}"}
    answer = client.post(address(office), body, "application/json", headers=headers)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["more" if "more" in body else "dialect"]


def test_a_second_client_ca_is_a_conflict(client, office):
    headers = {"Authorization": f"Bearer {cast.api_key(office.person)[1]}"}
    root = f"/api/v2/cas/{office.root.public_id}/dialects"
    assert client.post(address(office), {"dialect": "certmate"}, "application/json", headers=headers).status_code == 200
    assert client.post(root, {"dialect": "certmate"}, "application/json", headers=headers).status_code == 409
