"""The examples of CertMate's document: what it sends, and what it is answered. Values that a server makes are of the
same kind as those on the page, and not the same.
"""

from __future__ import annotations

import re
from typing import Any, Final

CREATE: Final[dict[str, Any]] = {
    "common_name": "user@example.com",
    "email": "user@example.com",
    "organization": "ACME Corp",
    "organizational_unit": "Engineering",
    "cert_usage": "api-mtls",
    "days_valid": 365,
    "generate_key": True,
    "notes": "Production certificate",
}
CREATE_BY_CURL: Final = {
    "common_name": "user@example.com",
    "email": "user@example.com",
    "organization": "ACME Corp",
    "cert_usage": "api-mtls",
    "days_valid": 365,
}
CREATED: Final = {
    "identifier": "cert-abc123",
    "common_name": "user@example.com",
    "serial_number": "12345678901234567890",
    "created_at": "2024-10-30T18:00:00Z",
    "expires_at": "2025-10-30T18:00:00Z",
    "cert_usage": "api-mtls",
    "status": "active",
}
LISTED: Final = {
    "identifier": "cert-001",
    "common_name": "user1@example.com",
    "organization": "ACME Corp",
    "cert_usage": "api-mtls",
    "created_at": "2024-10-30T18:00:00Z",
    "expires_at": "2025-10-30T18:00:00Z",
    "revoked": False,
    "status": "active",
}
DETAIL: Final[dict[str, Any]] = {
    "type": "client_certificate",
    "identifier": "cert-001",
    "common_name": "user@example.com",
    "email": "user@example.com",
    "organization": "ACME Corp",
    "organizational_unit": "Engineering",
    "serial_number": "12345678901234567890",
    "created_at": "2024-10-30T18:00:00Z",
    "expires_at": "2025-10-30T18:00:00Z",
    "cert_usage": "api-mtls",
    "notes": "Production certificate",
    "revocation": {"revoked": False, "revoked_at": None, "reason_revoked": None},
    "renewal": {"renewal_enabled": True, "renewal_threshold_days": 30},
}
REVOKE: Final = {"reason": "compromised"}
REVOKED: Final = {
    "message": "Certificate revoked: cert-001",
    "revoked_at": "2024-10-30T18:15:00Z",
    "reason": "compromised",
}
RENEWED: Final = {
    "identifier": "cert-001-renewed",
    "common_name": "user@example.com",
    "serial_number": "98765432109876543210",
    "created_at": "2024-10-30T18:20:00Z",
    "expires_at": "2025-10-30T18:20:00Z",
    "status": "active",
}
STATS: Final[dict[str, Any]] = {
    "total": 100,
    "active": 85,
    "revoked": 15,
    "expiring_soon": 8,
    "by_usage": {"api-mtls": 60, "vpn": 35, "other": 5},
    "created_count": 100,
    "renewal_enabled": 92,
}
BATCH: Final[dict[str, Any]] = {
    "headers": ["common_name", "email", "organization", "cert_usage", "days_valid"],
    "rows": [
        ["user1@example.com", "user1@example.com", "ACME Corp", "api-mtls", "365"],
        ["user2@example.com", "user2@example.com", "ACME Corp", "vpn", "365"],
        ["user3@example.com", "user3@example.com", "ACME Corp", "api-mtls", "365"],
    ],
}
BATCH_BY_CURL: Final[dict[str, Any]] = {
    "headers": ["common_name", "email", "organization"],
    "rows": [
        ["user1@example.com", "user1@example.com", "ACME Corp"],
        ["user2@example.com", "user2@example.com", "ACME Corp"],
    ],
}
BATCHED: Final[dict[str, Any]] = {
    "total": 3,
    "successful": 3,
    "failed": 0,
    "errors": [],
    "certificates": [
        {"identifier": "cert-batch-001", "common_name": "user1@example.com"},
        {"identifier": "cert-batch-002", "common_name": "user2@example.com"},
        {"identifier": "cert-batch-003", "common_name": "user3@example.com"},
    ],
}
OCSP: Final = {
    "response_status": "successful",
    "certificate_status": "good",
    "certificate_serial": 12345678,
    "this_update": "2024-10-30T18:00:00Z",
    "next_update": None,
    "responder_name": "CertMate OCSP Responder",
}
CRL_INFO: Final[dict[str, Any]] = {
    "status": "available",
    "issuer": "CN=CertMate CA, O=CertMate",
    "last_update": "2024-10-30T18:00:00Z",
    "next_update": "2024-10-31T18:00:00Z",
    "revoked_count": 5,
    "revoked_serials": [12345678, 87654321],
}
BUNDLE_MEMBERS: Final = ("domain", "cert_pem", "chain_pem", "fullchain_pem", "private_key_pem")
# `code` is a number on the page here, and a symbol where the page says what errors are like: it is a symbol.
NOT_FOUND: Final = {"error": "Certificate not found: invalid-id", "code": "CERTIFICATE_NOT_FOUND", "status": 404}
RATE_LIMITED: Final = {
    "error": "Rate limit exceeded",
    "message": "Too many requests. Please try again later.",
    "retry_after": 60,
}
LOG_LINE: Final[dict[str, Any]] = {
    "timestamp": "2024-10-30T18:00:00Z",
    "operation": "create",
    "resource_type": "certificate",
    "resource_id": "cert-001",
    "status": "success",
    "user": "admin@example.com",
    "ip_address": "192.168.1.1",
    "details": {"common_name": "user@example.com", "usage": "api-mtls"},
    "error": None,
}


def require_documented(answer: Any, example: Any, *, place: str = "") -> None:
    """Every member of the example is there, and is of its kind; more members may be."""
    assert type(answer) is type(example), f"{place}: {answer!r}"
    if isinstance(example, dict):
        assert example.keys() <= answer.keys(), place
        for name, value in example.items():
            require_documented(answer[name], value, place=f"{place}.{name}")
    elif isinstance(example, str) and example.endswith("Z"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer), f"{place}: {answer!r}"


def told(answer: Any, *names: str) -> dict[str, Any]:
    return {name: answer[name] for name in names}
