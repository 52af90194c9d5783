"""Knot, a real authoritative name server, on loopback: with zones that take updates signed by TSIG."""

from __future__ import annotations

import base64
import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from tests.servers import free_port

KEY_ALGORITHMS = ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
KEY_SECRET = base64.b64encode(b"a key that only tests know of" * 2).decode()
PATIENCE_SECONDS = 240.0

_CONFIGURATION = """
server:
    rundir: "{folder}/run"
    listen: "{address}@{port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}/database"
log:
  - target: stderr
    any: warning
key:
{keys}
acl:
  - id: updates
    key: [{names}]
    action: update
template:
  - id: default
    storage: "{folder}"
    file: "%s.zone"
    zonefile-sync: -1
    acl: updates
zone:
{zones}
"""
_KEY = '  - id: {name}\n    algorithm: {name}\n    secret: "{secret}"\n'


@dataclass(frozen=True)
class NameServer:
    """Where it answers. Its keys are called as their algorithms are, and all have the same secret."""

    address: str
    port: int

    def texts(self, name: str) -> set[str]:
        """The TXT records that it shows for this name."""
        answer = dns.query.udp(dns.message.make_query(name, "TXT"), self.address, timeout=60, port=self.port)
        return {b"".join(each.strings).decode() for rrset in answer.answer for each in rrset}


@contextlib.contextmanager
def nameserver(
    zones: Mapping[str, str], *, address: str = "127.0.0.1", port: int | None = None
) -> Iterator[NameServer]:
    """Answers for `zones`: by name, their records without the SOA, in the format of zone files."""
    folder = Path(tempfile.mkdtemp(prefix="chancery-knot-"))
    port = port or free_port()
    try:
        _write(folder, zones, address, port)
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(["knotd", "-c", str(folder / "knot.conf")], stdout=log, stderr=log)
        try:
            _wait(address, port, next(iter(zones)), process, folder / "log")
            yield NameServer(address, port)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, zones: Mapping[str, str], address: str, port: int) -> None:
    (folder / "run").mkdir()
    (folder / "database").mkdir()
    for name, records in zones.items():
        start = f"$ORIGIN {name}.\n$TTL 1\n@ SOA ns1.{name}. hostmaster.{name}. 1 60 60 600 1\n"
        (folder / f"{name}.zone").write_text(start + records)
    keys = "".join(_KEY.format(name=name, secret=KEY_SECRET) for name in KEY_ALGORITHMS)
    configuration = _CONFIGURATION.format(
        folder=folder,
        address=address,
        port=port,
        keys=keys,
        names=", ".join(KEY_ALGORITHMS),
        zones="\n".join(f"  - domain: {name}" for name in zones),
    )
    (folder / "knot.conf").write_text(configuration)


def _wait(address: str, port: int, zone: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    query = dns.message.make_query(zone, "SOA")
    while True:
        with contextlib.suppress(dns.exception.DNSException, OSError):
            if dns.query.udp(query, address, timeout=0.5, port=port).answer:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"Knot does not answer:\n{log.read_text()}")
        time.sleep(0.05)
