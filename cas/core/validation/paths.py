"""From a certificate up to trust anchors (RFC 4158), with bounded work.

Certificates that certify each other make exponentially many ways. So nothing is followed from which no anchor could be
reached by name; what led nowhere is not tried again; and what is left is cut by a budget.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cas.core.constraints import ComparableName
from cas.core.validation.facts import Facts
from cas.core.validation.signatures import SignatureChecks

LONGEST: Final = 12
"""How many certificates a chain may have, with both of its ends."""

Path = tuple[Facts, ...]


@dataclass(slots=True)
class Pool:
    """Certificates to build with, found by the names of those whom they are about."""

    anchors: Sequence[Facts]
    others: Iterable[Facts]
    at: datetime
    _by_subject: dict[ComparableName, list[Facts]] = field(default_factory=dict)
    _issuers: dict[str, tuple[Facts, ...]] = field(default_factory=dict)
    _anchored: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._anchored = frozenset(each.fingerprint for each in self.anchors)
        once = {each.fingerprint: each for each in (*self.anchors, *self.others)}
        for each in once.values():
            self._by_subject.setdefault(each.subject, []).append(each)

    def is_anchor(self, facts: Facts) -> bool:
        return facts.fingerprint in self._anchored

    def named(self, subject: ComparableName) -> Sequence[Facts]:
        """Those that are about this name."""
        return self._by_subject.get(subject, ())

    def issuers(self, facts: Facts) -> tuple[Facts, ...]:
        """Those who may have issued it, by their names; the likeliest first."""
        if facts.fingerprint not in self._issuers:
            named = [each for each in self.named(facts.issuer) if each.fingerprint != facts.fingerprint]
            self._issuers[facts.fingerprint] = tuple(sorted(named, key=lambda each: self._rank(facts, each)))
        return self._issuers[facts.fingerprint]

    def _rank(self, facts: Facts, issuer: Facts) -> tuple[bool, bool, bool, bool, float]:
        """Key identifiers are hints (RFC 5280 4.2.1.1): they order, and exclude nobody."""
        wanted, offered = facts.authority_key_id, issuer.subject_key_id
        certificate = issuer.certificate
        return (
            not (wanted is None or offered is None or wanted == offered),
            not (issuer.is_authority or issuer.is_version_1),
            not certificate.not_valid_before_utc <= self.at <= certificate.not_valid_after_utc,
            not self.is_anchor(issuer),
            -certificate.not_valid_after_utc.timestamp(),
        )

    def distances(self) -> dict[str, int]:
        """How many steps an anchor is away at least, by name alone; those that are not here can reach none."""
        below: dict[ComparableName, list[Facts]] = {}
        for each in (each for named in self._by_subject.values() for each in named):
            below.setdefault(each.issuer, []).append(each)
        distances = {each.fingerprint: 0 for each in self.anchors}
        queue = deque(self.anchors)
        while queue:
            upper = queue.popleft()
            # Each name's certificates are taken once: whoever comes later is further away.
            for each in below.pop(upper.subject, ()):
                if each.fingerprint not in distances:
                    distances[each.fingerprint] = distances[upper.fingerprint] + 1
                    queue.append(each)
        return distances


@dataclass(slots=True)
class _Step:
    """Where a search stands: a certificate, and those of its issuers that are still to be tried."""

    facts: Facts
    issuers: Iterator[Facts]
    led_on: bool = False


def paths(target: Facts, pool: Pool, checks: SignatureChecks) -> Iterator[Path]:
    """Every chain from the certificate to an anchor whose signatures hold, the likeliest first.

    No name and key stand in a chain twice. Raises OutOfWork where the budget ends first.
    """
    if pool.is_anchor(target):
        yield (target,)
        return
    distances = pool.distances()
    stack = [_Step(target, iter(pool.issuers(target)))]
    dead: set[str] = set()
    while stack:
        step = stack[-1]
        issuer = next(step.issuers, None)
        if issuer is None:
            _leave(stack, dead)
            continue
        checks.budget.spend_step()
        if issuer.fingerprint in dead or issuer.fingerprint not in distances:
            continue
        if _is_repeated(issuer, stack) or len(stack) + 1 + distances[issuer.fingerprint] > LONGEST:
            # Elsewhere, on another way, it might have led on.
            step.led_on = True
            continue
        if not checks.holds(step.facts, issuer):
            continue
        if pool.is_anchor(issuer):
            step.led_on = True
            yield (*(each.facts for each in stack), issuer)
        else:
            stack.append(_Step(issuer, iter(pool.issuers(issuer))))


def _leave(stack: list[_Step], dead: set[str]) -> None:
    """What leads on to no anchor, whatever way one came, is dead."""
    left = stack.pop()
    if not left.led_on:
        dead.add(left.facts.fingerprint)
    elif stack:
        stack[-1].led_on = True


def _is_repeated(issuer: Facts, stack: Collection[_Step]) -> bool:
    return any(each.facts.subject == issuer.subject and each.facts.spki == issuer.spki for each in stack)


def known_part(target: Facts, pool: Pool, checks: SignatureChecks) -> Path:
    """As far up as signatures hold, where no anchor is reached. Raises OutOfWork."""
    path = [target]
    while len(path) < LONGEST:
        seen = {(each.subject, each.spki) for each in path}
        fresh = (each for each in pool.issuers(path[-1]) if (each.subject, each.spki) not in seen)
        issuer = next((each for each in fresh if checks.holds(path[-1], each)), None)
        if issuer is None:
            break
        path.append(issuer)
    return tuple(path)
