"""The addresses of the FastPKI dialect; `doors.py` says what the tables mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.security.whom import OPEN, OWN

API: Final[Mapping[str, str]] = {
    "POST /api/v1/auth/token": OPEN,
    "POST /api/v1/auth/refresh": OPEN,
    "POST /api/v1/auth/logout": OWN,
    "POST /api/v1/auth/invalidate": OWN,
    "GET /api/v1/users/": "members:write",
    "POST /api/v1/users/": "members:write",
    "GET /api/v1/users/me": OWN,
    "GET /api/v1/users/{person_number}": OWN,
    "PATCH /api/v1/users/{person_number}": "members:write",
    "DELETE /api/v1/users/{person_number}": "members:write",
    "GET /api/v1/organizations/": "organizations:read",
    "POST /api/v1/organizations/": "organizations:write",
    "GET /api/v1/organizations/{organization_number}": "organizations:read",
    "PUT /api/v1/organizations/{organization_number}": "organizations:write",
    "DELETE /api/v1/organizations/{organization_number}": "organizations:write",
    "GET /api/v1/organizations/{organization_number}/users": "members:read",
    "POST /api/v1/organizations/{organization_number}/users/{person_number}": "members:write",
    "DELETE /api/v1/organizations/{organization_number}/users/{person_number}": "members:write",
    "GET /api/v1/service-accounts/": "api-keys:read",
    "POST /api/v1/service-accounts/": "api-keys:write",
    "GET /api/v1/service-accounts/{account_number}": "api-keys:read",
    "PATCH /api/v1/service-accounts/{account_number}": "api-keys:write",
    "DELETE /api/v1/service-accounts/{account_number}": "api-keys:write",
    "GET /api/v1/service-accounts/{account_number}/tokens": "api-keys:read",
    "POST /api/v1/service-accounts/{account_number}/tokens": "api-keys:write",
    "DELETE /api/v1/service-accounts/{account_number}/tokens/{token_number}": "api-keys:write",
    "GET /api/v1/service-accounts/{account_number}/policy": "api-keys:read",
    "PUT /api/v1/service-accounts/{account_number}/policy": "api-keys:write",
    "DELETE /api/v1/service-accounts/{account_number}/policy": "api-keys:write",
    "GET /api/v1/audit-logs/": "audit:read",
    "GET /api/v1/cas/": "cas:read",
    "POST /api/v1/cas/": "cas:create",
    "GET /api/v1/cas/{ca_number}": "cas:read",
    "DELETE /api/v1/cas/{ca_number}": "cas:write",
    "GET /api/v1/cas/{ca_number}/private-key": "cas:export-key",
    "GET /api/v1/cas/{ca_number}/chain": "cas:read",
    "GET /api/v1/cas/{ca_number}/children": "cas:read",
    "GET /api/v1/certificates/": "certificates:read",
    "POST /api/v1/certificates/": "certificates:issue",
    "POST /api/v1/certificates/sign-csr": "certificates:issue",
    "GET /api/v1/certificates/{stored_number}/private-key": "certificates:export-key",
    "GET /api/v1/export/ca/{ca_number}/certificate": "cas:read",
    "GET /api/v1/export/ca/{ca_number}/private-key": "cas:export-key",
    "GET /api/v1/export/certificate/{certificate_number}": "certificates:download",
    "GET /api/v1/export/certificate/{stored_number}/private-key": "certificates:export-key",
    "GET /api/v1/export/certificate/{certificate_number}/chain": "certificates:download",
}

DOCUMENTS: Final[Mapping[str, str]] = {"/api/v1/fastpki/openapi.json": OPEN}

# What an owner's key is refused at what is the owner's: superusers do it, or people and no programs.
NOT_BY_KEY: Final = frozenset(
    {
        "GET /api/v1/users/",
        "DELETE /api/v1/users/{person_number}",
        "DELETE /api/v1/organizations/{organization_number}",
        "POST /api/v1/service-accounts/{account_number}/tokens",
        "DELETE /api/v1/service-accounts/{account_number}/policy",
    }
)
