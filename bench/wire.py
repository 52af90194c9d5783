"""Requests as bytes, made before the clock runs."""

from __future__ import annotations

import base64
import json
from hashlib import sha1
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.extensions import SubjectKeyIdentifier
from cryptography.x509.ocsp import OCSPRequestBuilder


def get(path: str, token: str = "") -> bytes:
    return _request("GET", path, token, {}, b"")


def get_page(path: str, cookie: str) -> bytes:
    """As a browser asks that is signed in."""
    return _request("GET", path, "", {"Cookie": cookie, "Accept": "text/html"}, b"")


def post_json(path: str, token: str, document: object) -> bytes:
    body = json.dumps(document).encode()
    return _request("POST", path, token, {"Content-Type": "application/json"}, body)


def post_ocsp(path: str, question: bytes) -> bytes:
    return _request("POST", path, "", {"Content-Type": "application/ocsp-request"}, question)


def get_ocsp(path: str, question: bytes) -> bytes:
    """RFC 6960, appendix A.1."""
    return get(f"{path}/{quote(base64.b64encode(question).decode(), safe='')}")


def ocsp_request(issuer: x509.Certificate, serial: str) -> bytes:
    """The question for one serial number (hex), with a SHA-1 CertID as nearly all clients send it (RFC 5019)."""
    name_hash = sha1(issuer.subject.public_bytes(), usedforsecurity=False).digest()
    key_hash = SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest
    builder = OCSPRequestBuilder().add_certificate_by_hash(name_hash, key_hash, int(serial, 16), SHA1())  # noqa: S303
    return builder.build().public_bytes(Encoding.DER)


def _request(method: str, path: str, token: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
