"""The endpoints of the authorization server that programs call; people are asked by the pages of `web.oauth`."""

from __future__ import annotations

import logging
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from oauthlib.oauth2 import OAuth2Error

from accounts.models import OAuthClient
from accounts.services.oauth_clients import register_client
from accounts.services.oauth_server import Answer, answer_revocation, answer_token_request, begin_device
from api.common.auth import nobody
from api.common.errors import Malformed
from api.common.parser import read_object
from api.oauth.answers import FORM, OAuthProblem, body_of, document, endpoint
from api.oauth.registration import Registration, read_registration
from audit.events import EventName
from audit.resource import Resource
from audit.services import record_refusal
from kernel.errors import Invalid

log = logging.getLogger(__name__)

_REFUSALS: Final = frozenset({"invalid_client", "invalid_grant"})


@endpoint("POST", FORM)
def token(request: HttpRequest) -> HttpResponse:
    answer = answer_token_request(actor=nobody(request), body=body_of(request), headers={"Content-Type": FORM})
    return _answered(request, answer)


@endpoint("POST", FORM)
def revoke(request: HttpRequest) -> HttpResponse:
    answer = answer_revocation(actor=nobody(request), body=body_of(request), headers={"Content-Type": FORM})
    return _answered(request, answer)


@endpoint("POST", FORM)
def device(request: HttpRequest) -> HttpResponse:
    try:
        made = begin_device(actor=nobody(request), body=body_of(request), headers={"Content-Type": FORM})
    except OAuth2Error as error:
        raise OAuthProblem(error.error, error.description or "", status=error.status_code) from error
    code = made.user_code.reveal().decode()
    shown, address = f"{code[:4]}-{code[4:]}", settings.BASE_URL + reverse("oauth-device")
    return document(
        {
            "device_code": made.device_code.reveal().decode(),
            "user_code": shown,
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code={shown}",
            "expires_in": int(made.lifetime.total_seconds()),
            "interval": int(made.interval.total_seconds()),
        }
    )


@endpoint("POST", "application/json")
def register(request: HttpRequest) -> HttpResponse:
    try:
        wanted = read_registration(read_object(request.body))
    except Malformed as error:
        raise OAuthProblem("invalid_client_metadata", str(error)) from error
    try:
        client = register_client(actor=nobody(request), name=wanted.name, redirect_uris=wanted.redirect_uris)
    except Invalid as error:
        is_about_name = error.errors[0].field == "client_name"
        name = "invalid_client_metadata" if is_about_name else "invalid_redirect_uri"
        raise OAuthProblem(name, str(error)[:300]) from error
    return document(_registered(client, wanted), status=201)


def _registered(client: OAuthClient, wanted: Registration) -> dict[str, object]:
    return {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "token_endpoint_auth_method": "none",
        "grant_types": list(wanted.grant_types),
        "response_types": ["code"],
        **({"scope": wanted.scope} if wanted.scope else {}),
    }


def _answered(request: HttpRequest, answer: Answer) -> HttpResponse:
    error = answer.document.get("error")
    if error in _REFUSALS:
        _note_refusal(request, error)
    response = document(answer.document, status=answer.status)
    response["Pragma"] = "no-cache"
    return response


def _note_refusal(request: HttpRequest, code: str) -> None:
    """An audit log that cannot be written does not turn the refusal into something else: it is logged instead."""
    resource = Resource("endpoint", None, request.path)
    try:
        record_refusal(nobody(request), EventName.CREDENTIAL_REFUSED, resource, organization_id=None, code=code)
    except Exception:
        log.exception("a refusal could not be recorded", extra={"code": code})
