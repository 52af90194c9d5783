"""The examples of Certman's document: what is sent, and what is answered, as they stand there.

Ids, times, serial numbers and PEM stand for themselves alone where they are compared: an answer has others of the same
form. An id that stands in several places of one example is one id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

ROOT_ID = "550e8400-e29b-41d4-a716-446655440000"
OTHER_ID = "660e8400-e29b-41d4-a716-446655440001"
NEW_ID = "770e8400-e29b-41d4-a716-446655440002"
CERTIFICATE_PEM = "-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----"
KEY_PEM = "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"

_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----\n(.*)\n-----END \1-----", re.DOTALL)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_SERIAL = re.compile(r"([0-9A-F]{2})+")
_KEY_PREFIX = re.compile(r"cm_\w{4}")


@dataclass(frozen=True)
class Transcript:
    """One example. `asks` and the ids in its path are replaced by ours before it is sent."""

    method: str
    path: str
    answer: Any
    body: Any = None
    # Where the document contradicts itself, what is right instead; the test says why.
    corrected: Mapping[str, Any] = field(default_factory=dict)


WHOAMI = Transcript(
    "GET",
    "/v1/whoami",
    {
        "user": {"id": ROOT_ID, "email": "user@example.com"},
        "workspace": {"id": OTHER_ID, "name": "My Workspace", "slug": "my-workspace"},
        "apiKey": {"id": NEW_ID, "name": "Production Key", "prefix": "cm_prod"},
        "permissions": {
            "880e8400-e29b-41d4-a716-446655440003": {"canRead": True, "canIssue": True, "canRevoke": False}
        },
    },
)
_ROOT = {
    "id": ROOT_ID,
    "name": "Production Root CA",
    "common_name": "Production Root CA",
    "organization": "Acme Corp",
    "key_algorithm": "ECDSA-P384",
    "valid_from": "2024-01-01T00:00:00.000Z",
    "valid_to": "2034-01-01T00:00:00.000Z",
    "created_at": "2024-01-01T00:00:00.000Z",
    "parent_ca_id": None,
    "depth": 0,
    "path_length": None,
}
LIST_CAS = Transcript(
    "GET",
    "/v1/cas",
    {
        "cas": [
            _ROOT,
            {
                "id": OTHER_ID,
                "name": "Production Intermediate CA",
                "common_name": "Production Intermediate CA",
                "organization": "Acme Corp",
                "key_algorithm": "ECDSA-P256",
                "valid_from": "2024-06-01T00:00:00.000Z",
                "valid_to": "2029-06-01T00:00:00.000Z",
                "created_at": "2024-06-01T00:00:00.000Z",
                "parent_ca_id": ROOT_ID,
                "depth": 1,
                "path_length": 0,
            },
        ]
    },
)
SHOW_CA = Transcript(
    "GET",
    f"/v1/cas/{ROOT_ID}",
    {
        "ca": {
            **_ROOT,
            "country": "US",
            "state": "California",
            "locality": "San Francisco",
            "certificate_pem": CERTIFICATE_PEM,
            "serial_number": "01AB23CD45EF",
            "has_passphrase": False,
            "revoked_at": None,
            "revocation_reason": None,
        }
    },
)
SHOW_CHAIN = Transcript(
    "GET",
    f"/v1/cas/{OTHER_ID}/chain",
    {"caId": OTHER_ID, "chainLength": 2, "chain": [CERTIFICATE_PEM, CERTIFICATE_PEM]},
)
LIST_CERTIFICATES = Transcript(
    "GET",
    "/v1/certificates?status=active&pageSize=10",
    {
        "certificates": [
            {
                "id": OTHER_ID,
                "ca_id": ROOT_ID,
                "common_name": "api.example.com",
                "san_dns": ["api.example.com", "www.example.com"],
                "san_ip": ["192.168.1.1"],
                "key_algorithm": "ECDSA-P256",
                "valid_from": "2024-06-01T00:00:00.000Z",
                "valid_to": "2025-06-01T00:00:00.000Z",
                "serial_number": "AABBCCDD",
                "revoked_at": None,
                "revocation_reason": None,
                "created_at": "2024-06-01T00:00:00.000Z",
            }
        ],
        "total": 42,
        "page": 1,
        "pageSize": 20,
        "totalPages": 3,
    },
    # There is one certificate, and the request asked for ten on a page; 42 on pages of 20 are three pages.
    corrected={"total": 1, "pageSize": 10, "totalPages": 1},
)
_NEW = {
    "id": OTHER_ID,
    "common_name": "api.example.com",
    "certificate_pem": CERTIFICATE_PEM,
    "san_dns": ["api.example.com", "www.example.com"],
    "san_ip": ["192.168.1.1"],
    "valid_from": "2024-06-01T00:00:00.000Z",
    "valid_to": "2025-06-01T00:00:00.000Z",
    "serial_number": "AABBCCDD",
    "created_at": "2024-06-01T00:00:00.000Z",
}
ISSUE = Transcript(
    "POST",
    "/v1/certificates",
    {"certificate": _NEW, "privateKey": KEY_PEM},
    body={
        "caId": ROOT_ID,
        "mode": "managed",
        "commonName": "api.example.com",
        "sanDns": ["api.example.com", "www.example.com"],
        "sanIp": ["192.168.1.1"],
        "keyAlgorithm": "ECDSA-P256",
        "validityDays": 365,
    },
)
REVOKE = Transcript(
    "POST",
    f"/v1/certificates/{ROOT_ID}/revoke",
    {
        "message": "Certificate revoked successfully",
        "certificate": {
            "id": OTHER_ID,
            "common_name": "api.example.com",
            "revoked_at": "2024-07-15T12:30:00.000Z",
            "revocation_reason": "keyCompromise",
        },
    },
    body={"reason": "keyCompromise"},
)
RENEW = Transcript(
    "POST",
    f"/v1/certificates/{ROOT_ID}/renew",
    {
        "message": "Certificate renewed successfully",
        "certificate": _NEW | {"id": NEW_ID, "serial_number": "EEFF0011"},
        "privateKey": KEY_PEM,
    },
    body={"validityDays": 365},
)


def alike(expected: Any, answered: Any, where: str = "answer") -> dict[str, str]:
    """Assert that an answer is what the example shows; each id of the example, and ours."""
    ids: dict[str, str] = {}
    _compare(expected, answered, where, ids)
    assert len(set(ids.values())) == len(ids), f"{where}: two ids of the example are one here"
    return ids


def _compare(expected: Any, answered: Any, where: str, ids: dict[str, str]) -> None:
    if isinstance(expected, dict):
        assert isinstance(answered, dict), where
        if expected and all(map(_is_id, expected)):
            ids |= dict(zip(expected, answered, strict=True))
            expected = {ids[name]: value for name, value in expected.items()}
        assert answered.keys() == expected.keys(), f"{where}: {sorted(answered.keys() ^ expected.keys())}"
        for name, value in expected.items():
            _compare(value, answered[name], f"{where}.{name}", ids)
    elif isinstance(expected, list):
        assert isinstance(answered, list), where
        assert len(answered) == len(expected), where
        for index, (one, other) in enumerate(zip(expected, answered, strict=True)):
            _compare(one, other, f"{where}[{index}]", ids)
    else:
        _compare_plain(expected, answered, where, ids)


def _compare_plain(expected: Any, answered: Any, where: str, ids: dict[str, str]) -> None:
    if not isinstance(expected, str):
        assert (type(answered), answered) == (type(expected), expected), where
    elif _is_id(expected):
        assert ids.setdefault(expected, answered) == answered, where
        UUID(answered)
    elif begun := _PEM.fullmatch(expected):
        ours = _PEM.fullmatch(answered)
        assert ours, f"{where}: {answered[:60]!r}"
        assert ours[1] == begun[1], where
    elif _INSTANT.fullmatch(expected):
        assert _INSTANT.fullmatch(answered), f"{where}: {answered!r}"
    elif where.endswith(".serial_number"):
        assert _SERIAL.fullmatch(answered), f"{where}: {answered!r}"
    elif where.endswith(".prefix"):
        assert _KEY_PREFIX.fullmatch(answered), f"{where}: {answered!r}"
    elif where.endswith(".email"):
        assert "@" in answered, where
    else:
        assert answered == expected, where


def _is_id(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None
