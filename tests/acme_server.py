"""An ACME server in memory, in place of the network: obliging, or lying where a test has it lie.

Pebble shows that we speak the protocol; this one shows what we do when somebody does not.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from accounts.outbound import Answer, OutboundError
from acme_client import client
from acme_client.models import AcmeAccount
from acme_client.orders import AccountOrder
from acme_client.services.accounts import register_account
from acme_client.services.advancing import advance_due
from acme_client.services.names import grant_name
from acme_client.solvers import SOLVERS, Presented
from cas.core.names import parse_name
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests import cast, elsewhere
from tests.office import Office

HOME = "https://ca.test"
SUFFIX = "shop.test"

Document = dict[str, Any]
Lie = Callable[[Document], Document]


@dataclass
class FakeServer:
    """What it was asked (`asked`), how often certificates were made, and about what it lies, by the kind of answer."""

    lies: dict[str, Lie] = field(default_factory=dict)
    failures: dict[str, list[Exception | Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    orders: list[Document] = field(default_factory=list)
    issued: list[x509.Certificate] = field(default_factory=list)
    revoked: set[int] = field(default_factory=set)
    chain_tail: tuple[x509.Certificate, ...] | None = None
    window: tuple[datetime, datetime] | None = None
    ca: elsewhere.Elsewhere = field(default_factory=elsewhere.root)
    days_of: Callable[[x509.SubjectAlternativeName], int] = lambda _names: 90

    def ask(self, url: str, *, method: str = "GET", body: bytes | None = None, **_limits: object) -> Answer:
        kind = url.removeprefix(f"{HOME}/").partition("/")[0]
        self.asked.append(kind)
        for failure in self.failures.get(kind, [])[:1]:
            self.failures[kind].pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        protected, payload = _opened(body) if body else ({}, None)
        answer: Answer = getattr(self, f"_{kind}")(url, protected, payload)
        return answer

    def _said(self, kind: str, document: Document, status: int = 200, **headers: str) -> Answer:
        document = self.lies.get(kind, lambda truth: truth)(dict(document))
        names = {"Replay-Nonce": secrets.token_urlsafe(16), **{key.replace("_", "-"): headers[key] for key in headers}}
        return Answer(status, names, json.dumps(document).encode())

    def _directory(self, *_: object) -> Answer:
        names = ("newNonce", "newAccount", "newOrder", "revokeCert", "keyChange")
        return self._said("directory", {name: f"{HOME}/{name}" for name in names} | {"renewalInfo": f"{HOME}/ari"})

    def _newNonce(self, *_: object) -> Answer:  # noqa: N802
        return self._said("nonce", {})

    def _newAccount(self, _url: str, protected: Document, payload: Document) -> Answer:  # noqa: N802
        key = json.dumps(protected["jwk"], sort_keys=True)
        if key not in self.accounts:
            if payload.get("onlyReturnExisting"):
                return problem("accountDoesNotExist")
            self.accounts[key] = f"{HOME}/account/{len(self.accounts)}"
        return self._said("account", {"status": "valid"}, Location=self.accounts[key])

    def _account(self, *_: object) -> Answer:
        return self._said("account", {"status": "valid"})

    def _keyChange(self, _url: str, protected: Document, payload: Document) -> Answer:  # noqa: N802
        inner, _what = _opened(json.dumps(payload).encode())
        old = next(key for key, url in self.accounts.items() if url == protected["kid"])
        self.accounts[json.dumps(inner["jwk"], sort_keys=True)] = self.accounts.pop(old)
        return self._said("account", {"status": "valid"})

    def _newOrder(self, _url: str, _protected: Document, payload: Document) -> Answer:  # noqa: N802
        number = len(self.orders)
        authorizations = [f"{HOME}/authz/{number}/{index}" for index in range(len(payload["identifiers"]))]
        self.orders.append(
            {
                "status": "pending",
                "identifiers": payload["identifiers"],
                "authorizations": authorizations,
                "finalize": f"{HOME}/finalize/{number}",
                "asked": payload,
                "answered": set(),
            }
        )
        return self._told(number, Location=f"{HOME}/order/{number}")

    def _told(self, number: int, **headers: str) -> Answer:
        order = {key: value for key, value in self.orders[number].items() if key not in ("asked", "answered")}
        return self._said("order", order, **headers)

    def _order(self, url: str, *_: object) -> Answer:
        return self._told(int(url.split("/")[4]))

    def _authz(self, url: str, *_: object) -> Answer:
        number, index = map(int, url.split("/")[4:6])
        order = self.orders[number]
        name = order["identifiers"][index]
        status = "valid" if index in order["answered"] else "pending"
        token = base64.urlsafe_b64encode(f"token-of-{number}-{index:016}".encode()).decode().rstrip("=")
        kinds = ("http-01", "dns-01", "tls-alpn-01")
        challenges = [
            {"type": kind, "url": f"{HOME}/challenge/{number}/{index}", "token": token, "status": status}
            for kind in kinds
        ]
        star = name["value"].startswith("*.")
        document = {"identifier": {**name, "value": name["value"].removeprefix("*.")}, "status": status}
        return self._said(
            "authorization", {**document, "challenges": challenges, **({"wildcard": True} if star else {})}
        )

    def _challenge(self, url: str, *_: object) -> Answer:
        number, index = map(int, url.split("/")[4:6])
        order = self.orders[number]
        order["answered"].add(index)
        if len(order["answered"]) == len(order["identifiers"]):
            order["status"] = "ready"
        return self._said("challenge", {"status": "processing"})

    def _finalize(self, url: str, _protected: Document, payload: Document) -> Answer:
        number = int(url.split("/")[4])
        csr = x509.load_der_x509_csr(_decoded(payload["csr"]))
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.issued.append(self.sign(csr.public_key(), names))
        self.orders[number] |= {"status": "valid", "certificate": f"{HOME}/certificate/{len(self.issued) - 1}"}
        return self._told(number)

    def sign(self, key: Any, names: x509.SubjectAlternativeName) -> x509.Certificate:
        return self.ca.sign(parse_name(""), key, is_ca=False, days=self.days_of(names), extra=[(names, True)])

    def _certificate(self, url: str, *_: object) -> Answer:
        certificate = self.issued[int(url.split("/")[4])]
        chain = self.ca.chain if self.chain_tail is None else self.chain_tail
        pem = b"".join(each.public_bytes(Encoding.PEM) for each in (certificate, *chain))
        return Answer(200, {"Replay-Nonce": secrets.token_urlsafe(16)}, pem)

    def _revokeCert(self, _url: str, _protected: Document, payload: Document) -> Answer:  # noqa: N802
        serial = x509.load_der_x509_certificate(_decoded(payload["certificate"])).serial_number
        if serial in self.revoked:
            return problem("alreadyRevoked")
        self.revoked.add(serial)
        return self._said("revoked", {})

    def _ari(self, *_: object) -> Answer:
        if self.window is None:
            return problem("malformed", 404)
        start, end = (each.isoformat() for each in self.window)
        return self._said("window", {"suggestedWindow": {"start": start, "end": end}}, Retry_After="21600")


def problem(kind: str, status: int = 400, detail: str = "no", **headers: str) -> Answer:
    """A refusal (RFC 7807)."""
    body = json.dumps({"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail}).encode()
    names = {"Replay-Nonce": secrets.token_urlsafe(16), **{key.replace("_", "-"): headers[key] for key in headers}}
    return Answer(status, names, body)


def silence() -> OutboundError:
    """A server that does not answer."""
    return OutboundError("ca.test cannot be asked: timed out")


@contextmanager
def fake_server(**fields: object) -> Iterator[FakeServer]:
    """Whatever the client asks goes to this one; whatever is to be published stands there at once."""
    server = FakeServer(**fields)
    with patch.object(client.outbound, "ask", server.ask), patch.dict(SOLVERS, {kind: _Obliging() for kind in SOLVERS}):
        yield server


class _Obliging:
    def present(self, challenge: object) -> Presented:
        return Presented()

    def is_ready(self, challenge: object) -> bool:
        return True

    def clean(self, challenge: object) -> None:
        pass


def account_at(office: Office, **changes: object) -> AcmeAccount:
    """An account that is registered, at an office that has proven `SUFFIX`."""
    grant_name(actor=cast.SUPERUSER, organization=Ref("pk", office.organization.pk), suffix=SUFFIX)
    fields = {
        "organization": Ref("pk", office.organization.pk),
        "name": "Public CA",
        "provider": "custom",
        "environment": "production",
        "email": "certificates@acme.test",
        "directory_url": f"{HOME}/directory",
        "agrees_to_terms": True,
    }
    account = register_account(actor=office.owner, order=AccountOrder(**{**fields, **changes}))
    advance_due(actor=SYSTEM)
    account.refresh_from_db()
    return account


def _opened(body: bytes) -> tuple[Document, Any]:
    document: Mapping[str, str] = json.loads(body)
    payload = _decoded(document["payload"])
    return json.loads(_decoded(document["protected"])), json.loads(payload) if payload else None


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
