"""What a rule would have told lately, and would tell next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.admin.html import relative
from audit.admin.pages import Facts
from cas.models import CaCertificate
from cas.selectors import present_authorities
from certificates.filters import parse_filter
from certificates.orders import CertificateFilter
from certificates.search import Order, Total, count_found, search_certificates
from kernel.actor import Actor
from notices.subjects import Subject

_LATELY_DAYS: Final = 30
_MOST_NAMED: Final = 5
_MOST_THRESHOLDS: Final = 12


def would_tell(subject: str, thresholds: Sequence[int], text: str, *, visible_to: Actor) -> Facts:
    """How often each threshold was crossed in the last 30 days, and what crosses one next.

    `text` is the filter. Raises Invalid where it cannot be read, or takes too long to answer.
    """
    at, days = timezone.now(), sorted(set(thresholds), reverse=True)[:_MOST_THRESHOLDS]
    wanted = parse_filter(text, at=at)
    if not days or subject not in (Subject.CERTIFICATE_EXPIRING, Subject.CA_EXPIRING):
        return [(_("Told"), _("When it happens, once each time."))]
    if subject == Subject.CA_EXPIRING:
        return list(_about_authorities(days, at, visible_to))
    return list(_about_certificates(days, wanted, at, visible_to))


def _about_certificates(
    days: Sequence[int], wanted: CertificateFilter, at: datetime, actor: Actor
) -> Iterator[tuple[str, str]]:
    for each in days:
        count = count_found(_between(wanted, each - _LATELY_DAYS, each), visible_to=actor)
        yield _label(each), _lately(count)
    ahead = _between(wanted, 0, max(days) + 1)
    found = search_certificates(ahead, visible_to=actor, limit=_MOST_NAMED, order=Order.FIRST_TO_EXPIRE)
    lines = [f"{row} ({relative(row.not_after, at=at)})" for row in found.rows if row.not_after is not None]
    yield _("Ends first"), ", ".join(lines) or _("nothing in that time")


def _about_authorities(days: Sequence[int], at: datetime, actor: Actor) -> Iterator[tuple[str, str]]:
    own = CaCertificate.objects.filter(ca__in=present_authorities(visible_to=actor), preferred=True)
    rows = own.select_related("ca").defer("der").order_by("not_after", "pk")
    for each in days:
        first, last = at + timedelta(days=each - _LATELY_DAYS), at + timedelta(days=each)
        yield _label(each), _lately(Total(rows.filter(not_after__gt=first, not_after__lte=last).count()))
    ahead = rows.filter(not_after__gt=at)[:_MOST_NAMED]
    lines = [f"{row.ca.name} ({relative(row.not_after, at=at)})" for row in ahead]
    yield _("Ends first"), ", ".join(lines) or _("nothing in that time")


def _between(wanted: CertificateFilter, first: int, last: int) -> CertificateFilter:
    """Those of them that end within these days from now."""
    words = [("status", "issued"), ("expires_gt", f"{first}d"), ("expires_lt", f"{last}d")]
    if first < 0:
        words[0] = ("status_in", "issued|expired")
    more = parse_filter("", at=wanted.at, words=words)
    return CertificateFilter(at=wanted.at, terms=wanted.terms + more.terms)


def _label(days: int) -> str:
    return ngettext("%(days)d day before", "%(days)d days before", days) % {"days": days}


def _lately(count: Total) -> str:
    number = f"{count.value}+" if count.is_estimate else str(count.value)
    return _("%(number)s in the last %(days)d days") % {"number": number, "days": _LATELY_DAYS}
