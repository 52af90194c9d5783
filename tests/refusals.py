"""What a service refused, as a test reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kernel.errors import DomainError, Invalid


@contextmanager
def refused(family: type[DomainError], code: str | None = None) -> Iterator[None]:
    """The block is refused with this family, and this code where one is given."""
    with pytest.raises(family) as refusal:
        yield
    str(refusal.value)
    if code is not None:
        assert refusal.value.error_code == code


@contextmanager
def invalid(*expected: tuple[str, str]) -> Iterator[None]:
    """The block is refused with exactly these (field, code) pairs, in any order."""
    with pytest.raises(Invalid) as refusal:
        yield
    str(refusal.value)
    assert sorted((each.field, each.code) for each in refusal.value.errors) == sorted(expected)
