"""Rotation: whatever the master key wraps opens under the new one and no more under the old; the rest is untouched."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from accounts import vault
from accounts.models import Organization, ServerSecret, WrappingKey
from accounts.services.credentials import authenticate_token
from accounts.services.masterkey import rotate_master_key
from audit import keys as audit_keys
from audit import services as audit
from audit.events import EventName
from audit.models import AuditEvent, AuditKey
from cas.models import CaKey
from certificates.models import OcspResponder
from kernel.actor import SYSTEM
from kernel.errors import Conflict, Denied
from kernel.seal import fingerprint, new_key
from kernel.secret import Secret
from tests import cast
from tests.happened import last_event
from tests.office import Office, open_office
from tests.postgres import Session, stop_before_commit, wait_until_blocked

pytestmark = pytest.mark.django_db
TOKENS = ServerSecret.Purpose.TOKEN_DIGEST


@pytest.fixture(autouse=True)
def _a_fresh_process():
    _another_process()
    yield
    _another_process()


def _another_process() -> None:
    vault._open_server_secret.cache_clear()
    audit_keys.forget()


@pytest.fixture
def office() -> Office:
    return open_office()


def rotate(settings, key: Secret | None = None) -> Secret:
    """Rotate as the command does, and go on as a process that was started with the new key."""
    key = key or new_key()
    rotate_master_key(actor=cast.SUPERUSER, new_key=key)
    settings.MASTER_KEY = key
    _another_process()
    return key


def test_everything_works_under_the_new_key(office, settings):
    _row, token = cast.api_key(office.person)
    rotate(settings)
    vault.check_master_key()
    assert authenticate_token(Secret(token), ip=None).organization_id == office.organization.pk
    assert office.issue().certificate.state == "issued"
    audit.seal(actor=SYSTEM)
    assert audit.verify().is_sound


def test_nothing_but_what_the_master_key_wraps_is_written(office, settings):
    def stored(model, column):
        return {row.pk: bytes(getattr(row, column)) for row in model.objects.all()}

    below = [(CaKey, "sealed"), (OcspResponder, "sealed_key")]
    above = [(WrappingKey, "sealed"), (ServerSecret, "sealed"), (AuditKey, "sealed_seed")]
    vault.server_secret(TOKENS)
    kept, before = [stored(*each) for each in below], [stored(*each) for each in above]
    rotate(settings)
    assert [stored(*each) for each in below] == kept
    for old, new in zip(before, [stored(*each) for each in above], strict=True):
        assert old.keys() == new.keys() != set()
        assert all(old[pk] != new[pk] for pk in old)


def test_a_process_with_the_old_key_opens_and_makes_nothing_more(office, settings):
    old = settings.MASTER_KEY
    rotate(settings)
    settings.MASTER_KEY = old
    _another_process()
    with pytest.raises(vault.WrongMasterKey):
        vault.check_master_key()
    with pytest.raises(vault.WrongMasterKey):
        vault.server_secret(TOKENS)
    umbrella = Organization.objects.create(name="Umbrella", slug="umbrella", event="")
    with pytest.raises(vault.WrongMasterKey):
        vault.seal_secret(Secret("x"), organization_id=umbrella.pk, table="t", row=umbrella.public_id)
    assert not WrappingKey.objects.filter(organization=umbrella).exists()


def test_it_is_told_by_the_names_of_both_keys(office, settings):
    old = settings.MASTER_KEY
    new = rotate(settings)
    event = last_event()
    assert (event.name, event.log, event.resource_label) == ("master_key.rotated", 0, fingerprint(new))
    metadata = event.document["metadata"]
    assert metadata["before"] == fingerprint(old)
    assert metadata["wrapping_keys"] == WrappingKey.objects.count() > 0
    assert metadata["audit_keys"] == 1
    assert new.reveal().hex() not in str(event.document)


def test_one_transaction_or_nothing(office, settings, monkeypatch):
    before = [bytes(row.sealed) for row in WrappingKey.objects.order_by("pk")]
    monkeypatch.setattr(audit_keys, "rewrap", _fail)
    with pytest.raises(IntegrityError), transaction.atomic():
        rotate_master_key(actor=cast.SUPERUSER, new_key=new_key())
    assert [bytes(row.sealed) for row in WrappingKey.objects.order_by("pk")] == before
    assert not AuditEvent.objects.filter(name="master_key.rotated").exists()
    vault.check_master_key()


def _fail(*_arguments: object) -> None:
    raise IntegrityError("the disk is full")


def test_it_refuses_the_same_key_a_wrong_key_and_a_damaged_one(office, settings):
    with pytest.raises(Conflict):
        rotate_master_key(actor=cast.SUPERUSER, new_key=settings.MASTER_KEY)
    right, settings.MASTER_KEY = settings.MASTER_KEY, new_key()
    with pytest.raises(vault.WrongMasterKey):
        rotate_master_key(actor=cast.SUPERUSER, new_key=new_key())
    settings.MASTER_KEY = right
    newest = WrappingKey.objects.order_by("pk").last()
    WrappingKey.objects.filter(pk=newest.pk).update(sealed=bytes(newest.sealed)[:-1] + b"\0")
    with pytest.raises(Conflict):
        rotate_master_key(actor=cast.SUPERUSER, new_key=new_key())


def test_only_a_superuser_above_organizations_may(office):
    for actor in (office.owner, SYSTEM):
        with pytest.raises(Denied):
            rotate_master_key(actor=actor, new_key=new_key())


def test_a_key_that_was_slipped_into_the_log_stays_a_finding(office, settings):
    row = AuditKey.objects.get()
    AuditKey.objects.create(
        key_id="0" * 16,
        public_key=b"x" * 32,
        sealed_seed=bytes(row.sealed_seed),
        is_active=False,
        created_at=row.created_at,
    )
    rotate(settings)
    assert [str(each.fault) for each in audit.verify().findings] == ["key-forged"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_whoever_seals_meanwhile_waits_and_is_refused(office, settings, monkeypatch):
    """A new organization's key, sealed under the old key in the moment of the rotation, would be lost."""
    umbrella = cast.organization("Umbrella")
    gate = stop_before_commit(monkeypatch, EventName.MASTER_KEY_ROTATED)
    rotating = Session(lambda: rotate_master_key(actor=cast.SUPERUSER, new_key=new_key()))
    gate.wait_until_reached()
    sealing = Session(
        lambda: vault.seal_secret(Secret("x"), organization_id=umbrella.pk, table="t", row=umbrella.public_id)
    )
    wait_until_blocked()
    gate.open()
    rotating.finish()
    with pytest.raises(vault.WrongMasterKey):
        sealing.finish()
    assert not WrappingKey.objects.filter(organization=umbrella).exists()
