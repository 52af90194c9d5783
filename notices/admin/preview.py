"""What a rule would have told lately, and would tell next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from audit.admin.html import relative
from audit.admin.pages import Facts
from cas.models import CaCertificate
from cas.selectors import present_authorities
from certificates.filters import parse_filter
from certificates.models import Certificate
from certificates.orders import CertificateFilter
from certificates.search import matching, patience
from kernel.actor import Actor
from kernel.errors import Invalid
from notices.conditions.certificates import good_successors
from notices.services.rules import MOST_THRESHOLDS
from notices.subjects import ENDING, Subject

_LATELY_DAYS: Final = 30
_MOST_NAMED: Final = 5
_MOST_COUNTED: Final = 1000
_DAY: Final = timedelta(days=1)


def would_tell(subject: str, thresholds: Sequence[int], text: str, *, visible_to: Actor) -> Facts:
    """How often each threshold was crossed in the last 30 days, and what crosses one next.

    `text` is the filter. Raises Invalid where it cannot be read, or takes too long to answer, and where a rule about
    what ends has no threshold.
    """
    at, days = timezone.now(), sorted(set(thresholds), reverse=True)[:MOST_THRESHOLDS]
    wanted = parse_filter(text, at=at)
    if subject not in ENDING:
        return [(_("Told"), _("When it happens, once each time."))]
    if not days:
        raise Invalid.of("thresholds", "required", gettext_noop("This field is required."))
    if subject == Subject.CA_EXPIRING:
        return list(_about_authorities(days, at, visible_to))
    return list(_about_certificates(days, wanted, at, visible_to))


def _about_certificates(
    days: Sequence[int], wanted: CertificateFilter, at: datetime, actor: Actor
) -> Iterator[tuple[str, str]]:
    rows = matching(wanted, visible_to=actor).select_related(None).exclude(state=Certificate.State.REVOKED).order_by()
    with patience(wanted):
        for each in days:
            yield _label(each), _lately(_crossed(rows, each, at)[:_MOST_COUNTED].count())
        ahead = rows.filter(~Exists(good_successors(at)), not_after__gt=at, not_after__lte=at + _DAY * max(days))
        found = ahead.order_by("not_after", "pk")[:_MOST_NAMED]
        lines = [f"{row} ({relative(row.not_after, at=at)})" for row in found]
    yield _("Told first"), ", ".join(lines) or _("nothing for now")


def _crossed(rows: QuerySet[Certificate], days: int, at: datetime) -> QuerySet[Certificate]:
    """Those that came within so many days of their end lately, and had not been renewed until then."""
    renewed = Certificate.objects.filter(
        replaces_id=OuterRef("pk"), created_at__lte=OuterRef("not_after") - timedelta(days=days)
    )
    last = at + _DAY * days
    return rows.filter(~Exists(renewed), not_after__gt=last - _DAY * _LATELY_DAYS, not_after__lte=last)


def _about_authorities(days: Sequence[int], at: datetime, actor: Actor) -> Iterator[tuple[str, str]]:
    own = CaCertificate.objects.filter(ca__in=present_authorities(visible_to=actor), preferred=True)
    rows = own.select_related("ca").defer("der").order_by("not_after", "pk")
    for each in days:
        first, last = at + _DAY * (each - _LATELY_DAYS), at + _DAY * each
        yield _label(each), _lately(rows.filter(not_after__gt=first, not_after__lte=last).count())
    ahead = rows.filter(not_after__gt=at)[:_MOST_NAMED]
    lines = [f"{row.ca.name} ({relative(row.not_after, at=at)})" for row in ahead]
    yield _("Told first"), ", ".join(lines) or _("nothing for now")


def _label(days: int) -> str:
    return ngettext("%(days)d day before", "%(days)d days before", days) % {"days": days}


def _lately(count: int) -> str:
    number = f"{_MOST_COUNTED}+" if count == _MOST_COUNTED else str(count)
    return _("%(number)s in the last %(days)d days") % {"number": number, "days": _LATELY_DAYS}
