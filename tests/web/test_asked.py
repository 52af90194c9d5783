"""What addresses ask of lists: whatever is written there, a page answers."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.http import QueryDict
from django.test import Client

from tests.office import open_office
from tests.web.people import browser_of
from web.asked import place_after, row_after, text_of

HUGE = "9" * 5000
NO_NAMES = (json.dumps(["\0", 1]), json.dumps(["\ud800", 1]))
NO_TIME = json.dumps(["0001-01-01T00:00:00+23:59", 1])
NO_PLACES = (
    "",
    "x",
    "-1",
    HUGE,
    "0" * 5000,
    "٣",
    "²",
    "\0",
    "[" * 100_000,
    f"[1, {HUGE}]",
    *NO_NAMES,
)


def _shortly(value: object) -> str:
    return ascii(value)[:24]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("17", 17),
        (str(2**63 - 1), 2**63 - 1),
        *((text, None) for text in (str(2**63), *NO_PLACES, " 1", "1 ", "+1", "1_0", "1.0", "1e3", "0x1")),
    ],
    ids=_shortly,
)
def test_a_place_is_a_number_that_a_row_can_have(text, number):
    assert place_after(text) == number


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('["a", 1]', ("a", 1)),
        ('["😀", 1]', ("😀", 1)),
        (f"[5, {2**63 - 1}]", (5, 2**63 - 1)),
        *((text, None) for text in ("1", "{}", '["a"]', '["a", 0]', '["a", "1"]', '["a", true]', f'["a", {2**63}]')),
        *((text, None) for text in NO_PLACES),
    ],
    ids=_shortly,
)
def test_a_place_in_another_order_is_one_that_a_database_can_compare(text, row):
    assert row_after(text) == row


def test_a_text_has_only_characters_that_a_database_has():
    query = QueryDict(mutable=True)
    query["q"] = "a\0b\ud800c\udfffd é😀"
    assert text_of(query, "q") == "abcd é😀"
    assert text_of(query, "other") == ""


@pytest.mark.django_db
def test_every_list_answers_what_no_database_has(subtests):
    owner = browser_of(open_office().person.user)
    owner.raise_request_exception = False
    numbered = [
        (path, place) for path in ("/requests/", "/authorities/", "/trust/", "/audit/") for place in (HUGE, "٣")
    ]
    named = [("/certificates/", place) for place in (*NO_NAMES, "[" * 100_000)]
    for path, place in (*numbered, *named, ("/templates/", NO_NAMES[0]), ("/roles/", NO_NAMES[1])):
        with subtests.test(path, place=place[:30]):
            assert owner.get(path, {"after": place, "before": place, "sort": "name"}).status_code == 200
    with subtests.test("a time before all times"):
        assert owner.get("/certificates/", {"after": NO_TIME, "sort": "expires"}).status_code == 200
    for path in (*dict(numbered), "/certificates/", "/templates/", "/roles/", "/search/"):
        with subtests.test(path, what="text"):
            unknown = r"a%00%5Cud800"
            address = f"{path}?q={unknown}&ca={unknown}&template={unknown}"
            answer = owner.get(address, CONTENT_TYPE="text/plain; charset=unicode_escape")
            assert answer.status_code in (200, 422)


@pytest.mark.parametrize(
    "address",
    ["/requests/?show=all&status=pending", "/search/?q=a%26b", "/setup/?from=a", "/organization/members/?page=2&x=%26"],
)
def test_who_must_choose_an_organization_is_led_back_to_all_that_was_asked(root: Client, office, address):
    choice = root.get(address)
    assert choice.url.startswith("/account/organization/?next=")
    next_ = root.get(choice.url).context["next"]
    assert next_ == address
    answer = root.post("/account/organization/", {"organization": office.organization.slug, "next": next_})
    assert answer.url == address


def test_the_search_hides_nothing_but_itself_from_narrow_screens():
    style = (settings.BASE_DIR / "static/app.css").read_text()
    top = (settings.BASE_DIR / "templates/ui/_top.html").read_text()
    rights = (settings.BASE_DIR / "templates/web/account/_rights.html").read_text()
    assert 'class="top-search"' in top
    assert "top-search" not in rights
    for line in (line for line in style.splitlines() if ".everywhere" in line):
        assert line.startswith(".key-form:has("), "the boxes of permissions give way to the scope alone"
