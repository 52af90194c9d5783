"""DNS providers as the page has them.

The page's `config` names credentials by the path of a secret in its own store. There is none here: credentials are in
`config` themselves, are sealed, and are never shown again; `credentials` says which there are.
"""

from __future__ import annotations

from uuid import UUID

import pytest

from acme_client.models import DnsProvider
from tests.api.scaivault.desk import PKI, body, refused, wire_with, wrong_fields

PROVIDERS = f"{PKI}/dns-providers"
TOKEN = "cf-token-of-acme"
PROVIDER = {"name": "Our DNS", "type": "cloudflare", "config": {"auth_token": TOKEN}}
# Of each type that the page names, a configuration that is complete.
CONFIGS = {
    "aws_route53": {"auth_access_key": "AKIA0", "auth_access_secret": "x" * 40},
    "cloudflare": {"auth_token": TOKEN},
    "google_cloud_dns": {"auth_service_account_info": "base64::e30="},
    "azure_dns": {
        "auth_client_id": "a",
        "auth_client_secret": "b",
        "auth_tenant_id": "c",
        "auth_subscription_id": "d",
        "resource_group": "e",
    },
    "digitalocean": {"auth_token": TOKEN},
    "hetzner": {"auth_token": TOKEN},
    "rfc2136": {"server": "ns1.acme.example", "key_name": "chancery", "key_secret": "c2VjcmV0IG9mIHRzaWc="},
    # "etc."
    "gandi": {"auth_token": TOKEN},
    "ovh": {},
}


def added(api, **changes):
    return body(api.post(PROVIDERS, PROVIDER | changes), 201)


def test_a_stranger_finds_nothing_of_it(api, stranger):
    place = f"{PROVIDERS}/{added(api)['id']}"
    for method, sent in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
        assert refused(stranger.send(method, place, sent), 404) == "dns_provider_not_found"
    assert body(stranger.get(PROVIDERS))["data"] == []
    assert DnsProvider.objects.get().name == "Our DNS"


def test_each_act_takes_its_permission(api, office):
    place = f"{PROVIDERS}/{added(api)['id']}"
    reader = wire_with(office.person, "acme:read")
    assert body(reader.get(place))["name"] == "Our DNS"
    for method, path in (("POST", PROVIDERS), ("PATCH", place), ("DELETE", place)):
        assert refused(reader.send(method, path, {} if method != "DELETE" else None), 403) == "insufficient_scope"
    writer = wire_with(office.person, "acme:write")
    for path in (PROVIDERS, place):
        assert refused(writer.get(path), 403) == "insufficient_scope"


@pytest.mark.row("S107", "S108", "S110", "S111")
def test_a_provider_is_added_shown_listed_changed_and_removed(api):
    made = added(api)
    UUID(made["id"])
    assert (made["name"], made["type"]) == ("Our DNS", "cloudflare")
    assert (made["config"], made["credentials"]) == ({}, ["auth_token"])
    place = f"{PROVIDERS}/{made['id']}"
    assert body(api.get(place)) == made
    assert body(api.get(PROVIDERS)) == {"data": [made], "next_cursor": None}
    assert body(api.patch(place, {"name": "Other DNS"})) == made | {"name": "Other DNS"}
    gone = api.delete(place)
    assert (gone.status_code, gone.content) == (204, b"")
    assert refused(api.get(place), 404) == "dns_provider_not_found"
    assert body(api.get(PROVIDERS))["data"] == []


@pytest.mark.row("S110")
def test_credentials_are_never_shown(api):
    answers = [api.post(PROVIDERS, PROVIDER)]
    place = f"{PROVIDERS}/{answers[0].json()['id']}"
    answers += [api.get(place), api.get(PROVIDERS), api.patch(place, {"config": {"auth_token": f"{TOKEN}-new"}})]
    assert all(answer.status_code in (200, 201) for answer in answers)
    assert not any(TOKEN.encode() in answer.content for answer in answers)
    row = DnsProvider.objects.get()
    assert TOKEN.encode() not in bytes(row.sealed_config)
    assert TOKEN not in str(row.config)


@pytest.mark.row("S109")
@pytest.mark.parametrize("kind", CONFIGS)
def test_the_types_of_the_page_are_known(api, kind):
    made = added(api, type=kind, config=CONFIGS[kind])
    assert made["type"] == kind


@pytest.mark.row("S108", "S109", "S110")
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"type": "bind"}, {"type": "unknown_type"}),
        ({"name": ""}, {"name": "blank"}),
        ({"config": {}}, {"config.auth_token": "required"}),
        ({"config": {"auth_token": TOKEN, "surprise": "x"}}, {"config.surprise": "unknown_field"}),
        ({"config": "dns/cloudflare"}, {"config": "not_a_dict"}),
        ({"zone": "acme.test"}, {"zone": "unknown_field"}),
    ],
)
def test_what_is_wrong_is_named(api, changes, wrong):
    assert wrong_fields(api.post(PROVIDERS, PROVIDER | changes)) == wrong
    assert not DnsProvider.objects.exists()


@pytest.mark.row("S108")
def test_a_name_is_used_once(api):
    added(api)
    assert refused(api.post(PROVIDERS, PROVIDER), 409) == "dns_provider_exists"
