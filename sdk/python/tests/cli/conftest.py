"""A small Chancery on loopback, with a CA of its own, and a way to type commands at it."""

from __future__ import annotations

import json
import ssl
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

KEY = "pkf_0123456789"
LOOPBACK = "127.0.0.1"
DIGEST = "ab" * 32
CA_ID = "00000000-0000-4000-8000-0000000000ca"
TEMPLATE_ID = "00000000-0000-4000-8000-0000000000ee"
REQUEST_ID = "00000000-0000-4000-8000-0000000000aa"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class FakeCa:
    """A root, an issuing CA below it, and what that has issued."""

    def __init__(self) -> None:
        self.now = datetime.now(timezone.utc).replace(microsecond=0)
        self.root_key, self.key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.root = self._sign("ACME Root", self.root_key.public_key(), "ACME Root", self.root_key, 3650)
        self.issuer = self._sign("ACME Issuing CA", self.key.public_key(), "ACME Root", self.root_key, 1825)

    def issue(self, common_name: str, public_key: Any, days: int = 90) -> x509.Certificate:
        return self._sign(common_name, public_key, "ACME Issuing CA", self.key, days)

    def _sign(self, subject: str, public_key: Any, issuer: str, key: Any, days: int) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder(_name(issuer), _name(subject), public_key, x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=1))
            .not_valid_after(self.now + timedelta(days=days))
        )
        if subject.startswith("ACME "):
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        elif subject == LOOPBACK:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(key, SHA256())


class FakeChancery:
    """What it knows, what it was asked, and what it is told to answer in place of what it would."""

    def __init__(self) -> None:
        self.ca = FakeCa()
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        self.certificates: dict[str, dict[str, Any]] = {}
        self.request: dict[str, Any] | None = None
        self.needs_approval = False
        self.days = 90
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        self.grants: list[dict[str, Any]] = []
        self.permissions = ["certificates:issue", "certificates:read"]
        self.granted_cas: list[dict[str, Any]] | None = None
        self.good_tokens = {KEY}
        self.url = ""

    # --- what tests look at -------------------------------------------------------------------------------------------

    def bodies(self, verb: str, path: str) -> list[Any]:
        return [body for asked, where, body, _headers in self.asked if (asked, urlsplit(where).path) == (verb, path)]

    def hold(self, common_name: str, public_key: Any, *, days: int = 90) -> dict[str, Any]:
        """A certificate that it has issued before."""
        return self._record(self.ca.issue(common_name, public_key, days), [common_name])

    # --- what it answers ----------------------------------------------------------------------------------------------

    def answer(self, verb: str, target: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        self.asked.append((verb, target, body, headers))
        parts = urlsplit(target)
        told = self.answers.get((verb, parts.path))
        if told:
            return told
        if not parts.path.startswith("/api/v2/"):
            return self._oauth(parts.path, body)
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.good_tokens:
            return self.problem(401, "This credential is not good.")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self._api(verb, parts.path.removeprefix("/api/v2/").split("/"), query, body)

    def problem(self, status: int, detail: str, errors: list[dict[str, str]] | None = None) -> tuple[int, Any]:
        document = {
            "type": f"{self.url}/developers/errors/something",
            "title": "Something",
            "status": status,
            "detail": detail,
            "instance": "/",
            "trace_id": "01TRACE",
        }
        return status, {**document, **({"errors": errors} if errors else {})}

    def _api(self, verb: str, path: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path == ["whoami"]:
            return 200, self._whoami()
        if path == ["templates"]:
            return 200, self._list([self._template()])
        if path[0] == "cas":
            return self._cas(path[1:], query)
        if path == ["trust-anchors"]:
            return 200, self._list([])
        if path[0] == "certificates":
            return self._certificates(verb, path[1:], query, body)
        if path[0] == "requests" and self.request:
            return self._requests(path[2:], body)
        return self.problem(404, "There is no such thing.")

    def _certificates(self, verb: str, path: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        if not path:
            return self._issue(body) if verb == "POST" else (200, self._found(query))
        if path[0] == "by-serial":
            wanted = path[1].replace(":", "").upper()
            found = [row for row in self.certificates.values() if row["serial"].replace(":", "") == wanted]
        else:
            found = [self.certificates[path[0]]] if path[0] in self.certificates else []
        if not found:
            return self.problem(404, "Certificate not found.")
        row, action = found[0], path[1:] if path[0] != "by-serial" else []
        if action == ["renew"]:
            return self._issue(body, replaces=row)
        if action == ["revoke"]:
            row["status"] = "revoked"
        if action and action[-1] == "download":
            files = {"pem": row["certificate"], "fullchain": row["certificate"] + self._chain()}
            return 200, files.get(query.get("fmt", "pem"), "binary").encode()
        if action == ["private-key"]:
            return 200, {"private_key": self._managed_key()}
        return 200, row

    def _issue(self, body: Any, replaces: dict[str, Any] | None = None) -> tuple[int, Any]:
        if replaces and replaces["replaced_by_ids"] and not body.get("again"):
            return self.problem(409, "It has a successor already.")
        subject = replaces["subject"] if replaces else body.get("subject") or {"common_name": "from the CSR"}
        if "csr" in body:
            public_key: Any = x509.load_pem_x509_csr(body["csr"].encode()).public_key()
        else:
            public_key = self._managed().public_key()
        if self.needs_approval:
            self.request = self._request(subject, body, public_key, replaces)
            return 202, {name: self.request[name] for name in _ITEM}
        row = self._record(self.ca.issue(subject["common_name"], public_key, self.days), body.get("sans", []), replaces)
        key = None if "csr" in body else self._managed_key()
        chain = [_pem(self.ca.issuer), _pem(self.ca.root)]
        return 201, {**row, "chain": chain, "private_key": key, "delivery": None}

    def _requests(self, path: list[str], body: Any) -> tuple[int, Any]:
        request = self.request or {}
        if path == ["approve"]:
            self.approve()
        if path == ["reject"]:
            said = {"approver": "b@acme.test", "by": "b", "verdict": "rejected", "reason": body["reason"]}
            decision = {**said, "digest": DIGEST, "decided_at": _time(self.ca.now)}
            request.update(status="rejected", decisions=[decision])
        if path == ["cancel"]:
            request["status"] = "cancelled"
        return 200, request

    def approve(self) -> None:
        """Somebody else says yes, and a worker fulfils it."""
        request = self.request or {}
        certificate = self.ca.issue(request["subject"]["common_name"], request["_key"], self.days)
        row = self._record(certificate, request["sans"], request["_replaces"])
        row["key_custody"] = "subscriber" if request["csr"] else "waiting"
        request.update(status="fulfilled", certificate_id=row["id"], approvals_given=1)

    def _record(self, certificate: x509.Certificate, sans: list[str], replaces: Any = None) -> dict[str, Any]:
        number = f"{len(self.certificates) + 1:012x}"
        digits = f"{certificate.serial_number:X}".zfill(len(f"{certificate.serial_number:X}") // 2 * 2 + 2)
        digits = digits[2:] if digits.startswith("00") and len(digits) > 2 else digits
        name = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        row = {
            "id": f"00000000-0000-4000-8000-{number}",
            "serial": ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)),
            "subject": {"common_name": name},
            "sans": sans,
            "status": "issued",
            "not_before": _time(certificate.not_valid_before_utc),
            "not_after": _time(certificate.not_valid_after_utc),
            "pki": {"id": CA_ID, "name": "ACME Issuing CA", "type": "internal"},
            "template": {"id": TEMPLATE_ID, "code": "web-tls"},
            "organization_id": CA_ID,
            "issuer": "CN=ACME Issuing CA",
            "key_algorithm": "ECDSA_P256",
            "fingerprint": certificate.fingerprint(SHA256()).hex(),
            "key_custody": "subscriber",
            "requester": "a@acme.test",
            "replaces_id": replaces["id"] if replaces else None,
            "tags": [],
            "description": "",
            "created_at": _time(self.ca.now),
            "revocation": None,
            "certificate": _pem(certificate),
            "owner": "a@acme.test",
            "replaced_by_ids": [],
        }
        if replaces:
            replaces["replaced_by_ids"].insert(0, row["id"])
        self.certificates[row["id"]] = row
        return row

    def _found(self, query: dict[str, str]) -> dict[str, Any]:
        rows = list(reversed(self.certificates.values()))
        if "fingerprint" in query:
            rows = [row for row in rows if row["fingerprint"] == query["fingerprint"]]
        start, limit = int(query.get("cursor", 0)), int(query.get("limit", 50))
        following = str(start + limit) if start + limit < len(rows) else None
        return self._list(rows[start : start + limit], following, len(rows))

    def _cas(self, path: list[str], query: dict[str, str]) -> tuple[int, Any]:
        rows = [
            self._authority("ACME Issuing CA", self.ca.issuer, CA_ID),
            self._authority("ACME Root", self.ca.root, ""),
        ]
        if not path:
            return 200, self._list([row for row in rows if query.get("name", "").lower() in row["name"].lower()])
        if path[1:] == ["chain"]:
            return 200, self._chain().encode()
        return 200, {**rows[0], "chain": None}

    def _chain(self) -> str:
        return _pem(self.ca.issuer) + _pem(self.ca.root)

    def _authority(self, name: str, certificate: x509.Certificate, ca_id: str) -> dict[str, Any]:
        own = {
            "serial": "01",
            "fingerprint": certificate.fingerprint(SHA256()).hex(),
            "kind": "self_signed",
            "not_before": _time(certificate.not_valid_before_utc),
            "not_after": _time(certificate.not_valid_after_utc),
            "pem": _pem(certificate),
        }
        texts = ("description", "base_url", "approver_role", "crl_url", "ocsp_url", "ca_issuers_url")
        return {
            **dict.fromkeys(texts, ""),
            **dict.fromkeys(("parent", "predecessor", "path_length", "crl"), None),
            **dict.fromkeys(("passphrase_protected", "allow_leaf_certificates", "requires_approval"), False),
            "id": ca_id or REQUEST_ID,
            "organization_id": CA_ID,
            "name": name,
            "type": "internal",
            "kind": "intermediate" if ca_id else "root",
            "status": "active",
            "subject": f"CN={name}",
            "key_algorithm": "ECDSA_P256",
            "key_backend": "sealed",
            "approvals_needed": 1,
            "crl_lifetime": "7d",
            "crl_shards": 1,
            "certificate": own,
            "created_at": _time(self.ca.now),
        }

    def _template(self) -> dict[str, Any]:
        flags = ("any_key_algorithm", "add_common_name_to_sans", "include_cdp", "include_aia", "renew_same_key")
        return {
            **dict.fromkeys((*flags, "approval_covers_renewal", "requires_approval"), False),
            **dict.fromkeys(("description", "approver_role"), ""),
            **{key: [] for key in ("key_usage", "certificate_policies")},
            "id": TEMPLATE_ID,
            "organization_id": CA_ID,
            "pki_id": CA_ID,
            "pki_role": "web",
            "name": "Web server",
            "code": "web-tls",
            "version": 1,
            "key_algorithm": "ECDSA_P256",
            "validity_days": 90,
            "validity": "90d",
            "backdate": "0s",
            "extended_key_usage": ["server_auth"],
            "lint": "block",
            "approvals_needed": 1,
            "created_at": _time(self.ca.now),
            "updated_at": _time(self.ca.now),
        }

    def _request(self, subject: Any, body: Any, public_key: Any, replaces: Any) -> dict[str, Any]:
        signed = {
            "canonical": "{}",
            "template_version": 1,
            "role_version": 1,
            "subject": f"CN={subject['common_name']}",
            "sans": [{"type": "dns", "value": each} for each in body.get("sans", [])],
            "key_algorithm": "ECDSA_P256",
            "key_sha256": None,
            "key_made_here": "csr" not in body,
            "validity": "90d",
            "key_usage": [],
            "extended_key_usage": ["server_auth"],
            "certificate_policies": [],
        }
        return {
            "_key": public_key,
            "_replaces": replaces,
            **dict.fromkeys(("certificate_id", "maker", "identifier", "decided_at", "closed_at"), None),
            **dict.fromkeys(("usage", "description", "last_error"), ""),
            **{key: [] for key in ("tags", "demands", "decisions", "findings")},
            "id": REQUEST_ID,
            "organization_id": CA_ID,
            "kind": "renew" if replaces else "issue",
            "status": "pending_approval",
            "subject": subject,
            "sans": body.get("sans", []),
            "key_algorithm": "ECDSA_P256",
            "pki": None,
            "template": {"id": TEMPLATE_ID, "code": "web-tls"},
            "requester": "a@acme.test",
            "approvals_needed": 1,
            "approvals_given": 0,
            "created_at": _time(self.ca.now),
            "expires_at": _time(self.ca.now + timedelta(days=14)),
            "person": "a@acme.test",
            "digest": DIGEST,
            "to_be_signed": signed,
            "csr": body.get("csr"),
            "replaces_id": replaces["id"] if replaces else None,
            "same_key": False,
        }

    def _whoami(self) -> dict[str, Any]:
        return {
            "credential": {"kind": "api_key", "id": CA_ID, "name": "robot", "prefix": "pkf_01", "expires_at": None},
            "user": {"id": CA_ID, "email": "a@acme.test", "name": "A"},
            "organization": {"id": CA_ID, "name": "ACME", "slug": "acme"},
            "is_superuser": False,
            "permissions": self.permissions,
            "grants": self.granted_cas,
        }

    def _managed(self) -> Any:
        self._managed_pair = getattr(self, "_managed_pair", None) or ec.generate_private_key(ec.SECP256R1())
        return self._managed_pair

    def _managed_key(self) -> str:
        return self._managed().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def _list(self, rows: list[Any], following: str | None = None, total: int | None = None) -> dict[str, Any]:
        return {"data": rows, "pagination": {"next_cursor": following, "total": len(rows) if total is None else total}}

    # --- OAuth --------------------------------------------------------------------------------------------------------

    def _oauth(self, path: str, body: Any) -> tuple[int, Any]:
        if path == "/.well-known/oauth-authorization-server":
            names = ("authorization", "token", "registration", "revocation", "device_authorization")
            return 200, {"issuer": self.url, **{f"{name}_endpoint": f"{self.url}/oauth/{name}" for name in names}}
        if path == "/oauth/registration":
            return 201, {"client_id": "client-1"}
        if path == "/oauth/device_authorization":
            begun = {"device_code": "dc", "user_code": "BCDF-GHJK", "verification_uri": f"{self.url}/device/"}
            return 200, {**begun, "expires_in": 900, "interval": 5}
        if path == "/oauth/token":
            return self._token(body)
        return (200, {}) if path == "/oauth/revocation" else (404, {})

    def _token(self, body: dict[str, str]) -> tuple[int, Any]:
        """What `grants` says, one after the other; else a new pair, and the old refresh token is worth nothing."""
        if self.grants and "error" in (told := self.grants.pop(0)):
            return 400, told
        if body["grant_type"] == "refresh_token" and body["refresh_token"] != getattr(self, "refresh_token", None):
            return 400, {"error": "invalid_grant"}
        number = len(self.bodies("POST", "/oauth/token"))
        self.refresh_token = f"refresh-{number}"
        self.good_tokens.add(f"access-{number}")
        pair = {"access_token": f"access-{number}", "refresh_token": self.refresh_token, "token_type": "Bearer"}
        return 200, {**pair, "expires_in": 3600}


_ITEM = (
    *("id", "organization_id", "kind", "status", "subject", "sans", "key_algorithm", "pki", "template", "requester"),
    *("approvals_needed", "approvals_given", "created_at", "expires_at", "certificate_id"),
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_json = "json" in self.headers.get("Content-Type", "")
        body: Any = json.loads(content) if is_json and content else _form(content)
        status, answer = self.server.fake.answer(self.command, self.path, body, dict(self.headers))
        if isinstance(answer, dict):
            answer = json.dumps({key: value for key, value in answer.items() if not key.startswith("_")}).encode()
            kind = "application/problem+json" if status >= 400 else "application/json"
        else:
            kind = "application/x-pem-file"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 (the library's word)

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


def _form(content: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(content.decode()).items()}


@pytest.fixture
def chancery():
    fake = FakeChancery()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.fake = fake  # type: ignore[attr-defined]
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield fake
    server.shutdown()
    server.server_close()


@pytest.fixture
def behind_tls(chancery, folder):
    """The same behind TLS, which asks for a client certificate of its CA; with `ca.pem`, `me.pem` and `me.key`."""
    for name, subject in (("server", LOOPBACK), ("me", "robot")):
        key = ec.generate_private_key(ec.SECP256R1())
        written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        Path(f"{name}.key").write_bytes(written)
        Path(f"{name}.pem").write_text(_pem(chancery.ca.issue(subject, key.public_key())) + _pem(chancery.ca.issuer))
    Path("ca.pem").write_text(_pem(chancery.ca.root))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("server.pem", "server.key")
    context.load_verify_locations("ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
    server.fake = chancery  # type: ignore[attr-defined]
    server.handle_error = lambda *words: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    # Whoever gets through the handshake is known.
    chancery.good_tokens = {""}
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"https://{LOOPBACK}:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where commands are typed; profiles are kept beside it, and no setting of this machine is seen."""
    for name in ("URL", "API_KEY", "PROFILE", "CLIENT_CERT", "CLIENT_KEY", "CA_BUNDLE", "DEBUG"):
        monkeypatch.delenv(f"CHANCERY_{name}", raising=False)
    monkeypatch.setenv("CHANCERY_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    where = tmp_path / "work"
    where.mkdir()
    monkeypatch.chdir(where)
    return where


def _runner() -> CliRunner:
    """That of older typers keeps standard error apart only where it is told to."""
    try:
        return CliRunner(mix_stderr=False)
    except TypeError:
        return CliRunner()


@pytest.fixture
def typed(folder):
    """Types a command, and gives its exit code, standard output and standard error."""
    from chancery_client.cli.app import app

    def run(*words: str, read: str | bytes = ""):
        return _runner().invoke(app, list(words), input=read, prog_name="chancery")

    return run


@pytest.fixture
def signed_in(typed, chancery):
    assert typed("login", chancery.url, "--api-key", read=KEY + "\n").exit_code == 0
    chancery.asked.clear()
    return typed
