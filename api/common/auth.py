"""Credentials to an actor: once, at the edge. Below it nobody asks how it came in."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from accounts.models import User
from accounts.program_tokens import SERVICE, is_program_token
from accounts.services.bearer import authenticate_bearer, looks_like_jwt
from accounts.services.credentials import authenticate_token
from accounts.services.oauth_tokens import PREFIX, authenticate_access_token
from accounts.services.service_tokens import authenticate_service_token
from accounts.services.sign_in_tokens import authenticate_sign_in_token
from accounts.sessions import actor_of, lacks_second_factor
from api.common.trace import trace_id_of
from certificates.services.client_auth import authenticate_certificate
from kernel.actor import Actor, ActorKind
from kernel.errors import Denied, Unauthenticated
from kernel.secret import Secret
from kernel.text import _

INVALID_TOKEN: Final = "invalid-token"  # noqa: S105  a code


class Credentials(BaseAuthentication):
    """An API key or a token in `Authorization: Bearer …` (RFC 6750), else the session of a signed-in person.

    Before a session comes the certificate that the client has shown to a proxy of ours. A credential that is not good
    is an Unauthenticated, never "as if none": not even a session beside it helps.
    """

    def authenticate(self, request: Request) -> tuple[Actor, None] | None:
        plain = request._request
        header = plain.META.get("HTTP_AUTHORIZATION")
        certificate: bytes | None = getattr(plain, "client_certificate", None)
        if header is not None:
            actor: Actor | None = _actor_of_header(plain, header)
        elif certificate is not None:
            actor = _actor_of_certificate(plain, certificate)
        else:
            actor = _actor_of_session(plain)
        return (actor, None) if actor else None

    def authenticate_header(self, request: Request) -> str:
        return challenge(None)


def shows_program_token(request: HttpRequest) -> bool:
    """Whether the credential, good or not, is one of FastPKI's clients: they are answered in their words."""
    scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return scheme.lower() == "bearer" and is_program_token(token.strip())


def challenge(code: str | None) -> str:
    """The value of WWW-Authenticate (RFC 6750 section 3); `code` is that of the problem, if there is one.

    It says where OAuth clients read on (RFC 9728 section 5.1).
    """
    error = ', error="invalid_token", error_description="The credential is not valid"' if code == INVALID_TOKEN else ""
    metadata = f"{settings.BASE_URL}/.well-known/oauth-protected-resource"
    return f'Bearer realm="Chancery"{error}, resource_metadata="{metadata}"'


def client_ip(request: HttpRequest) -> str | None:
    """The address that the request came from; None where the server does not know it (a Unix socket)."""
    return request.META.get("REMOTE_ADDR") or None


def nobody(request: HttpRequest) -> Actor:
    """Whoever sent this request, for the audit log: no name, no rights."""
    return Actor(
        kind=ActorKind.USER,
        id=0,
        label="",
        organization_id=None,
        permissions=frozenset(),
        ip=client_ip(request),
        trace_id=trace_id_of(request),
    )


def _actor_of_header(request: HttpRequest, header: str) -> Actor:
    scheme, _space, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(_("The Authorization header must be: Bearer, a space, and the key."), code=INVALID_TOKEN)
    secret = Secret(token.strip())
    if token.startswith(PREFIX):
        return authenticate_access_token(
            secret, path=request.path, ip=client_ip(request), trace_id=trace_id_of(request)
        )
    if is_program_token(token):
        authenticate = authenticate_service_token if token.startswith(SERVICE) else authenticate_sign_in_token
        return authenticate(secret, ip=client_ip(request), trace_id=trace_id_of(request))
    if looks_like_jwt(secret):
        return authenticate_bearer(secret, nobody=nobody(request))
    return authenticate_token(secret, ip=client_ip(request), trace_id=trace_id_of(request))


def _actor_of_certificate(request: HttpRequest, certificate: bytes) -> Actor:
    # A browser shows its certificate by itself, whoever has written the page: programs have no pages.
    if request.META.get("HTTP_ORIGIN") or request.META.get("HTTP_SEC_FETCH_SITE", "none") != "none":
        raise Denied(_("A client certificate is a credential for programs, not for pages."), code="certificate-in-page")
    return authenticate_certificate(certificate, ip=client_ip(request), trace_id=trace_id_of(request))


def _actor_of_session(request: HttpRequest) -> Actor | None:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_active:
        return None
    # The browser sends its cookie by itself, so a change must prove that it comes from our own pages.
    if CSRFCheck(lambda _request: None).process_view(request, None, (), {}):  # type: ignore[arg-type]
        raise Denied(_("A signed-in browser must send its CSRF token with this."), code="csrf-failed")
    if user.must_change_password:
        raise Denied(_("The password must be changed first."), code="password-change-required")
    if lacks_second_factor(request, user):
        raise Denied(_("A second factor must be added first."), code="second-factor-required")
    return actor_of(request)
