"""From a wish to a CA certificate that may be signed: a root by itself, an intermediate or a cross by another CA."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    CertificatePolicies,
    ExtendedKeyUsage,
    GeneralName,
    Name,
    NameConstraints,
    ObjectIdentifier,
    PolicyInformation,
    SubjectKeyIdentifier,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from cas.core import constraints, names, policies
from cas.core.general_names import NameKind, kind_of
from cas.core.keys import PublicKey, key_identifier, same_key
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
from cas.core.reading import subject_key_identifier
from cas.core.usages import AUTHORITY_USAGES, extended_key_usage_name, key_usage
from kernel.errors import FieldError, Invalid, field_error
from kernel.text import _

_LONGEST_PATH = 100
# Name constraints that all relying parties of ours can compare.
_CONSTRAINT_KINDS = frozenset({NameKind.DNS, NameKind.IP, NameKind.EMAIL, NameKind.URI, NameKind.DIRECTORY})
# A CA with OCSPSigning could answer for the CA above it (RFC 6960 4.2.2.2); "any" limits nothing.
_FORBIDDEN_PURPOSES = frozenset({ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityWish:
    """What is asked for. `path_length` None: as many CAs below as the chain leaves room for. `may_end_earlier`: where
    the chain ends before, it ends with the chain.

    `known` is a certificate that the CA has already: name and key identifier are copied from it, since they stand in
    everything that the CA has signed. Policies are handed down from the chain, so that none is lost on the way.
    """

    subject: Name
    public_key: PublicKey
    validity: timedelta
    may_end_earlier: bool = False
    path_length: int | None = None
    permitted: tuple[GeneralName, ...] = ()
    excluded: tuple[GeneralName, ...] = ()
    extended_key_usage: tuple[ObjectIdentifier, ...] = ()
    known: Certificate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityPlan(Plan):
    """A CA certificate that the chain agrees to. Made by `plan_authority` alone."""

    path_length: int | None
    permitted: tuple[GeneralName, ...]
    excluded: tuple[GeneralName, ...]
    extended_key_usage: tuple[ObjectIdentifier, ...]
    policies: tuple[ObjectIdentifier, ...]
    key_identifier: bytes

    def subject_key_identifier(self) -> SubjectKeyIdentifier:
        return SubjectKeyIdentifier(self.key_identifier)

    def extensions(self) -> Iterator[Planned]:
        yield BasicConstraints(ca=True, path_length=self.path_length), True
        yield key_usage(AUTHORITY_USAGES), True
        if self.extended_key_usage:
            yield ExtendedKeyUsage(self.extended_key_usage), False
        yield self.subject_key_identifier(), False
        # In a root, too: RFC 5280 4.2.1.1 allows it, and chain builders then need no exception.
        yield self.authority_key_identifier(), False
        if self.policies:
            yield CertificatePolicies([PolicyInformation(oid, None) for oid in self.policies]), False
        if self.permitted or self.excluded:
            yield NameConstraints(self.permitted or None, self.excluded or None), True
        if self.issuer:
            yield from crl_distribution_points(self.issuer)
            yield from authority_information_access(self.issuer)


def plan_authority(
    *,
    issuer: IssuerFacts | None,
    wish: AuthorityWish,
    serial: int,
    now: datetime,
    forbidden_keys: Container[str] = (),
) -> AuthorityPlan:
    """Judge a CA certificate against the chain above it; `issuer` None is a root that signs itself.

    Raises Invalid with every violation at once, on `subject`, `public_key`, `validity`, `path_length`, `permitted[n]`,
    `excluded[n]`, `extended_key_usage` and `issuer`.
    """
    now = whole_seconds(now)
    subject, errors = _judged_subject(wish)
    errors += key_errors(wish.public_key, forbidden_keys)
    errors += _wish_errors(wish)
    not_after = now
    try:
        not_after = last_second(now, wish.validity)
    except Invalid as error:
        errors += error.errors
    if issuer and wish.may_end_earlier:
        not_after = min(not_after, constraints.first_end(issuer.chain))
    room = _room(issuer, subject)
    if issuer:
        errors += _issuer_errors(issuer, wish, subject, now, not_after)
    if errors:
        raise Invalid(errors=errors)
    known = subject_key_identifier(wish.known) if wish.known else None
    return AuthorityPlan(
        issuer=issuer,
        subject=subject,
        public_key=wish.public_key,
        serial=serial,
        not_before=now,
        not_after=not_after,
        path_length=room if wish.path_length is None else wish.path_length,
        permitted=wish.permitted,
        excluded=wish.excluded,
        extended_key_usage=wish.extended_key_usage,
        policies=_policies_handed_down(issuer),
        key_identifier=known or key_identifier(wish.public_key),
        lint=True,
    )


def _judged_subject(wish: AuthorityWish) -> tuple[Name, list[FieldError]]:
    if wish.known:
        return wish.known.subject, []
    errors = names.name_errors(wish.subject)
    subject = Name([]) if errors else names.rebuilt(wish.subject)
    if not wish.subject.rdns:
        errors.append(field_error("subject", "blank", _("a CA must have a name (RFC 5280 4.1.2.6)")))
    return subject, errors


def _room(issuer: IssuerFacts | None, subject: Name) -> int | None:
    """How many CAs may stand below the new one; it takes a place itself unless it is self-issued (RFC 5280 4.2.1.9)."""
    room = constraints.room_below(issuer.chain) if issuer else None
    if room is None or issuer is None or subject == issuer.certificate.subject:
        return room
    return room - 1


def _policies_handed_down(issuer: IssuerFacts | None) -> tuple[ObjectIdentifier, ...]:
    if issuer is None or not policies.states_policies(issuer.certificate):
        return ()
    return policies.policy_room(issuer.chain).handed_down


def _wish_errors(wish: AuthorityWish) -> list[FieldError]:
    errors = []
    if wish.path_length is not None and not 0 <= wish.path_length <= _LONGEST_PATH:
        errors.append(field_error("path_length", "out-of-range", _("must be from 0 to %(most)s"), most=_LONGEST_PATH))
    for field, subtrees in (("permitted", wish.permitted), ("excluded", wish.excluded)):
        for index, name in enumerate(subtrees):
            if kind_of(name) not in _CONSTRAINT_KINDS:
                errors.append(
                    field_error(f"{field}[{index}]", "unsupported-name", _("names of this kind cannot be constrained"))
                )
    forbidden = [each for each in wish.extended_key_usage if each in _FORBIDDEN_PURPOSES]
    errors += [
        field_error(
            "extended_key_usage",
            "forbidden-purpose",
            _("%(purpose)s is never given to a CA"),
            purpose=extended_key_usage_name(purpose),
        )
        for purpose in forbidden
    ]
    return errors


def _issuer_errors(
    issuer: IssuerFacts, wish: AuthorityWish, subject: Name, now: datetime, not_after: datetime
) -> list[FieldError]:
    errors = constraints.authority_errors(issuer.chain, now)
    errors += filter(None, [constraints.validity_error(issuer.chain, now, not_after)])
    errors += constraints.purpose_errors(
        issuer.chain, wish.extended_key_usage, field="extended_key_usage", is_leaf=False
    )
    errors += constraints.name_errors(issuer.chain, subject, ())
    errors += policies.policy_errors(issuer.chain, _policies_handed_down(issuer), field="issuer")
    room = _room(issuer, subject)
    if room is not None and room < 0:
        errors.append(field_error("issuer", "path-too-long", _("the chain leaves no room for another CA")))
    elif room is not None and wish.path_length is not None and wish.path_length > room:
        errors.append(field_error("path_length", "beyond-issuer", _("must be at most %(most)s here"), most=room))
    # An old key may certify its successor under the same name (RFC 4210 4.4.1); a new CA has a name of its own.
    if subject == issuer.certificate.subject and not wish.known:
        errors.append(field_error("subject", "same-as-issuer", _("must differ from the name of the issuer")))
    if same_key(wish.public_key, issuer.public_key):
        errors.append(field_error("public_key", "same-as-issuer", _("must differ from the key of the issuer")))
    return errors
