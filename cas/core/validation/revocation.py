"""Which certificates of a path were revoked, by all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography.x509 import OCSPNoCheck, ReasonFlags

from cas.core.reasons import reason_name
from cas.core.validation import crls, ocsp_answers
from cas.core.validation.evidence import Evidence, Standing, Statement
from cas.core.validation.facts import Facts
from cas.core.validation.findings import Findings
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
    checks: SignatureChecks

    def judge(self, found: Findings, *, required: bool) -> bool | None:
        """True: none is revoked; False: one is; None: of one it is not known. Raises OutOfWork."""
        standings = [
            self._judge_one(found, position, facts, issuer, required=required)
            for position, (facts, issuer) in enumerate(pairwise(found.path))
        ]
        if Standing.REVOKED in standings:
            return False
        return None if Standing.UNKNOWN in standings else True

    def _judge_one(self, found: Findings, position: int, facts: Facts, issuer: Facts, *, required: bool) -> Standing:
        if OCSPNoCheck.oid in facts.extensions:
            return Standing.GOOD
        reasons: set[str] = set()
        statements = list(self._statements(facts, issuer, reasons))
        bad = [each for each in statements if each.standing is Standing.REVOKED]
        if bad:
            _tell(found, position, bad[0])
            return Standing.REVOKED
        if any(each.standing is Standing.GOOD for each in statements):
            return Standing.GOOD
        for code in sorted(reasons):
            found.warn(Aspect.REVOCATION, position, code, _WHY_NOT[code], issuer=issuer.label)
        text = _("whether %(name)s is revoked is not known")
        say = found.error if required else found.warn
        say(Aspect.REVOCATION, position, "revocation-unknown", text)
        return Standing.UNKNOWN

    def _statements(self, facts: Facts, issuer: Facts, reasons: set[str]) -> Iterator[Statement]:
        """The register first: it knows before any list does."""
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
                yield crls.statement_of(crl, facts, issuer, self.at, self.checks.budget)
            except crls.Unusable as error:
                reasons.add(error.code)


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
