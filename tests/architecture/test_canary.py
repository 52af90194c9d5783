"""Secrets that are known beforehand are sent through everything, and then looked for wherever things are kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.x509 import ReasonFlags
from django.core.cache import caches
from django.db import connection

from accounts.services.credentials import authenticate_token
from accounts.services.people import change_password
from audit.services import seal, verify
from cas.core import keys
from cas.core.formats import to_pem
from cas.core.keys import KeyAlgorithm, PrivateKey, serialize_private_key
from cas.core.names import name_from_mapping
from cas.services.roles import order_of, update_role
from certificates.csr_orders import CsrOrder
from certificates.import_orders import ImportOrder
from certificates.orders import Managed, RevokeAuthorityOrder, RevokeOrder
from certificates.services.authorities import publish_everything
from certificates.services.csrs import submit_csr
from certificates.services.imports import import_certificate
from certificates.services.keys import collect_private_key
from certificates.services.revocation import revoke_authority, revoke_certificate
from kernel.actor import SYSTEM
from kernel.errors import DomainError
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, elsewhere
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db

# Its keys are made in this test: those of a remembered one were made before anybody watched.
open_anew = open_office.__wrapped__

PASSPHRASE = "canary passphrase of the issuing CA"
WRONG_PASSPHRASE = "canary passphrase that is wrong"
NEW_PASSWORD = "canary password of the owner"


@pytest.fixture
def made_keys(monkeypatch: pytest.MonkeyPatch) -> list[PrivateKey]:
    """Every private key that is made: of CAs, of responders, of subscribers."""
    found: list[PrivateKey] = []
    make = keys._GENERATORS[KeyAlgorithm.ECDSA_P256]

    def remember() -> PrivateKey:
        found.append(make())
        return found[-1]

    monkeypatch.setitem(keys._GENERATORS, KeyAlgorithm.ECDSA_P256, remember)
    return found


def forms(key: PrivateKey) -> Iterator[bytes]:
    """A key as it could be found: its number, its DER, and the lines of its PEM."""
    yield key.private_numbers().private_value.to_bytes(32)
    yield str(key.private_numbers().private_value).encode()
    yield f"{key.private_numbers().private_value:x}".encode()
    yield serialize_private_key(key, encoding="der").reveal()
    yield serialize_private_key(key, encoding="pem").reveal().splitlines()[2]


def everything_kept() -> dict[str, bytes]:
    """Every row of every table, all of its columns as bytes."""
    kept = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            kept[table] = b"\n".join(_as_bytes(value) for row in cursor.fetchall() for value in row)
    return kept


def _as_bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def walk() -> list[bytes]:
    """Through everything that touches a secret; what was secret about it."""
    passphrase = Secret(PASSPHRASE)
    office = open_anew(passphrase=passphrase)
    _row, token = cast.api_key(office.person)
    authenticate_token(Secret(token), ip="192.0.2.7")
    for guess in (token[:-1] + "!", token[:-1] + ("0" if token[-1] != "0" else "1")):
        with pytest.raises(DomainError):
            authenticate_token(Secret(guess), ip=None)
    returned = office.issue(passphrase=passphrase)
    waiting = office.issue(passphrase=passphrase, key=Managed(collect_later=True)).certificate
    collect_private_key(actor=office.owner, certificate=Ref("pk", waiting.pk))
    office.issue(passphrase=passphrase, key=Managed(collect_later=True))
    update_role(actor=office.owner, role=office.role, order=replace(order_of(office.role), store_private_keys=True))
    office.issue(passphrase=passphrase)
    bring_keys(office)
    with pytest.raises(DomainError):
        office.issue(passphrase=Secret(WRONG_PASSPHRASE))
    with pytest.raises(DomainError):
        office.issue("www.umbrella.test", passphrase=passphrase)
    order = RevokeOrder(certificate=Ref("pk", returned.certificate.pk), reason=ReasonFlags.key_compromise)
    revoke_certificate(actor=office.owner, order=order)
    publish_everything(actor=office.owner, ca=office.issuing, passphrase=passphrase)
    change_password(actor=office.owner, user=office.person.user, old=Secret(cast.PASSWORD), new=Secret(NEW_PASSWORD))
    revoke_authority(
        actor=office.owner, order=RevokeAuthorityOrder(ca=Ref("pk", office.root.pk), reason=ReasonFlags.superseded)
    )
    seal(actor=SYSTEM)
    assert not verify().findings
    words = (PASSPHRASE, WRONG_PASSPHRASE, NEW_PASSWORD, cast.PASSWORD, token, token[12:])
    return [word.encode() for word in words]


def bring_keys(office: Office) -> None:
    """A key that comes with a certificate from elsewhere, and one that is made for a CSR."""
    here = {"organization": Ref("pk", office.organization.pk)}
    subject = name_from_mapping({"common_name": "db.acme.test"})
    submit_csr(actor=office.owner, order=CsrOrder(key=KeyAlgorithm.ECDSA_P256, subject=subject, **here))
    key = keys.generate(KeyAlgorithm.ECDSA_P256)
    leaf = elsewhere.root().sign(subject, key.public_key(), is_ca=False)
    order = ImportOrder(certificate=to_pem(leaf).encode(), private_key=serialize_private_key(key), **here)
    import_certificate(actor=office.owner, order=order)


def test_no_secret_is_found_anywhere(made_keys, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    for cache in caches.all():
        cache.clear()
    words = walk()
    secrets = words + [form for key in made_keys for form in forms(key)]
    assert len(made_keys) >= 8, "the walk makes keys of CAs, responders and subscribers"
    told = capsys.readouterr()
    records = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    places = everything_kept() | {
        "the log": (caplog.text + records).encode(),
        "the terminal": (told.out + told.err).encode(),
        "the caches": repr([getattr(cache, "_cache", "") for cache in caches.all()]).encode(),
    }
    assert len(places) > 20
    found = {place for place, content in places.items() for secret in secrets if secret in content}
    assert found == set()


def test_the_search_would_find_one(made_keys):
    office = open_anew()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cas_role SET description = %s", [next(forms(made_keys[0])).hex()])
    assert f"{made_keys[0].private_numbers().private_value:064x}".encode() in everything_kept()["cas_role"]
    assert office.role.description == ""
