"""What oauthlib asks of us while it reads a request: RFC 6749, 7009, 7636, 8628 and 8707, as RFC 9700 would have them.

oauthlib knows the order of the checks and the words of the answers; here is what they are judged by.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from oauthlib.oauth2 import AuthorizationCodeGrant, OAuth2Error, RefreshTokenGrant, RequestValidator
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256
from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant

from accounts import oauth_scopes, redirects, tokens
from accounts.models import OAuthClient, OAuthConsent, OAuthDevice, OAuthToken
from accounts.services.credentials import digest_key
from accounts.services.oauth_consents import record_consent
from accounts.services.oauth_tokens import (
    Found,
    acting_for,
    end,
    end_consent,
    find_to_use,
    keep_tokens,
)
from accounts.services.people import member_permissions
from audit.events import EventName
from kernel.actor import Actor
from kernel.secret import Secret

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS: Final = ("authorization_code", "refresh_token", DEVICE_GRANT)
POLLING_INTERVAL: Final = timedelta(seconds=5)
# RFC 7636 sections 4.1 and 4.2; a challenge is 32 bytes in base64url.
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_CLIENT_ID: Final = re.compile(r"[a-z0-9_]{1,48}", re.ASCII)


class InvalidTarget(OAuth2Error):  # type: ignore[misc]  # oauthlib has no types
    """The resource is not ours, or not what was consented to (RFC 8707 section 2)."""

    error = "invalid_target"
    description = "The resource is not a part of this API, or not of what was granted."


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """With S256 alone (RFC 9700 section 2.1.1)."""

    _code_challenge_methods = {"S256": code_challenge_method_s256}


class Protocol(RequestValidator):  # type: ignore[misc]
    """The judgements about one request; what it changes is a part of the caller's transaction.

    What a code, a refresh token or a device code leads to is kept in `consent` and `resource` until its tokens are.
    """

    def __init__(self, actor: Actor | None = None) -> None:
        self.actor = actor
        self.consent: OAuthConsent | None = None
        self.resource = ""
        self._used: OAuthToken | OAuthDevice | None = None

    def code_grant(self) -> CodeGrant:
        return CodeGrant(self, post_auth=[self._check_authorization], post_token=[self._check_exchange])

    def refresh_grant(self) -> RefreshTokenGrant:
        return RefreshTokenGrant(self, post_token=[self._check_exchange])

    def device_grant(self) -> DeviceCodeGrant:
        return DeviceCodeGrant(self, post_token=[self._check_exchange])

    # --- who asks ---

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        client = find_client(request.client_id)
        return client is None or client.is_confidential or request.client_secret is not None

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """`client_secret_post` alone (RFC 6749 section 2.3.1)."""
        client = find_client(request.client_id)
        if client is None or client.secret_digest is None or not request.client_secret:
            return False
        request.client = client
        return tokens.matches(Secret(request.client_secret), digest_key(), bytes(client.secret_digest))

    def authenticate_client_id(self, client_id: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        request.client = find_client(client_id)
        return request.client is not None and not request.client.is_confidential

    def validate_client_id(self, client_id: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        request.client = find_client(client_id)
        return request.client is not None

    def validate_grant_type(
        self, client_id: Any, grant_type: Any, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return grant_type in GRANTS

    # --- the authorization request ---

    def validate_redirect_uri(self, client_id: Any, redirect_uri: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        return redirects.matches(redirect_uri, request.client.redirect_uris)

    def get_default_redirect_uri(self, client_id: Any, request: Any, *args: Any, **kwargs: Any) -> str | None:
        """An authorization request names it; who brings a code need not (OAuth 2.1): PKCE binds it to its client."""
        return self._used.redirect_uri if isinstance(self._used, OAuthToken) else None

    def validate_response_type(
        self, client_id: Any, response_type: Any, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return bool(response_type == "code")

    def is_pkce_required(self, client_id: Any, request: Any) -> bool:
        return True

    def get_default_scopes(self, client_id: Any, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        return list(oauth_scopes.DEFAULT)

    def validate_scopes(
        self, client_id: Any, scopes: Any, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return all(scope in oauth_scopes.SCOPES for scope in scopes)

    # --- the exchange ---

    def validate_code(self, client_id: Any, code: Any, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """One that is used twice was stolen once: what it gave is taken back (RFC 6749 section 4.1.2)."""
        return self._take(request, find_to_use(Secret(code), OAuthToken.Kind.CODE))

    def get_code_challenge(self, code: Any, request: Any) -> str:
        return self._used.challenge if isinstance(self._used, OAuthToken) else ""

    def get_code_challenge_method(self, code: Any, request: Any) -> str:
        return "S256"

    def confirm_redirect_uri(
        self, client_id: Any, code: Any, redirect_uri: Any, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return isinstance(self._used, OAuthToken) and bool(redirect_uri == self._used.redirect_uri)

    def invalidate_authorization_code(self, client_id: Any, code: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """`save_token` has ended it already."""

    def validate_refresh_token(self, refresh_token: Any, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """One that is used twice is in two hands, and nobody knows whose: the whole family ends (RFC 9700 4.14.2)."""
        return self._take(request, find_to_use(Secret(refresh_token), OAuthToken.Kind.REFRESH))

    def get_original_scopes(self, refresh_token: Any, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        return list(self.consent.scopes) if self.consent else []

    def validate_device_code(self, client_id: Any, code: Any, request: Any, *args: Any, **kwargs: Any) -> str | None:
        digest = tokens.digest(Secret(code), digest_key())
        row = OAuthDevice.objects.select_for_update().filter(device_digest=digest, client=request.client).first()
        if row is None or row.ended_at is not None:
            return None
        now = timezone.now()
        if row.expires_at <= now:
            return DeviceCodeGrant.DEVICE_CODE_EXPIRED
        if row.denied_at is not None:
            return DeviceCodeGrant.DEVICE_CODE_DENIED
        is_hasty = row.polled_at is not None and now - row.polled_at < POLLING_INTERVAL
        OAuthDevice.objects.filter(pk=row.pk).update(polled_at=now)
        if row.consent is None:
            return DeviceCodeGrant.DEVICE_CODE_SLOW_DOWN if is_hasty else DeviceCodeGrant.DEVICE_CODE_PENDING
        if not _still_stands(row.consent):
            return DeviceCodeGrant.DEVICE_CODE_DENIED
        self._hold(request, row, row.consent, row.scopes, row.resource)
        return DeviceCodeGrant.DEVICE_CODE_AUTHORIZED

    def save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        assert self.consent is not None  # noqa: S101
        assert self._used is not None  # noqa: S101
        end(self._used)
        texts = {
            OAuthToken.Kind.ACCESS: token["access_token"],
            OAuthToken.Kind.REFRESH: token["refresh_token"],
        }
        keep_tokens(self.consent, texts, scopes=request.scopes, resource=self.resource)
        self._record(EventName.OAUTH_TOKEN_ISSUED, self.consent, grant=request.grant_type, scopes=request.scopes)

    # --- giving back ---

    def revoke_token(self, token: Any, token_type_hint: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """An access token alone; with a refresh token all that came of the same consent (RFC 7009 section 2.1)."""
        for kind in (OAuthToken.Kind.REFRESH, OAuthToken.Kind.ACCESS):
            found = find_to_use(Secret(token), kind)
            if found is None or found.consent.client_id != request.client.pk or found.token.ended_at is not None:
                continue
            end(found.token)
            if kind == OAuthToken.Kind.REFRESH:
                end_consent(found.consent)
            self._record(EventName.OAUTH_TOKEN_REVOKED, found.consent, kind=kind.value)

    # --- what these share ---

    def _take(self, request: Any, found: Found | None) -> bool:
        """Whether this code or refresh token is good for this client; the second use of one ends its consent."""
        if found is None or found.consent.client_id != request.client.pk:
            return False
        if found.token.ended_at is not None:
            if found.consent.revoked_at is None:
                end_consent(found.consent)
                self._record(EventName.OAUTH_TOKEN_REUSED, found.consent, kind=found.token.kind)
            return False
        if not found.is_alive or not found.token.is_good:
            return False
        self._hold(request, found.token, found.consent, found.token.scopes, found.token.resource)
        return True

    def _hold(
        self, request: Any, used: OAuthToken | OAuthDevice, consent: OAuthConsent, scopes: list[str], resource: str
    ) -> None:
        self._used, self.consent, self.resource = used, consent, resource
        request.user, request.scopes = consent.user, scopes

    def _check_authorization(self, request: Any) -> dict[str, str]:
        if not _CHALLENGE.fullmatch(request.code_challenge):
            raise InvalidRequestError("The code_challenge is not 43 characters of base64url.", request=request)
        return {"resource": read_resource(request)}

    def _check_exchange(self, request: Any) -> None:
        if request.grant_type == "authorization_code" and not _VERIFIER.fullmatch(request.code_verifier):
            raise InvalidRequestError("The code_verifier is not 43 to 128 unreserved characters.", request=request)
        if request.resource is not None:
            wanted = read_resource(request)
            if not oauth_scopes.lies_within(wanted, self.resource):
                raise InvalidTarget(request=request)
            self.resource = wanted

    def _record(self, event: EventName, consent: OAuthConsent, **facts: object) -> None:
        asker = self.actor
        actor = acting_for(consent, ip=asker.ip if asker else None, trace_id=asker.trace_id if asker else "")
        record_consent(actor, event, consent, facts)


def find_client(client_id: object) -> OAuthClient | None:
    """The application, unless it is revoked."""
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        return None
    return OAuthClient.objects.filter(client_id=client_id, revoked_at=None).first()


def read_resource(request: Any) -> str:
    """The part of the API that is asked for; all of it where none is. Raises InvalidTarget."""
    if request.resource is None:
        return str(settings.BASE_URL)
    resource = oauth_scopes.read_resource(request.resource, settings.BASE_URL)
    if resource is None:
        raise InvalidTarget(request=request)
    return resource


def _still_stands(consent: OAuthConsent) -> bool:
    membership = consent.user.memberships.filter(organization=consent.organization_id).first()
    return consent.is_open and bool(member_permissions(consent.user, membership))
