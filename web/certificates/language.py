"""The language of filters, told by examples: each can be tried where it is read."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_Words = str | Promise

EXAMPLES: Final[tuple[tuple[_Words, tuple[tuple[str, _Words], ...]], ...]] = (
    (
        _("Just as it is"),
        (
            ("www.example.com", _("This name, as common name or alternative name.")),
            ("shop", _("Any name that has this in it.")),
            ("*.example.com", _("A star stands for anything, at the beginning, in the middle or at the end.")),
            ("4F:A9:03:77:21:0C:5E:88", _("A serial number or its beginning, or a SHA-256 fingerprint.")),
        ),
    ),
    (
        _("By state and time"),
        (
            ("status_in:revoked|held", _("One of several states: issued, expired, held, revoked.")),
            ("expires_lt:30d", _("Ends within 30 days, or has ended. Units: h, d, w, m (30 days), y.")),
            ("expires_gt:0d,expires_lt:2w", _("Terms with a comma in between must all be true.")),
            ("issued_gt:7d", _("Was issued within the last seven days.")),
            ("expires:2027-01-15", _("On this day, in UTC; _lt and _gt take a date, too, or a date and time.")),
        ),
    ),
    (
        _("By what it is"),
        (
            ("cn:api.*", _("The common name; san: is for alternative names, name: for both.")),
            ("key:RSA", _("The kind of key, an algorithm as RSA_2048, or the SHA-256 of the public key.")),
            (
                "key_custody:waiting",
                _("Where its private key is: waiting, stored, returned, or subscriber (never here)."),
            ),
            ("template_in:web|mail", _("The template, by its code; ca: is for the authority.")),
            ("tag:production", _("A tag. With _in before the colon it is one of several.")),
            ("source:imported", _("Where it is from: internal is from here.")),
        ),
    ),
    (
        _("By whom"),
        (
            ("owner:jane@example.com", _("Who answers for it.")),
            ("requester:jane@example.com", _("Who asked for it, as the list shows it.")),
        ),
    ),
    (
        _("What else would separate"),
        ((r'cn:"Example, Inc."', _(r"Quotation marks keep commas and colons; \* is a star and nothing else.")),),
    ),
)
