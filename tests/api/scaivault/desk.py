"""What the transcripts have in common: where the dialect answers, and what its answers are read with."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from cas.core.formats import read_certificate
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire

PKI: Final = "/v1/pki"


def body(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    assert answer.headers["X-Request-ID"] == answer.headers["X-Trace-Id"]
    return answer.json()


def refused(answer: Any, status: int) -> str:
    """The code of an error in the documented envelope."""
    found = body(answer, status)
    assert set(found) == {"error"}
    assert set(found["error"]) == {"code", "message", "details", "request_id"}
    assert found["error"]["message"]
    assert found["error"]["request_id"] == answer.headers["X-Request-ID"]
    return str(found["error"]["code"])


def wrong_fields(answer: Any, status: int = 422) -> dict[str, str]:
    refused(answer, status)
    return {error["field"]: error["code"] for error in answer.json()["error"]["details"]["errors"]}


def certificate_in(pem: str) -> x509.Certificate:
    return read_certificate(pem)


def names_in(certificate: x509.Certificate) -> list[str]:
    sans = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in sans]


def wire_with(person: cast.Person, *permissions: str) -> Wire:
    """A key of this person with exactly these permissions."""
    return Wire(cast.api_key(person, [Permission(each) for each in permissions])[1])


def openssl(folder: Path, *arguments: str) -> str:
    """What it says, on either channel, where it is content."""
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def create_role(api: Wire, office: Any, **changes: Any) -> dict[str, Any]:
    """A role of the document's example, in the office's CA."""
    plain = {
        "name": "servers",
        "ca_id": str(office.issuing.public_id),
        "allowed_domains": ["acme.test"],
        "allow_subdomains": True,
        "max_ttl": "720h",
        "key_type": "ec",
        "key_bits": 256,
    }
    made: dict[str, Any] = body(api.post(f"{PKI}/roles", plain | changes), 201)
    return made
