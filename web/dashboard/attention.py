"""What needs somebody now: each check finds what it is about, and one that fails is itself something to look at."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from acme_client.models import AcmeOrder
from acme_client.selectors import visible_orders
from audit.admin.html import relative
from audit.selectors import visible_events
from cas.guards import UNSEALED_TOO_LONG
from certificates.crl_standing import CrlStanding
from certificates.models import Request
from certificates.request_selectors import requests
from kernel.errors import DomainError
from kernel.permissions import Permission
from web.addresses import address_of
from web.dashboard.board import Board, CaStatus
from web.dashboard.links import certificates_link, list_link, quoted
from web.notices.deliveries import count_dead

log = logging.getLogger(__name__)

SOON: Final = timedelta(days=7)
# To make a CA and bring it to those who trust takes longer than a certificate.
CA_SOON: Final = timedelta(days=90)
# What one must be let to read for the checks to say anything.
LOOKED_AT: Final = (
    Permission.CERTIFICATES_READ,
    Permission.CAS_READ,
    Permission.REQUESTS_READ,
    Permission.AUDIT_READ,
    Permission.NOTICES_READ,
)
FAILED_LATELY: Final = timedelta(days=7)
_MOST_EACH: Final = 5


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to look at; `tone` is `error`, `warning` or nothing, `url` where to act."""

    text: str
    url: str = ""
    tone: str = "warning"
    icon: str = "alert"
    detail: str = ""


def concerns(board: Board) -> list[Concern]:
    """The worst first; empty only when every check was made and found nothing."""
    found = [concern for subject, check in _CHECKS for concern in _checked(subject, check, board)]
    return sorted(found, key=lambda concern: concern.tone != "error")


def _checked(subject: str | Promise, check: Callable[[Board], Iterator[Concern]], board: Board) -> list[Concern]:
    try:
        return list(check(board))
    except DomainError as error:
        reason = error.message.render(_)
    except Exception:
        log.exception("a check of the overview failed")
        reason = ""
    return [Concern(_("Could not be checked: %(subject)s.") % {"subject": subject}, detail=reason)]


def _approvals(board: Board) -> Iterator[Concern]:
    if count := board.waiting_for_me:
        text = ngettext("%(count)d request waits for your word.", "%(count)d requests wait for your word.", count)
        yield Concern(text % {"count": count}, list_link("requests"), tone="", icon="inbox")


def _failed_requests(board: Board) -> Iterator[Concern]:
    failed = requests(visible_to=board.actor).filter(status=Request.Status.FAILED)
    if count := failed.order_by().filter(closed_at__gte=board.at - FAILED_LATELY).count():
        text = ngettext(
            "%(count)d request has failed in the last 7 days.",
            "%(count)d requests have failed in the last 7 days.",
            count,
        )
        yield Concern(text % {"count": count}, list_link("requests", show="all", status="failed"), tone="error")


def _failed_orders(board: Board) -> Iterator[Concern]:
    if not board.may(Permission.ACME_READ):
        return
    failed = visible_orders(visible_to=board.actor).filter(status=AcmeOrder.Status.INVALID)
    if count := failed.order_by().filter(closed_at__gte=board.at - FAILED_LATELY).count():
        text = ngettext(
            "%(count)d order at a public CA has failed in the last 7 days.",
            "%(count)d orders at public CAs have failed in the last 7 days.",
            count,
        )
        link = list_link("acme-orders", status=AcmeOrder.Status.INVALID.value)
        yield Concern(text % {"count": count}, link, tone="error")


def _crls(board: Board) -> Iterator[Concern]:
    texts = {
        CrlStanding.EXPIRED: _("The CRL of %(ca)s has expired."),
        CrlStanding.LATE: _("A new CRL of %(ca)s is due and has not come."),
        CrlStanding.MISSING: _("%(ca)s has not published its first CRL yet."),
    }
    if not board.may(Permission.CAS_READ):
        return
    for line in [line for line in board.crls if line.standing in texts][:_MOST_EACH]:
        ca = line.scope.ca
        tone = "error" if line.standing is CrlStanding.EXPIRED else "warning"
        yield Concern(texts[line.standing] % {"ca": ca.name}, address_of(ca), tone, detail=line.scope.last_error)


def _expiring(board: Board) -> Iterator[Concern]:
    if not board.may(Permission.CERTIFICATES_READ):
        return
    if count := dict(board.summary.expiring)[SOON.days]:
        text = ngettext("%(count)d certificate ends within 7 days.", "%(count)d certificates end within 7 days.", count)
        link = certificates_link(f"status:issued,expires_lt:{SOON.days}d", sort="expires")
        yield Concern(text % {"count": count}, link, icon="clock")


def _keys(board: Board) -> Iterator[Concern]:
    """Private keys that this person may collect, of certificates that are still good for something."""
    if not (board.may(Permission.CERTIFICATES_READ) and board.may(Permission.CERTIFICATES_ISSUE)):
        return
    if count := board.keys_for_me:
        text = ngettext(
            "%(count)d private key waits to be collected by you.",
            "%(count)d private keys wait to be collected by you.",
            count,
        )
        link = certificates_link(f"status:issued,key_custody:waiting,owner:{quoted(board.actor.label)}")
        yield Concern(text % {"count": count}, link, tone="", icon="key")


def _authorities(board: Board) -> Iterator[Concern]:
    if not board.may(Permission.CAS_READ):
        return
    pairs = [(ca, ca.preferred_certificate) for ca in board.authorities if ca.status == CaStatus.ACTIVE]
    ends = [(ca, own.not_after) for ca, own in pairs if own is not None and own.not_after < board.at + CA_SOON]
    for ca, end in ends[:_MOST_EACH]:
        details = {"ca": ca.name, "when": relative(end, at=board.at)}
        if end < board.at:
            yield Concern(_("The authority %(ca)s has expired: %(when)s.") % details, address_of(ca), "error", "clock")
        else:
            yield Concern(_("The authority %(ca)s ends %(when)s.") % details, address_of(ca), icon="clock")


def _log(board: Board) -> Iterator[Concern]:
    if not board.may(Permission.AUDIT_READ):
        return
    oldest = visible_events(board.actor).filter(position=None).order_by("pk").first()
    if oldest is not None and board.at - oldest.at > UNSEALED_TOO_LONG:
        text = _("The audit log is not being sealed; the oldest event waits since %(when)s UTC.")
        yield Concern(text % {"when": f"{oldest.at:%Y-%m-%d %H:%M}"}, list_link("audit"), "error", "history")


def _messages(board: Board) -> Iterator[Concern]:
    if not board.may(Permission.NOTICES_READ):
        return
    if count := count_dead(visible_to=board.actor):
        text = ngettext(
            "%(count)d message could not be delivered and was given up.",
            "%(count)d messages could not be delivered and were given up.",
            count,
        )
        yield Concern(text % {"count": count}, list_link("deliveries", status="dead"), icon="bell")


_CHECKS: Final[tuple[tuple[str | Promise, Callable[[Board], Iterator[Concern]]], ...]] = (
    (gettext_lazy("requests that wait for you"), _approvals),
    (gettext_lazy("private keys that wait for you"), _keys),
    (gettext_lazy("requests that have failed"), _failed_requests),
    (gettext_lazy("orders at public CAs"), _failed_orders),
    (gettext_lazy("certificate revocation lists"), _crls),
    (gettext_lazy("certificates that end soon"), _expiring),
    (gettext_lazy("authorities that end soon"), _authorities),
    (gettext_lazy("the seal of the audit log"), _log),
    (gettext_lazy("messages that were given up"), _messages),
)
