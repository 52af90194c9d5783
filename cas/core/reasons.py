"""Why a certificate was revoked: the reasons of RFC 5280 5.3.1, their spellings, and who may give which."""

from __future__ import annotations

import re
from typing import Final

from cryptography.x509 import ReasonFlags

from kernel.errors import Invalid
from kernel.text import _

# CRLReason (RFC 5280 5.3.1); 7 is not used.
CODES: Final = {
    ReasonFlags.unspecified: 0,
    ReasonFlags.key_compromise: 1,
    ReasonFlags.ca_compromise: 2,
    ReasonFlags.affiliation_changed: 3,
    ReasonFlags.superseded: 4,
    ReasonFlags.cessation_of_operation: 5,
    ReasonFlags.certificate_hold: 6,
    ReasonFlags.privilege_withdrawn: 9,
    ReasonFlags.aa_compromise: 10,
}

# cACompromise says that a CA's own key is lost, aACompromise is for attribute authorities. A CA is never on hold: what
# it issued meanwhile would become good or bad with hindsight.
LEAF_REASONS: Final = frozenset(CODES) - {ReasonFlags.ca_compromise, ReasonFlags.aa_compromise}
AUTHORITY_REASONS: Final = frozenset(CODES) - {ReasonFlags.certificate_hold, ReasonFlags.aa_compromise}


def parse_reason(text: str | int, *, field: str = "reason") -> ReasonFlags:
    """A reason from any usual spelling: keyCompromise, key_compromise, "Key compromise", 1, "1".

    Raises Invalid on `field`, also for removeFromCRL: that is an entry of a delta CRL, never a wish.
    """
    spelled = str(text).strip()
    reason = _BY_CODE.get(spelled) or _BY_SPELLING.get(_letters(spelled))
    if reason is None:
        raise Invalid.of(field, "unknown-reason", _("%(reason)s is not a revocation reason"), reason=repr(text)[:80])
    return reason


def reason_in_words(text: str) -> ReasonFlags:
    """What free text about an end-entity certificate comes to: a reason where it is one, else `unspecified`.

    Never a hold, which nobody asks for by chance.
    """
    letters = _letters(text)
    reason = _BY_SPELLING.get(_WORDS.get(letters, letters), ReasonFlags.unspecified)
    is_meant = reason in LEAF_REASONS and reason is not ReasonFlags.certificate_hold
    return reason if is_meant else ReasonFlags.unspecified


def reason_name(reason: ReasonFlags) -> str:
    """The name as RFC 5280 writes it, such as `keyCompromise`."""
    return str(reason.value)


def _letters(text: str) -> str:
    return re.sub(r"[\s_-]", "", text).lower()


_BY_SPELLING: Final = {_letters(reason.value): reason for reason in CODES}
# What people write for them.
_WORDS: Final = dict.fromkeys(("compromised", "keycompromised", "privatekeycompromise"), "keycompromise")
_BY_CODE: Final = {str(code): reason for reason, code in CODES.items()}
