from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit import keys
from audit.events import EventName
from audit.models import AuditEvent, AuditKey
from audit.services import establish_key, verify
from audit.signing import Signer, new_seed
from kernel.seal import SealBroken
from kernel.secret import Secret
from tests.append_only import unguarded
from tests.audit.happenings import happen, rolled_back


@pytest.fixture
def no_key(transactional_db):
    """A database in which nothing was ever signed."""
    with unguarded():
        AuditEvent.objects.all().delete()
        AuditKey.objects.all().delete()
    keys.forget()


@pytest.mark.django_db
def test_a_migrated_database_has_its_key_and_says_so():
    key = AuditKey.objects.get()
    event = AuditEvent.objects.get(name=EventName.AUDIT_KEY_CREATED)
    assert (event.log, event.resource_id, event.key_id) == (0, key.pk, key.key_id)
    assert event.document["metadata"] == {"public_key": bytes(key.public_key).hex()}


def test_the_first_event_makes_the_key(no_key):
    happen()
    assert AuditKey.objects.count() == 1
    assert verify().is_sound


def test_a_key_that_was_rolled_back_signs_nothing_more(no_key):
    with rolled_back():
        lost = establish_key()
    event = happen()
    assert event.key_id != lost.key_id
    assert verify().is_sound


def test_an_open_key_is_read_once(transactional_db, django_assert_num_queries):
    happen()
    with transaction.atomic(), django_assert_num_queries(0):
        keys.active_signer()


@pytest.mark.postgres
def test_several_processes_make_one_key(no_key):
    together = threading.Barrier(4)

    def first_event() -> None:
        together.wait()
        happen()
        connection.close()

    threads = [threading.Thread(target=first_event) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditKey.objects.count() == 1
    assert AuditEvent.objects.filter(name=EventName.AUDIT_KEY_CREATED).count() == 1
    assert AuditEvent.objects.filter(name=EventName.CERTIFICATE_ISSUED).count() == 4
    assert verify().is_sound


@pytest.mark.django_db
def test_the_key_does_not_open_under_another_master_key(settings):
    keys.forget()
    settings.MASTER_KEY = Secret(b"x" * 32)
    with pytest.raises(SealBroken):
        happen()


@pytest.mark.django_db
def test_the_private_key_is_not_in_the_row():
    row = AuditKey.objects.get()
    seed = keys._unsealed(row)._private_key.private_bytes_raw()
    assert seed not in bytes(row.sealed_seed)
    assert Signer.from_seed(Secret(seed)).public_key == bytes(row.public_key)


@pytest.mark.django_db
def test_a_key_slipped_into_the_table_is_known_for_what_it_is():
    genuine = AuditKey.objects.get()
    own = Signer.from_seed(new_seed())
    AuditKey.objects.create(
        key_id=own.key_id,
        public_key=own.public_key,
        sealed_seed=genuine.sealed_seed,
        is_active=False,
        created_at=timezone.now(),
    )
    assert keys.genuine_public_keys() == {genuine.key_id: bytes(genuine.public_key)}
    assert [(finding.fault, finding.subject) for finding in verify().findings] == [("key-forged", own.key_id)]
