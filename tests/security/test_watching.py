"""What watches over other people's rows sees a change, however it is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import Organization
from accounts.rows import insert
from cas.models import BlockedKey
from tests.office import Office, open_office
from tests.security.whole import unchanged

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def by_the_orm(office: Office) -> None:
    Organization.objects.filter(pk=office.organization.pk).update(name="Others")


def by_saving(office: Office) -> None:
    office.role.max_ttl *= 2
    office.role.save()


def by_deleting(office: Office) -> None:
    office.template.versions.all().delete()


def by_our_own_insert(office: Office) -> None:
    insert([BlockedKey(organization=office.organization, key_hash="0" * 64)])


def by_hand(office: Office) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cas_role SET name = 'x'")


@pytest.mark.parametrize("change", [by_the_orm, by_saving, by_deleting, by_our_own_insert, by_hand])
def test_a_change_is_seen(change: Callable[[Office], None]):
    office = open_office()
    office.template.profile = None
    office.template.save(update_fields=["profile"])
    with pytest.raises(AssertionError), unchanged():
        change(office)


def test_an_event_in_the_log_is_seen():
    office = open_office()
    with pytest.raises(AssertionError), unchanged(log=office.organization.pk):
        office.issue()


def test_reading_is_no_change():
    office = open_office()
    with unchanged(log=office.organization.pk):
        list(Organization.objects.all())
