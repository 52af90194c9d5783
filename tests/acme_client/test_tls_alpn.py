"""tls-alpn-01: a listener that shows the right certificate to whoever asks for its name, and nothing to others."""

from __future__ import annotations

import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from hashlib import sha256

import pytest
from cryptography import x509

from acme_client import tls_alpn_listener
from acme_client.challenge_selectors import tls_alpn_answer
from acme_client.models import AcmeChallenge
from acme_client.tls_alpn_listener import TlsAlpnListener
from acme_client.tls_alpn_signing import challenge_certificate
from tests.acme_client.test_http_challenge import challenge_of
from tests.office import open_office
from tests.processes import running
from tests.servers import free_port

IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
ANSWERS = {"www.example.com": "token.thumbprint", "192.0.2.7": "token.v4", "2001:db8::7": "token.v6"}


@pytest.fixture
def listener(monkeypatch) -> Iterator[TlsAlpnListener]:
    """What it would read from the database stands in a table: its threads see no rows of a test's transaction."""
    monkeypatch.setattr(tls_alpn_listener, "tls_alpn_answer", ANSWERS.get)
    monkeypatch.setattr(tls_alpn_listener, "close_old_connections", lambda: None)
    server = TlsAlpnListener("127.0.0.1", 0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(60)
        assert not thread.is_alive()


def shown(server: TlsAlpnListener, name: str, protocols: list[str]) -> tuple[str | None, x509.Certificate]:
    """The protocol that is agreed upon, and the certificate."""
    return _shown(server.port, name, protocols)


def _shown(port: int, name: str, protocols: list[str]) -> tuple[str | None, x509.Certificate]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(protocols)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=name or None) as secure,
    ):
        return secure.selected_alpn_protocol(), x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("www.example.com", x509.DNSName("www.example.com")),
        ("WWW.example.com", x509.DNSName("www.example.com")),
        ("7.2.0.192.in-addr.arpa", None),
        (f"7.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa", None),
    ],
)
def test_the_certificate_says_what_the_server_looks_for(listener, asked, name):
    protocol, certificate = shown(listener, asked, ["acme-tls/1"])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (only,) = list(names)
    assert only == name or isinstance(only, x509.IPAddress)
    identifier = certificate.extensions.get_extension_for_oid(IDENTIFIER)
    assert identifier.critical
    expected = sha256(ANSWERS[str(only.value)].encode()).digest()
    assert identifier.value.value == b"\x04\x20" + expected
    assert protocol == "acme-tls/1"
    certificate.verify_directly_issued_by(certificate)


@pytest.mark.parametrize("name", ["other.example.com", "example.com", "", "8.2.0.192.in-addr.arpa", "x.in-addr.arpa"])
def test_for_every_other_name_there_is_nothing(listener, name):
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        shown(listener, name, ["acme-tls/1"])


def test_whoever_offers_another_protocol_gets_none(listener):
    assert shown(listener, "www.example.com", ["h2", "http/1.1"])[0] is None


def test_whoever_says_nothing_keeps_nobody_waiting(listener):
    silent = [socket.create_connection(("127.0.0.1", listener.port)) for _number in range(5)]
    assert shown(listener, "www.example.com", ["acme-tls/1"])[0] == "acme-tls/1"
    for each in silent:
        each.close()


def test_who_comes_while_all_places_are_taken_is_sent_away(monkeypatch, listener):
    monkeypatch.setattr(listener, "_places", threading.BoundedSemaphore(1))
    with (
        socket.create_connection(("127.0.0.1", listener.port)),
        socket.create_connection(("127.0.0.1", listener.port), timeout=60) as second,
    ):
        assert second.recv(1) == b""


def test_every_answer_has_a_key_of_its_own():
    assert challenge_certificate("www.example.com", "a") != challenge_certificate("www.example.com", "a")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "is_answered"),
    [
        ({}, True),
        ({"status": AcmeChallenge.Status.PROCESSING}, True),
        ({"status": AcmeChallenge.Status.PENDING}, False),
        ({"status": AcmeChallenge.Status.VALID}, False),
        ({"order_status": "cancelled"}, False),
        ({"kind": "http-01"}, False),
    ],
)
def test_only_what_is_published_and_open_is_answered(changes, is_answered):
    challenge_of(open_office(), **{"kind": "tls-alpn-01"} | changes)
    assert tls_alpn_answer("www.example.com") == ("tOkEn-1.thumbprint" if is_answered else None)
    assert tls_alpn_answer("example.com") is None


def test_it_runs_as_a_part_of_chancery(tmp_path):
    """While the database is away nobody is told anything wrong; asked to stop, it stops."""
    port = free_port()
    with running("serve_tls_alpn", state=tmp_path / "var", CHANCERY_TLS_ALPN_PORT=str(port)) as listener:
        listener.wait_until(lambda: is_listening(port), "the listener")
        with pytest.raises(ssl.SSLError, match=r"(?i)internal.error"):
            _shown(port, "www.example.com", ["acme-tls/1"])
        assert listener.stop(signal.SIGTERM) == 0


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
