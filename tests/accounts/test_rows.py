"""Rows that are written and read without the ORM's compiler: the same rows as the ORM writes and reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, Membership, Organization, User
from accounts.rows import insert, select, select_together
from tests import cast

pytestmark = pytest.mark.django_db


def values(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def a_key(person: cast.Person, number: int = 0, **changes: object) -> ApiKey:
    return ApiKey(
        organization=person.organization,
        owner=person.user,
        name=f"robot \N{PILE OF POO} 100% {number}",
        prefix=f"p{number}",
        digest=bytes(range(32)),
        permissions=["certificates:read"],
        allowed_cidrs=["10.0.0.0/8"],
        expires_at=timezone.now() + timedelta(days=1),
        **changes,
    )


@pytest.fixture
def owner() -> cast.Person:
    return cast.owner(cast.organization())


def test_what_is_inserted_is_what_the_orm_reads(owner):
    rows = [a_key(owner, number) for number in range(3)]
    insert(rows)
    assert all(isinstance(row.pk, int) for row in rows)
    for row in rows:
        read = ApiKey.objects.get(pk=row.pk)
        assert values(read) == values(row)
        assert read.created_at is not None
        assert not row._state.adding


def test_as_many_as_a_statement_cannot_take(owner):
    insert([a_key(owner, number) for number in range(1500)])
    assert set(ApiKey.objects.values_list("prefix", flat=True)) == {f"p{number}" for number in range(1500)}


def test_nothing_is_written_where_there_is_nothing():
    with CaptureQueriesContext(connection) as queries:
        insert([])
    assert len(queries) == 0


def test_the_database_says_no(owner):
    insert([a_key(owner)])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert([a_key(owner, 1), a_key(owner)])
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("model", [User, Organization, Membership, ApiKey])
def test_what_is_selected_is_what_the_orm_reads(owner, model):
    insert([a_key(owner)])
    (read,) = select(model, "ORDER BY id DESC LIMIT 1", [])
    assert values(read) == values(model.objects.order_by("-pk")[0])
    assert [type(value) for value in values(read).values()] == [
        type(value) for value in values(model.objects.order_by("-pk")[0]).values()
    ]
    assert not read._state.adding


def test_rows_that_belong_together(owner):
    other = cast.organization("Umbrella")
    found = select_together(
        (Organization, Membership),
        "LEFT JOIN accounts_membership ON accounts_membership.organization_id = accounts_organization.id ORDER BY 1",
        [],
    )
    assert found == [(owner.organization, Membership.objects.get()), (other, None)]


def test_parameters_are_never_part_of_the_statement(owner):
    assert select(Organization, "WHERE name = %s", ["'; DROP TABLE accounts_organization; --"]) == []
