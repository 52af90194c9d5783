"""Where a request came from, behind proxies of ours: what the audit log names, and what keys and limits go by."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse


class ClientAddress:
    """Puts the client's address in `REMOTE_ADDR`, where there are `TRUSTED_PROXIES`; else it is there already.

    Each proxy adds the address that it was asked from to the end of `X-Forwarded-For`, so that as many entries are
    true as there are proxies, and the first of these is the client. Everything before it is the client's own word.
    Where it is missing or no address, nobody knows: the address is empty, never that of a proxy.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.TRUSTED_PROXIES:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        request.META["REMOTE_ADDR"] = client_address(forwarded, settings.TRUSTED_PROXIES)
        return self.get_response(request)


def client_address(forwarded: str, proxies: int) -> str:
    """The entry of `X-Forwarded-For` that the outermost of so many proxies wrote; empty where that is no address."""
    entries = forwarded.split(",")
    if len(entries) < proxies:
        return ""
    try:
        return str(ipaddress.ip_address(entries[-proxies].strip()))
    except ValueError:
        return ""
