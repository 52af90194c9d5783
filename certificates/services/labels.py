"""Which tags and descriptions a certificate may carry, and what else people write about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from certificates.orders import IssueOrder
from kernel.errors import FieldError, field_error
from kernel.limits import text_errors
from kernel.text import _

_MOST_TAGS: Final = 50
_LONGEST_TAG: Final = 64
_LONGEST_DESCRIPTION: Final = 1000
_LONGEST_IDENTIFIER: Final = 120
_LONGEST_USAGE: Final = 80


def order_errors(order: IssueOrder) -> list[FieldError]:
    """What is wrong with the words of an order, whatever the template says."""
    return label_errors(order.tags, order.description) + word_errors(order.identifier, order.usage)


def label_errors(tags: Sequence[str], description: str) -> list[FieldError]:
    """What is wrong with tags and a description. A tag stands in filters, so it has no comma, colon or space."""
    errors = []
    if len(tags) > _MOST_TAGS:
        errors.append(field_error("tags", "too-many", _("At most %(most)s tags."), most=_MOST_TAGS))
    for index, tag in enumerate(tags):
        if not 0 < len(tag) <= _LONGEST_TAG or not tag.isprintable() or any(c in tag for c in ",:|; "):
            text = _("Up to %(longest)s characters, without spaces, commas, colons, semicolons and bars.")
            errors.append(field_error(f"tags[{index}]", "invalid", text, longest=_LONGEST_TAG))
    return errors + text_errors("description", description, longest=_LONGEST_DESCRIPTION, several_lines=True)


def word_errors(identifier: str | None, usage: str) -> list[FieldError]:
    """What is wrong with the name that a dialect gives to a certificate, and with what it says it is for."""
    errors = text_errors("usage", usage, longest=_LONGEST_USAGE)
    if identifier is not None:
        errors += text_errors("identifier", identifier, longest=_LONGEST_IDENTIFIER, required=True)
    return errors
