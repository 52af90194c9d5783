"""The addresses of the FastPKI dialect; `doors.py` says what the tables mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.security.whom import OPEN

API: Final[Mapping[str, str]] = {
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
