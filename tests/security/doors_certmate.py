"""The addresses of the CertMate dialect; `doors.py` says what the tables mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.security.whom import OPEN

API: Final[Mapping[str, str]] = {
    "GET /api/client-certs": "certificates:read",
    "POST /api/client-certs/create": "certificates:issue",
    "GET /api/client-certs/stats": "certificates:read",
    "POST /api/client-certs/batch": "certificates:issue",
    "GET /api/client-certs/{client}": "certificates:read",
    "GET /api/client-certs/{client}/download/crt": "certificates:download",
    "GET /api/client-certs/{client}/download/key": "certificates:export-key",
    "GET /api/client-certs/{client_of_csr}/download/csr": "certificates:download",
    "POST /api/client-certs/{client}/revoke": "certificates:revoke",
    "POST /api/client-certs/{client}/renew": "certificates:renew",
    # What relying parties may know: with a credential, of its organization.
    "GET /api/ocsp/status/{serial}": OPEN,
    "GET /api/crl/download/pem": OPEN,
    "GET /api/crl/download/der": OPEN,
    "GET /api/crl/download/info": OPEN,
    "GET /api/certificates/{host}/download": "certificates:download",
}

DOCUMENTS: Final[Mapping[str, str]] = {"/api/openapi.json": OPEN}
