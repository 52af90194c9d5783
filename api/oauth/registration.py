"""What a client says of itself when it registers (RFC 7591 section 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts import oauth_scopes
from accounts.services.oauth_protocol import GRANTS
from api.oauth.answers import OAuthProblem

_RESPONSE_TYPES = frozenset({"code"})


@dataclass(frozen=True, slots=True)
class Registration:
    """The part of it that means something here; the rest of the RFC's fields is ignored, as the RFC says."""

    name: str
    redirect_uris: Sequence[str]
    grant_types: Sequence[str]
    scope: str


def read_registration(data: Mapping[str, Any]) -> Registration:
    """Raises OAuthProblem: `invalid_redirect_uri`, or `invalid_client_metadata` for all else, also for a client that
    wants a secret: those are made by an organization, in its pages.
    """
    redirect_uris = _texts(data, "redirect_uris", error="invalid_redirect_uri")
    if not redirect_uris:
        raise OAuthProblem("invalid_redirect_uri", "Name at least one redirect_uri.")
    if data.get("token_endpoint_auth_method", "none") != "none":
        raise OAuthProblem("invalid_client_metadata", "Clients that register themselves are public: use none.")
    # Types that we lack are left out, which the answer says (RFC 7591 section 3.2.1).
    grants = [each for each in _texts(data, "grant_types") or GRANTS[:2] if each in GRANTS]
    if "authorization_code" not in grants and GRANTS[2] not in grants:
        raise OAuthProblem("invalid_client_metadata", "None of the grant_types can begin anything here.")
    if not _RESPONSE_TYPES.issuperset(_texts(data, "response_types") or _RESPONSE_TYPES):
        raise OAuthProblem("invalid_client_metadata", "The only response_type is code.")
    scope = _text(data, "scope")
    if any(each not in oauth_scopes.SCOPES for each in scope.split()):
        raise OAuthProblem("invalid_client_metadata", "There is no such scope.")
    return Registration(_text(data, "client_name"), redirect_uris, grants, scope)


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise OAuthProblem("invalid_client_metadata", f"{name} must be a string.")
    return value


def _texts(data: Mapping[str, Any], name: str, *, error: str = "invalid_client_metadata") -> list[str]:
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise OAuthProblem(error, f"{name} must be an array of strings.")
    return value
