"""What somebody may have certified, judged on the certificate as it would be signed. Whatever is not allowed is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from cryptography.x509 import DNSName, GeneralName, IPAddress, RFC822Name
from cryptography.x509.oid import ExtendedKeyUsageOID

from cas.core.authority import AuthorityPlan
from cas.core.general_names import general_name_text, kind_of
from cas.core.leaf import LeafPlan
from cas.core.names import values_of
from cas.core.plan import Plan, lifetime_of

_DAY: Final = timedelta(days=1)
_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_TYPES: Final = {
    frozenset({_SERVER}): "server",
    frozenset({_CLIENT}): "client",
    frozenset({_SERVER, _CLIENT}): "dual_purpose",
}
_OTHER: Final = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """All that is allowed; what is empty allows nothing of its kind. In patterns `*` is anything, `?` one character."""

    certificate_types: frozenset[str]
    ca_ids: frozenset[int]
    cn_patterns: tuple[str, ...]
    dns_patterns: tuple[str, ...]
    ip_networks: tuple[IPv4Network | IPv6Network, ...]
    email_domains: frozenset[str]
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Violation:
    """What is not allowed: which part of the restriction says so, and of what."""

    field: str
    value: str


def violation(restriction: Restriction, plan: Plan, *, ca_id: int | None) -> Violation | None:
    """The first thing about this certificate that is not allowed; `ca_id` None: it signs itself."""
    return next(_violations(restriction, plan, ca_id), None)


def type_of(plan: Plan) -> str:
    """`server`, `client` or `dual_purpose` by exactly its purposes, `ca`, or `other`."""
    if isinstance(plan, AuthorityPlan):
        return "ca"
    return _TYPES.get(frozenset(plan.extended_key_usage), _OTHER) if isinstance(plan, LeafPlan) else _OTHER


def _violations(restriction: Restriction, plan: Plan, ca_id: int | None) -> Iterator[Violation]:
    if (kind := type_of(plan)) not in restriction.certificate_types:
        yield Violation("allowed_certificate_types", kind)
    if ca_id is not None and ca_id not in restriction.ca_ids:
        yield Violation("allowed_ca_ids", str(ca_id))
    for name in values_of(plan.subject, "common_name"):
        if not _is_like(name, restriction.cn_patterns):
            yield Violation("cn_patterns", name)
    sans = plan.sans if isinstance(plan, LeafPlan) else ()
    for san in (*sans, *map(RFC822Name, values_of(plan.subject, "email"))):
        yield from _of_name(restriction, san)
    if (lifetime := lifetime_of(plan)) > restriction.longest:
        yield Violation("max_validity_days", str(-(-lifetime // _DAY)))


def _of_name(restriction: Restriction, san: GeneralName) -> Iterator[Violation]:
    if isinstance(san, IPAddress):
        if not _is_within(san.value, restriction.ip_networks):
            yield Violation("san_ip_cidrs", str(san.value))
    elif isinstance(san, RFC822Name):
        if san.value.rpartition("@")[2].lower() not in restriction.email_domains:
            yield Violation("san_email_domains", san.value)
    elif not isinstance(san, DNSName):
        # There is no list of other kinds that could allow it.
        yield Violation("san_dns_patterns", f"{kind_of(san)}:{general_name_text(san)}")
    elif not _is_like(san.value, restriction.dns_patterns):
        yield Violation("san_dns_patterns", san.value)


def _is_within(
    value: IPv4Address | IPv6Address | IPv4Network | IPv6Network, networks: Iterable[IPv4Network | IPv6Network]
) -> bool:
    return isinstance(value, IPv4Address | IPv6Address) and any(value in network for network in networks)


def _is_like(text: str, patterns: Iterable[str]) -> bool:
    return any(_matches(text.lower(), pattern.lower()) for pattern in patterns)


def _matches(text: str, pattern: str) -> bool:
    """Part by part, so that no pattern makes it slow."""
    first, *rest = pattern.split("*")
    if not rest:
        return _fits(text, first)
    *middle, last = rest
    if len(text) < len(first) + len(last) or not _fits(text[: len(first)], first):
        return False
    end = len(text) - len(last)
    if not _fits(text[end:], last):
        return False
    place = len(first)
    for part in middle:
        found = _regex(part).search(text, place, end)
        if found is None:
            return False
        place = found.end()
    return True


def _fits(text: str, part: str) -> bool:
    return _regex(part).fullmatch(text) is not None


def _regex(part: str) -> re.Pattern[str]:
    return re.compile("".join("." if sign == "?" else re.escape(sign) for sign in part), re.DOTALL)
