"""Values that nobody reads by accident."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn

HIDDEN = "[secret]"


class Secret:
    """A private key, a token, a password: shown as "[secret]" wherever it is printed, logged or formatted.

    `reveal()` gives the value, and is the one way to it: a `Secret` is neither pickled nor turned into JSON.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value itself."""
        return self.__value

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled.")


def reveal(value: str | Secret) -> str:
    """The text of what may be a secret."""
    return value.reveal() if isinstance(value, Secret) else value
