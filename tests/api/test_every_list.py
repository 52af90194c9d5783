"""What holds for every list that the URL configuration has: pages, cursors, order, limits."""

from __future__ import annotations

from typing import Any

import pytest

from audit.services import seal
from cas.models import Role, TrustAnchor
from kernel.actor import SYSTEM
from tests import cast, elsewhere
from tests.api.routes import ROUTES, Route
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.elsewhere import pem
from tests.office import Office, open_office
from tests.trusting import trust

LISTS = [route for route in ROUTES if route.action == "list" and not route.is_item]
every_list = pytest.mark.parametrize("route", LISTS, ids=str)


@pytest.fixture
def full(office: Office) -> Office:
    """Three of nearly everything."""
    for number in range(3):
        office.issue(f"w{number}.acme.test")
        cast.member(office.organization, "auditor", f"auditor{number}@acme.test")
        cast.api_key(office.person, name=f"key {number}")
        Role.objects.create(
            organization=office.organization, ca=office.issuing, name=f"r{number}", max_ttl=office.role.max_ttl
        )
        seal(actor=SYSTEM)
    trust(office)
    return office


def read(wire: Wire, address: str) -> dict[str, Any]:
    answer = wire.get(address)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    assert body.keys() == {"data", "pagination"}
    return body


@every_list
def test_pages_of_one_row_are_the_whole_list(full, route: Route):
    api = wire_of(full.person)
    whole = read(api, f"{route.path()}?limit=1000")
    assert whole["pagination"]["next_cursor"] is None
    found, cursor = [], ""
    while cursor is not None:
        page = read(api, f"{route.path()}?limit=1{cursor and '&cursor=' + cursor}")
        assert page["pagination"]["total"] == whole["pagination"]["total"]
        found += page["data"]
        cursor = page["pagination"]["next_cursor"]
    assert found == whole["data"]
    assert len(found) == whole["pagination"]["total"]


@every_list
def test_a_cursor_of_one_list_opens_no_other(full, route: Route):
    api = wire_of(full.person)
    other = next(each for each in LISTS if each.view is not route.view and each.view.__name__ in ("Audit", "Roles"))
    cursor = read(api, f"{other.path()}?limit=1")["pagination"]["next_cursor"]
    answer = api.get(f"{route.path()}?cursor={cursor}")
    assert (answer.status_code, wrong_fields(answer)) == (400, {"cursor": "invalid"})


@every_list
@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.5", ""])
def test_a_limit_is_a_number_from_1_to_1000(full, route: Route, limit):
    assert list(wrong_fields(wire_of(full.person).get(f"{route.path()}?limit={limit}"))) == ["limit"]


@pytest.mark.row("P10")
@pytest.mark.parametrize("route", [route for route in LISTS if route.version == "v1"], ids=str)
def test_v1_reads_every_list_by_offset_too(full, route: Route):
    api = wire_of(full.person)
    whole = read(api, route.path())["data"]
    assert read(api, f"{route.path()}?offset=1&limit=2")["data"] == whole[1:3]
    assert read(api, f"{route.path()}?offset=1000")["data"] == []


def test_a_list_of_an_empty_organization_is_empty(db):
    person = cast.owner(cast.organization("Nobody"))
    own = {"Organizations", "Members", "ApiKeys", "Audit"}
    for route in LISTS:
        if route.view.__name__ not in own:
            assert read(wire_of(person), route.path())["data"] == []


def test_two_full_organizations_see_nothing_of_each_other(full, subtests):
    other = open_office("Umbrella")
    other.issue("www.acme.test")
    certificates = pem(elsewhere.root("CN=Umbrella Partner").certificate).decode()
    assert wire_of(other.person).post("/api/v2/trust-anchors", {"certificates": certificates}).status_code == 201
    assert TrustAnchor.objects.count() == 2
    for route in LISTS:
        with subtests.test(str(route)):
            theirs = read(wire_of(other.person), f"{route.path()}?limit=1000")["data"]
            ours = read(wire_of(full.person), f"{route.path()}?limit=1000")["data"]
            assert not any("ACME" in str(row) for row in theirs)
            assert not any("Umbrella" in str(row) for row in ours)
