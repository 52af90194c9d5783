"""Real connections: whose certificate is believed, and which one is shown."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from fakes import DETAIL, Caller

from chancery_client import AsyncChanceryClient, ChanceryClient, ClientCertificate, ConnectionFailed, Secret

x509 = pytest.importorskip("cryptography.x509")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

NOW = datetime.now(timezone.utc)


@dataclass(frozen=True)
class Files:
    """A CA, the server's certificate and the client's, each with its key; the client's key is encrypted."""

    folder: Path

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def make(self) -> None:
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _certificate("CA", ca_key, "CA", ca_key)
        (self.folder / "ca.pem").write_bytes(ca)
        for name, password in (("server", None), ("client", b"hunter2")):
            key = ec.generate_private_key(ec.SECP256R1())
            (self.folder / f"{name}.pem").write_bytes(_certificate(name, key, "CA", ca_key))
            (self.folder / f"{name}.key").write_bytes(_key_file(key, password))


def _certificate(name, key, issuer, issuer_key) -> bytes:
    is_ca = name == issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(NOW + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if is_ca:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
        )
        extension = x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _key_file(key, password) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


class Handler(BaseHTTPRequestHandler):
    """Says in the description who was seen in the handshake."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        peer = self.connection.getpeercert() or {}
        name = dict(pair for part in peer.get("subject", ()) for pair in part).get("commonName", "nobody")
        body = json.dumps({**DETAIL, "description": name, "tags": [self.headers.get("Authorization", "")]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    made = Files(tmp_path_factory.mktemp("tls"))
    made.make()
    return made


@pytest.fixture(scope="module")
def address(files: Files) -> Iterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.path("ca.pem"))
    context.load_cert_chain(files.path("server.pem"), files.path("server.key"))
    context.verify_mode = ssl.CERT_OPTIONAL
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def ask(caller: Caller, address: str, **options):
    async def ask_there():
        async with AsyncChanceryClient(address, **options) as client:
            return await client.certificates.get("1")

    if caller.is_async:
        return caller.run(ask_there)
    with ChanceryClient(address, **options) as client:
        return client.certificates.get("1")


def shown(files: Files) -> ClientCertificate:
    return ClientCertificate(files.path("client.pem"), files.path("client.key"), Secret("hunter2"))


def test_a_ca_of_ones_own_is_believed_where_it_is_named(caller: Caller, address: str, files: Files) -> None:
    assert ask(caller, address, ca_bundle=files.path("ca.pem")).description == "nobody"


def test_a_stranger_is_not_believed_and_not_asked_again(caller: Caller, address: str) -> None:
    with pytest.raises(ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED"):
        ask(caller, address, api_key="pkf_1")


def test_a_client_certificate_is_shown(caller: Caller, address: str, files: Files) -> None:
    found = ask(caller, address, ca_bundle=files.path("ca.pem"), client_certificate=shown(files))
    assert (found.description, found.tags) == ("client", [""])


def test_a_client_certificate_goes_with_a_token(caller: Caller, address: str, files: Files) -> None:
    found = ask(caller, address, api_key="pkf_1", ca_bundle=files.path("ca.pem"), client_certificate=shown(files))
    assert (found.description, found.tags) == ("client", ["Bearer pkf_1"])


def test_a_context_decides_all_of_it(caller: Caller, address: str, files: Files) -> None:
    context = ssl.create_default_context(cafile=files.path("ca.pem"))
    shown(files).load_into(context)
    assert ask(caller, address, ssl_context=context).description == "client"
    with pytest.raises(ValueError, match="ssl_context says everything"):
        ask(caller, address, ssl_context=context, client_certificate=shown(files))


def test_a_wrong_password_is_told_at_once_and_not_shown(caller: Caller, address: str, files: Files) -> None:
    certificate = ClientCertificate(files.path("client.pem"), files.path("client.key"), Secret("hunter3"))
    assert "hunter3" not in repr(certificate)
    with pytest.raises(ssl.SSLError):
        ask(caller, address, client_certificate=certificate)
