"""Public names in the browser: added, proven, given up, granted."""

from __future__ import annotations

import re

import pytest

from acme_client.dns.errors import DnsError
from acme_client.models import PublicName
from tests import cast
from tests.office import open_office
from tests.web.people import browser_of

LIST = "/acme/names/"


def words_of(answer) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", answer.content.decode())


@pytest.fixture
def dns(monkeypatch) -> dict[str, frozenset[str]]:
    """What every authoritative server shows, by record."""
    shown: dict[str, frozenset[str]] = {}

    def txt_values(record, **_more):
        if record not in shown:
            raise DnsError("Nobody answers for %(record)s.", record=record)
        return {"ns1.shop.test": shown[record]}

    monkeypatch.setattr("acme_client.services.names.txt_values", txt_values)
    return shown


def added(owner, suffix: str = "shop.test") -> str:
    """The address of its page."""
    answer = owner.post(f"{LIST}new/", {"suffix": suffix})
    assert answer.status_code == 302, words_of(answer)
    return answer["Location"]


def test_strangers_neither_see_nor_end_anybody_s_name(owner):
    page = added(owner)
    stranger = browser_of(open_office("Umbrella").person.user)
    assert "shop.test" not in words_of(stranger.get(LIST))
    for part in ("", "prove/", "give-up/"):
        assert stranger.get(page + part).status_code == 404
        assert stranger.post(page + part).status_code in (404, 405)
    assert PublicName.objects.get().suffix == "shop.test"


def test_a_name_is_added_published_looked_for_and_given_up(owner, dns):
    assert "No public name yet" in words_of(owner.get(LIST))
    page = added(owner, "Shop.test.")
    row = PublicName.objects.get()
    record = f"_chancery-challenge.{row.suffix}"
    shown = words_of(owner.get(page))
    assert (row.suffix, record in shown, row.token in shown) == ("shop.test", True, True)

    assert owner.get(f"{page}prove/").status_code == 200
    for values, told in ((None, f"Nobody answers for {record}."), ({"other"}, "does not show the TXT record")):
        if values is not None:
            dns[record] = frozenset(values)
        assert owner.post(f"{page}prove/")["Location"] == page
        shown = words_of(owner.get(page))
        assert told in shown
        assert "Not proven yet" in shown

    dns[record] = frozenset({"other", row.token})
    answer = owner.post(f"{page}prove/", follow=True)
    assert "certificates can be ordered for it" in words_of(answer)
    assert row.token not in words_of(answer)
    assert owner.get(f"{page}prove/").status_code == 409

    assert owner.post(f"{page}give-up/")["Location"] == LIST
    assert owner.get(page).status_code == 404


@pytest.mark.parametrize(
    ("suffix", "why"),
    [
        ("*.shop.test", "without *."),
        ("co.uk", "belong to many"),
        ("192.0.2.1", "a superuser grants it"),
        ("not a name", "is not a host name"),
    ],
)
def test_what_cannot_be_claimed_is_said_beside_the_field(owner, suffix, why):
    answer = owner.post(f"{LIST}new/", {"suffix": suffix})
    assert answer.status_code == 422
    assert why in str(answer.context["form"].errors["suffix"])
    assert not PublicName.objects.exists()


def test_superusers_grant_and_nobody_else(owner, office):
    assert "grant/" not in owner.get(LIST).content.decode()
    assert owner.get(f"{LIST}grant/").status_code == 403
    assert owner.post(f"{LIST}grant/", {"suffix": "192.0.2.1"}).status_code == 422
    superuser = browser_of(cast.superuser())
    superuser.post("/account/organization/", {"organization": office.organization.slug})
    assert "grant/" in superuser.get(LIST).content.decode()
    page = superuser.post(f"{LIST}grant/", {"suffix": "192.0.2.1"})["Location"]
    assert "this address alone" in words_of(owner.get(page))
    assert PublicName.objects.get().proven_by == PublicName.Proof.GRANT


def test_found_by_a_part_and_page_by_page(owner, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr("web.listing.LENGTH", 2)
    for suffix in ("a.test", "b.test", "c.test"):
        added(owner, suffix)
    assert "b.test" in words_of(owner.get(LIST, {"q": "B.T"}))
    assert "Nothing matches" in words_of(owner.get(LIST, {"q": "nothing"}))
    with django_assert_max_num_queries(15):
        first = owner.get(LIST)
    following = re.search(r'href="(\?[^"]+)" rel="next"', first.content.decode())
    assert "c.test" not in words_of(first)
    assert following is not None
    second = words_of(owner.get(LIST + following[1]))
    assert ("c.test" in second, "a.test" in second) == (True, False)
