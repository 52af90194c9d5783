"""Signing in through an organization's OpenID Connect provider: django-allauth walks, the rules are ours.

The code flow with PKCE; the ID token's signature, issuer, audience, times and nonce are checked (OpenID Connect Core
3.1.3.7), although it comes straight from the provider.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin
from uuid import UUID

import jwt
import requests
from allauth.account.internal.flows.login import clear_authentication_records, perform_login, record_authentication
from allauth.account.models import Login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import SignInProvider
from accounts.selectors import private_ranges_of
from accounts.services.external_identities import find_identity, recognize
from accounts.services.sign_in_providers import client_secret_of
from accounts.sessions import nobody
from accounts.subjects import is_subject
from audit.admin.forms import message_of
from kernel.errors import DomainError
from web.account.adapters import refuse_session
from web.account.guarded import guarded_session
from web.account.guessing import counted_always

# Signatures alone: with "none" and HMAC a token would be signed by nobody, or by whoever knows the client's secret.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS: Final = 60


class Door(OpenIDConnectOAuth2Adapter):
    """One provider's endpoints and tokens."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """The discovered configuration; one of another issuer is none. Raises OAuth2Error, RequestException."""
        if not hasattr(self, "_openid_config"):
            issuer = self.get_provider().app.settings["issuer"]
            found = self._fetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise OAuth2Error("the discovered configuration is another issuer's")
            self._openid_config = found
        return self._openid_config

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        claims = self._verified(app, str(kwargs["response"].get("id_token", "")))
        info: dict[str, Any] = {}
        if "userinfo_endpoint" in self.openid_config:
            info = self._fetch(self.profile_url, bearer=token.token)
            if info.get("sub") != claims["sub"]:
                raise OAuth2Error("the user info is about somebody else")
        return self.get_provider().sociallogin_from_response(request, {"id_token": info | claims})

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """Where we are configured to be, whatever the request calls us."""
        return urljoin(settings.BASE_URL, reverse("sign-in-callback", args=[self.provider_id]))

    def _verified(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        try:
            key = _key_for(id_token, self._fetch(self.openid_config["jwks_uri"]))
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key=key,
                algorithms=list(ALGORITHMS),
                issuer=app.settings["issuer"],
                audience=app.client_id,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            # A key that is not of the algorithm's kind is a TypeError.
            raise OAuth2Error("the ID token is not good") from error
        if not is_subject(claims["sub"]):
            # django-allauth asks the database for it, before we are asked.
            raise OAuth2Error("nobody can be called so")
        if claims.get("azp", app.client_id) != app.client_id:
            raise OAuth2Error("the ID token was made for another client")
        return claims

    def _fetch(self, url: str, *, bearer: str = "") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        with ProviderAdapter(self.request).get_requests_session() as session:
            answer = session.get(url, headers=headers, allow_redirects=False)
        answer.raise_for_status()
        try:
            document = answer.json()
        except (ValueError, RecursionError) as error:
            raise OAuth2Error("the provider's answer is not JSON") from error
        if not isinstance(document, dict):
            raise OAuth2Error("the provider's answer is no document")
        return document


class OrganizationProvider(OpenIDConnectProvider):
    """A provider of one organization, as django-allauth sees it."""

    oauth2_adapter_class = Door

    def redirect(self, request: HttpRequest, process: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """To the provider, with a nonce that the ID token must repeat, and nothing that stands in our own address."""
        nonce = secrets.token_urlsafe(24)
        facts = {"scope": self.get_scope(), "auth_params": {**self.get_auth_params(), "nonce": nonce}, "nonce": nonce}
        next_url = kwargs.get("next_url")
        return super().redirect(request, "login", next_url=next_url, **facts)


class ProviderAdapter(DefaultSocialAccountAdapter):
    """What `SOCIALACCOUNT_ADAPTER` names: providers come from our table, people from our service."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> OrganizationProvider:
        row = _find(provider)
        secret = client_secret_of(row)
        app = SocialApp(
            provider="openid_connect",
            provider_id=str(row.public_id),
            name=row.name,
            client_id=row.client_id,
            secret=secret.reveal().decode() if secret else "",
            settings={"issuer": row.issuer, "oauth_pkce_enabled": True},
        )
        return OrganizationProvider(request, app=app)

    def get_requests_session(self) -> requests.Session:
        """To addresses that this request's provider may have: an owner has named it, and it names the rest."""
        row = _find(self.request.resolver_match.kwargs["provider_id"])
        return guarded_session(private_ranges_of(row.organization_id), organization_id=row.organization_id)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Our rules say who this is; django-allauth's own tables are not heard, nor written."""
        raise ImmediateHttpResponse(_sign_in(request, sociallogin))

    def on_authentication_error(self, request: HttpRequest, provider: OrganizationProvider, **facts: Any) -> None:
        refuse_session(request, provider.app.name)
        text = _("It did not work out with %(provider)s. Begin again; if it stays so, tell an owner.")
        raise ImmediateHttpResponse(_refused(request, text % {"provider": provider.app.name}))


@counted_always
@require_safe
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """To the provider. A link, for a form may not lead elsewhere; it changes nothing but this session."""
    _find(provider_id)
    try:
        return OAuth2LoginView.adapter_view(Door(request, provider_id))(request)
    except (OAuth2Error, requests.RequestException) as error:
        return _unreachable(request, error)


@counted_always
@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from the provider."""
    _find(provider_id)
    return OAuth2CallbackView.adapter_view(Door(request, provider_id))(request)


def _sign_in(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    claims: Mapping[str, Any] = sociallogin.account.extra_data["id_token"]
    provider = _find(sociallogin.account.provider)
    if not secrets.compare_digest(str(claims.get("nonce", "")), str(sociallogin.state.get("nonce", "-"))):
        refuse_session(request, provider.name)
        return _refused(request, _("The provider's answer does not belong to this browser. Begin again."))
    try:
        user = recognize(actor=nobody(request), provider=provider, claims=claims)
    except DomainError as error:
        refuse_session(request, f"{provider.name}: {claims['sub']}")
        return _refused(request, message_of(error))
    identity = find_identity(provider, claims["sub"])
    facts = {"organization": provider.organization_id, "binder": identity.maker_id if identity else None}
    clear_authentication_records(request)
    record_authentication(request, user, "provider", provider=provider.name, type=provider.name, **facts)
    return perform_login(request, Login(user=user, redirect_url=sociallogin.state.get("next") or "/"))


def _find(provider_id: str) -> SignInProvider:
    """Raises Http404."""
    try:
        return SignInProvider.objects.get(public_id=UUID(str(provider_id)), is_active=True)
    except (ValueError, SignInProvider.DoesNotExist) as error:
        raise Http404 from error


def _key_for(id_token: str, keys: Mapping[str, Any]) -> Any:
    """The provider's key that the token names; its only one where it names none. Raises PyJWTError."""
    number = jwt.get_unverified_header(id_token).get("kid")
    usable = [key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys if key.public_key_use in (None, "sig")]
    found = [key for key in usable if key.key_id == number] if number is not None else usable
    if len(found) != 1 or found[0].key_type == "oct":
        raise jwt.InvalidKeyError("no key of the provider fits")
    return found[0].key


def _unreachable(request: HttpRequest, error: Exception) -> HttpResponse:
    return _refused(request, _("The provider does not answer as it should. Try again later."), status=502)


def _refused(request: HttpRequest, text: str, status: int = 403) -> HttpResponse:
    context = {
        "title": _("Not signed in"),
        "text": text,
        "status": status,
        "trace_id": getattr(request, "trace_id", ""),
        "layout": "base_bare.html",
    }
    return render(request, "web/error.html", context, status=status)
