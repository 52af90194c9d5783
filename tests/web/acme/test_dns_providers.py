"""DNS providers in the browser: their credentials go in and never come out."""

from __future__ import annotations

import re

import pytest

from acme_client.dns.credentials import secrets_of
from acme_client.dns.errors import DnsError
from acme_client.models import DnsProvider
from tests.office import open_office
from tests.web.people import browser_of

LIST = "/acme/dns-providers/"
NEW = f"{LIST}new/"
SECRET = "c2VjcmV0LW9mLWEtdHNpZy1rZXk="
FORM = {
    "name": "Knot",
    "zones": "shop.test",
    "propagation_seconds": "0",
    "config.server": "ns1.shop.test",
    "config.key_name": "chancery",
    "config.key_secret": SECRET,
}


def words_of(answer) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", answer.content.decode())


def added(owner) -> str:
    answer = owner.post(f"{NEW}?type=rfc2136", FORM)
    assert answer.status_code == 302, answer.context["form"].errors
    return answer["Location"]


def test_strangers_find_no_provider_and_use_none(owner):
    page = added(owner)
    stranger = browser_of(open_office("Umbrella").person.user)
    assert "Knot" not in words_of(stranger.get(LIST))
    for part in ("", "test/", "change/", "delete/"):
        assert stranger.get(page + part).status_code == 404
        assert stranger.post(page + part, FORM).status_code in (404, 405)
    assert DnsProvider.objects.get().tested_at is None


def test_a_kind_is_chosen_first_and_asks_for_its_own_fields(owner):
    assert "No DNS provider yet" in words_of(owner.get(LIST))
    choice = owner.get(NEW).content.decode()
    assert "?type=aws_route53" in choice
    assert choice.count("<option") > 50
    fields = owner.get(NEW, {"type": "cloudflare"}).context["form"].fields
    assert fields["config.auth_token"].required
    assert "config.key_secret" not in fields
    for kind in ("", "no-such-kind"):
        assert owner.post(f"{NEW}?type={kind}", FORM).status_code == 422
    wrong = owner.post(f"{NEW}?type=rfc2136", {**FORM, "config.key_secret": "no base64!", "zones": "not a zone"})
    assert wrong.status_code == 422
    assert wrong.context["form"].errors.keys() == {"config.key_secret", "zones"}
    assert "no base64!" not in wrong.content.decode()


def test_credentials_are_kept_when_nothing_else_is_said_and_never_shown(owner):
    page = added(owner)
    row = DnsProvider.objects.get()
    assert (row.zones, row.config["server"]) == (["shop.test"], "ns1.shop.test")
    change = f"{page}change/"
    for address in (page, change, LIST):
        assert SECRET not in owner.get(address).content.decode()
    unsaid = {**FORM, "name": "Knot 2", "config.key_secret": ""}
    assert owner.post(change, unsaid)["Location"] == page
    row.refresh_from_db()
    assert row.name == "Knot 2"
    assert secrets_of(row)["key_secret"].reveal().decode() == SECRET
    moved = owner.post(change, {**unsaid, "config.server": "ns1.umbrella.test"})
    assert moved.status_code == 422
    assert "config.key_secret" in moved.context["form"].errors
    assert owner.post(change, {**FORM, "config.server": "ns2.shop.test"})["Location"] == page


def test_it_is_tried_out_and_forgotten(owner, monkeypatch):
    page, written = added(owner), {}

    def publish(_changer, record, value):
        written[record] = value

    place = "acme_client.services.dns_providers"
    monkeypatch.setattr(f"{place}.changing.publish", publish)
    monkeypatch.setattr(f"{place}.changing.withdraw", lambda _changer, record, _value: written.pop(record))
    monkeypatch.setattr(f"{place}.txt_values", lambda record, **_more: {"ns1": frozenset({written[record]})})
    assert owner.get(f"{page}test/").context["form"]["zone"].value() == "shop.test"
    assert "It works" in words_of(owner.post(f"{page}test/", {"zone": "shop.test"}, follow=True))
    assert written == {}

    def refuse(*_anything):
        raise DnsError("The server refuses the key.")

    monkeypatch.setattr(f"{place}.changing.publish", refuse)
    shown = words_of(owner.post(f"{page}test/", {"zone": ""}, follow=True))
    assert shown.count("The server refuses the key.") == 2
    assert owner.post(f"{page}test/", {"zone": "other.test"}).status_code == 422

    assert owner.post(f"{page}delete/")["Location"] == LIST
    assert owner.get(page).status_code == 404


@pytest.mark.parametrize("kind", ["aws_route53", "azure_dns", "google_cloud_dns", "digitalocean", "hetzner"])
def test_every_usual_kind_has_a_form(owner, kind):
    page = owner.get(NEW, {"type": kind})
    assert (page.status_code, any(name.startswith("config.") for name in page.context["form"].fields)) == (200, True)
