"""nginx with the configuration that we ship, on ports of loopback, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.processes import PATIENCE_SECONDS, ROOT
from tests.servers import free_port


@dataclass(frozen=True, slots=True)
class Ports:
    """Where it listens: without TLS, with it, and for client certificates."""

    http: int
    https: int
    clients: int


@contextlib.contextmanager
def nginx_before(port: int, folder: Path, *, secret: str = "") -> Iterator[Ports]:
    """In front of what listens on this port; `secret` is what the two share, where they do."""
    ports = Ports(free_port(), free_port(), free_port())
    (folder / "tls").mkdir()
    _write_certificate(folder / "tls")
    (folder / "mime.types").write_text("types { text/plain txt; }")
    if secret:
        (folder / "proxy_secret.conf").write_text(f'proxy_set_header X-Proxy-Secret "{secret}";\n')
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for old, new in {
        "web:8000": f"127.0.0.1:{port}",
        "listen 80 ": f"listen 127.0.0.1:{ports.http} ",
        "listen 443 ": f"listen 127.0.0.1:{ports.https} ",
        "listen 8443 ": f"listen 127.0.0.1:{ports.clients} ",
        "listen [::]:80 default_server;": "",
        "listen [::]:443 ssl default_server;": "",
        "listen [::]:8443 ssl;": "",
    }.items():
        assert old in text
        text = text.replace(old, new)
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(text.replace("http {\n", f"http {{\naccess_log off;\n{folders}", 1))
    directives = f"daemon off; pid {folder}/pid; user {'root' if os.geteuid() == 0 else 'nobody'};"
    command = ["nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log", "-g", directives]
    subprocess.run([*command, "-t"], check=True, capture_output=True, timeout=PATIENCE_SECONDS)
    process = subprocess.Popen(command)
    try:
        for each in (ports.http, ports.https, ports.clients):
            _wait_for(each, process)
        yield ports
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pki.example.com")])
    now = datetime.now(UTC)
    certificate = (x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))).sign(
        key, SHA256()
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
