"""The list of certificates: what is on it, in which pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.grants import GrantOrder
from certificates.models import Certificate
from tests import cast
from tests.api.certman.desk import Workspace, error_of, issued, open_workspace
from tests.api.wire import Wire, wire_of

pytestmark = pytest.mark.django_db

LIST = "/v1/certificates"


def listed(wire: Wire, query: str = "") -> dict[str, Any]:
    answer = wire.get(f"{LIST}{query}")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def names(wire: Wire, query: str = "") -> list[str]:
    return [each["common_name"] for each in listed(wire, query)["certificates"]]


def revoked(wire: Wire, made: dict[str, Any], reason: str = "superseded") -> None:
    answer = wire.post(f"{LIST}/{made['certificate']['id']}/revoke", {"reason": reason})
    assert answer.status_code == 200, answer.content


# --- whose ------------------------------------------------------------------------------------------------------------


@pytest.mark.row("C58")
def test_only_what_comes_from_cas_that_may_be_read(workspace: Workspace, key: Wire):
    issued(key, workspace.issuing, "one.example.com")
    issued(key, workspace.root, "two.example.com")
    one = workspace.key(GrantOrder(workspace.issuing.pk), GrantOrder(workspace.root.pk, can_read=False, can_issue=True))
    assert names(one) == ["one.example.com"]
    assert listed(one)["total"] == 1
    assert names(wire_of(cast.stranger())) == []
    assert names(open_workspace("Other Workspace").key()) == []


@pytest.mark.row("C59")
def test_those_of_one_ca(workspace: Workspace, key: Wire):
    issued(key, workspace.issuing, "one.example.com")
    issued(key, workspace.root, "two.example.com")
    assert names(key, f"?caId={workspace.root.public_id}") == ["two.example.com"]
    assert names(key, f"?caId={open_workspace('Other Workspace').root.public_id}") == []
    assert "caId" in error_of(key.get(f"{LIST}?caId=root"), 400)


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.row("C60")
def test_revoked_ones_and_others(workspace: Workspace, key: Wire):
    made = {name: issued(key, workspace.issuing, f"{name}.example.com") for name in ("good", "old", "held", "bad")}
    Certificate.objects.filter(common_name__startswith="old").update(not_after=timezone.now() - timedelta(days=1))
    revoked(key, made["bad"], "keyCompromise")
    revoked(key, made["held"], "certificateHold")
    # What has expired was not revoked; what is on hold stands on the CRL.
    assert names(key, "?status=active") == ["old.example.com", "good.example.com"]
    assert names(key, "?status=revoked") == ["bad.example.com", "held.example.com"]
    assert names(key, "?status=all") == names(key) == [f"{name}.example.com" for name in ("bad", "held", "old", "good")]
    for row in listed(key)["certificates"]:
        is_revoked = row["common_name"].startswith(("bad", "held"))
        assert (row["revoked_at"] is not None, row["revocation_reason"] is not None) == (is_revoked, is_revoked)
    assert [row["revocation_reason"] for row in listed(key, "?status=revoked")["certificates"]] == [
        "keyCompromise",
        "certificateHold",
    ]


@pytest.mark.row("C61")
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("api", ["api.example.com"]),
        ("PI.EXA", ["api.example.com"]),
        (".example.", ["www.example.com", "api.example.com"]),
        ("%", []),
        ("*", []),
        ("_", []),
        ("", ["www.example.com", "api.example.com"]),
        ("san-only", []),
    ],
)
def test_a_part_of_the_common_name(workspace: Workspace, key: Wire, search, found):
    issued(key, workspace.issuing, "api.example.com", sanDns=["san-only.example.com"])
    issued(key, workspace.issuing, "www.example.com")
    assert names(key, "?search=" + search.replace("%", "%25")) == found


def created(row: dict[str, Any], at: datetime) -> None:
    Certificate.objects.filter(public_id=row["certificate"]["id"]).update(created_at=at)


@pytest.mark.row("C62", "C63")
def test_when_they_were_created(workspace: Workspace, key: Wire):
    moments = {
        "may": datetime(2024, 5, 31, 23, 59, 59, 999_999, UTC),
        "june": datetime(2024, 6, 1, 0, 0, tzinfo=UTC),
        "evening": datetime(2024, 6, 1, 23, 59, 59, 999_400, UTC),
        "july": datetime(2024, 7, 1, 12, 30, tzinfo=UTC),
    }
    for name, at in moments.items():
        created(issued(key, workspace.issuing, f"{name}.example.com"), at)

    def found(query: str) -> list[str]:
        return [name.partition(".")[0] for name in reversed(names(key, query))]

    assert found("?createdFrom=2024-06-01") == ["june", "evening", "july"]
    assert found("?createdTo=2024-06-01") == ["may", "june", "evening"]
    assert found("?createdFrom=2024-06-01&createdTo=2024-06-01") == ["june", "evening"]
    assert found("?createdFrom=2024-06-01T00:00:00.001Z") == ["evening", "july"]
    assert found("?createdTo=2024-06-01T00:00:00Z") == ["may", "june"]
    assert found("?createdFrom=2024-07-01T14:30:00%2B02:00") == ["july"]
    assert found("?createdFrom=2024-07-01T12:30:00") == ["july"]
    # As it was shown, it is counted in.
    shown = next(row for row in listed(key)["certificates"] if row["common_name"].startswith("evening"))["created_at"]
    assert shown == "2024-06-01T23:59:59.999Z"
    assert found(f"?createdFrom={shown}&createdTo={shown}") == ["evening"]


@pytest.mark.row("C64")
def test_those_that_end_soon(workspace: Workspace, key: Wire):
    for days in (10, 30, 90):
        issued(key, workspace.issuing, f"d{days}.example.com", validityDays=days)
    issued(key, workspace.issuing, "old.example.com")
    Certificate.objects.filter(common_name__startswith="old").update(not_after=timezone.now() - timedelta(seconds=1))
    assert names(key, "?expiringInDays=30") == ["d30.example.com", "d10.example.com"]
    assert names(key, "?expiringInDays=9") == []


BAD = [
    "status=expired",
    "status=",
    "expiringInDays=0",
    "expiringInDays=soon",
    "expiringInDays=99999999",
    "createdFrom=yesterday",
    "createdFrom=2024-13-01",
    "createdTo=20240601T1",
    "createdTo=9999-12-31",
    "page=0",
    "page=-1",
    "page=1.5",
    "pageSize=0",
    "pageSize=101",
    "page=1&page=2",
    "sort=common_name",
    "limit=5",
]


@pytest.mark.row("C60", "C64", "C65", "C66")
@pytest.mark.parametrize("query", BAD)
def test_what_cannot_be_read_is_refused_by_its_name(key: Wire, query):
    assert query.partition("=")[0] in error_of(key.get(f"{LIST}?{query}"), 400)


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.row("C65", "C66", "C67")
def test_pages_are_numbered_from_one_and_have_twenty_rows(workspace: Workspace, key: Wire):
    for number in range(23):
        issued(key, workspace.issuing, f"n{number}.example.com")
    first, second, third = (listed(key, query) for query in ("", "?page=2", "?page=3"))
    sizes = [len(page["certificates"]) for page in (first, second, third)]
    assert sizes == [20, 3, 0]
    for number, page in enumerate((first, second, third), start=1):
        counted = {name: page[name] for name in ("total", "page", "pageSize", "totalPages")}
        assert counted == {"total": 23, "page": number, "pageSize": 20, "totalPages": 2}
    seen = [row["common_name"] for page in (first, second) for row in page["certificates"]]
    assert seen == [f"n{number}.example.com" for number in reversed(range(23))]
    assert names(key, "?page=5&pageSize=5") == ["n2.example.com", "n1.example.com", "n0.example.com"]
    assert listed(key, "?pageSize=100")["totalPages"] == 1


@pytest.mark.row("C67")
def test_an_empty_list_has_no_pages(key: Wire):
    assert listed(key) == {"certificates": [], "total": 0, "page": 1, "pageSize": 20, "totalPages": 0}
    assert listed(key, "?page=1000000000")["certificates"] == []


def test_a_page_takes_as_many_questions_for_many_rows_as_for_one(workspace: Workspace, key: Wire):
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            listed(key)
        return len(asked)

    revoked(key, issued(key, workspace.issuing))
    questions()
    few = questions()
    for number in range(4):
        revoked(key, issued(key, workspace.issuing, f"n{number}.example.com"))
    assert questions() == few


# --- one, which is not in the document --------------------------------------------------------------------------------


def test_one_certificate_is_shown_as_in_the_list_with_its_text(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing)["certificate"]
    shown = key.get(f"{LIST}/{made['id']}").json()["certificate"]
    text = shown.pop("certificate_pem")
    assert text == made["certificate_pem"]
    assert shown == listed(key)["certificates"][0]


def test_a_download_is_a_file_with_those_above_it(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing)["certificate"]
    answer = key.get(f"{LIST}/{made['id']}/download", Accept="*/*")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/x-pem-file")
    assert "attachment" in answer["Content-Disposition"]
    text = answer.content.decode()
    assert text.startswith(made["certificate_pem"])
    assert (text.count("BEGIN CERTIFICATE"), "PRIVATE" in text) == (3, False)
