"""What only looks changes nothing, and what is no address is not there."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import cast
from tests.security.doors import OPEN, PAGES
from tests.security.whole import Whole, unchanged, whole_organization
from tests.web.pages import NO_PAGES, admin_lists, admin_records, desk_addresses, path_of
from tests.web.people import browser_of

pytestmark = pytest.mark.django_db

GARBAGE = ("x", "widgets.css", "..%2f..%2fetc%2fpasswd", "%00", "1e9", "-1", "0" * 40, "😀")


@pytest.fixture
def whole(db: None) -> Whole:
    return whole_organization()


@pytest.fixture
def reader(whole: Whole) -> Client:
    client = browser_of(whole.office.person.user)
    client.raise_request_exception = False
    return client


def test_reading_every_page_changes_nothing(whole: Whole, reader: Client, subtests):
    """Also for the first time; and every address of the table is a page, or what it is said to be instead."""
    for path, status in desk_addresses(whole.names):
        with subtests.test(path):
            with unchanged(log=whole.log):
                answer = reader.get(path)
                answer.getvalue()
            assert answer.status_code == (status or 200)
            assert answer.headers["Content-Type"].startswith("text/html") is (status != 200)


def test_what_is_no_page_stands_in_the_table():
    assert frozenset[str]().union(*NO_PAGES.values()) <= PAGES.keys()


def test_reading_every_page_of_the_admin_changes_nothing(whole: Whole, subtests):
    client = browser_of(cast.superuser())
    for path in (*admin_lists(), *admin_records()):
        with subtests.test(path), unchanged(log=whole.log):
            assert client.get(path).status_code in (200, 302, 403, 409)


def test_an_address_of_nothing_is_not_there(whole: Whole, reader: Client, subtests):
    """Each part of each address in turn is what nobody ever made."""
    for address in (each for each, need in PAGES.items() if need != OPEN and "{" in each):
        for part in (each for each in ("second_factor", *whole.names) if f"{{{each}}}" in address):
            for garbage in GARBAGE:
                path = path_of(address, whole.names, **{part: garbage})
                with subtests.test(path):
                    assert reader.get(path).status_code in (302, 404, 405)
