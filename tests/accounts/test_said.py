"""What a row keeps of a failure is English to programs, and to people what it is in their language."""

from __future__ import annotations

import copy
import pickle
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from accounts.queue import sentence_of
from accounts.said import Said, cut, rendered
from acme_client.models import PublicName
from kernel.errors import Conflict, Invalid
from kernel.text import Text, _
from tests.api.wire import wire_of
from tests.office import Office, open_office
from tests.web.people import browser_of

pytestmark = pytest.mark.django_db

TEMPLATE = _("%(server)s does not show the TXT record %(record)s with its value.")
FACTS = {"server": "ns1.example.net", "record": "_chancery.example.com"}
ENGLISH = TEMPLATE % FACTS


@pytest.fixture
def office() -> Office:
    return open_office()


def name_with(office: Office, error: str) -> PublicName:
    return PublicName.objects.create(
        organization=office.organization, suffix="example.com", token="t", checked_at=timezone.now(), last_error=error
    )


def read(row: PublicName) -> str:
    return PublicName.objects.get(pk=row.pk).last_error


def in_the_table(row: PublicName) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_error FROM acme_client_publicname WHERE id = %s", [row.pk])
        return str(cursor.fetchone()[0])


def test_what_we_say_is_kept_as_it_can_be_said_again(office: Office):
    found = read(name_with(office, Said(Text(TEMPLATE, FACTS))))
    assert found == ENGLISH
    assert isinstance(found, Said)
    assert found.text == Text(TEMPLATE, FACTS)


def test_it_is_kept_wherever_it_is_written(office: Office):
    row = name_with(office, "")
    PublicName.objects.filter(pk=row.pk).update(last_error=Said(Text(TEMPLATE, FACTS)))
    found = PublicName.objects.filter(last_error=Said(Text(TEMPLATE, FACTS))).values_list("last_error", flat=True).get()
    assert isinstance(found, Said)
    PublicName.objects.get(pk=row.pk).save()
    assert isinstance(read(row), Said)


PLAIN = {
    "nothing": "",
    "what a server has said": "urn:ietf:params:acme:error:caa: CAA forbids it, 100%",
    "what stood there before": "No name server of example.com answers.",
    "JSON": '["%(x)s", {}]',
}


@pytest.mark.parametrize("sentence", PLAIN.values(), ids=PLAIN)
def test_what_others_say_stays_as_it_is(office: Office, sentence: str):
    row = name_with(office, sentence)
    assert (type(read(row)), read(row), in_the_table(row)) == (str, sentence, sentence)
    assert rendered(read(row), lambda _template: "another language") == sentence


def test_nobody_elsewhere_makes_us_say_something(office: Office):
    kept = in_the_table(name_with(office, Said(Text(TEMPLATE, FACTS))))
    PublicName.objects.all().delete()
    found = read(name_with(office, kept))
    assert (type(found), found) == (str, kept[1:])


def test_one_that_finds_no_room_is_kept_in_english(office: Office):
    long = Said(Text(TEMPLATE, FACTS | {"record": "x" * 400}))
    row = name_with(office, long)
    assert (type(read(row)), read(row)) == (str, str(long))
    assert (cut(long, 500), type(cut(long, 100)), len(cut(long, 100))) == (long, str, 100)


def test_facts_are_plain_and_hold_nothing_that_nobody_sees():
    said = Said(Text("%(name)s: %(count)d of %(kind)s", {"name": "a\x00b\x1ec", "count": 3, "kind": ValueError("no")}))
    assert said == "a b c: 3 of no"
    assert dict(said.text.facts) == {"name": "a b c", "count": 3, "kind": "no"}


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda said: pickle.loads(pickle.dumps(said))])  # noqa: S301
def test_a_copy_says_the_same(again: Any):
    found = again(Said(Text(TEMPLATE, FACTS)))
    assert (type(found), found, found.text) == (Said, ENGLISH, Text(TEMPLATE, FACTS))


def test_what_is_not_ours_is_named_by_its_kind():
    assert isinstance(sentence_of(Conflict(TEMPLATE, **FACTS)), Said)
    several = sentence_of(Invalid.of("names[0]", "bad-name", _("This is neither a host name nor an address.")))
    assert several == "names[0]: This is neither a host name nor an address."
    assert sentence_of(OSError("secret")) == "OSError"


@pytest.mark.parametrize("language", ["fr", "de"])
def test_people_read_it_in_their_language_and_programs_in_english(office: Office, language: str):
    row = name_with(office, Said(Text(TEMPLATE, FACTS)))
    with translation.override(language):
        expected = gettext(TEMPLATE) % FACTS
    assert expected != ENGLISH
    browser = browser_of(office.person.user)
    for path in (reverse("public-names"), reverse("public-name", args=[row.public_id])):
        page = unescape(browser.get(path, headers={"accept-language": language}).content.decode())
        assert expected in page
        assert ENGLISH not in page
    kept = wire_of(office.person).get(f"/api/v2/public-names/{row.public_id}", Accept_Language=language).json()
    assert kept["last_error"] == ENGLISH
