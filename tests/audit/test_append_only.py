"""The database itself refuses what no service does, on both vendors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F

from audit.models import AuditCheckpoint, AuditEvent, AuditKey, AuditTile
from audit.services import seal
from kernel.actor import SYSTEM
from tests.audit.happenings import happen

ROWS = [AuditEvent, AuditTile, AuditCheckpoint, AuditKey]


@pytest.fixture
def sealed(db):
    event = happen()
    seal(actor=SYSTEM)
    event.refresh_from_db()
    return event


def _refused(change):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        change()


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_nothing_is_deleted(sealed, model):
    _refused(model.objects.all().delete)
    assert model.objects.exists()


def _other(field: models.Field):
    """A value that this row does not have."""
    if isinstance(field, models.BinaryField):
        return b"\x00other"
    if isinstance(field, models.DateTimeField):
        return F(field.name) + timedelta(seconds=1)
    if isinstance(field, models.CharField):
        return "other"
    return 4711


FIXED = [
    (model, field.name)
    for model, free in (
        (AuditEvent, {"position"}),
        (AuditTile, set()),
        (AuditCheckpoint, set()),
        (AuditKey, {"sealed_seed", "is_active"}),
    )
    for field in model._meta.get_fields()
    if field.name not in free
]


@pytest.mark.parametrize(("model", "name"), FIXED, ids=lambda part: getattr(part, "__name__", part))
def test_no_column_changes(sealed, model, name):
    other = _other(model._meta.get_field(name))
    _refused(lambda: model.objects.filter(pk=model.objects.last().pk).update(**{name: other}))


@pytest.mark.parametrize("name", [name for model, name in FIXED if model is AuditEvent])
def test_no_column_changes_along_with_the_position(db, name):
    event = happen()
    other = _other(AuditEvent._meta.get_field(name))
    _refused(lambda: AuditEvent.objects.filter(pk=event.pk).update(**{name: other}, position=5))


def test_a_position_is_given_once(sealed):
    row = AuditEvent.objects.filter(pk=sealed.pk)
    _refused(lambda: row.update(position=5))
    _refused(lambda: row.update(position=None))


def test_a_position_is_given_to_one(sealed):
    late = happen()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.filter(pk=late.pk).update(position=sealed.position)


def test_a_tile_grows_only(sealed):
    tile = AuditTile.objects.first()
    AuditTile.objects.filter(pk=tile.pk).update(hashes=bytes(tile.hashes) + b"x" * 32)
    _refused(lambda: AuditTile.objects.filter(pk=tile.pk).update(hashes=bytes(tile.hashes)))


@pytest.mark.postgres
@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_no_table_is_truncated(sealed, model):
    def truncate():
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {model._meta.db_table}")

    _refused(truncate)


def test_one_key_is_active_at_most(db):
    key = AuditKey.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditKey.objects.create(key_id="other", public_key=b"o", sealed_seed=key.sealed_seed, created_at=key.created_at)
