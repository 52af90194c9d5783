"""The addresses of the ScaiVault dialect; `doors.py` says what the tables mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.security.whom import OPEN

API: Final[Mapping[str, str]] = {
    "GET /v1/pki/ca": "cas:write",
    "POST /v1/pki/ca": "cas:create",
    "GET /v1/pki/ca/{ca}": "cas:read",
    "GET /v1/pki/ca/{ca}/certificate": "cas:read",
    "POST /v1/pki/ca/{ca}/revoke": "cas:revoke",
    "GET /v1/pki/ca/{ca}/crl": "cas:read",
    "POST /v1/pki/ca/{ca}/crl": "crls:publish",
    "GET /v1/pki/roles": "roles:read",
    "POST /v1/pki/roles": "roles:write",
    "GET /v1/pki/roles/{role_name}": "roles:read",
    "PATCH /v1/pki/roles/{role_name}": "roles:write",
    "DELETE /v1/pki/roles/{role_name}": "roles:write",
    "POST /v1/pki/issue/{role_name}": "certificates:issue",
    "POST /v1/pki/sign/{role_name}": "certificates:issue",
    "GET /v1/pki/certificates": "certificates:read",
    "POST /v1/pki/certificates/import": "cas:write",
    "POST /v1/pki/certificates/validate": "certificates:read",
    "GET /v1/pki/certificates/{certificate}": "certificates:read",
    "PATCH /v1/pki/certificates/{certificate}": "certificates:issue",
    "GET /v1/pki/certificates/{certificate}/pem": "certificates:download",
    "POST /v1/pki/certificates/{certificate}/renew": "certificates:renew",
    "POST /v1/pki/certificates/{kept}/private-key": "certificates:issue",
    "POST /v1/pki/revoke": "certificates:revoke",
    "GET /v1/pki/csr": "requests:read",
    "POST /v1/pki/csr": "certificates:issue",
    "POST /v1/pki/csr/import": "certificates:issue",
    "GET /v1/pki/csr/{csr}": "requests:read",
    "DELETE /v1/pki/csr/{csr}": "certificates:issue",
    "POST /v1/pki/csr/{csr}/approve": "requests:decide",
    "POST /v1/pki/csr/{csr}/reject": "requests:decide",
    "POST /v1/pki/csr/{csr}/sign": "cas:write",
    "GET /v1/pki/trust-anchors": "cas:read",
    "POST /v1/pki/trust-anchors": "cas:write",
    "GET /v1/pki/trust-anchors/{anchor}": "cas:read",
    "DELETE /v1/pki/trust-anchors/{anchor}": "cas:write",
    "GET /v1/pki/acme/accounts": "acme:read",
    "POST /v1/pki/acme/accounts": "acme:write",
    "GET /v1/pki/acme/accounts/{acme_account}": "acme:read",
    "DELETE /v1/pki/acme/accounts/{acme_account}": "acme:write",
    "POST /v1/pki/acme/issue": "certificates:issue",
    "GET /v1/pki/acme/orders": "acme:read",
    "GET /v1/pki/acme/orders/{acme_order}": "acme:read",
    "POST /v1/pki/acme/orders/{acme_order}/refresh": "certificates:issue",
    "POST /v1/pki/acme/challenges/{acme_challenge}/complete": "certificates:issue",
    "GET /v1/pki/dns-providers": "acme:read",
    "POST /v1/pki/dns-providers": "acme:write",
    "GET /v1/pki/dns-providers/{dns_provider}": "acme:read",
    "PATCH /v1/pki/dns-providers/{dns_provider}": "acme:write",
    "DELETE /v1/pki/dns-providers/{dns_provider}": "acme:write",
}

DOCUMENTS: Final[Mapping[str, str]] = {"/v1/pki/openapi.json": OPEN}
