"""The states of this room as people see them, each with its colour and sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from acme_client.models import AcmeAccount, AcmeChallenge, AcmeOrder, DnsProvider, PublicName
from audit.admin.html import pill

# Tone and icon.
_ORDERS: Final[Mapping[str, tuple[str, str]]] = {
    AcmeOrder.Status.WAITING: ("info", "inbox"),
    AcmeOrder.Status.PENDING: ("info", "hourglass"),
    AcmeOrder.Status.AUTHORIZING: ("info", "refresh"),
    AcmeOrder.Status.FINALIZING: ("info", "refresh"),
    AcmeOrder.Status.VALID: ("ok", "certificate"),
    AcmeOrder.Status.INVALID: ("bad", "alert"),
    AcmeOrder.Status.CANCELLED: ("", "ban"),
}
_ACCOUNTS: Final[Mapping[str, tuple[str, str]]] = {
    AcmeAccount.Status.PENDING: ("info", "hourglass"),
    AcmeAccount.Status.VALID: ("ok", "check"),
    AcmeAccount.Status.FAILED: ("bad", "alert"),
    AcmeAccount.Status.DEACTIVATED: ("", "ban"),
}
_CHALLENGES: Final[Mapping[str, tuple[str, str]]] = {
    AcmeChallenge.Status.PENDING: ("warn", "hourglass"),
    AcmeChallenge.Status.PRESENTED: ("info", "globe"),
    AcmeChallenge.Status.PROCESSING: ("info", "refresh"),
    AcmeChallenge.Status.VALID: ("ok", "check"),
    AcmeChallenge.Status.INVALID: ("bad", "alert"),
}


def server_of(account: AcmeAccount) -> str:
    """Who issues by this account: the provider, or the host of another server."""
    if account.provider == AcmeAccount.Provider.CUSTOM:
        return urlsplit(account.directory_url).hostname or account.directory_url
    return account.get_provider_display()


def order_pill(order: AcmeOrder) -> SafeString:
    return pill(order.get_status_display(), *_ORDERS[order.status])


def account_pill(account: AcmeAccount) -> SafeString:
    return pill(account.get_status_display(), *_ACCOUNTS[account.status])


def challenge_pill(challenge: AcmeChallenge) -> SafeString:
    return pill(challenge.get_status_display(), *_CHALLENGES[challenge.status])


def name_pill(name: PublicName) -> SafeString:
    return pill(_("Proven"), "ok", "check") if name.proven_at else pill(_("Not proven yet"), "warn", "hourglass")


def provider_pill(provider: DnsProvider) -> SafeString:
    if provider.last_error:
        return pill(_("Fails"), "bad", "alert")
    return pill(_("Works"), "ok", "check") if provider.tested_at else pill(_("Not tested yet"))
