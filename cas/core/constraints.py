"""What a chain of CAs forbids below it: time, CA bits, path length, name constraints, purposes (RFC 5280 section 6.1).

Plans and chain validation share these rules. A chain begins with the direct issuer and ends with the root, or with the
last certificate that we know of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from itertools import pairwise
from typing import Final

from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    DirectoryName,
    DNSName,
    GeneralName,
    IPAddress,
    KeyUsage,
    Name,
    NameConstraints,
    RelativeDistinguishedName,
    RFC822Name,
    UniformResourceIdentifier,
    UnrecognizedExtension,
)
from cryptography.x509.oid import NameOID, ObjectIdentifier

from cas.core.general_names import general_name_text, uri_host
from cas.core.names import common_name, format_name
from cas.core.policies import POLICY_MAPPINGS
from cas.core.reading import extension_of, is_authority, is_self_issued
from cas.core.usages import extended_key_usage_name, extended_key_usages
from kernel.errors import FieldError, field_error
from kernel.text import _

ComparableName = tuple[frozenset[tuple[ObjectIdentifier, str]], ...]

_ISSUER: Final = "issuer"
_HOST: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")


def authority_errors(chain: Sequence[Certificate], at: datetime) -> list[FieldError]:
    """Why certificates of this chain may not sign certificates at this time; fields are `issuer`."""
    errors = list(_lasting_errors(tuple(chain)))
    for certificate in chain:
        if at < certificate.not_valid_before_utc:
            name = format_name(certificate.subject)
            errors.append(field_error(_ISSUER, "issuer-not-yet-valid", _("%(name)s is not valid yet"), name=name))
        if at > certificate.not_valid_after_utc:
            name = format_name(certificate.subject)
            errors.append(field_error(_ISSUER, "issuer-expired", _("%(name)s has expired"), name=name))
    return errors


# For each certificate that is issued the same few chains are asked about.
@lru_cache(maxsize=256)
def _lasting_errors(chain: tuple[Certificate, ...]) -> tuple[FieldError, ...]:
    """What is against the chain at any time."""
    errors = []
    for certificate in chain:
        name = format_name(certificate.subject)
        usage = extension_of(certificate.extensions, KeyUsage)
        if not is_authority(certificate):
            errors.append(field_error(_ISSUER, "not-an-authority", _("%(name)s is not a CA"), name=name))
        # Where key usage stands, keyCertSign must be in it (RFC 5280 6.1.4 n).
        if usage is not None and not usage.key_cert_sign:
            errors.append(field_error(_ISSUER, "not-an-authority", _("%(name)s may not sign certificates"), name=name))
        # RFC 5280 6.1.4 o.
        errors += [
            field_error(
                _ISSUER,
                "unknown-critical-extension",
                _("%(name)s has the critical extension %(oid)s, which is not understood here"),
                name=name,
                oid=extension.oid.dotted_string,
            )
            for extension in certificate.extensions
            if extension.critical
            and isinstance(extension.value, UnrecognizedExtension)
            and extension.oid != POLICY_MAPPINGS
        ]
    for certificate, parent in pairwise(chain):
        if certificate.issuer != parent.subject:
            errors.append(
                field_error(
                    _ISSUER,
                    "broken-chain",
                    _("%(name)s was not issued by %(parent)s"),
                    name=format_name(certificate.subject),
                    parent=format_name(parent.subject),
                )
            )
    return tuple(errors)


def room_below(chain: Sequence[Certificate]) -> int | None:
    """How many more CAs may stand below the chain, between it and a leaf; None where nothing limits it.

    Each path length counts the certificates below it that are not self-issued (RFC 5280 4.2.1.9). Negative where the
    chain itself is already too long.
    """
    room: int | None = None
    below = 0
    for certificate in chain:
        limits = extension_of(certificate.extensions, BasicConstraints)
        if limits is not None and limits.path_length is not None:
            here = limits.path_length - below
            room = here if room is None else min(room, here)
        below += not is_self_issued(certificate)
    return room


def first_end(chain: Iterable[Certificate]) -> datetime:
    """When the first of them ends."""
    return min(certificate.not_valid_after_utc for certificate in chain)


def validity_error(chain: Iterable[Certificate], not_before: datetime, not_after: datetime) -> FieldError | None:
    """Every certificate of the chain must outlive what is signed below it; the field is `validity`."""
    for certificate in chain:
        first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not first <= not_before <= not_after <= last:
            return field_error(
                "validity",
                "beyond-issuer",
                _("does not lie within the validity of %(name)s, which ends %(last)s"),
                name=format_name(certificate.subject),
                last=f"{last:%Y-%m-%dT%H:%M:%SZ}",
            )
    return None


def purpose_errors(
    chain: Iterable[Certificate], purposes: Sequence[ObjectIdentifier], *, field: str, is_leaf: bool
) -> list[FieldError]:
    """Purposes nest: no certificate may have one that a CA above it does not have.

    RFC 5280 4.2.1.12 leaves this open for CAs; OpenSSL, Go, NSS and Windows all read it so. A CA without purposes of
    its own is limited by those above it; a leaf without would claim them all.
    """
    errors = []
    for certificate in chain:
        allowed = extended_key_usages(certificate.extensions)
        if allowed is None:
            continue
        beyond = [extended_key_usage_name(each) for each in purposes if each not in allowed]
        if beyond or (is_leaf and not purposes):
            errors.append(
                field_error(
                    field,
                    "beyond-issuer",
                    _("%(name)s does not allow the purpose %(purposes)s"),
                    name=format_name(certificate.subject),
                    purposes=", ".join(beyond) or "any",
                )
            )
    return errors


def name_errors(
    chain: Iterable[Certificate], subject: Name, sans: Sequence[tuple[str, GeneralName]]
) -> list[FieldError]:
    """What the name constraints of the chain forbid. Each SAN comes with the field that it is about."""
    errors = []
    named = [*sans, *_names_in_subject(subject, [name for _field, name in sans])]
    for certificate in chain:
        constraints = extension_of(certificate.extensions, NameConstraints)
        if constraints is None:
            continue
        errors += [
            field_error(
                field,
                "name-constraint",
                _("%(issuer)s may not issue for %(name)s"),
                issuer=format_name(certificate.subject),
                name=repr(general_name_text(name))[:120],
            )
            for field, name in named
            if not _is_permitted(name, constraints)
        ]
    return errors


def _names_in_subject(subject: Name, sans: Sequence[GeneralName]) -> list[tuple[str, GeneralName]]:
    """The subject itself, its e-mail addresses (RFC 5280 4.2.1.10), and its common name where that may be taken for a
    host name because there are no DNS names (as OpenSSL does).
    """
    named: list[tuple[str, GeneralName]] = [("subject", DirectoryName(subject))] if subject.rdns else []
    emails = [str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    named += [("subject.email", RFC822Name(email)) for email in emails if email.isascii()]
    text = common_name(subject)
    if text and _HOST.fullmatch(text) and not any(isinstance(name, DNSName) for name in sans):
        named.append(("subject.common_name", DNSName(text.lower())))
    return named


def _is_permitted(name: GeneralName, constraints: NameConstraints) -> bool:
    permitted = [each for each in constraints.permitted_subtrees or () if type(each) is type(name)]
    excluded = [each for each in constraints.excluded_subtrees or () if type(each) is type(name)]
    if not permitted and not excluded:
        return True
    if not _is_comparable(name):
        return False
    if any(_touches(name, each) for each in excluded):
        return False
    return not permitted or any(_is_within(name, each) for each in permitted)


def _is_comparable(name: GeneralName) -> bool:
    """RFC 5280 4.2.1.10 rejects a URI without a host name where URIs are constrained; we reject what we cannot read."""
    if isinstance(name, UniformResourceIdentifier):
        host = uri_host(name.value) or ""
        return bool(host) and ":" not in host and not host.rpartition(".")[2].isdigit()
    return isinstance(name, DNSName | RFC822Name | IPAddress | DirectoryName)


def _touches(name: GeneralName, subtree: GeneralName) -> bool:
    """Whether a name lies within a subtree, or is a wildcard that has names in it."""
    if isinstance(name, DNSName) and isinstance(subtree, DNSName) and name.value.startswith("*."):
        below = subtree.value.lower().removeprefix(".")
        return _is_within(name, subtree) or below.endswith(name.value[1:])
    return _is_within(name, subtree)


def _is_within(name: GeneralName, subtree: GeneralName) -> bool:
    match name, subtree:
        case DNSName(), DNSName():
            return _is_host_within(name.value, subtree.value)
        case RFC822Name(), RFC822Name():
            return _is_email_within(name.value, subtree.value)
        case UniformResourceIdentifier(), UniformResourceIdentifier():
            return _is_host(uri_host(name.value) or "", subtree.value)
        case IPAddress(), IPAddress(value=IPv4Network() | IPv6Network() as network):
            return name.value.version == network.version and name.value in network
        case DirectoryName(), DirectoryName():
            return _is_name_within(name.value, subtree.value)
    return False


def _is_host_within(host: str, subtree: str) -> bool:
    """The host itself and everything below; a leading dot (against RFC 5280, but in use) means below only."""
    # A dot at the end names the same host (RFC 1034 3.1), and must not lead around an exclusion.
    host, subtree = host.lower().removesuffix("."), subtree.lower().removesuffix(".")
    if subtree.startswith("."):
        return host.endswith(subtree)
    return not subtree or host == subtree or host.endswith("." + subtree)


def _is_host(host: str, subtree: str) -> bool:
    """For URIs and e-mail: the host exactly, or with a leading dot everything below it."""
    host, subtree = host.lower(), subtree.lower()
    return not subtree or (host.endswith(subtree) if subtree.startswith(".") else host == subtree)


def _is_email_within(address: str, subtree: str) -> bool:
    local, _at, host = address.rpartition("@")
    if "@" not in subtree:
        return _is_host(host, subtree)
    wanted_local, _at, wanted_host = subtree.rpartition("@")
    return local == wanted_local and host.lower() == wanted_host.lower()


def _is_name_within(name: Name, subtree: Name) -> bool:
    """Whether the subtree is a prefix of the name, RDN by RDN."""
    wanted = comparable_name(subtree)
    return comparable_name(name)[: len(wanted)] == wanted


def comparable_name(name: Name) -> ComparableName:
    """RFC 5280 7.1: without regard to case, nor to how many spaces stand between words, nor to the kind of string."""
    return tuple(_comparable(rdn) for rdn in name.rdns)


def _comparable(rdn: RelativeDistinguishedName) -> frozenset[tuple[ObjectIdentifier, str]]:
    return frozenset((each.oid, " ".join(str(each.value).casefold().split())) for each in rdn)
