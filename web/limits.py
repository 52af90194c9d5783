"""How often somebody may send forms: counted by person, with what programs of his own session count, and no less."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts import rates
from kernel.actor import ActorKind
from kernel.errors import TooMany
from web import errors

log = logging.getLogger(__name__)

# By the names of addresses; every other form counts as a request like any other.
LIMITS: Final = {
    **dict.fromkeys(
        (
            "acme-account-change",
            "acme-account-deactivate",
            "acme-account-new",
            "acme-account-new-key",
            "acme-challenge-complete",
            "acme-order-new",
            "acme-order-refresh",
            "acme-order-retry",
            "authority-certify",
            "authority-create-intermediate",
            "authority-create-root",
            "authority-cross",
            "authority-import",
            "authority-publish",
            "authority-renew",
            "authority-succeed",
            "certificate-add-place",
            "certificate-check-place",
            "certificate-import",
            "certificate-new",
            "certificate-renew",
            "certificate-renew-csr",
            "certificate-renew-public",
            "certificate-renew-same-key",
            "certificate-revoke-public",
            "certificates-archive",
            "certificates-renew-many",
            "certificates-revoke-many",
            "channel-test",
            "delivery-repeat",
            "dns-provider-test",
            "public-name-prove",
            "request-fulfil",
            "role-change-rules",
            "setup-review",
            "template-change-recipe",
            "template-try",
            "trust-anchor-validate",
        ),
        rates.ISSUE,
    ),
    "certificate-new-batch": rates.BATCH,
}
# They say what is wrong in their own way, and count for themselves.
_PROGRAMS: Final = ("/api/", "/v1/")


class PageLimits:
    """Middleware: POSTs of those who are signed in. 429 with `Retry-After` once there were too many in a minute; with
    the cache gone they pass, for whoever sends them has shown who he is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        if request.method != "POST" or request.path.startswith(_PROGRAMS) or not request.user.is_authenticated:
            return None
        match = request.resolver_match
        name = LIMITS.get(match.view_name if match else "", rates.GENERAL)
        try:
            rates.count(request, name, f"{ActorKind.USER}:{request.user.pk}")
        except RedisError:
            log.warning("forms are not counted: no cache")
        except TooMany as error:
            return _too_many(request, error.retry_after)
        return None


def _too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    text = _("You have sent this so often within a minute that it was not done again. Wait %(seconds)s seconds.")
    response = errors.page(request, 429, _("Too many requests"), text % {"seconds": seconds})
    response["Retry-After"] = str(seconds)
    rates.tell_usage(request, response)
    return response
