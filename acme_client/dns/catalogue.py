"""The kinds of DNS providers, and what each of them has to be told."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from acme_client.dns import lexicon_client, rfc2136
from kernel.errors import FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.text import _

RFC2136: Final = "rfc2136"
# What dialects call them, where lexicon has another name.
_LEXICON_NAMES: Final = {
    "aws_route53": "route53",
    "google_cloud_dns": "googleclouddns",
    "azure_dns": "azure",
}
_OUR_NAMES: Final = {lexicon: ours for ours, lexicon in _LEXICON_NAMES.items()}
_LABELS: Final = {
    "aws_route53": "Amazon Route 53",
    "azure_dns": "Azure DNS",
    "cloudflare": "Cloudflare",
    "digitalocean": "DigitalOcean",
    "google_cloud_dns": "Google Cloud DNS",
    "hetzner": "Hetzner DNS",
    RFC2136: "RFC 2136 (BIND, Knot, PowerDNS, Windows …)",
}
# Without these they would look for credentials on the machine that we run on, or do nothing at all.
_REQUIRED: Final[Mapping[str, frozenset[str]]] = {
    "aws_route53": frozenset({"auth_access_key", "auth_access_secret"}),
    "azure_dns": frozenset(
        {"auth_client_id", "auth_client_secret", "auth_tenant_id", "auth_subscription_id", "resource_group"}
    ),
    "cloudflare": frozenset({"auth_token"}),
    "digitalocean": frozenset({"auth_token"}),
    "google_cloud_dns": frozenset({"auth_service_account_info"}),
    "hetzner": frozenset({"auth_token"}),
    "powerdns": frozenset({"auth_token", "pdns_server"}),
    "transip": frozenset({"auth_username", "auth_api_key"}),
    "valuedomain": frozenset({"auth_token"}),
}
# Lexicon reads a file of this machine where such a field names one.
_BASE64: Final = frozenset({("google_cloud_dns", "auth_service_account_info"), ("transip", "auth_api_key")})
_BASE64_PREFIX: Final = "base64::"
_URLS: Final = frozenset({("powerdns", "pdns_server")})
_URL: Final = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+(?:/[A-Za-z0-9._~/\-]*)?")
_SECRET: Final = re.compile(r"token|secret|pass|psw|2fa|service_account_info|(?:^|_)key(?:_content)?$")
_ADDRESS: Final = re.compile(r"server$|host$|endpoint$|entrypoint$|region$|^port$")
# Other names of fields that are there anyway.
_HIDDEN: Final = frozenset({("aws_route53", "auth_username"), ("aws_route53", "auth_token")})
_LONGEST: Final = 20_000
_FLAG: Final = ("true", "false")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to say. `help` is the library's own English; `choices` are all there is, where there are any."""

    name: str
    label: str
    help: str
    is_secret: bool
    is_required: bool
    choices: tuple[str, ...] = ()
    # Where the credentials are sent: whoever changes it gives them anew.
    is_address: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of DNS provider: its name in `DnsProvider.type`, for people, and its fields."""

    name: str
    label: str
    fields: tuple[Field, ...]


def names() -> tuple[str, ...]:
    """All that `DnsProvider.type` can be."""
    return tuple(sorted({RFC2136, *(_OUR_NAMES.get(each, each) for each in lexicon_client.kinds())}))


def kinds() -> tuple[Kind, ...]:
    """Every kind with its fields, by name."""
    return tuple(get_kind(name) for name in names())


@cache
def get_kind(name: str) -> Kind:
    """Raises Invalid on `type`."""
    if name not in names():
        raise Invalid.of("type", "unknown-type", _("%(name)s is no kind of DNS provider."), name=repr(name)[:60])
    if name == RFC2136:
        return Kind(name, _LABELS[name], _RFC2136_FIELDS)
    options = lexicon_client.options(lexicon_name(name))
    fields = tuple(_field(name, option) for option in options if (name, option.name) not in _HIDDEN)
    return Kind(name, _LABELS.get(name, name), fields)


def lexicon_name(kind: str) -> str:
    return _LEXICON_NAMES.get(kind, kind)


def config_errors(kind: Kind, config: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with a configuration as a whole, on `config.<field>`."""
    known = {field.name: field for field in kind.fields}
    text = _("%(kind)s has no such field; it has %(known)s.")
    errors = [
        field_error(f"config.{name}"[:80], "unknown-field", text, kind=kind.name, known=", ".join(known))
        for name in config
        if name not in known
    ]
    for field in kind.fields:
        errors += _value_errors(kind.name, field, config.get(field.name, ""))
    return errors


def _value_errors(kind: str, field: Field, value: str) -> list[FieldError]:
    place = f"config.{field.name}"
    errors = text_errors(place, value, longest=_LONGEST, required=field.is_required, several_lines=True)
    if errors or not value:
        return errors
    if field.choices and value not in field.choices:
        text = _("This is one of %(choices)s.")
        return [field_error(place, "unknown-value", text, choices=", ".join(field.choices))]
    if (kind, field.name) in _BASE64 and not _is_base64(value):
        return [field_error(place, "bad-format", _("The content of the file, in base64, after base64::."))]
    if (kind, field.name) in _URLS and not _URL.fullmatch(value):
        return [field_error(place, "bad-format", _("An address such as https://dns.example.com:8081."))]
    if kind == RFC2136:
        return rfc2136.value_errors(place, field.name, value)
    return []


def _is_base64(value: str) -> bool:
    if not value.startswith(_BASE64_PREFIX):
        return False
    try:
        base64.b64decode(value.removeprefix(_BASE64_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _field(kind: str, option: lexicon_client.Option) -> Field:
    return Field(
        name=option.name,
        label=option.name.removeprefix("auth_").replace("_", " ").capitalize(),
        help=option.help,
        is_secret=bool(_SECRET.search(option.name)),
        is_required=option.name in _REQUIRED.get(kind, frozenset()),
        choices=option.choices or (_FLAG if option.is_flag else ()),
        is_address=bool(_ADDRESS.search(option.name)),
    )


_RFC2136_FIELDS: Final = (
    Field("server", "Server", "host name or address of the primary name server", False, True, is_address=True),
    Field("port", "Port", "53 where nothing is said", False, False, is_address=True),
    Field("key_name", "Key name", "of the TSIG key, as the server calls it", False, True),
    Field("key_secret", "Key", "the TSIG key itself, in base64", True, True),
    Field("key_algorithm", "Algorithm", "hmac-sha256 where nothing is said", False, False, choices=rfc2136.ALGORITHMS),
)
