"""How often somebody may ask, by API and pages alike: the windows are fixed, a minute long, and begin for each at
another second. The numbers are settings; all processes count in one cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django_ratelimit.core import get_usage

from kernel.errors import TooMany
from kernel.text import _

# The names of what is limited, which are those in the settings.
GENERAL: Final = "general"
ISSUE: Final = "issue"
BATCH: Final = "batch"
CERTMATE_GENERAL: Final = "certmate-general"
CERTMATE_CREATE: Final = "certmate-create"
CERTMATE_BATCH: Final = "certmate-batch"
CERTMATE_OCSP: Final = "certmate-ocsp"
CERTMATE_CRL: Final = "certmate-crl"
ANONYMOUS: Final = "anonymous"
TOKEN: Final = "token"  # noqa: S105  a name

_WINDOW_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Usage:
    """What is left to somebody of one limit, and for how many seconds still."""

    name: str
    most: int
    left: int
    seconds: int

    def tell(self, response: HttpResponseBase) -> None:
        """In the headers of draft-ietf-httpapi-ratelimit-headers."""
        response.headers["RateLimit-Policy"] = f'"{self.name}";q={self.most};w={_WINDOW_SECONDS}'
        response.headers["RateLimit"] = f'"{self.name}";r={self.left};t={self.seconds}'


def count(request: HttpRequest, name: str, who: str) -> None:
    """Count a request of somebody. Raises TooMany; RedisError where nothing counts."""
    most: int = settings.RATE_LIMITS[name]
    found: dict[str, Any] | None = get_usage(
        request,
        group=f"chancery:{name}:",
        # Ended by a sign that is in no name: what follows it in the key are digits.
        key=lambda _group, _request: f"{who} ",
        rate=(most, _WINDOW_SECONDS),
        increment=True,
    )
    if found is None:
        return
    seconds = max(1, int(found["time_left"]))
    request.rate_usage = Usage(name, most, max(0, most - found["count"]), seconds)  # type: ignore[attr-defined]
    if found["should_limit"]:
        raise TooMany(_("Too many requests. Please try again later."), retry_after=seconds)


def tell_usage(request: HttpRequest, response: HttpResponseBase) -> None:
    """What was counted for this request, if anything was."""
    usage: Usage | None = getattr(request, "rate_usage", None)
    if usage is not None:
        usage.tell(response)
