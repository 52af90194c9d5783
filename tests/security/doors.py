"""Every address that there is, and who comes in: read against the URL configuration, so that none is forgotten.

A new route belongs in one of the tables: the test that compares them says which one is missing. The braces name a row
of the whole organization (whole.py), from which the address is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.urls import URLResolver, get_resolver

from tests.security import doors_certman, doors_certmate, doors_fastpki, doors_scaivault
from tests.security.whom import OPEN as OPEN
from tests.security.whom import OWN as OWN

_DIALECTS: Final = (doors_fastpki, doors_certmate, doors_certman, doors_scaivault)

# Method and address of the API, and the permission without which it is refused.
API: Final[Mapping[str, str]] = {
    "GET /api/v1/certificates": "certificates:read",
    "POST /api/v1/certificates": "certificates:issue",
    "GET /api/v1/certificates/{certificate_number}": "certificates:read",
    "GET /api/v1/certificates/{certificate_number}/download": "certificates:download",
    "POST /api/v1/certificates/{certificate_number}/renew": "certificates:renew",
    "POST /api/v1/certificates/{certificate_number}/revoke": "certificates:revoke",
    "POST /api/v1/clm/templates": "templates:write",
    "GET /api/v1/audit": "audit:read",
    "GET /api/v2/organizations": "organizations:read",
    "POST /api/v2/organizations": "organizations:write",
    "GET /api/v2/organizations/{organization}": "organizations:read",
    "PATCH /api/v2/organizations/{organization}": "organizations:write",
    "GET /api/v2/whoami": OWN,
    "GET /api/v2/members": "members:read",
    "POST /api/v2/members": "members:write",
    "GET /api/v2/members/{member}": "members:read",
    "PATCH /api/v2/members/{member}": "members:write",
    "DELETE /api/v2/members/{member}": "members:write",
    "GET /api/v2/member-roles": "members:read",
    "POST /api/v2/member-roles": "members:write",
    "GET /api/v2/member-roles/{custom_role}": "members:read",
    "PATCH /api/v2/member-roles/{custom_role}": "members:write",
    "DELETE /api/v2/member-roles/{custom_role}": "members:write",
    "GET /api/v2/invitations": "members:read",
    "POST /api/v2/invitations": "members:write",
    "GET /api/v2/invitations/{invitation}": "members:read",
    "DELETE /api/v2/invitations/{invitation}": "members:write",
    "POST /api/v2/invitations/{invitation}/resend": "members:write",
    "GET /api/v2/sign-in-providers": "organizations:write",
    "POST /api/v2/sign-in-providers": "organizations:write",
    "GET /api/v2/sign-in-providers/{provider}": "organizations:write",
    "PATCH /api/v2/sign-in-providers/{provider}": "organizations:write",
    "DELETE /api/v2/sign-in-providers/{provider}": "organizations:write",
    "GET /api/v2/api-keys": "api-keys:read",
    "POST /api/v2/api-keys": "api-keys:write",
    "GET /api/v2/api-keys/{api_key}": "api-keys:read",
    "DELETE /api/v2/api-keys/{api_key}": "api-keys:write",
    "POST /api/v2/api-keys/{api_key}/rotate": "api-keys:write",
    "GET /api/v2/service-accounts": "api-keys:read",
    "POST /api/v2/service-accounts": "api-keys:write",
    "GET /api/v2/service-accounts/{service_account}": "api-keys:read",
    "PATCH /api/v2/service-accounts/{service_account}": "api-keys:write",
    "POST /api/v2/service-accounts/{service_account}/disable": "api-keys:write",
    "POST /api/v2/service-accounts/{service_account}/enable": "api-keys:write",
    "GET /api/v2/cas": "cas:read",
    "POST /api/v2/cas": "cas:create",
    "GET /api/v2/cas/tree": "cas:read",
    "POST /api/v2/cas/pending": "cas:create",
    "POST /api/v2/cas/import": "cas:create",
    "POST /api/v2/cas/foreign": "cas:create",
    "GET /api/v2/cas/{ca}": "cas:read",
    "PATCH /api/v2/cas/{ca}": "cas:write",
    "GET /api/v2/cas/{ca}/certificate": "cas:read",
    "GET /api/v2/cas/{ca}/chain": "cas:read",
    "GET /api/v2/cas/{ca}/key": "cas:read",
    "POST /api/v2/cas/{ca}/crl": "crls:publish",
    "POST /api/v2/cas/{ca}/revoke": "cas:revoke",
    "POST /api/v2/cas/{ca}/retire": "cas:write",
    "POST /api/v2/cas/{ca}/disable": "cas:write",
    "POST /api/v2/cas/{ca}/enable": "cas:write",
    "GET /api/v2/cas/{ca}/dialects": "cas:read",
    "POST /api/v2/cas/{ca}/dialects": "templates:write",
    "POST /api/v2/cas/{ca}/csr": "cas:write",
    "POST /api/v2/cas/{ca}/complete": "cas:create",
    "POST /api/v2/cas/{ca}/cancel": "cas:create",
    "POST /api/v2/cas/{ca}/certify": "cas:create",
    "GET /api/v2/cas/{ca}/chains": "cas:read",
    "POST /api/v2/cas/{ca}/renew": "cas:create",
    "POST /api/v2/cas/{ca}/cross": "cas:create",
    "GET /api/v2/cas/{ca}/certificates": "cas:read",
    "POST /api/v2/cas/{ca}/certificates": "cas:create",
    "GET /api/v2/cas/{ca}/certificates/{fingerprint}": "cas:read",
    "POST /api/v2/cas/{ca}/certificates/{fingerprint}/prefer": "cas:write",
    "POST /api/v2/cas/{ca}/certificates/{fingerprint}/revoke": "cas:revoke",
    "POST /api/v2/cas/{ca}/successor": "cas:create",
    "POST /api/v2/cas/{ca}/move-templates": "templates:write",
    "POST /api/v2/cas/{ca}/abandon-intents": "cas:revoke",
    "GET /api/v2/roles": "roles:read",
    "POST /api/v2/roles": "roles:write",
    "GET /api/v2/roles/{role}": "roles:read",
    "PATCH /api/v2/roles/{role}": "roles:write",
    "DELETE /api/v2/roles/{role}": "roles:write",
    "GET /api/v2/templates": "templates:read",
    "POST /api/v2/templates": "templates:write",
    "GET /api/v2/templates/{template}": "templates:read",
    "PATCH /api/v2/templates/{template}": "templates:write",
    "DELETE /api/v2/templates/{template}": "templates:write",
    "GET /api/v2/certificates": "certificates:read",
    "POST /api/v2/certificates": "certificates:issue",
    "POST /api/v2/certificates/batch": "certificates:issue",
    "POST /api/v2/certificates/validate": "certificates:read",
    "GET /api/v2/certificates/by-serial/{serial}": "certificates:read",
    "GET /api/v2/certificates/{certificate}": "certificates:read",
    "PATCH /api/v2/certificates/{certificate}": "certificates:issue",
    "GET /api/v2/certificates/{certificate}/download": "certificates:download",
    "POST /api/v2/certificates/{certificate}/renew": "certificates:renew",
    "POST /api/v2/certificates/{certificate}/revoke": "certificates:revoke",
    "POST /api/v2/certificates/{certificate}/release": "certificates:revoke",
    "POST /api/v2/certificates/{certificate}/private-key": "certificates:read",
    "GET /api/v2/requests": "requests:read",
    "GET /api/v2/requests/counts": "requests:read",
    "GET /api/v2/requests/{request}": "requests:read",
    "POST /api/v2/requests/{request}/approve": "requests:decide",
    "POST /api/v2/requests/{request}/reject": "requests:decide",
    "POST /api/v2/requests/{request}/cancel": "certificates:issue",
    "POST /api/v2/requests/{request}/fulfil": "requests:decide",
    "POST /api/v2/requests/{request}/private-key": "certificates:issue",
    "GET /api/v2/trust-anchors": "cas:read",
    "POST /api/v2/trust-anchors": "cas:write",
    "GET /api/v2/trust-anchors/{anchor}": "cas:read",
    "DELETE /api/v2/trust-anchors/{anchor}": "cas:write",
    "GET /api/v2/token-issuers": "organizations:write",
    "POST /api/v2/token-issuers": "organizations:write",
    "GET /api/v2/token-issuers/{token_issuer}": "organizations:write",
    "PATCH /api/v2/token-issuers/{token_issuer}": "organizations:write",
    "DELETE /api/v2/token-issuers/{token_issuer}": "organizations:write",
    "GET /api/v2/machine-identities": "organizations:write",
    "POST /api/v2/machine-identities": "organizations:write",
    "GET /api/v2/machine-identities/{machine_identity}": "organizations:write",
    "DELETE /api/v2/machine-identities/{machine_identity}": "organizations:write",
    "GET /api/v2/client-certificates": "organizations:write",
    "POST /api/v2/client-certificates": "organizations:write",
    "GET /api/v2/client-certificates/{client_certificate}": "organizations:write",
    "DELETE /api/v2/client-certificates/{client_certificate}": "organizations:write",
    "GET /api/v2/oauth-clients": "api-keys:read",
    "POST /api/v2/oauth-clients": "api-keys:write",
    "GET /api/v2/oauth-clients/{oauth_client}": "api-keys:read",
    "DELETE /api/v2/oauth-clients/{oauth_client}": "api-keys:write",
    "POST /api/v2/oauth-clients/{oauth_client}/rotate": "api-keys:write",
    "GET /api/v2/oauth-consents": "organizations:read",
    "GET /api/v2/oauth-consents/{oauth_consent}": "organizations:read",
    "DELETE /api/v2/oauth-consents/{oauth_consent}": "organizations:read",
    "GET /api/v2/audit": "audit:read",
    "GET /api/v2/audit/keys": "audit:read",
    "GET /api/v2/audit/export": "audit:read",
    "GET /api/v2/audit/verifier": "audit:read",
    "GET /api/v2/audit/checkpoints": "audit:read",
    "GET /api/v2/audit/checkpoints/latest": "audit:read",
    "GET /api/v2/audit/checkpoints/latest/note": "audit:read",
    "GET /api/v2/audit/checkpoints/{checkpoint}": "audit:read",
    "GET /api/v2/audit/checkpoints/{checkpoint}/consistency": "audit:read",
    "GET /api/v2/audit/{event}": "audit:read",
    "GET /api/v2/audit/{event}/proof": "audit:read",
    "GET /api/v2/stats": "certificates:read",
    **{address: whom for dialect in _DIALECTS for address, whom in dialect.API.items()},
}

# What answers programs, and is no action of a view set.
DOCUMENTS: Final[Mapping[str, str]] = {
    "/api/v1/openapi.json": OPEN,
    "/api/v2/openapi.json": OPEN,
    "/oauth/token": OPEN,
    "/oauth/revoke": OPEN,
    "/oauth/register": OPEN,
    "/oauth/device": OPEN,
    "/.well-known/oauth-authorization-server": OPEN,
    "/.well-known/oauth-protected-resource": OPEN,
    "/.well-known/oauth-protected-resource/{word}": OPEN,
    **{address: whom for dialect in _DIALECTS for address, whom in dialect.DOCUMENTS.items()},
}

# Pages: open, for whoever is signed in, or for who has this permission in the organization where he works.
PAGES: Final[Mapping[str, str]] = {
    "/": OWN,
    "/overview.csv": OWN,
    "/language/": OPEN,
    "/certificates/": "certificates:read",
    "/certificates/issue/": "certificates:issue",
    "/certificates/issue-csr/": "certificates:issue",
    "/certificates/export/": "certificates:read",
    "/certificates/revoke-many/": "certificates:revoke",
    "/certificates/renew-many/": "certificates:renew",
    "/certificates/tag-many/": "certificates:issue",
    "/certificates/filters/": "certificates:read",
    "/certificates/filters/save/": "certificates:read",
    "/certificates/filters/{saved_filter}/change/": "certificates:read",
    "/certificates/filters/{saved_filter}/delete/": "certificates:read",
    "/certificates/{certificate}/": "certificates:read",
    "/certificates/{certificate}/file/{format}/": "certificates:download",
    "/certificates/{certificate}/private-key/": "certificates:issue",
    "/certificates/{certificate}/renew/": "certificates:renew",
    "/certificates/{certificate}/renew-csr/": "certificates:renew",
    "/certificates/{certificate}/renew-same-key/": "certificates:renew",
    "/certificates/{certificate}/edit/": "certificates:issue",
    "/certificates/{certificate}/lift-hold/": "certificates:revoke",
    "/certificates/{certificate}/revoke/": "certificates:revoke",
    # Any one of these will do: who has asked sees his own.
    "/requests/": "requests:read certificates:issue certificates:renew",
    "/requests/approve-several/": "requests:decide",
    "/requests/{request}/": "requests:read certificates:issue certificates:renew",
    "/requests/{request}/approve/": "requests:decide",
    "/requests/{request}/reject/": "requests:decide",
    "/requests/{request}/fulfil/": "requests:decide certificates:issue certificates:renew",
    "/requests/{request}/cancel/": "certificates:issue certificates:renew",
    "/audit/": "audit:read",
    "/audit/verify/": "audit:read",
    "/audit/export/": "audit:read",
    "/audit/verifier.py": "audit:read",
    "/audit/checkpoint": "audit:read",
    "/audit/{event}/": "audit:read",
    "/audit/{event}/proof.json": "audit:read",
    "/authorities/": "cas:read",
    "/authorities/create-root/": "cas:create",
    "/authorities/create-intermediate/": "cas:create",
    "/authorities/request/": "cas:create",
    "/authorities/import/": "cas:create",
    "/authorities/add-foreign/": "cas:create",
    "/authorities/certificates/{fingerprint}/": "cas:read",
    "/authorities/certificates/{fingerprint}/prefer/": "cas:write",
    "/authorities/certificates/{fingerprint}/revoke/": "cas:revoke",
    "/authorities/{ca}/": "cas:read",
    "/authorities/{ca}/file/{format}/": "cas:read",
    "/authorities/{ca}/complete/": "cas:create",
    "/authorities/{ca}/csr/": "cas:write",
    "/authorities/{ca}/publish/": "crls:publish",
    "/authorities/{ca}/renew/": "cas:create",
    "/authorities/{ca}/change-terms/": "cas:write",
    "/authorities/{ca}/enable/": "cas:write",
    "/authorities/{ca}/add-certificate/": "cas:create",
    "/authorities/{ca}/cross/": "cas:create",
    "/authorities/{ca}/certify/": "cas:create",
    "/authorities/{ca}/succeed/": "cas:create",
    "/authorities/{ca}/move-templates/": "templates:write",
    "/authorities/{ca}/clients/": "templates:write",
    "/authorities/{ca}/disable/": "cas:write",
    "/authorities/{ca}/cancel/": "cas:create",
    "/authorities/{ca}/abandon/": "cas:revoke",
    "/authorities/{ca}/retire/": "cas:write",
    "/authorities/{ca}/revoke/": "cas:revoke",
    "/trust/": "cas:read",
    "/trust/new/": "cas:write",
    "/trust/validate/": "certificates:read",
    "/trust/{anchor}/": "cas:read",
    "/trust/{anchor}/retire/": "cas:write",
    "/tools/inspect/": "certificates:read",
    "/templates/": "templates:read",
    "/templates/create/": "templates:write",
    "/templates/{template}/": "templates:read",
    "/templates/{template}/change-recipe/": "templates:write",
    "/templates/{template}/retire/": "templates:write",
    "/roles/": "roles:read",
    "/roles/create/": "roles:write",
    "/roles/{role}/": "roles:read",
    "/roles/{role}/change-rules/": "roles:write",
    "/roles/{role}/retire/": "roles:write",
    "/sign-in/": OPEN,
    "/sign-in/again/": OPEN,
    "/sign-in/code/": OPEN,
    "/sign-in/passkey/": OPEN,
    "/sign-in/closed/": OPEN,
    "/sign-in/with/{provider}/": OPEN,
    "/sign-in/with/{provider}/callback/": OPEN,
    "/sign-out/": OPEN,
    "/password/": OWN,
    "/password/forgotten/": OPEN,
    "/password/new/{word}/{word}/": OPEN,
    "/confirm/": OWN,
    "/confirm/code/": OWN,
    "/confirm/passkey/": OWN,
    "/invitations/{word}/": OPEN,
    "/account/": OWN,
    "/account/organization/": OWN,
    "/account/security/": OWN,
    "/account/security/app/": OWN,
    "/account/security/passkey/": OWN,
    "/account/security/recovery-codes/": OWN,
    "/account/security/{second_factor}/remove/": OWN,
    "/account/sessions/": OWN,
    "/account/applications/": OWN,
    "/account/api-keys/": "api-keys:read",
    "/account/api-keys/new/": "api-keys:write",
    "/account/api-keys/{api_key}/": "api-keys:read",
    "/account/api-keys/{api_key}/rotate/": "api-keys:write",
    "/account/api-keys/{api_key}/revoke/": "api-keys:write",
    # It says so where the request makes no sense, before it asks who is there.
    "/oauth/authorize": OPEN,
    "/device/": OWN,
    "/organization/applications/": "api-keys:read",
    "/organization/applications/add/": "api-keys:write",
    "/organization/applications/withdraw/": "api-keys:write",
    "/organization/applications/{oauth_client}/revoke/": "api-keys:write",
    "/organization/members/": "members:read",
    "/organization/members/{member}/": "members:write",
    "/organization/members/{member}/remove/": "members:write",
    "/organization/invitations/{invitation}/": "members:write",
    "/organization/roles/": "members:read",
    "/organization/roles/add/": "members:write",
    "/organization/roles/{custom_role}/": "members:write",
    "/organization/sign-in/": "organizations:write",
    "/organization/sign-in/add/": "organizations:write",
    "/organization/sign-in/{provider}/": "organizations:write",
    "/organization/machines/": "organizations:write",
    "/organization/machines/issuers/add/": "organizations:write",
    "/organization/machines/issuers/{token_issuer}/": "organizations:write",
    "/organization/machines/subjects/bind/": "organizations:write",
    "/organization/machines/certificates/bind/": "organizations:write",
    "/organization/machines/{machine_identity}/unbind/": "organizations:write",
    "/setup/": "cas:create",
    "/setup/root/": "cas:create",
    "/setup/issuing/": "cas:create",
    "/setup/rules/": "cas:create",
    "/setup/certificate/": "cas:create",
    "/setup/review/": "cas:create",
    "/setup/done/": "cas:create",
    "/setup/dismiss/": OWN,
    "/developers/": OPEN,
    "/developers/errors/": OPEN,
    "/developers/errors/{word}": OPEN,
    "/developers/{word}/": OPEN,
}

_ADMIN: Final = "/admin/"
_HOLE: Final = re.compile(r"\{[^}]*\}")
_CONVERTED: Final = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Address:
    """A pattern of the URL configuration, with `{}` for what varies, and what answers it."""

    template: str
    callback: Any

    @property
    def actions(self) -> Mapping[str, str] | None:
        """Method -> action, where it is a view set of the API."""
        return getattr(self.callback, "actions", None)

    @property
    def is_admin(self) -> bool:
        return self.template.startswith(_ADMIN)


def addresses() -> Iterator[Address]:
    """All of them, in the order in which they are tried."""
    yield from _below(get_resolver(), "/")


def with_holes(address: str) -> str:
    """An entry of a table as the URL configuration has it."""
    return _HOLE.sub("{}", address)


def _below(resolver: URLResolver, prefix: str) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        place = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _below(pattern, place)
        else:
            yield Address(_CONVERTED.sub("{}", place), pattern.callback)
