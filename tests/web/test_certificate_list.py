"""What is done with the list of certificates: many at once, exported, its filters kept, its columns chosen."""

from __future__ import annotations

import csv
import json
import re
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from cryptography import x509
from django.utils import timezone

from accounts.roles import OrganizationRole
from certificates.models import Certificate, SavedFilter
from tests import cast
from tests.office import open_office
from tests.web.people import browser_of
from web.certificates.asking import Asked
from web.certificates.language import EXAMPLES

LIST = "/certificates/"
NAMES = ("a.acme.test", "b.acme.test", "c.acme.test")
MANY = ("revoke-many", "renew-many", "tag-many", "hand-over-many")
ASKED = "?q=cn%3A%2A.acme.test&sort=name"


@pytest.fixture
def three(office) -> list[Certificate]:
    return [office.issue(name).certificate for name in NAMES]


@pytest.fixture
def auditor(office):
    """Who may read, and nothing else."""
    return browser_of(cast.member(office.organization, OrganizationRole.AUDITOR, "au@acme.example").user)


def ids(rows) -> list[str]:
    return [str(row.public_id) for row in rows]


def states() -> list[str]:
    return list(Certificate.objects.order_by("pk").values_list("state", flat=True))


def text_of(answer) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", answer.content.decode())


class TestMany:
    def test_seen_first_then_done_and_led_back(self, owner, three):
        seen = owner.post(f"{LIST}revoke-many/", {"chosen": ids(three[:2]), "asked": ASKED})
        assert states() == ["issued"] * 3
        assert "Revoke 2 certificates" in text_of(seen)
        sent = {"go": "1", "ids": " ".join(ids(three[:2])), "asked": ASKED}
        refused = owner.post(f"{LIST}revoke-many/", sent)
        assert (refused.status_code, states()) == (422, ["issued"] * 3)
        done = owner.post(f"{LIST}revoke-many/", sent | {"reason": "superseded", "comment": "moved"})
        assert states() == ["revoked", "revoked", "issued"]
        assert "2 certificates are revoked." in text_of(done)
        assert f'href="{LIST}{ASKED.replace("&", "&amp;")}"' in done.content.decode()
        # Those that cannot be are named, with the reason, before anything is done.
        again = owner.post(f"{LIST}revoke-many/", {"chosen": ids(three), "asked": ASKED})
        words = text_of(again)
        assert "2 would be refused" in words
        assert "is revoked already" in words
        assert "Revoke 1 certificate" in words

    def test_how_far_it_has_come_is_told_to_who_does_it_alone(self, owner, auditor, three, monkeypatch):
        monkeypatch.setattr("web.progress._PAUSE_SECONDS", 0)
        seen = owner.post(f"{LIST}revoke-many/", {"chosen": ids(three)}).content.decode()
        address = re.search(r'data-progress="([^"]+)"', seen)[1]
        ticket = re.search(r'name="ticket" value="([^"]+)"', seen)[1]
        told = []

        def revoke(**wanted):
            told.append(owner.get(address).json())
            wanted["report"](None)
            told.extend(browser.get(address).json() for browser in (owner, auditor))
            return []

        monkeypatch.setattr("certificates.services.many.revoke_many", revoke)
        sent = {"go": "1", "ids": " ".join(ids(three)), "reason": "superseded", "ticket": ticket}
        assert owner.post(f"{LIST}revoke-many/", sent).status_code == 200
        nothing = {"done": 0, "of": 0}
        assert told == [nothing, {"done": 1, "of": 3}, nothing]
        assert owner.get(address.replace(ticket, "none")).json() == nothing
        assert owner.post(f"{LIST}revoke-many/", sent | {"ticket": "none"}).status_code == 200

    def test_all_that_match(self, owner, office, three):
        office.issue("www.acme.test")
        form = {"all": "1", "asked": "?q=cn%3Aa.acme.test"}
        assert "Renew 1 certificate" in text_of(owner.post(f"{LIST}renew-many/", form))
        form = {"all": "1", "asked": "?sort=name", "go": "1"}
        done = owner.post(f"{LIST}renew-many/", form)
        assert Certificate.objects.filter(replaces__isnull=False, key_custody="waiting").count() == 4
        for row in Certificate.objects.filter(replaces__isnull=False):
            assert f"{LIST}{row.public_id}/" in done.content.decode()

    def test_what_is_many_is_counted_by_who_does_it(self, owner, office, three, monkeypatch):
        monkeypatch.setattr("web.certificates.bulk.ManyForm.most_uncounted", 2)
        monkeypatch.setattr("web.certificates.choosing.MOST_AT_ONCE", 3)
        office.issue("www.acme.test")
        sent = {"go": "1", "all": "1", "asked": "?sort=oldest", "reason": "superseded"}
        for count in ("", "2", "4"):
            answer = owner.post(f"{LIST}revoke-many/", sent | {"count": count})
            assert answer.status_code == 422
            assert "the first" in text_of(answer)
        assert states() == ["issued"] * 4
        owner.post(f"{LIST}revoke-many/", sent | {"count": "3"})
        assert states() == ["revoked"] * 3 + ["issued"]

    def test_tags(self, owner, three):
        form = {"go": "1", "ids": " ".join(ids(three)), "add": "web, prod"}
        assert "3 certificates are tagged so." in text_of(owner.post(f"{LIST}tag-many/", form))
        owner.post(f"{LIST}tag-many/", form | {"add": "", "remove": "web"})
        assert [row.tags for row in Certificate.objects.all()] == [["prod"]] * 3
        # With spaces as with commas, here as on the page of one.
        owner.post(f"{LIST}tag-many/", form | {"add": "a b,c"})
        assert [row.tags for row in Certificate.objects.all()] == [["prod", "a", "b", "c"]] * 3
        owner.post(f"{LIST}{three[0].public_id}/edit/", {"tags": "d e,f", "owner": three[0].owner.email})
        assert Certificate.objects.get(pk=three[0].pk).tags == ["d", "e", "f"]
        for wrong in ({"add": "a:b"}, {"add": ""}):
            assert owner.post(f"{LIST}tag-many/", form | wrong).status_code == 422

    def test_another_answers_for_them(self, owner, office, three):
        other = cast.member(office.organization, OrganizationRole.OPERATOR, "op@acme.example").user
        form = {"go": "1", "ids": " ".join(ids(three[:2]))}
        for nobody in ("", "nobody@acme.example", cast.stranger().user.email):
            assert owner.post(f"{LIST}hand-over-many/", form | {"owner": nobody}).status_code == 422
        done = owner.post(f"{LIST}hand-over-many/", form | {"owner": "OP@acme.example"})
        assert "2 certificates have a new owner now." in text_of(done)
        assert set(Certificate.objects.filter(owner=other)) == set(three[:2])

    def test_an_archive_of_certificates_with_their_chains(self, owner, auditor, office, three):
        answer = owner.post(f"{LIST}archive/", {"chosen": ids(three[:2])})
        with ZipFile(BytesIO(answer.content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        assert set(files) == {f"{row.serial}-{row.common_name}-fullchain.pem" for row in three[:2]}
        for row in three[:2]:
            leaf, issuer, *_rest = x509.load_pem_x509_certificates(
                files[f"{row.serial}-{row.common_name}-fullchain.pem"]
            )
            assert leaf == row.body.x509
            leaf.verify_directly_issued_by(issuer)
        assert owner.post(f"{LIST}archive/", {"chosen": ["x"], "asked": ASKED})["Location"] == LIST + ASKED
        stranger = browser_of(open_office("Umbrella").person.user)
        assert stranger.post(f"{LIST}archive/", {"chosen": ids(three), "asked": ASKED})["Location"] == LIST + ASKED

    def test_nothing_by_looking_and_nothing_without_a_choice(self, owner, three):
        for act in MANY:
            assert owner.get(f"{LIST}{act}/?all=1&go=1&reason=superseded")["Location"] == LIST
            answer = owner.post(f"{LIST}{act}/", {"go": "1", "reason": "superseded", "asked": ASKED, "chosen": "x"})
            assert answer["Location"] == LIST + ASKED
            assert owner.post(f"{LIST}{act}/", {"all": "1", "asked": "?q=status%3Ax"})["Location"] == LIST
        assert states() == ["issued"] * 3

    def test_each_is_for_those_who_may(self, auditor, three):
        page = auditor.get(LIST).content.decode()
        for act in MANY:
            assert act not in page
            form = {"go": "1", "all": "1", "reason": "superseded", "add": "x", "owner": "au@acme.example"}
            assert auditor.post(f"{LIST}{act}/", form).status_code == 403

    def test_strangers_choose_nothing_of_others(self, three):
        stranger = browser_of(open_office("Umbrella").person.user)
        form = {"go": "1", "ids": " ".join(ids(three)), "reason": "superseded", "add": "x", "owner": "au@acme.example"}
        for act in MANY:
            assert stranger.post(f"{LIST}{act}/", form)["Location"].startswith(LIST)
        assert states() == ["issued"] * 3
        exported = stranger.post(f"{LIST}export/", {"chosen": ids(three)})
        assert b"acme" not in b"".join(exported.streaming_content)


class TestExport:
    def test_everything_that_the_filter_lets_through(self, owner, office, three, monkeypatch):
        monkeypatch.setattr("web.certificates.export._CHUNK", 2)
        Certificate.objects.filter(pk=three[1].pk).update(
            description='=HYPERLINK("x")', tags=["-web"], requester_label="\tx", common_name="+b"
        )
        answer = owner.get(f"{LIST}export/?sort=oldest&format=csv")
        assert answer["Content-Type"].startswith("text/csv")
        assert answer["Content-Disposition"].startswith("attachment")
        rows = list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode())))
        assert [row["id"] for row in rows] == ids(three)
        assert [rows[1][field] for field in ("description", "tags", "requested_by", "common_name")] == [
            '\'=HYPERLINK("x")',
            "'-web",
            "'\tx",
            "'+b",
        ]
        assert (rows[0]["status"], rows[0]["owner"]) == ("issued", office.person.user.email)
        answer = owner.get(f"{LIST}export/{ASKED}&format=json&q=cn:c*")
        (document,) = json.loads(b"".join(answer.streaming_content))
        assert (document["id"], document["names"]) == (str(three[2].public_id), ["c.acme.test"])

    def test_what_was_ticked_else_all_that_match(self, owner, three):
        answer = owner.post(f"{LIST}export/", {"chosen": ids(three[:1]), "format": "json"})
        assert [each["id"] for each in json.loads(b"".join(answer.streaming_content))] == ids(three[:1])
        for form, number in (({"all": "1", "asked": "?status=revoked"}, 0), ({"asked": ASKED}, 3)):
            answer = owner.post(f"{LIST}export/", form | {"format": "json"})
            assert len(json.loads(b"".join(answer.streaming_content))) == number
        assert owner.get(f"{LIST}export/?q=status:x")["Location"].startswith(LIST)


class TestSavedFilters:
    def test_kept_found_again_renamed_and_deleted(self, owner, three):
        address = f"{LIST}?q=cn%3Aa%2A&column=tags&column=owner"
        page = owner.get(address).content.decode()
        save = re.search(r'href="(/certificates/filters/save/\?[^"]+)"', page)[1].replace("&amp;", "&")
        query = re.search(r'name="query" value="([^"]+)"', owner.get(save).content.decode())[1].replace("&amp;", "&")
        answer = owner.post(save, {"name": "Mine", "query": query})
        row = SavedFilter.objects.get()
        assert answer["Location"] == LIST + row.query
        page = owner.get(answer["Location"]).content.decode()
        assert re.search(r'aria-current="true">Mine</a>', page)
        assert "/filters/save/" not in page
        assert all(name in page for name in ("a.acme.test", "Tags", "Owner"))
        assert "b.acme.test" not in page
        place = f"{LIST}filters/{row.public_id}/"
        owner.post(f"{place}change/", {"name": "Ours", "is_shared": "on"})
        assert "Ours" in owner.get(f"{LIST}filters/").content.decode()
        assert owner.get(f"{place}delete/").status_code == 200
        assert owner.post(f"{place}delete/")["Location"] == f"{LIST}filters/"
        assert not SavedFilter.objects.exists()

    def test_a_filter_that_makes_no_sense_is_not_kept(self, owner):
        for sent in ({"name": "x", "query": "?q=status%3Anonsense"}, {"name": "", "query": ""}):
            assert owner.post(f"{LIST}filters/save/", sent).status_code == 422
        owner.post(f"{LIST}filters/save/", {"name": "x", "query": "javascript:alert(1)?status=revoked"})
        assert not SavedFilter.objects.exclude(query__startswith="?").exists()

    def test_shared_ones_are_seen_and_left_alone(self, owner, auditor):
        owner.post(f"{LIST}filters/save/", {"name": "Shared", "query": "?status=expired", "is_shared": "on"})
        owner.post(f"{LIST}filters/save/", {"name": "Alone", "query": "?status=held"})
        page = auditor.get(LIST).content.decode()
        assert "Shared" in page
        assert "Alone" not in page
        shared, private = (SavedFilter.objects.get(name=name) for name in ("Shared", "Alone"))
        assert auditor.get(f"{LIST}filters/{shared.public_id}/change/").status_code == 409
        assert auditor.post(f"{LIST}filters/{shared.public_id}/delete/").status_code == 422
        assert auditor.post(f"{LIST}filters/{private.public_id}/delete/").status_code == 404
        stranger = browser_of(cast.stranger().user)
        assert "Shared" not in stranger.get(LIST).content.decode()
        assert stranger.post(f"{LIST}filters/{shared.public_id}/delete/").status_code == 404
        assert SavedFilter.objects.count() == 2


def test_columns_and_what_they_cost(owner, office, django_assert_max_num_queries):
    every = "&".join(
        f"column={key}"
        for key in (
            *("status", "names", "issued", "expires", "issuer", "template", "key", "custody", "requester"),
            *("owner", "tags", "note", "serial", "nonsense"),
        )
    )
    for number in range(4):
        office.issue(f"n{number}.acme.test", tags=("web",), description="=note")
    owner.get(LIST)
    with django_assert_max_num_queries(15):
        page = owner.get(f"{LIST}?{every}&length=100").content.decode()
    assert page.count("data-row") == 4
    for text in ("web-tls", "#web", "=note", office.person.user.email, "Private key"):
        assert text in page
    assert re.search(r'href="\?status=active&amp;length=100&amp;column=status', page)


@pytest.mark.parametrize("text", [text for _heading, examples in EXAMPLES for text, _meaning in examples])
def test_every_example_of_the_language_is_one(text):
    assert Asked(text=text).wanted(timezone.now()).terms
