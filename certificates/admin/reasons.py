"""The reasons of RFC 5280 with one line of meaning each, for whoever has to choose."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.x509 import ReasonFlags
from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cas.core.reasons import AUTHORITY_REASONS, CODES, LEAF_REASONS, parse_reason, reason_name

_MEANINGS: dict[ReasonFlags, str | Promise] = {
    ReasonFlags.unspecified: _("Unspecified: none of the others"),
    ReasonFlags.key_compromise: _("Key compromise: somebody else has, or may have, the private key"),
    ReasonFlags.ca_compromise: _("CA compromise: somebody else has, or may have, the key of the authority"),
    ReasonFlags.affiliation_changed: _("Affiliation changed: the names in it are no longer right"),
    ReasonFlags.superseded: _("Superseded: another certificate has taken its place"),
    ReasonFlags.cessation_of_operation: _("Cessation of operation: it is no longer needed"),
    ReasonFlags.certificate_hold: _("Hold: suspended for now; this one can be lifted again"),
    ReasonFlags.privilege_withdrawn: _("Privilege withdrawn: what it allowed is allowed no more"),
}


class ReasonField(forms.TypedChoiceField):
    """A reason, chosen and never guessed: nothing is ticked at first."""

    def __init__(self, reasons: Iterable[ReasonFlags]) -> None:
        ordered = sorted(reasons, key=CODES.__getitem__)
        super().__init__(
            label=_("Why"),
            choices=[(reason_name(reason), _MEANINGS[reason]) for reason in ordered],
            coerce=parse_reason,
            widget=forms.RadioSelect(attrs={"class": "lines"}),
        )


def leaf_reason_field(*, with_hold: bool = True) -> ReasonField:
    return ReasonField(LEAF_REASONS if with_hold else LEAF_REASONS - {ReasonFlags.certificate_hold})


def authority_reason_field() -> ReasonField:
    return ReasonField(AUTHORITY_REASONS)
