"""What RFC 5280 section 6.1 says of a path: each certificate, and what those above it let it be.

Position 0 is the certificate that was asked about; the last one is the anchor. An anchor is judged like the CAs below
it (RFC 5937): the limits in its certificate are those that its owner wanted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, cast

from cryptography.x509 import (
    BasicConstraints,
    ExtendedKeyUsage,
    GeneralName,
    NameConstraints,
    ObjectIdentifier,
    RFC822Name,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from cas.core import constraints, policies
from cas.core.usages import extended_key_usage_name
from cas.core.validation.facts import Facts
from cas.core.validation.findings import Findings
from cas.core.validation.strength import strength_errors
from cas.core.validation.verdict import Aspect
from cas.core.validation.work import Budget
from kernel.errors import FieldError
from kernel.text import _

CHAIN: Final = Aspect.CHAIN


def judge_path(found: Findings, at: datetime, budget: Budget, *, is_anchored: bool) -> None:
    """Everything but revocation and use; `is_anchored`: the last certificate is trusted. Raises OutOfWork."""
    anchor = len(found.path) - 1 if is_anchored else None
    for position, facts in enumerate(found.path):
        _judge_reading(found, position)
        _judge_time(found, position, at)
        strength_errors(found, position, is_anchor=position == anchor)
        if facts.flaws:
            # Its limits are unknown, and it is refused: what follows would be guessed.
            return
        if position > 0:
            _judge_authority(found, position, is_anchor=position == anchor)
            _judge_names_below(found, position, budget)
    _judge_lengths(found)
    _judge_purposes(found)
    _judge_policies(found)


def _judge_reading(found: Findings, position: int) -> None:
    facts = found.path[position]
    for code, template, details in facts.flaws:
        found.error(CHAIN, position, code, template, **details)
    for oid in facts.unprocessed_critical:
        text = _("%(name)s has the critical extension %(oid)s, which is not understood here")
        found.error(CHAIN, position, "unknown-critical-extension", text, oid=oid.dotted_string)


def _judge_time(found: Findings, position: int, at: datetime) -> None:
    certificate = found.path[position].certificate
    if at < certificate.not_valid_before_utc:
        text, moment = _("%(name)s is not valid before %(moment)s"), certificate.not_valid_before_utc
        found.error(Aspect.TIME, position, "not-yet-valid", text, moment=f"{moment:%Y-%m-%dT%H:%M:%SZ}")
    if at > certificate.not_valid_after_utc:
        text, moment = _("%(name)s has expired at %(moment)s"), certificate.not_valid_after_utc
        found.error(Aspect.TIME, position, "expired", text, moment=f"{moment:%Y-%m-%dT%H:%M:%SZ}")


def _judge_authority(found: Findings, position: int, *, is_anchor: bool) -> None:
    """6.1.4 k to n. An anchor from before there were extensions is a CA because it is trusted as one."""
    facts = found.path[position]
    if is_anchor and facts.is_version_1:
        text = _("%(name)s is of the first version of X.509, which does not say whether it is a CA")
        found.warn(CHAIN, position, "version-1", text)
    elif not facts.is_authority:
        found.error(CHAIN, position, "not-an-authority", _("%(name)s is not a CA"))
    elif not facts.may_sign_certificates:
        found.error(CHAIN, position, "not-an-authority", _("%(name)s may not sign certificates"))


def _judge_lengths(found: Findings) -> None:
    """6.1.4 l and m: a path length counts the CAs below that are not self-issued, and not the last certificate."""
    between = 0
    for position, facts in enumerate(found.path[1:], start=1):
        limits = facts.extension(BasicConstraints)
        limit = limits.path_length if limits is not None else None
        if limit is not None and between > limit:
            text = _("%(name)s allows %(limit)s CAs below it, and %(count)s follow")
            found.error(CHAIN, position, "path-too-long", text, limit=limit, count=between)
        elif limit is not None and between == limit and _is_another_authority(found.path[0]):
            text = _("%(name)s is a CA, but what it signs is beyond the path length of %(issuer)s")
            found.warn(CHAIN, 0, "path-exhausted", text, issuer=facts.label)
        between += not facts.is_self_issued


def _is_another_authority(target: Facts) -> bool:
    return target.is_authority and not target.is_self_issued


def _judge_names_below(found: Findings, position: int, budget: Budget) -> None:
    """6.1.3 b and c: names below a constraint, but not those of self-issued CAs on the way."""
    authority = found.path[position]
    limits = authority.extension(NameConstraints)
    if limits is None:
        return
    subtrees = [*(limits.permitted_subtrees or ()), *(limits.excluded_subtrees or ())]
    for lower, facts in enumerate(found.path[:position]):
        if facts.flaws or (lower > 0 and facts.is_self_issued):
            continue
        sans = [(f"sans[{index}]", cast(GeneralName, name)) for index, name in enumerate(facts.sans)]
        budget.spend_comparisons(len(subtrees) * (len(sans) + 3))
        errors = constraints.name_errors([authority.certificate], facts.certificate.subject, sans)
        found.quote(CHAIN, lower, _without_mere_words(errors, facts, sans))


def _without_mere_words(
    errors: Iterable[FieldError], facts: Facts, sans: list[tuple[str, GeneralName]]
) -> list[FieldError]:
    """4.2.1.10: an e-mail address in the subject is judged where no SAN has one. A CA's common name is no host name."""
    skipped = set()
    if any(isinstance(name, RFC822Name) for _field, name in sans):
        skipped.add("subject.email")
    if facts.is_authority:
        skipped.add("subject.common_name")
    return [each for each in errors if each.field not in skipped]


def _judge_purposes(found: Findings) -> None:
    """Purposes nest (as OpenSSL, Go, NSS and Windows read 4.2.1.12): what no CA above allows is lost.

    Answering OCSP is a CA's own right to delegate, whatever else it issues for (RFC 6960 4.2.2.2).
    """
    stated = purposes_of(found.path[0])
    if stated is None:
        return
    left = set(stated)
    for facts in found.path[1:]:
        allowed = purposes_of(facts)
        if allowed is not None:
            left &= allowed | {ExtendedKeyUsageOID.OCSP_SIGNING}
    lost = ", ".join(sorted(extended_key_usage_name(oid) for oid in stated - left))
    if lost and not left:
        text = _("the CAs above %(name)s allow none of its purposes: %(purposes)s")
        found.error(CHAIN, 0, "purpose-not-allowed", text, purposes=lost)
    elif lost:
        text = _("the CAs above %(name)s do not allow its purposes %(purposes)s")
        found.warn(CHAIN, 0, "purpose-not-allowed", text, purposes=lost)


def purposes_of(facts: Facts) -> frozenset[ObjectIdentifier] | None:
    """Those that it is limited to; None: it is not."""
    usages = facts.extension(ExtendedKeyUsage)
    if usages is None or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages:
        return None
    return frozenset(usages)


def _judge_policies(found: Findings) -> None:
    target, above = found.path[0].certificate, [each.certificate for each in found.path[1:]]
    for position, facts in enumerate(found.path):
        # 6.1.4 a: any policy is never mapped.
        if any(policies.ANY_POLICY in pair for pair in policies.mappings(facts.certificate)):
            found.error(CHAIN, position, "policy-mapping", _("%(name)s maps anyPolicy, which cannot be mapped"))
    if not policies.is_satisfied(above, target):
        text = _("a certificate policy is required, and %(name)s has none that the chain allows")
        found.error(CHAIN, 0, "policy-required", text)


def allows_purpose(path: tuple[Facts, ...], purpose: ObjectIdentifier) -> Facts | None:
    """The certificate nearest to the leaf that does not allow this purpose; None where all do."""
    for position, facts in enumerate(path):
        allowed = purposes_of(facts)
        is_delegated = position > 0 and purpose == ExtendedKeyUsageOID.OCSP_SIGNING
        if allowed is not None and purpose not in allowed and not is_delegated:
            return facts
    return None
