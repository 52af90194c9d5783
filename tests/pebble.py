"""Pebble, a small ACME server that is strict on purpose, with its DNS and its responders: real ones, on loopback."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers import free_port

PATIENCE_SECONDS = 240.0
EAB_KEY_ID = "kid-1"
EAB_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


@dataclass(frozen=True)
class Pebble:
    """Where it is asked, whose certificate vouches for it, and where its DNS and responders are told what to answer."""

    url: str
    roots: str
    management_url: str
    responders_url: str

    def tell(self, what: str, **document: str) -> None:
        """Something to `pebble-challtestsrv`: `set-txt`, `add-tlsalpn01` …"""
        body = json.dumps(document).encode()
        with urllib.request.urlopen(f"{self.responders_url}/{what}", data=body, timeout=PATIENCE_SECONDS):  # noqa: S310
            return

    def status_of(self, serial: str) -> str:
        """Of a certificate (serial in hex), as the CA has it: `Valid` or `Revoked`."""
        document: dict[str, Any] = json.loads(self._managed(f"/cert-status-by-serial/{serial}"))
        return str(document["Status"])

    def root(self, number: int) -> x509.Certificate:
        """The root of one of the chains that it offers; 0 is of the one that it sends first."""
        return x509.load_pem_x509_certificate(self._managed(f"/roots/{number}"))

    def _managed(self, path: str) -> bytes:
        trust = ssl.create_default_context(cadata=self.roots)
        with urllib.request.urlopen(self.management_url + path, timeout=PATIENCE_SECONDS, context=trust) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content


@contextlib.contextmanager
def running_pebble(
    *, http_port: int = 0, tls_port: int = 0, dns: str = "", binding: bool = False, **settings: str
) -> Iterator[Pebble]:
    """Strict, with no delays but those that are asked for; `settings` are its variables without `PEBBLE_`.

    `http_port`, `tls_port`: where it looks for the answers of http-01 and tls-alpn-01, `dns`: whom it asks for names;
    without them its own responders.
    """
    with tempfile.TemporaryDirectory(prefix="chancery-pebble-") as name, contextlib.ExitStack() as programs:
        folder = Path(name)
        listen, management, names, tls, http, responders = (free_port() for _ in range(6))
        roots = _certificate(folder)
        configuration = {
            "listenAddress": f"127.0.0.1:{listen}",
            "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(folder / "cert.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": http_port or http,
            "tlsPort": tls_port or tls,
            "externalAccountBindingRequired": binding,
            "externalAccountMACKeys": {EAB_KEY_ID: EAB_KEY} if binding else {},
        }
        (folder / "conf.json").write_text(json.dumps({"pebble": configuration}))
        server = ["pebble-challtestsrv", "-https01", "", "-defaultIPv6", ""]
        server += ["-http01", f"127.0.0.1:{http}", "-tlsalpn01", f"127.0.0.1:{tls}", "-dns01", f"127.0.0.1:{names}"]
        programs.enter_context(_program([*server, "-management", f"127.0.0.1:{responders}"], folder, responders))
        command = ["pebble", "-strict", "-config", str(folder / "conf.json"), "-dnsserver", dns or f"127.0.0.1:{names}"]
        variables = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"}
        variables |= {f"PEBBLE_{key}": value for key, value in settings.items()}
        programs.enter_context(_program(command, folder, listen, variables))
        yield Pebble(
            url=f"https://127.0.0.1:{listen}/dir",
            roots=roots,
            management_url=f"https://127.0.0.1:{management}",
            responders_url=f"http://127.0.0.1:{responders}",
        )


@contextlib.contextmanager
def _program(command: list[str], folder: Path, port: int, variables: Mapping[str, str] | None = None) -> Iterator[None]:
    log = folder / f"{command[0]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(variables or {})}
        )
    try:
        _wait_for(port, process, log)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text()}") from None
            time.sleep(0.05)


def _certificate(folder: Path) -> str:
    """The server's own certificate, for 127.0.0.1, signed by itself; in PEM, with its key beside it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pebble")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    (folder / "cert.pem").write_text(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem
