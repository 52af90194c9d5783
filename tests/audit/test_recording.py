from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import DatabaseError, transaction

from audit import keys, services
from audit.events import EventName
from audit.models import AuditEvent, AuditKey
from audit.resource import Resource
from audit.services import Happening, new_event_id, record, record_many
from audit.verifier import is_signed
from kernel.actor import SYSTEM
from tests.audit.happenings import ALICE, LOG, happen, happen_often, rolled_back


@pytest.mark.django_db
def test_what_is_signed_is_everything_that_is_known(monkeypatch):
    now = datetime(2026, 4, 18, 10, 2, 34, 123_456, UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    public_id = UUID(int=5)
    resource = Resource("certificate", 1024, "www.example.com", serial="3fa1b2", public_id=public_id)
    with transaction.atomic():
        event = record(
            ALICE, EventName.CERTIFICATE_ISSUED, resource, organization_id=LOG, event_id="0" * 26, template_code="web"
        )
    assert bytes(event.canonical).decode() == (
        '{"actor":{"id":12,"label":"alice@example.com","person":12,"type":"user"},'
        '"event":"certificate.issued",'
        '"id":"00000000000000000000000000",'
        '"ip":"203.0.113.42",'
        '"log":7,'
        '"metadata":{"template_code":"web"},'
        '"resource":{"id":1024,"label":"www.example.com","public_id":"00000000-0000-0000-0000-000000000005",'
        '"serial":"3fa1b2","type":"certificate"},'
        '"trace_id":"01J5TRACE",'
        '"ts":"2026-04-18T10:02:34.123Z"}'
    )


@pytest.mark.django_db
def test_the_columns_say_what_the_signed_bytes_say():
    event = AuditEvent.objects.get(pk=happen().pk)
    assert (event.name, event.log, event.event_id) == ("certificate.issued", LOG, event.document["id"])
    assert (event.actor_kind, event.actor_id, event.actor_label) == ("user", 12, "alice@example.com")
    assert (event.resource_type, event.resource_id, event.serial) == ("certificate", 1024, "3fa1b2")
    assert (event.resource_label, event.ip, event.trace_id) == ("www.example.com", "203.0.113.42", "01J5TRACE")
    assert event.at == datetime.fromisoformat(event.document["ts"])
    assert event.position is None


@pytest.mark.django_db
def test_the_signature_is_over_the_stored_bytes():
    event = AuditEvent.objects.get(pk=happen().pk)
    key = AuditKey.objects.get(key_id=event.key_id)
    assert is_signed(bytes(key.public_key), bytes(event.signature), bytes(event.canonical))
    assert not is_signed(bytes(key.public_key), bytes(event.signature), bytes(event.canonical) + b" ")
    algorithm, _, encoded = event.signature_text.partition(":")
    assert (algorithm, base64.b64decode(encoded)) == ("ed25519", bytes(event.signature))


@pytest.mark.django_db
def test_the_system_has_a_log_of_its_own():
    assert happen(organization_id=None).log == 0
    assert happen(organization_id=LOG).log == LOG


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_refused():
    before = AuditEvent.objects.count()
    with pytest.raises(transaction.TransactionManagementError):
        record(SYSTEM, EventName.CA_CREATED, Resource("ca", 1), organization_id=1)
    assert AuditEvent.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_a_rollback_leaves_nothing():
    before = AuditEvent.objects.count()
    with rolled_back():
        happen()
        assert AuditEvent.objects.count() == before + 1
    assert AuditEvent.objects.count() == before


@pytest.mark.django_db
def test_an_event_that_cannot_be_written_takes_its_transaction_along():
    first = happen()

    @transaction.atomic
    def service() -> None:
        happen(label="written just before")
        record(SYSTEM, EventName.CA_CREATED, Resource("ca", 1), organization_id=1, event_id=first.event_id)

    with pytest.raises(DatabaseError):
        service()
    assert not AuditEvent.objects.filter(resource_label="written just before").exists()


UNSPEAKABLE = {"a float": 0.5, "bytes": b"secret", "an object": object()}


@pytest.mark.django_db
@pytest.mark.parametrize("value", UNSPEAKABLE.values(), ids=UNSPEAKABLE.keys())
def test_metadata_without_a_canonical_form_is_refused(value):
    with pytest.raises(TypeError):
        happen(value=value)


@pytest.mark.django_db
def test_a_secret_does_not_get_into_the_log():
    with pytest.raises(TypeError):
        happen(passphrase=keys.new_seed())


@pytest.mark.django_db
def test_long_or_odd_labels_are_cut_in_the_columns_and_whole_in_the_document():
    label = "\0" + "é" * 400
    event = AuditEvent.objects.get(pk=happen(label=label).pk)
    assert event.resource_label == "\N{REPLACEMENT CHARACTER}" + "é" * 253
    assert event.document["resource"]["label"] == label


@pytest.mark.django_db
def test_what_is_about_no_row_has_no_number():
    with transaction.atomic():
        event = record(SYSTEM, EventName.SESSION_REFUSED, Resource("user", None, "nobody"), organization_id=None)
    assert AuditEvent.objects.get(pk=event.pk).resource_id is None


def test_event_ids_rise():
    ids = [new_event_id() for _ in range(500)]
    assert ids == sorted(set(ids))
    assert {len(event_id) for event_id in ids} == {26}


@pytest.mark.django_db
def test_a_row_of_record_may_know_its_events_id_before_the_event_is_written():
    event_id = new_event_id()
    with transaction.atomic():
        event = record(SYSTEM, EventName.CA_CREATED, Resource("ca", 1), organization_id=1, event_id=event_id)
    assert event.event_id == json.loads(bytes(event.canonical))["id"] == event_id


@pytest.mark.django_db
def test_every_name_fits_its_column():
    size = AuditEvent._meta.get_field("name").max_length
    assert all(len(name) <= size for name in EventName)


def test_services_promise_what_other_rooms_call():
    assert set(services.__all__) >= {
        "record",
        "record_many",
        "record_refusal",
        "new_event_id",
        "seal",
        "verify",
        "export",
    }


# --- many at once -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_many_events_stand_in_their_order_each_signed():
    events = happen_often(30)
    stored = list(AuditEvent.objects.filter(log=LOG).order_by("pk"))
    assert [event.pk for event in stored] == [event.pk for event in events]
    assert [event.document["resource"]["label"] for event in stored] == [str(number) for number in range(30)]
    key = bytes(AuditKey.objects.get().public_key)
    assert all(is_signed(key, bytes(event.signature), bytes(event.canonical)) for event in stored)


@pytest.mark.django_db
def test_many_events_are_what_single_ones_are(monkeypatch):
    now = datetime(2026, 4, 18, 10, 2, 34, 123_456, UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    resource, metadata = Resource("certificate", 1, "www"), {"template_code": "web"}
    with transaction.atomic():
        single = record(
            ALICE, EventName.CERTIFICATE_ISSUED, resource, organization_id=LOG, event_id="0" * 26, **metadata
        )
        happening = Happening(
            event=EventName.CERTIFICATE_ISSUED, resource=resource, event_id="1" * 26, metadata=metadata
        )
        (many,) = record_many(ALICE, [happening], organization_id=LOG)
    single, many = (AuditEvent.objects.get(pk=event.pk) for event in (single, many))
    assert bytes(many.canonical) == bytes(single.canonical).replace(b"0" * 26, b"1" * 26)
    varying = {"id", "event_id", "canonical", "signature"}
    same = [field.name for field in AuditEvent._meta.fields if field.name not in varying]
    assert [getattr(many, name) for name in same] == [getattr(single, name) for name in same]


@pytest.mark.django_db(transaction=True)
def test_one_event_is_one_statement(django_assert_num_queries):
    happen()
    with transaction.atomic(), django_assert_num_queries(1):
        record(ALICE, EventName.CA_CREATED, Resource("ca", 1), organization_id=LOG)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_thousand_events_are_one_statement(django_assert_num_queries):
    happen()
    happenings = [Happening(event=EventName.CA_CREATED, resource=Resource("ca", number)) for number in range(1000)]
    with transaction.atomic(), django_assert_num_queries(1):
        record_many(ALICE, happenings, organization_id=LOG)


@pytest.mark.django_db(transaction=True)
def test_no_events_are_no_statement(django_assert_num_queries):
    happen()
    with transaction.atomic(), django_assert_num_queries(0):
        assert record_many(ALICE, [], organization_id=LOG) == []


@pytest.mark.django_db(transaction=True)
def test_many_events_outside_a_transaction_are_refused():
    with pytest.raises(transaction.TransactionManagementError):
        record_many(ALICE, [], organization_id=LOG)


@pytest.mark.django_db
def test_one_bad_event_among_many_leaves_none():
    good, bad = (
        Happening(event=EventName.CA_CREATED, resource=Resource("ca", 1), metadata={"value": value})
        for value in (1, 0.5)
    )
    with pytest.raises(TypeError), transaction.atomic():
        record_many(ALICE, [good, bad], organization_id=LOG)
    assert not AuditEvent.objects.filter(log=LOG).exists()


@pytest.mark.django_db
def test_a_recorded_event_is_as_if_it_had_been_read():
    event = happen()
    event.refresh_from_db()
    assert event == AuditEvent.objects.get(pk=event.pk)
    assert not event._state.adding
