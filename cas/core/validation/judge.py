"""The judge: the best path that there is, and everything that is to be said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.x509 import Certificate

from cas.core.reading import UNREADABLE
from cas.core.validation.facts import Facts, label_of
from cas.core.validation.findings import Findings
from cas.core.validation.oddities import note_oddities
from cas.core.validation.paths import Path, Pool, known_part, paths
from cas.core.validation.question import Question
from cas.core.validation.revocation import Standings
from cas.core.validation.rules import judge_path
from cas.core.validation.signatures import SignatureChecks
from cas.core.validation.uses import judge_peer_name, judge_purpose
from cas.core.validation.verdict import Aspect, Finding, Verdict
from cas.core.validation.work import Budget, OutOfWork
from kernel.errors import Invalid
from kernel.text import _

# Of two paths that are both bad, the one that is nearer to being good tells its reader more.
_WORTH: Final = {Aspect.CHAIN: 4, Aspect.REVOCATION: 3, Aspect.USE: 2, Aspect.TIME: 1}


@dataclass(frozen=True, slots=True)
class _Judged:
    """A path and what was found about it."""

    found: Findings
    not_revoked: bool | None

    @property
    def badness(self) -> int:
        return sum(_WORTH[error.aspect] for error in self.found.errors)


def judge(question: Question, budget: Budget | None = None) -> Verdict:
    """Whether the certificate may be believed, and why not (RFC 5280 section 6).

    Of all paths the first without an error counts, else the one with the least of them. The work is bounded by the
    budget; where it ends before a good path was found, that is an error (`too-complex`). Raises Invalid on
    `certificate` where not even its names can be read.
    """
    checks = SignatureChecks(budget or Budget())
    target = _read_target(question.certificate)
    pool = Pool(anchors=_read_all(question.anchors), others=_read_all(question.others), at=question.at)
    best, is_cut = _best(target, pool, checks, question)
    if best is None:
        return _without_anchor(target, pool, checks, question, is_cut=is_cut)
    if is_cut and best.found.errors:
        best.found.errors.append(_too_complex(best.found))
    return _verdict(best, anchor=best.found.path[-1].certificate)


def _best(target: Facts, pool: Pool, checks: SignatureChecks, question: Question) -> tuple[_Judged | None, bool]:
    """The best of the paths, and whether the search was cut."""
    best: _Judged | None = None
    try:
        for path in paths(target, pool, checks):
            checks.budget.spend_path()
            judged = _judge(path, pool, checks, question, is_anchored=True)
            if best is None or judged.badness < best.badness:
                best = judged
            if not best.found.errors:
                break
    except OutOfWork:
        return best, True
    return best, False


def _judge(path: Path, pool: Pool, checks: SignatureChecks, question: Question, *, is_anchored: bool) -> _Judged:
    found = Findings(path)
    judge_path(found, question.at, checks.budget, is_anchored=is_anchored)
    note_oddities(found)
    not_revoked = None
    if question.check_revocation:
        standings = Standings(question.evidence, question.at, pool, checks)
        not_revoked = standings.judge(found, required=question.require_status)
    if question.purpose is not None:
        judge_purpose(found, question.purpose)
    if question.peer_name is not None:
        judge_peer_name(found, question.peer_name)
    return _Judged(found, not_revoked)


def _without_anchor(target: Facts, pool: Pool, checks: SignatureChecks, question: Question, *, is_cut: bool) -> Verdict:
    """What is to be said although nobody vouches for it: the reader wants to know all that is wrong."""
    try:
        path = known_part(target, pool, checks)
        judged = _judge(path, pool, checks, question, is_anchored=False)
        _tell_the_end(judged.found, pool, checks)
    except OutOfWork:
        is_cut, judged = True, _Judged(Findings((target,)), None)
    if is_cut:
        judged.found.errors.append(_too_complex(judged.found))
    return _verdict(judged, anchor=None)


def _tell_the_end(found: Findings, pool: Pool, checks: SignatureChecks) -> None:
    """Why the chain ends where it does. Raises OutOfWork."""
    end, position = found.path[-1], len(found.path) - 1
    named = pool.issuers(end)
    if any(checks.holds(end, each) for each in named):
        text = _("the CAs above %(name)s certify each other, and none of them leads to what is trusted here")
        found.error(Aspect.CHAIN, position, "no-anchor", text)
    elif end.is_self_issued and checks.holds(end, end):
        text = _("%(name)s has signed itself, and is not trusted here")
        found.error(Aspect.CHAIN, position, "untrusted-root", text)
    elif named or end.is_self_issued:
        text = _("no certificate of %(issuer)s that is known here has signed %(name)s")
        found.error(Aspect.CHAIN, position, "bad-signature", text, issuer=label_of(end.certificate.issuer))
    else:
        text = _("the certificate of %(issuer)s, which has issued %(name)s, is missing")
        found.error(Aspect.CHAIN, position, "issuer-missing", text, issuer=label_of(end.certificate.issuer))


def _too_complex(found: Findings) -> Finding:
    helper = Findings(found.path)
    text = _("the search for a good chain was ended: these certificates ask for more work than they are worth")
    helper.error(Aspect.CHAIN, None, "too-complex", text)
    return helper.errors[0]


def _verdict(judged: _Judged, *, anchor: Certificate | None) -> Verdict:
    found = judged.found
    return Verdict(
        chain=tuple(each.certificate for each in found.path),
        trusted_anchor=anchor,
        not_revoked=judged.not_revoked,
        errors=_in_order(found.errors),
        warnings=_in_order(found.warnings),
    )


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By position, each once; what is about the whole comes last."""
    once = {(each.position, each.code, str(each.message)): each for each in findings}
    return tuple(sorted(once.values(), key=lambda each: (each.position is None, each.position or 0)))


def _read_target(certificate: Certificate) -> Facts:
    try:
        return Facts.read(certificate)
    except UNREADABLE as error:
        text = _("the names in this certificate cannot be read")
        raise Invalid.of("certificate", "unreadable-certificate", text) from error


def _read_all(certificates: Iterable[Certificate]) -> list[Facts]:
    """Those whose names can be read: nobody could be found by the names of the others."""
    found = []
    for certificate in certificates:
        try:
            found.append(Facts.read(certificate))
        except UNREADABLE:
            continue
    return found
