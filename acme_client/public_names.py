"""Which names stand under which, and which of them nobody may claim. No database."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import tldextract
from django.conf import settings

from acme_client.name_models import PublicName
from cas.core.general_names import NameKind, general_name, general_name_text, inferred_kind
from kernel.errors import Invalid
from kernel.text import _

_LABEL: Final = "_chancery-challenge"


def normal_suffix(text: str, *, field: str = "suffix") -> str:
    """Lower-case A-labels, or an address in its canonical form. Raises Invalid, also for a wildcard."""
    text = text.strip().removesuffix(".")
    if text.startswith("*."):
        raise Invalid.of(field, "wildcard", _("A name stands for all that is below it: write it without *."))
    if inferred_kind(text) not in (NameKind.DNS, NameKind.IP):
        raise Invalid.of(field, "bad-name", _("This is neither a domain nor an address."))
    return general_name_text(general_name(text, inferred_kind(text), field=field))


def normal_zone(text: str, *, field: str = "zones") -> str:
    """Lower-case A-labels. Raises Invalid, also for an address."""
    zone = normal_suffix(text, field=field)
    if is_address(zone):
        raise Invalid.of(field, "bad-name", _("A zone is a domain, such as example.com."))
    return zone


def txt_record(name: PublicName) -> tuple[str, str]:
    """What its owner publishes to prove it: the name of the TXT record, and its value."""
    return f"{_LABEL}.{name.suffix}", name.token


def is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def covering(name: str) -> list[str]:
    """The suffixes that this name stands under, itself the first; of an address itself alone."""
    host = name.removeprefix("*.")
    if is_address(host):
        return [host]
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def longest_covering(name: str, suffixes: Iterable[str]) -> str | None:
    """The one of these suffixes that stands closest above the name, or is the name."""
    known = set(suffixes)
    return next((each for each in covering(name) if each in known), None)


def is_public_suffix(name: str) -> bool:
    """Whether everybody registers names below it (publicsuffix.org), as below com, co.uk and github.io."""
    if is_address(name):
        return False
    found = _suffixes().extract_str(name)
    # What the list does not know is a suffix where it is a single label: its rule `*`.
    return not found.domain or "." not in name


def is_our_own(name: str) -> bool:
    """Whether a certificate for this name could be shown for us: a host of this installation, or a wildcard over it."""
    host = name.removeprefix("*.")
    return any(_is_same(name, host, each) for each in _own_hosts())


def _is_same(name: str, host: str, own: str) -> bool:
    if own.startswith(".") and host.endswith(own):
        return True
    own = own.removeprefix(".")
    return host == own or (name.startswith("*.") and own.partition(".")[2] == host)


def _own_hosts() -> set[str]:
    """As they stand in settings; a leading dot takes all below it in."""
    named = {str(urlsplit(url).hostname) for url in (settings.BASE_URL, settings.PUBLIC_URL)}
    return {host.lower().strip("[]") for host in (*settings.ALLOWED_HOSTS, *named) if host != "*"}


@functools.cache
def _suffixes() -> tldextract.TLDExtract:
    """The list as it comes with the library: nothing is fetched."""
    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)
