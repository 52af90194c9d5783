"""Which CAs a domain allows to issue for it (RFC 8659): asked before the CA asks, and said in words."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from accounts.outbound import Network
from acme_client.dns.errors import DnsError
from acme_client.dns.resolving import lookup
from acme_client.public_names import covering, is_address
from kernel.text import Text, _

PATIENCE_SECONDS: Final = 30.0
_CRITICAL: Final = 0x80
# RFC 8659 section 4, RFC 9495, and those of CA/Browser Forum, which say nothing about who issues.
_KNOWN: Final = frozenset({"issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"})


def check(
    names: Sequence[str],
    issuers: Collection[str],
    *,
    private_ranges: Collection[Network] = (),
    patience: float = PATIENCE_SECONDS,
) -> tuple[Text, ...]:
    """A sentence for each of `names` that CAA forbids a CA known as `issuers`; empty: nothing stands in its way.

    Nothing is said of names that DNS does not tell about within `patience` seconds, of addresses, and where the CA's
    own names are not known. To which account and by which method is left to the CA.
    """
    if not issuers:
        return ()
    deadline = time.monotonic() + patience
    known: dict[str, Sequence[Any]] = {}
    found: dict[str, Text] = {}
    for name in names:
        if is_address(name) or time.monotonic() >= deadline:
            continue
        with suppress(DnsError):
            domain, records = _closest(name, private_ranges, known)
            if text := judged(domain, records, is_wildcard=name.startswith("*."), issuers=issuers):
                found[str(text)] = text
    return tuple(found.values())


def judged(domain: str, records: Iterable[Any], *, is_wildcard: bool, issuers: Collection[str]) -> Text | None:
    """What the CAA records of this domain say against these issuers, if anything."""
    properties = [(each.flags, each.tag.decode("ascii", "replace").lower(), each.value) for each in records]
    for flags, tag, _value in properties:
        if flags & _CRITICAL and tag not in _KNOWN:
            text = _("CAA of %(domain)s has the critical property %(tag)s, which no CA is known to understand.")
            return Text(text, {"domain": domain, "tag": tag[:40]})
    tags = {tag for _flags, tag, _value in properties}
    decisive = "issuewild" if is_wildcard and "issuewild" in tags else "issue"
    if decisive not in tags:
        return None
    allowed = sorted({_issuer(value) for _flags, tag, value in properties if tag == decisive})
    if not {each.lower() for each in issuers}.isdisjoint(allowed):
        return None
    named = ", ".join(filter(None, allowed))
    if not named:
        return Text(_("CAA of %(domain)s allows no CA at all."), {"domain": domain})
    return Text(_("CAA of %(domain)s allows only %(allowed)s."), {"domain": domain, "allowed": named[:200]})


def _closest(
    name: str, private_ranges: Collection[Network], known: dict[str, Sequence[Any]]
) -> tuple[str, Sequence[Any]]:
    """The records of the name, or of the closest one above it that has any (RFC 8659 section 3). Raises DnsError.

    `known`: what was found before; names above are those of many.
    """
    for domain in covering(name):
        if domain not in known:
            known[domain] = tuple(lookup(domain, "CAA", private_ranges=private_ranges) or ())
        if known[domain]:
            return domain, known[domain]
    return name, ()


def _issuer(value: bytes) -> str:
    return value.decode("ascii", "replace").partition(";")[0].strip().lower().rstrip(".")
