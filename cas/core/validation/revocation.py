"""Which certificates of a path were revoked, by all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Final

from cryptography.x509 import CertificateRevocationList, OCSPNoCheck, ReasonFlags

from cas.core.reasons import reason_name
from cas.core.validation import crls, ocsp_answers
from cas.core.validation.evidence import Evidence, Standing, Statement
from cas.core.validation.facts import Facts
from cas.core.validation.findings import Findings
from cas.core.validation.paths import Pool
from cas.core.validation.signatures import SignatureChecks
from cas.core.validation.verdict import Aspect
from kernel.text import _

# Why a CRL of the right name was of no use.
_WHY_NOT: Final = {
    "crl-bad-signature": _("a CRL in the name of %(issuer)s is not signed with its key"),
    "crl-delta": _("a CRL of %(issuer)s is a delta, which says nothing by itself"),
    "crl-indirect": _("a CRL of %(issuer)s is indirect, which is not supported"),
    "crl-critical-extension": _("a CRL of %(issuer)s has a critical extension that is not understood here"),
    "crl-other-scope": _("a CRL of %(issuer)s is for other certificates than %(name)s"),
    "crl-unreadable": _("a CRL of %(issuer)s cannot be read"),
}


@dataclass(slots=True)
class Standings:
    """What the evidence says of each certificate of a path, the anchor apart: nobody above it speaks of it."""

    evidence: Evidence
    at: datetime
    pool: Pool
    checks: SignatureChecks

    def judge(self, found: Findings, *, required: bool) -> bool | None:
        """True: none is revoked; False: one is; None: of one it is not known. Raises OutOfWork."""
        standings = [self._judge_one(found, position, required=required) for position in range(len(found.path) - 1)]
        if Standing.REVOKED in standings:
            return False
        return None if Standing.UNKNOWN in standings else True

    def _judge_one(self, found: Findings, position: int, *, required: bool) -> Standing:
        facts, *above = found.path[position:]
        if OCSPNoCheck.oid in facts.extensions:
            return Standing.GOOD
        reasons: set[str] = set()
        statements = [each.as_of(self.at) for each in self._statements(facts, above, reasons)]
        bad = [each for each in statements if each.standing is Standing.REVOKED]
        if bad:
            _tell(found, position, bad[0])
            return Standing.REVOKED
        if any(each.standing is Standing.GOOD for each in statements):
            return Standing.GOOD
        for code in sorted(reasons):
            found.warn(Aspect.REVOCATION, position, code, _WHY_NOT[code], issuer=above[0].label)
        text = _("whether %(name)s is revoked is not known")
        say = found.error if required else found.warn
        say(Aspect.REVOCATION, position, "revocation-unknown", text)
        return Standing.UNKNOWN

    def _statements(self, facts: Facts, above: Sequence[Facts], reasons: set[str]) -> Iterator[Statement]:
        """The register first: it knows before any list does."""
        issuer = above[0]
        ours = self.evidence.register.get((issuer.spki, facts.certificate.serial_number))
        if ours is not None:
            yield ours
        for response in self.evidence.responses:
            said = ocsp_answers.statement_of(response, facts, issuer, self.at, self.checks)
            if said is not None:
                yield said
        for crl in self.evidence.crls:
            if not crls.is_about(crl, issuer):
                continue
            try:
                yield crls.statement_of(crl, facts, self._signers(above), self.at, self.checks)
            except crls.Unusable as error:
                reasons.add(error.code)

    def _signers(self, above: Sequence[Facts]) -> Iterator[Facts]:
        """The issuer by this key, and by others that it has had (RFC 5280 6.3.3 f): a certificate of the same name
        counts where it stands in the path itself, or has been signed by one of this name in it or by the next above.
        """
        issuer = above[0]
        own = list(takewhile(lambda each: each.subject == issuer.subject, above))
        vouching = above[: len(own) + 1]
        in_path = {each.fingerprint for each in own}
        if issuer.may_sign_crls:
            yield issuer
        for other in self.pool.named(issuer.subject):
            if other.spki == issuer.spki or not self._may_sign_lists(other):
                continue
            if other.fingerprint in in_path or any(self._vouches(each, other) for each in vouching):
                yield other

    def _vouches(self, upper: Facts, signer: Facts) -> bool:
        """Whether it has signed this certificate, and not revoked it since on a list by its own key."""
        if signer.issuer != upper.subject or not self.checks.holds(signer, upper):
            return False
        lists = [crl for crl in self.evidence.crls if crls.is_about(crl, upper)]
        return not any(self._is_listed(crl, signer, upper) for crl in lists)

    def _is_listed(self, crl: CertificateRevocationList, signer: Facts, upper: Facts) -> bool:
        try:
            said = crls.statement_of(crl, signer, [upper], self.at, self.checks)
        except crls.Unusable:
            return False
        return said.as_of(self.at).standing is Standing.REVOKED

    def _may_sign_lists(self, other: Facts) -> bool:
        certificate = other.certificate
        is_of_time = certificate.not_valid_before_utc <= self.at <= certificate.not_valid_after_utc
        return is_of_time and other.may_sign_crls and not other.flaws and not other.unprocessed_critical


def _tell(found: Findings, position: int, statement: Statement) -> None:
    is_hold = statement.reason is ReasonFlags.certificate_hold
    text = _("%(name)s is on hold since %(moment)s") if is_hold else _("%(name)s was revoked at %(moment)s: %(reason)s")
    found.error(
        Aspect.REVOCATION,
        position,
        "on-hold" if is_hold else "revoked",
        text,
        moment=f"{statement.since:%Y-%m-%dT%H:%M:%SZ}",
        reason=reason_name(statement.reason),
    )
