"""Where a certificate is used: what is seen there, by real handshakes, and what comes of it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from socket import create_server

import pytest
from cryptography import x509

from accounts.services.private_ranges import allow_private_range
from cas.core.formats import to_pem
from cas.core.keys import load_private_key, serialize_private_key
from certificates.models import Placement
from certificates.orders import RenewOrder
from certificates.placement_selectors import not_served, placements_of
from certificates.services.minting import Issued
from certificates.services.placements import (
    add_placement,
    check_due_placements,
    check_placement,
    remove_placement,
)
from certificates.services.renewal import renew_certificate
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.ref import Ref
from tests import cast
from tests.clock import Clock
from tests.happened import happenings
from tests.office import Office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

Outcome = Placement.Outcome


@contextmanager
def serving(issued: Issued, tmp_path: Path, *, chain: bool = True) -> Iterator[int]:
    """A server on loopback that shows this certificate to everybody; its port."""
    above: tuple[x509.Certificate, ...] = issued.chain if chain else ()
    key = serialize_private_key(load_private_key(issued.private_key, trusted=True))
    (tmp_path / "cert.pem").write_text(to_pem(issued.x509, *above))
    (tmp_path / "key.pem").write_bytes(key.reveal())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, context), daemon=True)
        thread.start()
        yield listener.getsockname()[1]


def _answer(listener, context) -> None:
    while True:
        try:
            connection, _address = listener.accept()
        except OSError:
            return
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            connection.close()


@pytest.fixture
def loopback(office: Office) -> Office:
    """An office that may ask its own machine."""
    allow_private_range(actor=cast.SUPERUSER, organization=office.organization, network="127.0.0.0/8")
    return office


def place(office: Office, issued: Issued, port: int, host: str = "127.0.0.1") -> Placement:
    return add_placement(actor=office.owner, certificate=Ref("pk", issued.certificate.pk), host=host, port=port)


def look(office: Office, row: Placement) -> Placement:
    return check_placement(actor=office.owner, placement=Ref("pk", row.pk))


def test_a_stranger_and_a_reader_say_nothing_and_look_nowhere(office):
    issued = office.issue()
    row = place(office, issued, 443)
    stranger, auditor = cast.stranger().actor, cast.member(office.organization, "auditor").actor
    for actor, family in ((stranger, NotFound), (auditor, Denied)):
        with refused(family):
            add_placement(actor=actor, certificate=Ref("pk", issued.certificate.pk), host="x.example")
        with refused(family):
            check_placement(actor=actor, placement=Ref("pk", row.pk))
        with refused(family):
            remove_placement(actor=actor, placement=Ref("pk", row.pk))


def test_what_is_seen_is_told_by_its_bytes(loopback, tmp_path):
    mine, other = loopback.issue(), loopback.issue("api.acme.test")
    with serving(mine, tmp_path) as port:
        right, wrong = look(loopback, place(loopback, mine, port)), look(loopback, place(loopback, other, port))
    assert (right.outcome, right.is_chain_complete, right.wrong_since) == (Outcome.SERVED, True, None)
    assert right.served_fingerprint == mine.certificate.fingerprint
    assert (wrong.outcome, wrong.wrong_since) == (Outcome.STRANGER, wrong.checked_at)


def test_a_chain_that_is_not_complete_is_seen(loopback, tmp_path):
    mine = loopback.issue()
    with serving(mine, tmp_path, chain=False) as port:
        row = look(loopback, place(loopback, mine, port))
    assert (row.outcome, row.is_chain_complete) == (Outcome.SERVED, False)


def test_after_a_renewal_the_predecessor_is_the_wrong_one(loopback, tmp_path):
    mine = loopback.issue()
    with serving(mine, tmp_path) as port:
        row = place(loopback, mine, port)
        assert look(loopback, row).outcome == Outcome.SERVED
        new = renew_certificate(actor=loopback.owner, order=RenewOrder(certificate=Ref("pk", mine.certificate.pk)))
        assert look(loopback, row).outcome == Outcome.OLDER
    assert list(placements_of(new.certificate, visible_to=loopback.owner)) == [row]


def test_the_sweep_looks_and_a_day_later_it_is_told(loopback, monkeypatch):
    clock = Clock(monkeypatch)
    issued = loopback.issue()
    with create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
    row = place(loopback, issued, port)
    with happenings() as told:
        assert (check_due_placements(actor=SYSTEM), check_due_placements(actor=SYSTEM)) == (1, 0)
        clock.advance(timedelta(hours=1))
        assert check_due_placements(actor=SYSTEM) == 1
    row.refresh_from_db()
    assert (row.outcome, told) == (Outcome.UNREACHABLE, ["placement.checked"])
    assert not not_served(at=clock.now).exists()
    clock.advance(timedelta(hours=23))
    assert list(not_served(at=clock.now)) == [row]


def test_what_stands_behind_us_is_not_looked_at(office, tmp_path):
    mine = office.issue()
    with serving(mine, tmp_path) as port:
        row = look(office, place(office, mine, port))
    assert (row.outcome, row.served_fingerprint) == (Outcome.UNREACHABLE, "")
    assert "not allowed" in row.last_error


@pytest.mark.parametrize("host", ["https://x.example", "*.x.example", "a b", "", "mail@x.example"])
def test_a_place_is_a_host(office, host):
    issued = office.issue()
    with pytest.raises(Invalid) as refusal:
        place(office, issued, 443, host)
    assert {each.field for each in refusal.value.errors} == {"host"}
    with invalid(("port", "out-of-range")):
        place(office, issued, 70_000, "x.example")


def test_a_place_is_known_once_and_forgotten_when_asked(office):
    issued = office.issue()
    row = place(office, issued, 443, "X.Example")
    with refused(Conflict, "placement-known"):
        place(office, issued, 443, "x.example")
    remove_placement(actor=office.owner, placement=Ref("pk", row.pk))
    assert not Placement.objects.exists()
