"""A signed-in browser may use the API too, with its CSRF token; and nothing of a session stands in for a key."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts.models import User
from tests import cast

URL = "/api/v2/roles"


@pytest.fixture
def browser(office):
    client = Client(enforce_csrf_checks=True)
    assert client.login(username=office.person.user.email, password=cast.PASSWORD)
    return client


def csrf_token(client: Client) -> str:
    client.get("/password/")
    return client.cookies["chancery_csrf"].value


def test_a_session_reads(browser):
    assert browser.get(URL).json()["pagination"]["total"] == 1


def test_a_change_without_the_token_is_refused(browser, office):
    path = f"{URL}/{office.role.public_id}"
    answer = browser.patch(path, json.dumps({"description": "x"}), content_type="application/json")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "csrf-failed")
    assert browser.get(path).json()["description"] == ""


def test_a_change_with_the_token_is_made(browser, office):
    headers = {"X-CSRFToken": csrf_token(browser)}
    answer = browser.patch(
        f"{URL}/{office.role.public_id}",
        json.dumps({"description": "x"}),
        content_type="application/json",
        headers=headers,
    )
    assert (answer.status_code, answer.json()["description"]) == (200, "x")


def test_somebody_who_must_change_the_password_does_that_first(browser):
    User.objects.update(must_change_password=True)
    answer = browser.get(URL)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "password-change-required")


def test_a_disabled_person_is_nobody(browser):
    User.objects.update(is_active=False)
    assert browser.get(URL).status_code == 401


def test_a_superuser_names_the_organization_to_act_in(office):
    client = Client()
    cast.superuser()
    assert client.login(username="root@localhost", password=cast.PASSWORD)
    body = {"name": "robot", "permissions": ["cas:read"]}
    post = {"path": "/api/v2/api-keys", "content_type": "application/json"}
    unnamed = client.post(data=json.dumps(body), **post)
    assert (unnamed.status_code, unnamed.json()["errors"][0]["field"]) == (422, "organization_id")
    named = body | {"organization_id": str(office.organization.public_id)}
    assert client.post(data=json.dumps(named), **post).json()["organization_id"] == named["organization_id"]


def test_a_superuser_makes_an_organization(db):
    client = Client()
    cast.superuser()
    client.login(username="root@localhost", password=cast.PASSWORD)
    answer = client.post("/api/v2/organizations", json.dumps({"name": "New"}), content_type="application/json")
    assert (answer.status_code, answer.json()["slug"]) == (201, "new")
