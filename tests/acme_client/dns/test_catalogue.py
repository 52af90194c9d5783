"""The kinds of DNS providers: all that lexicon knows and may be used for tenants, and RFC 2136."""

from __future__ import annotations

import base64
import json

import pytest
from lexicon._private.discovery import find_providers

from acme_client.dns import catalogue, lexicon_client
from acme_client.dns.errors import DnsError
from kernel.errors import Invalid
from kernel.secret import Secret

DOCUMENTED = ["aws_route53", "cloudflare", "google_cloud_dns", "azure_dns", "digitalocean", "hetzner", "rfc2136"]
_FILE = (
    "base64::"
    + base64.b64encode(json.dumps({"client_email": "a@b", "private_key": "k", "project_id": "p"}).encode()).decode()
)
GOOD = {
    "aws_route53": {"auth_access_key": "AKIA", "auth_access_secret": "s3cret"},
    "cloudflare": {"auth_token": "s3cret"},
    "google_cloud_dns": {"auth_service_account_info": _FILE},
    "azure_dns": {
        "auth_client_id": "1",
        "auth_client_secret": "s3cret",
        "auth_tenant_id": "2",
        "auth_subscription_id": "3",
        "resource_group": "dns",
    },
    "digitalocean": {"auth_token": "s3cret"},
    "hetzner": {"auth_token": "s3cret"},
    "rfc2136": {"server": "192.0.2.1", "key_name": "key", "key_secret": "c2VjcmV0", "key_algorithm": "hmac-sha512"},
}


def errors_of(kind: str, config: dict[str, str]) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in catalogue.config_errors(catalogue.get_kind(kind), config)]


def test_every_provider_of_lexicon_is_there_but_those_that_are_about_our_own_machine():
    offered = {catalogue.lexicon_name(name) for name in catalogue.names()} - {"rfc2136"}
    available = {name for name, is_there in find_providers().items() if is_there}
    assert available - offered <= {"auto", "localzone", "oci", "ddns"}
    assert offered <= available
    assert len(offered) > 70


@pytest.mark.parametrize("name", catalogue.names())
def test_every_kind_says_what_it_wants_to_know(name):
    kind = catalogue.get_kind(name)
    assert kind.label
    assert len({field.name for field in kind.fields}) == len(kind.fields)
    assert all(field.label and not field.label.startswith("Auth ") for field in kind.fields)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_documented_kinds_take_a_good_configuration(name):
    assert errors_of(name, GOOD[name]) == []


@pytest.mark.parametrize("name", DOCUMENTED)
def test_and_no_configuration_that_lacks_what_they_need(name):
    required = {field.name for field in catalogue.get_kind(name).fields if field.is_required}
    assert required
    assert {field for field, code in errors_of(name, {}) if code == "required"} == {
        f"config.{each}" for each in required
    }


@pytest.mark.parametrize("name", DOCUMENTED)
def test_credentials_are_known_as_secrets(name):
    secret = {field.name for field in catalogue.get_kind(name).fields if field.is_secret}
    assert {key for key, value in GOOD[name].items() if value in ("s3cret", _FILE, "c2VjcmV0")} <= secret


@pytest.mark.parametrize(
    ("kind", "config", "error"),
    [
        ("cloudflare", {"auth_token": "x", "token": "x"}, ("config.token", "unknown-field")),
        ("cloudflare", {"auth_token": " "}, ("config.auth_token", "required")),
        ("google_cloud_dns", {"auth_service_account_info": "file::/etc/passwd"}, None),
        ("transip", {"auth_username": "x", "auth_api_key": "/etc/ssl/private/key.pem"}, None),
        ("powerdns", {"auth_token": "x", "pdns_server": "/run/docker.sock"}, ("config.pdns_server", "bad-format")),
        ("rfc2136", GOOD["rfc2136"] | {"port": "0"}, ("config.port", "bad-format")),
        ("rfc2136", GOOD["rfc2136"] | {"key_secret": "no base64!"}, ("config.key_secret", "bad-format")),
        ("rfc2136", GOOD["rfc2136"] | {"key_algorithm": "md5"}, ("config.key_algorithm", "unknown-value")),
        ("rfc2136", GOOD["rfc2136"] | {"server": "a b"}, ("config.server", "bad-format")),
        ("ovh", {"auth_entrypoint": "elsewhere"}, ("config.auth_entrypoint", "unknown-value")),
    ],
)
def test_a_bad_configuration_names_the_field(kind, config, error):
    found = errors_of(kind, config)
    assert (error in found) if error else ("bad-format" in {code for _field, code in found})


@pytest.mark.parametrize("name", ["localzone", "auto", "oci", "ddns", "route53", "", "../x"])
def test_what_is_no_kind_is_refused(name):
    with pytest.raises(Invalid) as refusal:
        catalogue.get_kind(name)
    assert refusal.value.errors[0].field == "type"


@pytest.mark.parametrize(
    "name", ["aws_route53", "cloudflare", "google_cloud_dns", "azure_dns", "digitalocean", "hetzner"]
)
def test_each_documented_kind_reaches_the_provider_of_lexicon_that_is_meant(name, monkeypatch):
    """Up to the first question to the network, which ends here: nothing of a bad configuration is in between."""
    told: dict[str, str] = {}
    module = lexicon_client._module(catalogue.lexicon_name(name))

    def signing_in(self) -> None:
        told.update({key: self._get_provider_option(key) for key in GOOD[name]}, zone=self.domain)
        raise OSError

    monkeypatch.setattr(module.Provider, "authenticate", signing_in)
    config = {key: Secret(value) for key, value in GOOD[name].items()}
    kind = catalogue.lexicon_name(name)
    with pytest.raises(DnsError, match="cannot be reached"):
        lexicon_client.create_txt(kind, config, zone="example.com", name="a.example.com", value="v")
    assert told == GOOD[name] | {"zone": "example.com"}
