"""Paths that two documents have: who shows a token of FastPKI's clients is answered in their words, errors included."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.fastpki.office import Client, certificate_body, fastpki_office
from tests.api.wire import Wire, wire_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return fastpki_office()


@pytest.fixture
def item(client: Client) -> str:
    shown = client.wire.post(f"/api/v1/certificates/?ca_id={client.ca.pk}", certificate_body()).json()
    return f"/api/v1/certificates/{shown['id']}"


def speaks(answer: Any) -> str:
    """Whose words an answer is in."""
    if "problem+json" in answer["Content-Type"]:
        return "pkifactor"
    body = answer.json()
    return "fastpki" if "detail" in body or "serial_number" in body else "pkifactor"


def test_the_credential_chooses_the_shape(client, item):
    assert speaks(client.wire.get(item)) == "fastpki"
    assert speaks(wire_of(client.office.person).get(item)) == "pkifactor"
    assert client.wire.get(item).json()["id"] == wire_of(client.office.person).get(item).json()["id"]


@pytest.mark.parametrize("verb", ["renew", "revoke"])
def test_it_chooses_for_what_is_done_as_well(client, item, verb):
    assert speaks(client.wire.post(f"{item}/{verb}", {})) == "fastpki"
    assert speaks(wire_of(client.office.person).post(f"{item}/{verb}", {})) in ("pkifactor",)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/certificates/999999999", 404),
        ("GET", "/api/v1/certificates/nonsense", 404),
        ("DELETE", "/api/v1/certificates/1", 405),
        ("POST", "/api/v1/certificates/1/revoke/", 404),
        ("GET", "/api/v1/nowhere", 404),
    ],
)
def test_errors_are_in_the_same_words(client, method, path, status):
    ours, theirs = client.wire.send(method, path), wire_of(client.office.person).send(method, path)
    assert (ours.status_code, speaks(ours)) == (status, "fastpki")
    assert isinstance(ours.json()["detail"], str)
    assert (theirs.status_code, speaks(theirs)) == (status, "pkifactor")


def test_a_token_that_is_no_good_is_told_so_in_its_own_words(item):
    answer = Wire("fpki_at_" + "x" * 43).get(item)
    assert (answer.status_code, set(answer.json())) == (401, {"detail"})
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert speaks(Wire("pkf_" + "x" * 32).get(item)) == "pkifactor"
    assert speaks(Wire().get(item)) == "pkifactor"


def test_of_collections_the_slash_chooses(client):
    bare, enveloped = client.wire.get("/api/v1/certificates/"), client.wire.get("/api/v1/certificates")
    assert (type(bare.json()), type(enveloped.json())) == (list, dict)
    for answer in (bare, enveloped, client.wire.get("/api/v1/cas"), client.wire.get("/api/v1/cas/1/")):
        assert answer.status_code not in (301, 302, 307, 308)


@pytest.mark.parametrize("path", ["cas", "cas/1/", "export/ca/1", "users/nowhere/at/all", "auth/nothing"])
def test_an_unknown_path_of_theirs_is_refused_in_their_words(path):
    answer = Wire().get(f"/api/v1/{path}")
    assert (answer.status_code, set(answer.json())) == (404, {"detail"})


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 422),
        (b"[]", {}, 422),
        (b'{"name": "\xff"}', {}, 422),
        (b"<ca/>", {"Content_Type": "text/xml"}, 415),
        (b'{"name": 1}', {}, 422),
        (b'{"name": "x", "subject_dn": "CN=x", "organization_id": 2}', {}, 422),
    ],
)
def test_a_body_that_is_none_is_refused_in_their_words(client, body, headers, status):
    answer = client.wire.send("POST", "/api/v1/cas/", body, **headers)
    assert (answer.status_code, set(answer.json())) == (status, {"detail"})
