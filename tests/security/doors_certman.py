"""The addresses of the Certman dialect; `doors.py` says what the tables mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.security.whom import OPEN, OWN

API: Final[Mapping[str, str]] = {
    "GET /v1/whoami": OWN,
    "GET /v1/cas": "cas:read",
    "POST /v1/cas": "cas:create",
    "GET /v1/cas/{ca}": "cas:read",
    "GET /v1/cas/{ca}/chain": "cas:read",
    "GET /v1/certificates": "certificates:read",
    "POST /v1/certificates": "certificates:issue",
    "GET /v1/certificates/{certificate}": "certificates:read",
    "GET /v1/certificates/{certificate}/download": "certificates:download",
    "POST /v1/certificates/{certificate}/renew": "certificates:renew",
    "POST /v1/certificates/{certificate}/revoke": "certificates:revoke",
}

DOCUMENTS: Final[Mapping[str, str]] = {"/v1/openapi": OPEN}
