"""Credentials of every kind as intruders: what an API key does not reach, neither does anything else that comes in.

Which routes there are is the other tests' question; here it is the kind of credential that changes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import OAuthConsent, OAuthToken, OidcIssuer
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.services.oauth_clients import register_client, revoke_client
from accounts.services.oauth_consents import ConsentOrder, give_consent, withdraw_consent
from accounts.services.oauth_tokens import keep_tokens
from accounts.services.service_accounts import create_service_account, disable_service_account
from certificates.models import ClientCertificateBinding
from certificates.orders import Managed, RevokeOrder
from certificates.services.client_bindings import unbind_client_certificate
from certificates.services.revocation import revoke_certificate
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.api.wire import Wire
from tests.clients import bound, client_certificate
from tests.office import Office, open_office
from tests.security.doors import API
from tests.security.test_isolation_api import Operation, nowhere, said
from tests.security.whole import Whole, snapshot, whole_organization
from tests.token_issuer import AUDIENCE, TokenIssuer, token_issuer

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

CERTIFICATES = "/api/v2/certificates"
PROXY, SECRET = "10.9.8.7", "0123456789abcdef0123456789abcdef"
ASKED_BY_ALL = (
    "POST /api/v2/certificates/{certificate}/revoke",
    "POST /api/v2/certificates/{certificate}/private-key",
    "PATCH /api/v2/certificates/{certificate}",
    "POST /api/v2/cas/{ca}/crl",
    "DELETE /api/v2/templates/{template}",
)
# Every resource of the API once, and some of what changes one.
OPERATIONS = [
    Operation(entry)
    for entry in API
    if (entry.startswith("GET /api/v2/") and entry.count("{") == 1 and entry.endswith("}")) or entry in ASKED_BY_ALL
]


@dataclass
class Shown(Wire):
    """A client certificate, as our proxy shows it."""

    certificate: str = ""

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        proxied = {"Client-Cert": self.certificate, "X-Proxy-Secret": SECRET}
        return super().send(method, path, body, **proxied, **headers)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[TokenIssuer]:
    with token_issuer() as issuer:
        yield issuer


@pytest.fixture(autouse=True)
def _proxy(settings: Any) -> None:
    settings.CLIENT_CERTIFICATE_PROXIES = [ip_network("10.9.8.0/24")]
    settings.PROXY_SECRET = Secret(SECRET)


@pytest.fixture
def whole() -> Whole:
    """Made before the intruder's own, so that its words are its own."""
    return whole_organization()


@pytest.fixture
def umbrella() -> Office:
    """Another organization, with everything that it takes to come in."""
    return open_office("Umbrella")


def application(office: Office, _elsewhere: TokenIssuer, scope: str = "pki:admin") -> Wire:
    """All that an application can be let do, in that organization."""
    client = register_client(actor=cast.SUPERUSER, name="x", redirect_uris=["https://app.example/callback"])
    order = ConsentOrder(client=client, scopes=[scope], resource=django_settings.BASE_URL, grants=None)
    give_consent(actor=office.owner, order=order, redirect_uri=client.redirect_uris[0], challenge="A" * 43)
    access, refresh = (tokens.mint(kind).token.reveal().decode() for kind in ("cm_oauth", "cm_refresh"))
    texts = {OAuthToken.Kind.ACCESS: access, OAuthToken.Kind.REFRESH: refresh}
    keep_tokens(OAuthConsent.objects.get(client=client), texts, scopes=[scope], resource=order.resource)
    return Wire(access)


def token_of_an_issuer(office: Office, elsewhere: TokenIssuer) -> Wire:
    elsewhere.configured(office.organization, office.owner)
    return Wire(elsewhere.token())


def certificate(office: Office, _elsewhere: TokenIssuer) -> Wire:
    """Of a service account that may do all that its owner may."""
    account = create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="machine",
        permissions=sorted(ORGANIZATION_PERMISSIONS & office.owner.permissions),
    )
    issued = client_certificate(office)
    bound(office, account, issued)
    der = base64.b64encode(issued.x509.public_bytes(Encoding.DER)).decode()
    return Shown(client=Client(REMOTE_ADDR=PROXY, raise_request_exception=False), certificate=f":{der}:")


KINDS: dict[str, Callable[[Office, TokenIssuer], Wire]] = {
    "an application": application,
    "a token of an issuer": token_of_an_issuer,
    "a client certificate": certificate,
}
BY_KIND = pytest.mark.parametrize("come_in", KINDS.values(), ids=KINDS)


def test_the_routes_are_of_every_resource():
    assert len(OPERATIONS) > 20
    assert {each.entry for each in OPERATIONS} >= set(ASKED_BY_ALL)


@BY_KIND
def test_it_is_in_at_home(umbrella: Office, elsewhere: TokenIssuer, come_in: Any):
    """Else it would be no intruder."""
    wire = come_in(umbrella, elsewhere)
    assert wire.get(CERTIFICATES).status_code == 200
    assert wire.get("/api/v2/whoami").status_code == 200


@BY_KIND
def test_of_another_organization_it_finds_nothing_and_changes_nothing(
    whole: Whole, umbrella: Office, elsewhere: TokenIssuer, come_in: Any
):
    wire = come_in(umbrella, elsewhere)
    wire.get(CERTIFICATES)
    before = snapshot(log=whole.log)
    found = []
    for operation in OPERATIONS:
        path, other = whole.path(operation.address), nowhere(operation, whole)
        answer, absent = operation.ask(wire, path), operation.ask(wire, other)
        if answer.status_code not in (403, 404) or said(answer, path) != said(absent, other):
            found.append((operation.entry, answer.status_code, absent.status_code))
    assert found == []
    listed = wire.get(CERTIFICATES).content + wire.get("/api/v2/cas").content
    assert {word for word in whole.words if word in listed} == set()
    assert _without_use(snapshot(log=whole.log)) == _without_use(before)


def _without_use(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """Whoever comes in is remembered to have been there, at home."""
    restless = ("accounts_externalidentity", "certificates_clientcertificatebinding", "accounts_oidcissuer")
    return {table: content for table, content in rows.items() if table not in restless}


# --- those that are good no longer ------------------------------------------------------------------------------------


def the_token_is_over(office: Office) -> None:
    OAuthToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def the_token_was_given_back(office: Office) -> None:
    OAuthToken.objects.update(ended_at=timezone.now())


def the_consent_is_withdrawn(office: Office) -> None:
    withdraw_consent(actor=office.owner, consent=OAuthConsent.objects.get())


def the_application_is_revoked(office: Office) -> None:
    revoke_client(actor=cast.SUPERUSER, client=OAuthConsent.objects.get().client)


def the_issuer_is_switched_off(office: Office) -> None:
    OidcIssuer.objects.filter(audience=AUDIENCE).update(is_active=False)


def its_people_are_disabled(office: Office) -> None:
    users = {row.user for row in office.organization.memberships.all()}
    for user in users:
        user.is_active = False
        user.save()


def its_people_have_left(office: Office) -> None:
    office.organization.memberships.all().delete()


def the_account_is_disabled(office: Office) -> None:
    account = ClientCertificateBinding.objects.get().service_account
    disable_service_account(actor=office.owner, account=account)


def the_certificate_is_revoked(office: Office) -> None:
    row = ClientCertificateBinding.objects.get().certificate
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)


def the_certificate_has_expired(office: Office) -> None:
    row = ClientCertificateBinding.objects.get().certificate
    type(row).objects.filter(pk=row.pk).update(not_after=timezone.now() - timedelta(seconds=1))


def the_certificate_is_unbound(office: Office) -> None:
    unbind_client_certificate(actor=office.owner, binding=ClientCertificateBinding.objects.get())


ENDS = [
    *((application, end) for end in (the_token_is_over, the_token_was_given_back, the_consent_is_withdrawn)),
    *((application, end) for end in (the_application_is_revoked, its_people_are_disabled, its_people_have_left)),
    *((token_of_an_issuer, end) for end in (the_issuer_is_switched_off, its_people_are_disabled)),
    *((certificate, end) for end in (the_account_is_disabled, the_certificate_is_revoked)),
    *((certificate, end) for end in (the_certificate_has_expired, the_certificate_is_unbound)),
    *((certificate, end) for end in (its_people_are_disabled, its_people_have_left)),
]


@pytest.mark.parametrize(("come_in", "end"), ENDS, ids=[f"{kind.__name__}, {end.__name__}" for kind, end in ENDS])
def test_what_is_good_no_longer_opens_nothing(umbrella: Office, elsewhere: TokenIssuer, come_in: Any, end: Any):
    """Beside a session that would, too."""
    wire = come_in(umbrella, elsewhere)
    assert wire.get(CERTIFICATES).status_code == 200
    other = cast.member(umbrella.organization, "operator")
    end(umbrella)
    if end not in (its_people_are_disabled, its_people_have_left):
        wire.client.force_login(other.user, backend="accounts.sessions.PasswordBackend")
    body = {"template_code": "web-tls", "common_name": "www.acme.test"}
    refused = [wire.get(CERTIFICATES), wire.post(CERTIFICATES, body), wire.get("/api/v2/whoami")]
    assert [each.status_code for each in refused] == [401] * 3
    assert all(each["WWW-Authenticate"].startswith("Bearer") for each in refused)


def test_no_application_and_no_machine_makes_what_outlives_it(umbrella: Office, elsewhere: TokenIssuer):
    key = {"name": "x", "permissions": [Permission.CERTIFICATES_READ]}
    client = {"name": "x", "redirect_uris": ["https://app.example/callback"]}
    for wire in (application(umbrella, elsewhere), certificate(umbrella, elsewhere)):
        for path, body in (("/api/v2/api-keys", key), ("/api/v2/oauth-clients", client)):
            assert wire.post(path, body).status_code == 403, path


def test_a_key_that_waits_for_a_person_is_not_for_their_applications(umbrella: Office, elsewhere: TokenIssuer):
    waiting = umbrella.issue("www.acme.test", key=Managed(collect_later=True)).certificate
    path = f"{CERTIFICATES}/{waiting.public_id}/private-key"
    wire = application(umbrella, elsewhere, "pki:issue")
    assert wire.get(f"{CERTIFICATES}/{waiting.public_id}").status_code == 200
    assert wire.post(path).status_code == 403
    row, token = cast.api_key(umbrella.person)
    assert Wire(token).post(path).status_code == 200, row
