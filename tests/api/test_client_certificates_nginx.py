"""Signing in with a certificate through a real nginx, with the configuration that we ship."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509 import ReasonFlags

from accounts.services.service_accounts import create_service_account
from certificates.orders import Managed, RenewOrder, RevokeOrder
from certificates.services.issuance import issue_at_once
from certificates.services.renewal import renew_at_once
from certificates.services.revocation import revoke_certificate
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests.clients import bound, client_certificate, client_template
from tests.clock import Clock
from tests.nginx import Ports, nginx_before
from tests.office import open_office, order_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("nginx")]

SECRET = "fedcba9876543210fedcba9876543210"


@dataclass
class Way:
    """To Chancery through nginx, or past it."""

    ports: Ports
    direct: int
    folder: Path

    def ask(self, issued: Any = None, headers: Any = (), *, port: int | None = None) -> int:
        """The status of a request with this client certificate and these headers, each sent as it is."""
        port = port or self.ports.clients
        if port == self.direct:
            connection = http.client.HTTPConnection("localhost", port, timeout=240)
        else:
            connection = http.client.HTTPSConnection("localhost", port, timeout=240, context=self._context(issued))
        try:
            connection.putrequest("GET", "/api/v2/certificates")
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            return connection.getresponse().status
        finally:
            connection.close()

    def _context(self, issued: Any) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if issued is not None:
            file = self.folder / f"{issued.certificate.fingerprint}.pem"
            key = load_der_private_key(issued.private_key.reveal(), None)
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            file.write_bytes(issued.x509.public_bytes(Encoding.PEM) + pem)
            context.load_cert_chain(file)
        return context


@pytest.fixture
def office():
    return open_office()


@pytest.fixture
def account(office):
    return create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="build server",
        permissions=[Permission.CERTIFICATES_READ],
    )


@pytest.fixture
def way(live_server, settings, tmp_path):
    settings.CLIENT_CERTIFICATE_PROXIES, settings.PROXY_SECRET = [ip_network("127.0.0.1/32")], Secret(SECRET)
    port = urlsplit(live_server.url).port
    with nginx_before(port, tmp_path, secret=SECRET) as ports:
        yield Way(ports, port, tmp_path)


def spellings(issued: Any) -> list[tuple[str, str]]:
    sequence = f":{base64.b64encode(issued.x509.public_bytes(Encoding.DER)).decode()}:"
    pem = quote(issued.x509.public_bytes(Encoding.PEM))
    standard = [(name, sequence) for name in ("Client-Cert", "client-cert", "CLIENT_CERT", "Client_Cert")]
    return [*standard, *((name, pem) for name in ("X-SSL-Client-Cert", "X_SSL_Client_Cert", "x-ssl-client-cert"))]


@pytest.mark.row("P33")
def test_who_signs_in_with_a_certificate_and_who_does_not(office, account, way):
    good, renewing, stranger = (client_certificate(office, f"{name}.acme.test") for name in "abc")
    bound(office, account, good)
    bound(office, account, renewing, follows_renewal=True)
    foreign = client_certificate(open_office("Umbrella"))
    renewal, followed = (
        renew_at_once(actor=office.owner, order=RenewOrder(certificate=Ref("pk", each.certificate.pk), key=Managed()))
        for each in (good, renewing)
    )
    assert {
        "good": way.ask(good),
        "nothing": way.ask(),
        "not bound": way.ask(stranger),
        "of another organization": way.ask(foreign),
        "a renewal": way.ask(renewal),
        "a renewal that may follow": way.ask(followed),
        "on the port for browsers": way.ask(good, port=way.ports.https),
    } == {
        "good": 200,
        "nothing": 401,
        "not bound": 401,
        "of another organization": 401,
        "a renewal": 401,
        "a renewal that may follow": 200,
        "on the port for browsers": 401,
    }
    order = RevokeOrder(certificate=Ref("pk", good.certificate.pk), reason=ReasonFlags.key_compromise)
    revoke_certificate(actor=office.owner, order=order)
    assert way.ask(good) == 401


@pytest.mark.row("P33")
def test_a_certificate_that_has_expired_is_refused(office, account, way, monkeypatch):
    order = replace(order_for(client_template(office), "short.acme.test"), validity=timedelta(seconds=3))
    with monkeypatch.context() as patch:
        # However long it takes: it is bound while it is good.
        Clock(patch)
        short = issue_at_once(actor=office.owner, order=order)
        bound(office, account, short)
    time.sleep(max(0.0, short.x509.not_valid_after_utc.timestamp() - time.time()) + 1.1)
    # nginx itself says 400 to one that it sees to have expired; with any other word of its own it asks us.
    assert way.ask(short) in (400, 401)


@pytest.mark.row("P33")
def test_a_forged_header_is_not_believed(office, account, way):
    issued = client_certificate(office)
    bound(office, account, issued)
    forged = spellings(issued)
    through_nginx = [
        way.ask(None, [header], port=port) for header in forged for port in (way.ports.clients, way.ports.https)
    ]
    assert through_nginx == [401] * len(through_nginx)
    assert [way.ask(None, [header], port=way.direct) for header in forged] == [401] * len(forged)
    guessed = [[header, ("X-Proxy-Secret", "0" * 32)] for header in forged]
    assert [way.ask(None, headers, port=way.direct) for headers in guessed] == [401] * len(forged)
    twice = [forged[0], forged[4], ("X-Proxy-Secret", SECRET)]
    assert way.ask(None, twice, port=way.direct) == 401
    assert way.ask(None, [forged[0], ("X-Proxy-Secret", SECRET)], port=way.direct) == 200


@pytest.mark.row("P33")
def test_a_header_beside_a_certificate_changes_nothing(office, account, way):
    good, stranger = (client_certificate(office, f"{name}.acme.test") for name in "ab")
    bound(office, account, good)
    for header in spellings(good):
        assert way.ask(stranger, [header]) == 401
    for header in spellings(stranger):
        assert way.ask(good, [header]) == 200
