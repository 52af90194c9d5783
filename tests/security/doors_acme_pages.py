"""The pages of public certificates; `doors.py` says what the table means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PAGES: Final[Mapping[str, str]] = {
    "/acme/": "acme:read",
    "/acme/new/": "certificates:issue",
    "/acme/orders/{acme_order}/": "acme:read",
    "/acme/orders/{acme_order}/refresh/": "certificates:issue",
    "/acme/orders/{acme_order}/retry/": "certificates:issue",
    "/acme/orders/{acme_order}/cancel/": "certificates:issue",
    "/acme/challenges/{acme_challenge}/complete/": "certificates:issue",
    "/acme/accounts/": "acme:read",
    "/acme/accounts/new/": "acme:write",
    "/acme/accounts/{acme_account}/": "acme:read",
    "/acme/accounts/{acme_account}/retry/": "acme:write",
    "/acme/accounts/{acme_account}/change/": "acme:write",
    "/acme/accounts/{acme_account}/new-key/": "acme:write",
    "/acme/accounts/{acme_account}/deactivate/": "acme:write",
    "/acme/names/": "acme:read",
    "/acme/names/new/": "acme:write",
    "/acme/names/grant/": "acme:write",
    "/acme/names/{public_name}/": "acme:read",
    "/acme/names/{public_name}/prove/": "acme:write",
    "/acme/names/{public_name}/give-up/": "acme:write",
    "/acme/dns-providers/": "acme:read",
    "/acme/dns-providers/new/": "acme:write",
    "/acme/dns-providers/{dns_provider}/": "acme:read",
    "/acme/dns-providers/{dns_provider}/test/": "acme:write",
    "/acme/dns-providers/{dns_provider}/change/": "acme:write",
    "/acme/dns-providers/{dns_provider}/delete/": "acme:write",
    "/certificates/{certificate}/renew-public/": "certificates:renew",
    "/certificates/{certificate}/revoke-public/": "certificates:revoke",
}
