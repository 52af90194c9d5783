"""From certificates in any order to a chain, and whether a chain holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import Certificate, ExtendedKeyUsage, SubjectAlternativeName

from cas.core import constraints, policies
from cas.core.names import format_name
from cas.core.reading import (
    authority_key_identifier,
    extension_of,
    is_authority,
    is_self_issued,
    subject_key_identifier,
)
from kernel.errors import FieldError, Invalid, field_error
from kernel.text import _

_LONGEST: Final = 10


def is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's name and signature are in the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def order_chain(leaf: Certificate, pool: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """The CAs above a certificate, its issuer first, as far as the pool goes; each verified by its signature.

    Where several could follow (cross-certificates), the one that lasts longest does. A self-signed certificate ends
    the chain; ten CAs are the most.
    """
    remaining = list(dict.fromkeys(each for each in pool if is_authority(each)))
    chain: list[Certificate] = []
    current = leaf
    while not _is_self_signed(current) and len(chain) < _LONGEST:
        issuers = [each for each in remaining if _may_have_issued(each, current) and is_issued_by(current, each)]
        if not issuers:
            break
        current = max(issuers, key=lambda each: each.not_valid_after_utc)
        remaining.remove(current)
        chain.append(current)
    return tuple(chain)


def chain_errors(leaf: Certificate, ancestors: Sequence[Certificate], at: datetime) -> list[FieldError]:
    """Why a chain (issuer first) does not hold at this time (RFC 5280 section 6.1); empty where it does.

    Signatures, validity, CA bits, path lengths, name constraints, purposes and policies are looked at; revocation and
    trust in the last certificate are somebody else's question.
    """
    if not ancestors:
        return [field_error("chain", "incomplete-chain", _("the issuer of the certificate is missing"))]
    errors = [
        field_error(
            "chain",
            "bad-signature",
            _("%(name)s was not signed by %(issuer)s"),
            name=format_name(certificate.subject),
            issuer=format_name(issuer.subject),
        )
        for certificate, issuer in pairwise((leaf, *ancestors))
        if not is_issued_by(certificate, issuer)
    ]
    if at < leaf.not_valid_before_utc:
        errors.append(field_error("certificate", "not-yet-valid", _("is not valid yet")))
    if at > leaf.not_valid_after_utc:
        errors.append(field_error("certificate", "expired", _("has expired")))
    errors += constraints.authority_errors(ancestors, at)
    room = constraints.room_below(ancestors)
    if room is not None and room < (1 if is_authority(leaf) and not is_self_issued(leaf) else 0):
        errors.append(field_error("issuer", "path-too-long", _("the chain is longer than a path length in it allows")))
    sans = [
        (f"sans[{index}]", name)
        for index, name in enumerate(extension_of(leaf.extensions, SubjectAlternativeName) or ())
    ]
    purposes = extension_of(leaf.extensions, ExtendedKeyUsage)
    if not policies.is_satisfied(ancestors, leaf):
        errors.append(field_error("certificate", "policy-required", _("a CA above requires a certificate policy")))
    errors += constraints.name_errors(ancestors, leaf.subject, sans)
    errors += constraints.purpose_errors(
        ancestors, tuple(purposes or ()), field="certificate", is_leaf=not is_authority(leaf)
    )
    return errors


def verify_chain(leaf: Certificate, ancestors: Sequence[Certificate], at: datetime) -> None:
    """Raises Invalid with everything that is wrong with a chain (issuer first) at this time."""
    if errors := chain_errors(leaf, ancestors, at):
        raise Invalid(_("The chain does not hold."), errors=errors)


def _is_self_signed(certificate: Certificate) -> bool:
    return is_self_issued(certificate) and is_issued_by(certificate, certificate)


def _may_have_issued(candidate: Certificate, certificate: Certificate) -> bool:
    """Name and key identifier say so: cheaper than asking the signature."""
    wanted, offered = authority_key_identifier(certificate), subject_key_identifier(candidate)
    return candidate.subject == certificate.issuer and (wanted is None or offered is None or wanted == offered)
