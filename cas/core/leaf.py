"""From a wish to a leaf certificate that may be signed: everything that a role, a template and a chain say about it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    CertificatePolicies,
    DNSName,
    ExtendedKeyUsage,
    GeneralName,
    Name,
    ObjectIdentifier,
    PolicyInformation,
    SubjectAlternativeName,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from cas.core import constraints, names, policies
from cas.core.attributes import BY_OID
from cas.core.general_names import NameKind, canonical, general_name, inferred_kind
from cas.core.keys import PublicKey, algorithm_of
from cas.core.plan import (
    IssuerFacts,
    Plan,
    Planned,
    authority_information_access,
    crl_distribution_points,
    key_errors,
    last_second,
    whole_seconds,
)
from cas.core.profile import Profile, Role, Template
from cas.core.usages import LEAF_USAGES, key_usage
from kernel.errors import FieldError, Invalid, field_error
from kernel.text import _

__all__ = ["IssuerFacts", "LeafPlan", "LeafWish", "plan_leaf"]

_MOST_SANS: Final = 1000

NamedSan = tuple[str, GeneralName]
"""A name, and the field of the wish that it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafWish:
    """What is asked for. `validity` None: what the template says. `may_end_earlier`: where the chain ends before, it
    ends with the chain.
    """

    subject: Name
    sans: tuple[GeneralName, ...]
    public_key: PublicKey
    validity: timedelta | None = None
    may_end_earlier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafPlan(Plan):
    """A leaf that profile and chain agree to. Made by `plan_leaf` alone."""

    issuer: IssuerFacts
    sans: tuple[GeneralName, ...]
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[ObjectIdentifier, ...]
    certificate_policies: tuple[ObjectIdentifier, ...]
    include_cdp: bool
    include_aia: bool

    def extensions(self) -> Iterator[Planned]:
        yield BasicConstraints(ca=False, path_length=None), True
        yield key_usage(self.key_usage), True
        if self.extended_key_usage:
            # RFC 3161 2.3: critical for time stamping, which then stands alone.
            yield (
                ExtendedKeyUsage(self.extended_key_usage),
                ExtendedKeyUsageOID.TIME_STAMPING in self.extended_key_usage,
            )
        yield self.subject_key_identifier(), False
        yield self.authority_key_identifier(), False
        if self.sans:
            # RFC 5280 4.2.1.6: critical if, and only if, the subject is empty.
            yield SubjectAlternativeName(self.sans), not self.subject.rdns
        if self.certificate_policies:
            yield CertificatePolicies([PolicyInformation(oid, None) for oid in self.certificate_policies]), False
        if self.include_cdp:
            yield from crl_distribution_points(self.issuer)
        if self.include_aia:
            yield from authority_information_access(self.issuer)


def plan_leaf(
    *,
    profile: Profile,
    issuer: IssuerFacts,
    wish: LeafWish,
    serial: int,
    now: datetime,
    forbidden_keys: Container[str] = (),
) -> LeafPlan:
    """Judge a wish against its profile and the whole chain.

    The certificate begins now (less the template's backdate, but not before its issuer) and lasts its lifetime, both
    ends counted. `forbidden_keys` holds `public_key_sha256` values: blocked keys, and those of CAs.

    Raises Invalid with every violation at once, on `subject`, `subject.<attribute>`, `sans[n]`, `public_key`,
    `validity` and `issuer`.
    """
    role, template = profile.role, profile.template
    now = whole_seconds(now)
    errors: list[FieldError] = []
    subject = _judged_subject(role, wish.subject, errors)
    wished_sans = _judged_sans(role, wish.sans, errors)
    sans = _without_repetitions([*_names_in_subject(profile, subject, errors), *wished_sans])
    errors += key_errors(wish.public_key, forbidden_keys, issuer)
    usage = _judged_usage(profile, wish.public_key, errors)
    not_before, not_after = _judged_validity(profile, issuer, wish, now, errors)
    errors += _chain_errors(issuer, template, subject, sans, now)
    if not wish.subject.rdns and not wish.sans:
        errors.append(field_error("subject", "no-name", _("there is neither a subject nor a subject alternative name")))
    if errors:
        raise Invalid(errors=errors)
    return LeafPlan(
        issuer=issuer,
        subject=subject,
        sans=tuple(name for _field, name in sans),
        public_key=wish.public_key,
        serial=serial,
        not_before=not_before,
        not_after=not_after,
        key_usage=usage,
        extended_key_usage=template.extended_key_usage,
        certificate_policies=template.certificate_policies,
        include_cdp=template.include_cdp,
        include_aia=template.include_aia,
        lint=template.lint == "block",
    )


def _judged_subject(role: Role, subject: Name, errors: list[FieldError]) -> Name:
    """The subject as it will stand; where that is wrong, what can be judged further of it."""
    wrong = names.name_errors(subject)
    for attribute in subject:
        kind = BY_OID.get(attribute.oid)
        if kind and not role.allows_attribute(kind.name):
            field = f"subject.{kind.name}"
            wrong.append(field_error(field, "attribute-not-allowed", _("the role does not allow this attribute")))
    common_name = names.common_name(subject)
    if role.common_name == "required" and common_name is None:
        wrong.append(field_error("subject.common_name", "required", _("the role requires a common name")))
    if role.common_name == "forbidden" and common_name is not None:
        wrong.append(field_error("subject.common_name", "forbidden", _("the role allows no common name")))
    errors += wrong
    return names.sound_part(subject) if wrong else names.rebuilt(subject)


def _judged_sans(role: Role, sans: Sequence[GeneralName], errors: list[FieldError]) -> list[NamedSan]:
    """The names in canonical form, without those that are not names at all."""
    if len(sans) > _MOST_SANS:
        errors.append(field_error("sans", "too-many-names", _("more than %(limit)s names"), limit=_MOST_SANS))
        return []
    judged = []
    for index, san in enumerate(sans):
        field = f"sans[{index}]"
        try:
            name = canonical(san, field=field)
        except Invalid as error:
            errors += error.errors
            continue
        errors += filter(None, [role.names.san_error(name, field)])
        judged.append((field, name))
    return judged


def _names_in_subject(profile: Profile, subject: Name, errors: list[FieldError]) -> list[NamedSan]:
    """The names that the subject says, which the role must allow, as far as they belong among the SANs too."""
    rules = profile.role.names
    found: list[NamedSan] = []
    for common_name in names.values_of(subject, "common_name"):
        field = "subject.common_name"
        errors += filter(None, [rules.common_name_error(common_name, field)])
        name = _host_or_mailbox(common_name, profile.template)
        if name and profile.template.add_common_name_to_sans and rules.san_error(name, field) is None:
            found.append((field, name))
    # RFC 5280 4.1.2.6: an address in the subject must stand among the SANs.
    for address in names.values_of(subject, "email"):
        field = "subject.email"
        try:
            name = general_name(address, NameKind.EMAIL, field=field)
        except Invalid as error:
            errors += error.errors
            continue
        errors += filter(None, [rules.san_error(name, field)])
        found.append((field, name))
    return found


def _host_or_mailbox(common_name: str, template: Template) -> GeneralName | None:
    """The common name as a name that relying parties compare; None for one that only people read.

    A single word is a host name in a server's certificate, and somebody's name elsewhere.
    """
    kind = inferred_kind(common_name)
    try:
        name = general_name(common_name, kind)
    except Invalid:
        return None
    purposes = template.extended_key_usage
    is_for_servers = not purposes or ExtendedKeyUsageOID.SERVER_AUTH in purposes
    if kind is NameKind.URI or (isinstance(name, DNSName) and "." not in name.value and not is_for_servers):
        return None
    return name


def _without_repetitions(sans: Sequence[NamedSan]) -> list[NamedSan]:
    first: dict[GeneralName, str] = {}
    for field, name in sans:
        first.setdefault(name, field)
    return [(field, name) for name, field in first.items()]


def _judged_usage(profile: Profile, public_key: PublicKey, errors: list[FieldError]) -> tuple[str, ...]:
    """The usages of the template that this key can carry (RFC 8813, RFC 9295, RFC 9881)."""
    role, template = profile.role, profile.template
    try:
        algorithm = algorithm_of(public_key)
    except Invalid:
        return ()  # key_errors has said so
    is_other = algorithm is not template.key_algorithm and not template.any_key_algorithm
    carried = tuple(usage for usage in template.key_usage if usage in LEAF_USAGES[algorithm.family])
    if is_other or not role.allows_algorithm(algorithm):
        errors.append(
            field_error(
                "public_key", "key-not-allowed", _("%(algorithm)s keys are not allowed here"), algorithm=algorithm.value
            )
        )
    elif not carried:
        errors.append(
            field_error(
                "public_key",
                "key-not-allowed",
                _("a %(algorithm)s key cannot be used for what the template says"),
                algorithm=algorithm.value,
            )
        )
    return carried


def _too_long(longest: timedelta) -> FieldError:
    days, rest = divmod(longest, timedelta(days=1))
    if not rest:
        return field_error("validity", "too-long", _("is longer than the role's %(longest)s days"), longest=days)
    seconds = int(longest.total_seconds())
    return field_error("validity", "too-long", _("is longer than the role's %(longest)s seconds"), longest=seconds)


def _judged_validity(
    profile: Profile, issuer: IssuerFacts, wish: LeafWish, now: datetime, errors: list[FieldError]
) -> tuple[datetime, datetime]:
    lifetime = profile.template.validity if wish.validity is None else wish.validity
    if lifetime > profile.role.max_ttl:
        errors.append(_too_long(profile.role.max_ttl))
    begin = max(now - profile.template.backdate, min(now, issuer.certificate.not_valid_before_utc))
    try:
        end = last_second(begin, lifetime)
    except Invalid as error:
        errors += error.errors
        return begin, begin
    if wish.may_end_earlier:
        end = min(end, constraints.first_end(issuer.chain))
    errors += filter(None, [constraints.validity_error(issuer.chain, begin, end)])
    return begin, end


def _chain_errors(
    issuer: IssuerFacts, template: Template, subject: Name, sans: Sequence[NamedSan], now: datetime
) -> list[FieldError]:
    return [
        *constraints.authority_errors(issuer.chain, now),
        *_template_errors(issuer.chain, template.extended_key_usage, template.certificate_policies),
        *constraints.name_errors(issuer.chain, subject, sans),
    ]


# The same for every certificate of a template.
@lru_cache(maxsize=256)
def _template_errors(
    chain: tuple[Certificate, ...], purposes: tuple[ObjectIdentifier, ...], stated: tuple[ObjectIdentifier, ...]
) -> tuple[FieldError, ...]:
    """What the chain has against every leaf with these purposes and policies."""
    errors: list[FieldError] = []
    room = constraints.room_below(chain)
    if room is not None and room < 0:
        errors.append(field_error("issuer", "path-too-long", _("the chain is longer than a path length in it allows")))
    errors += constraints.purpose_errors(chain, purposes, field="issuer", is_leaf=True)
    errors += policies.policy_errors(chain, stated, field="issuer")
    return tuple(errors)
