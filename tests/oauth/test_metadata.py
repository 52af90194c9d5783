"""How a client finds its way by itself (RFC 8414, RFC 9728)."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import resolve

from accounts.oauth_scopes import MOUNTS

pytestmark = pytest.mark.django_db


def test_the_servers_endpoints_are_where_it_says(settings):
    found = Client().get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == settings.BASE_URL
    endpoints = {name: address for name, address in found.items() if name.endswith("_endpoint")}
    assert {name: address.removeprefix(settings.BASE_URL) for name, address in endpoints.items()} == {
        "authorization_endpoint": "/oauth/authorize",
        "token_endpoint": "/oauth/token",
        "registration_endpoint": "/oauth/register",
        "revocation_endpoint": "/oauth/revoke",
        "device_authorization_endpoint": "/oauth/device",
    }
    assert all(resolve(address.removeprefix(settings.BASE_URL)) for address in endpoints.values())
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_types_supported"] == ["code"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert {"pki:admin", "pki:issue", "pki:read"} <= set(found["scopes_supported"])
    assert "requests:decide" not in found["scopes_supported"]


@pytest.mark.parametrize("mount", MOUNTS)
def test_each_part_of_the_api_says_who_gives_tokens_for_it(mount, settings):
    found = Client().get("/.well-known/oauth-protected-resource" + mount).json()
    assert found["resource"] == settings.BASE_URL + mount
    assert found["authorization_servers"] == [settings.BASE_URL]


def test_a_part_that_is_none_is_not_described():
    assert Client().get("/.well-known/oauth-protected-resource/admin").status_code == 404


@pytest.mark.parametrize("token", ["cm_oauth_" + "x" * 32, "cm_oauth_", "cm_oauth_\x00", "nonsense"])
def test_a_refused_request_says_where_to_read_on(token, settings):
    answer = Client().get("/api/v2/cas", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    metadata = f'resource_metadata="{settings.BASE_URL}/.well-known/oauth-protected-resource"'
    assert metadata in answer["WWW-Authenticate"]
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]
