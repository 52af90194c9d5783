"""Where everything is, for clients that find their way by themselves (RFC 8414, RFC 9728)."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts import oauth_scopes
from accounts.services.oauth_protocol import GRANTS
from api.oauth.answers import OAuthProblem, document, endpoint

_MAX_AGE: Final = "public, max-age=3600"


@endpoint("GET")
def authorization_server(request: HttpRequest) -> HttpResponse:
    return _cached(
        {
            "issuer": settings.BASE_URL,
            "authorization_endpoint": _url("oauth-authorize"),
            "token_endpoint": _url("oauth-token"),
            "registration_endpoint": _url("oauth-register"),
            "revocation_endpoint": _url("oauth-revoke"),
            "device_authorization_endpoint": _url("oauth-device-authorization"),
            "service_documentation": _url("developers"),
            "scopes_supported": list(oauth_scopes.SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(GRANTS),
            "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
            "revocation_endpoint_auth_methods_supported": ["none", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


@endpoint("GET")
def protected_resource(request: HttpRequest, mount: str = "") -> HttpResponse:
    """For the whole API, or for the part of it that the path names."""
    place = f"/{mount}" if mount else ""
    if place not in oauth_scopes.MOUNTS:
        raise OAuthProblem("not_found", "No part of the API is mounted there.", status=404)
    return _cached(
        {
            "resource": settings.BASE_URL + place,
            "resource_name": "Chancery",
            "authorization_servers": [settings.BASE_URL],
            "bearer_methods_supported": ["header"],
            "scopes_supported": list(oauth_scopes.DEFAULT),
            "resource_documentation": _url("developers"),
        }
    )


def _url(name: str) -> str:
    return str(settings.BASE_URL) + reverse(name)


def _cached(content: dict[str, Any]) -> HttpResponse:
    response = document(content)
    response["Cache-Control"] = _MAX_AGE
    # Clients in browsers read it from wherever they are; nothing in it is anybody's.
    response["Access-Control-Allow-Origin"] = "*"
    return response
