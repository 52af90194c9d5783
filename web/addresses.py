"""Where each kind of record has its page for operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Model
from django.urls import reverse

from accounts.models import ServiceAccount
from acme_client.models import AcmeAccount, AcmeOrder, DnsProvider, PublicName
from cas.models import CaCertificate, CertificateAuthority, Role, Template, TrustAnchor
from certificates.models import Certificate, Request
from notices.models import Channel, Delivery, Rule

_NAMES: Final[Mapping[type[Model], str]] = {
    Certificate: "certificate",
    Request: "request",
    Role: "role",
    Template: "template",
    CertificateAuthority: "authority",
    TrustAnchor: "trust-anchor",
    ServiceAccount: "service-account",
    Channel: "channel",
    Rule: "notice-rule",
    Delivery: "delivery",
    AcmeAccount: "acme-account",
    AcmeOrder: "acme-order",
    PublicName: "public-name",
    DnsProvider: "dns-provider",
}


# By what events call them.
_NAMES_OF_KINDS: Final[Mapping[str, str]] = {
    "certificate": "certificate",
    "request": "request",
    "role": "role",
    "template": "template",
    "ca": "authority",
    "trust_anchor": "trust-anchor",
    "channel": "channel",
    "notice_rule": "notice-rule",
    "delivery": "delivery",
    "acme_account": "acme-account",
    "acme_order": "acme-order",
}


def address_of(row: Any) -> str:
    """Empty for what has no page."""
    if isinstance(row, CaCertificate):
        return reverse("authority-certificate", args=[row.fingerprint])
    name = _NAMES.get(type(row))
    return reverse(name, args=[row.public_id]) if name else ""


def address_about(kind: str, public_id: str | None) -> str:
    """The page of what an event is about; empty where it has none."""
    name = _NAMES_OF_KINDS.get(kind)
    return reverse(name, args=[public_id]) if name and public_id else ""
