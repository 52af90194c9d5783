"""Pages that no insert or delete can shift, and how many queries a page takes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cas.models import Role
from certificates.models import Certificate
from tests.api.routes import NOWHERE, ROUTES
from tests.api.wire import wrong_fields

V1, V2 = "/api/v1/certificates", "/api/v2/certificates"
NO_ROW = NOWHERE["public_id"]


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()["data"]]


@pytest.fixture
def seven(office):
    return [office.issue(f"w{index}.acme.test").certificate.pk for index in range(7)][::-1]


@pytest.mark.row("P9", "P13", "P14")
def test_a_cursor_leads_through_all_rows_once_newest_first(api, seven):
    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"{V1}?limit=3{cursor and '&cursor=' + cursor}")
        found.append(ids(page))
        cursor = page.json()["pagination"]["next_cursor"]
        assert page.json()["pagination"]["total"] == 7
    assert found == [seven[:3], seven[3:6], seven[6:]]


@pytest.mark.row("P11")
def test_what_is_added_meanwhile_shifts_nothing(api, office, seven):
    cursor = api.get(f"{V1}?limit=3").json()["pagination"]["next_cursor"]
    office.issue("late.acme.test")
    assert ids(api.get(f"{V1}?limit=3&cursor={cursor}")) == seven[3:6]


@pytest.mark.row("P11")
def test_what_goes_meanwhile_shifts_nothing(api, office):
    roles = [f"role-{index}" for index in range(4)]
    for name in roles:
        Role.objects.create(organization=office.organization, ca=office.issuing, name=name, max_ttl=office.role.max_ttl)
    page = api.get("/api/v2/roles?limit=2").json()
    Role.objects.filter(name__in=["role-3", "role-2"]).delete()
    rest = api.get(f"/api/v2/roles?limit=2&cursor={page['pagination']['next_cursor']}").json()["data"]
    assert [role["name"] for role in rest] == ["role-1", "role-0"]


@pytest.mark.row("P12")
def test_a_page_has_50_rows_where_no_limit_is_given(api, office):
    Role.objects.bulk_create(
        Role(organization=office.organization, ca=office.issuing, name=f"r{index}", max_ttl=office.role.max_ttl)
        for index in range(60)
    )
    assert len(ids(api.get("/api/v2/roles"))) == 50
    assert len(ids(api.get("/api/v2/roles?limit=100"))) == 61


def test_the_last_full_page_has_no_cursor(api, seven):
    assert api.get(f"{V1}?limit=7").json()["pagination"]["next_cursor"] is None


@pytest.mark.row("P10")
def test_v1_reads_by_offset_too(api, seven):
    assert ids(api.get(f"{V1}?offset=5&limit=50")) == seven[5:]
    assert ids(api.get(f"{V1}?offset=50")) == []


def test_cursor_and_offset_together_make_no_sense(api, seven):
    cursor = api.get(f"{V1}?limit=3").json()["pagination"]["next_cursor"]
    answer = api.get(f"{V1}?offset=0&cursor={cursor}")
    assert (answer.status_code, wrong_fields(answer)) == (400, {"offset": "contradiction"})


def test_v2_has_no_offset(api):
    assert wrong_fields(api.get(f"{V2}?offset=0")) == {"offset": "unknown-field"}


@pytest.mark.row("P12")
@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.0", "", "٣", "9" * 30, " 5", "5%00"])
def test_a_limit_is_a_number_from_1_to_1000(api, limit):
    assert list(wrong_fields(api.get(f"{V1}?limit={limit}"))) == ["limit"]


def test_a_parameter_is_given_once(api):
    assert wrong_fields(api.get(f"{V1}?limit=1&limit=2")) == {"limit": "repeated"}


def test_a_cursor_that_is_not_of_this_list_is_malformed(api, seven):
    ours = api.get(f"{V1}?limit=3").json()["pagination"]["next_cursor"]
    of_another = api.get("/api/v1/audit?limit=3").json()["pagination"]["next_cursor"]
    forged = signing.Signer(salt="other", sep=".").sign_object([1])
    for cursor in ("x", "eyJpZCI6MTAyNH0=", ours[:-1], "X" + ours, of_another, forged, "%00", "é", ".", ""):
        answer = api.get(f"{V1}?cursor={cursor}")
        assert answer.status_code == (422 if cursor in ("", "%00") else 400), cursor
        assert list(wrong_fields(answer)) == ["cursor"]


def test_v2_says_that_it_has_stopped_counting(api, seven, monkeypatch):
    monkeypatch.setattr("certificates.search.COUNTED", 5)
    assert api.get(V2).json()["pagination"] == {"next_cursor": None, "total": 5, "total_is_estimate": True}
    assert api.get(V1).json()["pagination"] == {"next_cursor": None, "total": 7}


def test_a_list_takes_as_many_queries_for_seven_rows_as_for_one(api, office, seven, subtests, monkeypatch):
    # The first use of a key is noted; here none that comes a minute later, for there are many lists.
    monkeypatch.setattr("accounts.services.credentials._LAST_USE_RESOLUTION", timedelta(days=1))
    api.get(V1)
    certificate = str(Certificate.objects.get(pk=seven[0]).public_id)
    for route in (route for route in ROUTES if route.action == "list"):
        with subtests.test(str(route)):
            counts = []
            for limit in (1, 7):
                with CaptureQueriesContext(connection) as queries:
                    address = route.path().replace(NO_ROW, certificate)
                    assert api.get(f"{address}?limit={limit}").status_code == 200
                counts.append(len(queries))
            assert counts[0] == counts[1] <= 7


def test_an_issuance_takes_a_bounded_number_of_queries(api, office):
    body = {"template_code": "web-tls", "common_name": "www.acme.test", "sans": ["a.acme.test", "b.acme.test"]}
    api.post(V1, body)
    with CaptureQueriesContext(connection) as queries:
        assert api.post(V1, body).status_code == 201
    assert len(queries) <= 32, "\n".join(query["sql"][:150] for query in queries)
