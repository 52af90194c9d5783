"""One certificate, with all that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from acme_client.models import AcmeOrder
from acme_client.selectors import visible_orders
from audit.admin.files import attachment
from audit.admin.html import Status, status_of
from audit.admin.pages import ServicePage
from cas.addresses import ocsp_url
from cas.chains import CaChain
from cas.core.lint import pkilint_findings
from certificates.admin.decoded import chain_to_show, decoded_context
from certificates.bundles import Format, bundle
from certificates.import_selectors import chain_above
from certificates.models import Certificate, Decision, Request
from certificates.placement_selectors import places_at_hand
from certificates.request_selectors import requests
from certificates.selectors import certificates
from certificates.statements import CrlStatement, OcspStatement, crl_statement, ocsp_statement
from kernel.actor import Actor
from kernel.errors import FieldError
from kernel.permissions import Permission
from web.addresses import address_of
from web.trail import trail_of

FORMATS: Final[dict[Format, str | Promise]] = {
    Format.PEM: "PEM",
    Format.DER: "DER",
    Format.CHAIN: _("Chain, PEM"),
    Format.FULLCHAIN: _("With its chain, PEM"),
    Format.P7B: "PKCS#7",
}
# Beside the record stand those; the others are one click away.
_AT_HAND: Final = ("private-key", "renew", "renew-csr", "renew-public", "lift-hold", "revoke", "revoke-public")
# A chain does not hold over a CA that is one of these.
_BREAKING: Final = (Status.REVOKED, Status.EXPIRED)
_MOST_RELATED: Final = 10
# What is read of a certificate that another one is beside.
_NAMED_BY: Final = ("public_id", "common_name", "subject", "serial", "not_after")


def show(
    request: HttpRequest, actor: Actor, row: Certificate, *, doors: Sequence[tuple[str, ServicePage]]
) -> HttpResponse:
    at = timezone.now()
    at_hand = _at_hand([page.slug for _url, page in doors])
    chain = chain_to_show(row.ca)
    context: dict[str, Any] = {
        "title": str(row),
        "certificate": row,
        "standing": status_of(row.state, row.not_after, at=at),
        "revocation": row.open_revocation,
        "doors": [each for each in doors if each[1].slug in at_hand],
        "more": [each for each in doors if each[1].slug not in at_hand],
        "formats": _formats(actor, row),
        "trail": trail_of(actor, "certificate", row),
        "key": getattr(row, "subscriber_key", None),
        "told": _told(row, chain, at),
        "lint": _lint(row),
        "origin": _origin(actor, row),
        "others": _others(actor, row),
        **_ordered(actor, row),
        "commands": _commands(row),
        "places": places_at_hand(row, visible_to=actor)[:_MOST_RELATED],
        "now": at,
    }
    context |= decoded_context(chain, row, address_of)
    context["broken"] = [link for link in context["chain"] if not link.is_current and link.status in _BREAKING]
    return render(request, "web/certificates/record.html", context)


def _at_hand(offered: Sequence[str]) -> set[str]:
    """Of the ways to renew, the first one that is open."""
    ways = [slug for slug in ("renew", "renew-csr") if slug in offered]
    return set(_AT_HAND) - set(ways[1:])


@dataclass(frozen=True, slots=True)
class Told:
    """What relying parties are told now, by both."""

    ocsp: OcspStatement | None
    crl: CrlStatement | None


def _told(row: Certificate, chain: CaChain | None, at: datetime) -> Told | None:
    """None where others than us speak of it."""
    if chain is None or row.ca is None or not row.ca.has_key:
        return None
    return Told(ocsp_statement(row, chain.certificates[0], at=at), crl_statement(row))


@dataclass(frozen=True, slots=True)
class Lint:
    """What the lint of today finds in it; whether it had to pass it to be signed."""

    was_required: bool
    findings: Sequence[FieldError]


def _lint(row: Certificate) -> Lint | None:
    """None of what was issued elsewhere, under the rules of others."""
    if row.profile is None:
        return None
    return Lint(row.profile.document["template"]["lint"] == "block", pkilint_findings(row.body.x509))


@dataclass(frozen=True, slots=True)
class Origin:
    """How it came to be: the request it was, where the actor may see that, and the page of its template."""

    request: Request | None
    request_url: str
    decisions: Sequence[Decision]
    template_url: str


def _origin(actor: Actor, row: Certificate) -> Origin:
    asked = (
        requests(visible_to=actor)
        .filter(certificate=row)
        .select_related(None)
        .only("public_id", "created_at")
        .prefetch_related("decisions")
        .first()
    )
    is_told = row.template is not None and row.template.retired_at is None and holds(actor, Permission.TEMPLATES_READ)
    return Origin(
        request=asked,
        request_url=address_of(asked) if asked else "",
        decisions=list(asked.decisions.all()) if asked else [],
        template_url=address_of(row.template) if is_told else "",
    )


def _ordered(actor: Actor, row: Certificate) -> dict[str, AcmeOrder | None]:
    """By which order it came from a public CA, and by which its successor is to come."""
    if row.source != Certificate.Source.ACME or not holds(actor, Permission.ACME_READ):
        return {}
    orders = visible_orders(visible_to=actor)
    return {
        "order": orders.filter(certificate=row).first(),
        "renewal_order": orders.filter(replaces=row, status__in=AcmeOrder.OPEN).first(),
    }


def _others(actor: Actor, row: Certificate) -> dict[str, QuerySet[Certificate]]:
    """Its successors, newest first, and whatever else has the same key."""
    seen = certificates(visible_to=actor).select_related(None).only(*_NAMED_BY)
    same_key = seen.filter(organization_id=row.organization_id, key_hash=row.key_hash).exclude(pk=row.pk)
    return {
        "successors": seen.filter(replaces=row)[:_MOST_RELATED],
        "same_key": same_key[:_MOST_RELATED],
    }


def _formats(actor: Actor, row: Certificate) -> list[tuple[str | Promise, str]]:
    if not holds(actor, Permission.CERTIFICATES_DOWNLOAD):
        return []
    return [(label, reverse("certificate-file", args=[row.public_id, fmt])) for fmt, label in FORMATS.items()]


def _commands(row: Certificate) -> dict[str, str]:
    """What to type to read it by program, and to check what was downloaded."""
    names = {fmt: bundle(row.body.x509, (), fmt, name=str(row)).filename for fmt in (Format.PEM, Format.CHAIN)}
    own, chain = names[Format.PEM], names[Format.CHAIN]
    address = f"{settings.BASE_URL}/api/v2/certificates/{row.public_id}"
    header = '-H "Authorization: Bearer $CHANCERY_TOKEN"'
    asking = f"openssl ocsp -no_nonce -issuer {chain} -CAfile {chain} -cert {own}"
    return {
        "read": f"curl {header} {address}",
        "fetch": f"curl {header} -o {own} '{address}/download?fmt=pem'\n"
        f"curl {header} -o {chain} '{address}/download?fmt=chain'",
        "verify": f"openssl verify -CAfile {chain} {own}",
        "ask": f"{asking} -url {ocsp_url(row.ca)}" if row.ca and row.ca.has_key else "",
        "decode": f"openssl x509 -in {own} -noout -text",
    }


def download(row: Certificate, fmt: Format) -> HttpResponse:
    """The certificate in one format, without any key."""
    file = bundle(row.body.x509, chain_above(row), fmt, name=str(row))
    return attachment(file.filename, file.content, file.content_type)
