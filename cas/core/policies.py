"""Certificate policies along a chain (RFC 5280 6.1): which ones a certificate below may have, and whether it must.

Chains begin with the direct issuer. The tree of RFC 5280 is kept flat: of each level only the set of policies that the
next one may name, which is all that a certificate about to be signed is judged by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.x509 import (
    Certificate,
    CertificatePolicies,
    InhibitAnyPolicy,
    ObjectIdentifier,
    PolicyConstraints,
    UnrecognizedExtension,
)
from cryptography.x509.oid import CertificatePoliciesOID

from cas.core import der
from cas.core.reading import extension_of, is_self_issued
from kernel.errors import FieldError, field_error
from kernel.text import _

ANY_POLICY: Final = CertificatePoliciesOID.ANY_POLICY
POLICY_MAPPINGS: Final = ObjectIdentifier("2.5.29.33")

Allowed = frozenset[ObjectIdentifier] | None
"""The policies that may be named; None: every one."""
Mappings = Sequence[tuple[ObjectIdentifier, ObjectIdentifier]]


@dataclass(frozen=True, slots=True)
class PolicyRoom:
    """What a chain leaves to the certificate below it."""

    allowed: Allowed
    is_required: bool

    @property
    def handed_down(self) -> tuple[ObjectIdentifier, ...]:
        """What a CA below should say so that nothing is lost: all that is allowed."""
        if self.allowed is None:
            return (ANY_POLICY,)
        return tuple(sorted(self.allowed, key=lambda oid: oid.dotted_string))


@dataclass(slots=True)
class _Counters:
    """How many more certificates may follow before each restriction begins; None: it never does."""

    explicit: int | None = None
    mapping: int | None = None
    any_policy: int | None = None

    def pass_by(self, certificate: Certificate) -> None:
        """6.1.4 h to j."""
        if not is_self_issued(certificate):
            self.explicit, self.mapping, self.any_policy = (
                None if each is None else max(each - 1, 0) for each in (self.explicit, self.mapping, self.any_policy)
            )
        limits = extension_of(certificate.extensions, PolicyConstraints)
        if limits is not None:
            self.explicit = _tighter(self.explicit, limits.require_explicit_policy)
            self.mapping = _tighter(self.mapping, limits.inhibit_policy_mapping)
        inhibited = extension_of(certificate.extensions, InhibitAnyPolicy)
        if inhibited is not None:
            self.any_policy = _tighter(self.any_policy, inhibited.skip_certs)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A chain judged from its root downwards; a root that signed itself is an anchor of trust and says nothing.

    A CA without policies ends the tree of RFC 5280, and so any claim to a policy below it. That matters only where a
    policy is required; elsewhere such a CA is taken to leave the choice open, as most private hierarchies mean it.
    """

    strict: Allowed
    lenient: Allowed
    counters: _Counters

    @property
    def is_required(self) -> bool:
        """6.1.5 a: the last certificate is counted before it is asked."""
        return self.counters.explicit is not None and self.counters.explicit <= 1


def _walk(chain: Sequence[Certificate]) -> _Walk:
    path = list(reversed(chain))
    if path and is_self_issued(path[0]):
        path = path[1:]
    counters = _Counters()
    strict: Allowed = None
    lenient: Allowed = None
    for certificate in path:
        stated = _policies(certificate)
        strict = frozenset() if stated is None else _narrowed(strict, stated, certificate, counters)
        lenient = lenient if stated is None else _narrowed(lenient, stated, certificate, counters)
        counters.pass_by(certificate)
    return _Walk(strict, lenient, counters)


def policy_room(chain: Sequence[Certificate]) -> PolicyRoom:
    """What the chain leaves to the next certificate."""
    walk = _walk(chain)
    return PolicyRoom(walk.strict if walk.is_required else walk.lenient, walk.is_required)


def policy_errors(
    chain: Sequence[Certificate], policies: Sequence[ObjectIdentifier], *, field: str
) -> list[FieldError]:
    """Why a certificate with these policies is not to be signed below this chain.

    RFC 5280 would let it pass and only count such a policy for nothing, which is not what whoever asks for it expects.
    """
    room = policy_room(chain)
    beyond = [each.dotted_string for each in policies if room.allowed is not None and each not in room.allowed]
    if beyond:
        text = _("the CAs above do not allow the policy %(policies)s")
        return [field_error(field, "policy-not-allowed", text, policies=", ".join(beyond))]
    if room.is_required and not policies:
        return [field_error(field, "policy-required", _("a CA above requires a certificate policy"))]
    return []


def is_satisfied(chain: Sequence[Certificate], certificate: Certificate) -> bool:
    """Whether a certificate that exists has a policy where it, or the chain above, requires one (RFC 5280 6.1.5)."""
    walk = _walk(chain)
    limits = extension_of(certificate.extensions, PolicyConstraints)
    if not walk.is_required and (limits is None or limits.require_explicit_policy != 0):
        return True
    stated = _policies(certificate)
    if stated is None:
        return False
    # 6.1.3 d 2: what a self-issued CA may still say, the last certificate may not.
    kept = _kept(walk.strict, stated, any_counts=walk.counters.any_policy != 0)
    return kept is None or bool(kept)


def states_policies(certificate: Certificate) -> bool:
    return _policies(certificate) is not None


def _policies(certificate: Certificate) -> frozenset[ObjectIdentifier] | None:
    extension = extension_of(certificate.extensions, CertificatePolicies)
    return None if extension is None else frozenset(each.policy_identifier for each in extension)


def _narrowed(
    allowed: Allowed, stated: frozenset[ObjectIdentifier], certificate: Certificate, counters: _Counters
) -> Allowed:
    """6.1.3 d, then the mappings of 6.1.4 b."""
    any_counts = counters.any_policy != 0 or is_self_issued(certificate)
    kept = _kept(allowed, stated, any_counts=any_counts)
    return _mapped(kept, mappings(certificate), is_inhibited=counters.mapping == 0)


def _kept(allowed: Allowed, stated: frozenset[ObjectIdentifier], *, any_counts: bool) -> Allowed:
    if ANY_POLICY in stated and any_counts:
        return allowed
    named = stated - {ANY_POLICY}
    return named if allowed is None else named & allowed


def _mapped(allowed: Allowed, pairs: Mappings, *, is_inhibited: bool) -> Allowed:
    if allowed is None:
        return None
    replaced = frozenset(ours for ours, _theirs in pairs)
    added = frozenset(theirs for ours, theirs in pairs if ours in allowed and not is_inhibited)
    return (allowed - replaced) | added


def mappings(certificate: Certificate) -> Mappings:
    """The policy mappings (RFC 5280 4.2.1.5), unread by `cryptography`. Raises ValueError where they cannot be read."""
    for extension in certificate.extensions:
        if extension.oid == POLICY_MAPPINGS and isinstance(extension.value, UnrecognizedExtension):
            return _read_mappings(extension.value.value)
    return ()


def _read_mappings(value: bytes) -> Mappings:
    pairs = []
    reader = der.Reader(value).enter()
    while not reader.at_end:
        pair = reader.enter()
        pairs.append((ObjectIdentifier(pair.read_oid()), ObjectIdentifier(pair.read_oid())))
        pair.finish()
    return pairs


def _tighter(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
