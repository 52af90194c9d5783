"""Which tags and descriptions a certificate may carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kernel.errors import FieldError, field_error
from kernel.text import _

_MOST_TAGS: Final = 50
_LONGEST_TAG: Final = 64
_LONGEST_DESCRIPTION: Final = 1000


def label_errors(tags: Sequence[str], description: str) -> list[FieldError]:
    """What is wrong with tags and a description. A tag stands in filters, so it has no comma, colon or space."""
    errors = []
    if len(tags) > _MOST_TAGS:
        errors.append(field_error("tags", "too-many", _("At most %(most)s tags."), most=_MOST_TAGS))
    for index, tag in enumerate(tags):
        if not 0 < len(tag) <= _LONGEST_TAG or not tag.isprintable() or any(c in tag for c in ",:|; "):
            text = _("Up to %(longest)s characters, without spaces, commas, colons, semicolons and bars.")
            errors.append(field_error(f"tags[{index}]", "invalid", text, longest=_LONGEST_TAG))
    if len(description) > _LONGEST_DESCRIPTION:
        text = _("At most %(longest)s characters.")
        errors.append(field_error("description", "too-long", text, longest=_LONGEST_DESCRIPTION))
    return errors
