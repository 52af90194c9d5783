"""The calls and the events of services about applications and their tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from accounts.grants import GrantOrder
from accounts.models import OAuthClient, OAuthConsent
from accounts.services import oauth_clients, oauth_consents, oauth_server
from accounts.services.oauth_consents import ConsentOrder
from accounts.services.people import actor_for_user
from tests.architecture.people import NOBODY
from tests.oauth.desk import FORM, REDIRECT, challenge_of

VERIFIER = "v" * 43
HEADERS = {"Content-Type": FORM}


def _registered(s: Any) -> OAuthClient:
    return oauth_clients.register_client(actor=NOBODY, name="tool", redirect_uris=[REDIRECT])


def _made(s: Any) -> OAuthClient:
    return oauth_clients.create_client(
        actor=s.owner, organization=s.office.organization, name="tool", redirect_uris=[REDIRECT]
    ).row


def _order(s: Any, client: OAuthClient) -> ConsentOrder:
    grants = [GrantOrder(ca_id=s.office.issuing.pk)]
    return ConsentOrder(client=client, scopes=["pki:read"], resource=settings.BASE_URL, grants=grants)


def _person(s: Any) -> Any:
    return actor_for_user(s.office.person.user, organization=s.office.organization)


def _consent(s: Any) -> tuple[OAuthClient, str]:
    client = _registered(s)
    code = oauth_consents.give_consent(
        actor=_person(s), order=_order(s, client), redirect_uri=REDIRECT, challenge=challenge_of(VERIFIER)
    )
    return client, code.reveal().decode()


def _tokens(s: Any) -> tuple[OAuthClient, dict[str, Any]]:
    client, code = _consent(s)
    fields = {"grant_type": "authorization_code", "client_id": client.client_id, "code": code}
    body = urlencode({**fields, "redirect_uri": REDIRECT, "code_verifier": VERIFIER})
    answer = oauth_server.answer_token_request(actor=NOBODY, body=body, headers=HEADERS)
    assert answer.status == 200, answer.body
    return client, answer.document


def _given_back(s: Any) -> object:
    client, tokens = _tokens(s)
    body = urlencode({"client_id": client.client_id, "token": tokens["access_token"]})
    return oauth_server.answer_revocation(actor=NOBODY, body=body, headers=HEADERS)


def _device(s: Any) -> tuple[OAuthClient, str]:
    client = _registered(s)
    body = urlencode({"client_id": client.client_id})
    made = oauth_server.begin_device(actor=NOBODY, body=body, headers=HEADERS)
    return client, made.user_code.reveal().decode()


def _device_allowed(s: Any) -> object:
    client, code = _device(s)
    return oauth_consents.give_consent_to_device(actor=_person(s), order=_order(s, client), user_code=code)


def _withdrawn(s: Any) -> object:
    _consent(s)
    return oauth_consents.withdraw_consent(actor=_person(s), consent=OAuthConsent.objects.get())


REGISTERED, CREATED, GIVEN = "oauth_client.registered", "oauth_client.created", "oauth_consent.given"
ISSUED, BEGUN = "oauth_token.issued", "oauth_device.begun"
OAUTH_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "accounts.register_client": (_registered, [REGISTERED]),
    "accounts.create_client": (_made, [CREATED]),
    "accounts.rotate_client_secret": (
        lambda s: oauth_clients.rotate_client_secret(actor=s.owner, client=_made(s)),
        [CREATED, "oauth_client.rotated"],
    ),
    "accounts.revoke_client": (
        lambda s: oauth_clients.revoke_client(actor=s.owner, client=_made(s)),
        [CREATED, "oauth_client.revoked"],
    ),
    "accounts.give_consent": (_consent, [REGISTERED, GIVEN]),
    "accounts.withdraw_consent": (_withdrawn, [REGISTERED, GIVEN, "oauth_consent.withdrawn"]),
    "accounts.answer_token_request": (_tokens, [REGISTERED, GIVEN, ISSUED]),
    "accounts.answer_revocation": (_given_back, [REGISTERED, GIVEN, ISSUED, "oauth_token.revoked"]),
    "accounts.begin_device": (_device, [REGISTERED, BEGUN]),
    "accounts.give_consent_to_device": (_device_allowed, [REGISTERED, BEGUN, GIVEN]),
    "accounts.refuse_device": (
        lambda s: oauth_consents.refuse_device(actor=_person(s), user_code=_device(s)[1]),
        [REGISTERED, BEGUN, "oauth_device.refused"],
    ),
}
