"""Orders at public CAs in the browser: begun, filled in, judged, followed, taken back, tried again."""

from __future__ import annotations

import re

import pytest

from acme_client.models import AcmeAuthorization, AcmeChallenge, AcmeOrder
from kernel.text import Text
from tests import cast, pki
from tests.office import open_office
from tests.security.whole_acme import SUFFIX, account_of, challenge_of, order_of, public_name_of
from tests.web.people import browser_of

LIST = "/acme/"
NEW = f"{LIST}new/"
HOST = f"www.{SUFFIX}"


def words_of(answer) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", answer.content.decode())


def page_of(order: AcmeOrder) -> str:
    return f"{LIST}orders/{order.public_id}/"


@pytest.fixture
def account(office):
    return account_of(office)


@pytest.fixture
def order(office, account) -> AcmeOrder:
    public_name_of(office)
    return order_of(office, account)


@pytest.fixture(autouse=True)
def caa(monkeypatch) -> dict[str, str]:
    """What DNS says about CAs, by name; nothing of any other."""
    said: dict[str, str] = {}

    def check(names, issuers, **_more):
        return [Text(said[name], {}) for name in names if name in said]

    monkeypatch.setattr("web.acme.advice.caa.check", check)
    return said


def form(account, **changes: str) -> dict[str, str]:
    sent = {"account": account.pk, "names": HOST, "challenge_type": "http-01", "way": "managed"}
    return {**sent, "key_algorithm": "ECDSA_P256", "auto_renew": "on", **changes}


def test_strangers_find_no_order_and_change_none(office, order):
    challenge = challenge_of(order)
    AcmeOrder.objects.update(status="authorizing")
    stranger = browser_of(open_office("Umbrella").person.user)
    assert SUFFIX not in words_of(stranger.get(LIST))
    places = [page_of(order) + part for part in ("", "refresh/", "cancel/", "retry/")]
    for place in (*places, f"{LIST}challenges/{challenge.public_id}/complete/"):
        assert stranger.get(place).status_code == 404
        assert stranger.post(place).status_code in (404, 405)
    answer = stranger.post(NEW, form(order.account))
    assert (answer.status_code, AcmeOrder.objects.count()) == (422, 1)


def test_the_beginning_leads_from_step_to_step(owner, office):
    def next_step() -> str:
        return re.search(r'<li class="next">.*?href="([^"]+)"', owner.get(LIST).content.decode(), re.S)[1]

    assert next_step() == "/acme/names/new/"
    # Whoever opens the form too early is shown the same.
    assert "/acme/names/new/" in owner.get(NEW).content.decode()
    public_name_of(office)
    assert next_step() == "/acme/accounts/new/"
    account_of(office)
    assert next_step() == NEW
    # With one name and one account there is nothing to fill in any more.
    filled = owner.get(NEW).context["form"]
    assert filled["names"].value() == SUFFIX
    assert filled["account"].value() == office.organization.acme_accounts.get().pk
    reader = browser_of(cast.member(office.organization, "auditor").user)
    assert 'class="btn primary"' not in reader.get(LIST).content.decode()
    assert reader.get(NEW).status_code == 403


def test_every_name_is_judged_before_anything_is_sent(owner, office, account, caa):
    public_name_of(office)
    caa[f"shop.{SUFFIX}"] = f"CAA of {SUFFIX} allows only others.example."
    names = [HOST, f"*.{SUFFIX}", "www.umbrella.example", "no name", f"shop.{SUFFIX}"]
    answer = owner.post(NEW, form(account, names="\n".join(names), check="1"))
    assert answer.status_code == 200
    lines = {line.name: " ".join(map(str, (*line.findings, *line.notes))) for line in answer.context["lines"]}
    for name, said in zip(
        names,
        ("Port 80", "dns-01 alone", "not under a name", "not a host name", "allows only others.example"),
        strict=True,
    ):
        assert said in lines[name]
    assert "you publish the record yourself" in words_of(
        owner.post(NEW, form(account, challenge_type="dns-01", check="1"))
    )
    assert not AcmeOrder.objects.exists()
    refused = owner.post(NEW, form(account, names="\n".join(names)))
    assert refused.status_code == 422
    assert "names" in refused.context["form"].errors


def test_an_order_is_sent_followed_taken_back_and_sent_again(owner, office, account, django_assert_max_num_queries):
    public_name_of(office)
    page = owner.post(NEW, form(account, tags="shop", description="the shop"))["Location"]
    order = AcmeOrder.objects.get()
    assert page == page_of(order)
    assert (order.names, order.auto_renew, order.tags) == ([HOST], True, ["shop"])
    challenge_of(order)
    with django_assert_max_num_queries(25):
        shown = words_of(owner.get(page))
    for said in ("To be placed", "Placed with ca.acme.example now", "the shop", "made here", "Go on now"):
        assert said in shown
    assert owner.get(f"{page}retry/").status_code == 409
    assert owner.post(f"{page}cancel/")["Location"] == page
    assert "Cancelled" in words_of(owner.get(page))
    assert owner.get(f"{page}cancel/").status_code == 409
    again = owner.post(f"{page}retry/")["Location"]
    assert again == page_of(AcmeOrder.objects.exclude(pk=order.pk).get())


def test_a_csr_brings_its_names_and_keeps_its_key(owner, office, account):
    public_name_of(office)
    pem = pki.make_csr(subject=f"CN={HOST}", sans=(HOST,))
    assert owner.post(NEW, form(account, way="csr", names="", csr="")).context["form"].errors.keys() == {"csr"}
    page = owner.post(NEW, form(account, way="csr", names="", csr=pem))["Location"]
    order = AcmeOrder.objects.get()
    assert (order.names, order.key_made_here, order.auto_renew) == ([HOST], False, False)
    assert "with whoever sent the signing request" in words_of(owner.get(page))


def test_what_is_to_be_published_stands_there_with_who_does_it(owner, order):
    challenge = challenge_of(order)
    AcmeOrder.objects.update(status="authorizing", order_url="https://ca/1", placing_since=order.created_at)
    page = words_of(owner.get(page_of(order)))
    assert f"http://{HOST}/.well-known/acme-challenge/{challenge.token}" in page
    assert challenge.key_authorization in page
    assert "This installation, by itself." in page

    AcmeOrder.objects.update(challenge_type="dns-01")
    AcmeChallenge.objects.update(type="dns-01", presented_at=order.created_at)
    page = words_of(owner.get(page_of(order)))
    assert f"_acme-challenge.{HOST}" in page
    assert "It waits for you" in page
    complete = f"{LIST}challenges/{challenge.public_id}/complete/"
    assert f"_acme-challenge.{HOST}" in words_of(owner.get(complete))
    AcmeChallenge.objects.update(status="processing")
    assert owner.get(complete).status_code == 409


def test_a_failed_order_says_what_the_server_said_and_what_to_do(owner, order):
    challenge_of(order)
    reason = "Fetching the page: timeout after connect"
    AcmeAuthorization.objects.update(status="invalid")
    AcmeChallenge.objects.update(status="invalid", error=f"{reason} (connection)")
    AcmeOrder.objects.update(
        status="invalid", last_error=f"{HOST}: {reason} (connection)", closed_at=order.created_at, due_at=None
    )
    page = words_of(owner.get(page_of(order)))
    assert page.count("could not reach the name from outside") == 1
    assert f"{HOST}: {reason} (connection)" in page
    assert "Order again" in page
    listed = words_of(owner.get(LIST))
    assert reason in listed


def test_the_list_is_narrowed_by_chips_and_account(owner, office, order, django_assert_max_num_queries):
    other = account_of(office, name="ACME staging")
    failed = order_of(office, other, f"api.{SUFFIX}")
    AcmeOrder.objects.filter(pk=failed.pk).update(status="invalid", closed_at=order.created_at)
    with django_assert_max_num_queries(20):
        answer = owner.get(LIST)
    assert [(str(chip.label), chip.count) for chip in answer.context["chips"]] == [
        ("All", 2),
        ("To be placed", 1),
        ("Failed", 1),
    ]
    for query, found in (
        ({"status": "invalid"}, {failed}),
        ({"account": "ACME staging"}, {failed}),
        ({"account": "ACME staging", "status": "pending"}, set()),
        ({"status": "nonsense", "after": "x"}, {order, failed}),
    ):
        assert {row for row, _standing in owner.get(LIST, query).context["rows"]} == found
