"""How much there is of what: the numbers of a dashboard."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from api.common.fields import Made
from api.common.openapi import operation
from api.common.outputs import Output, moment, one_of, whole
from api.native.dialect import NativeViewSet
from api.native.outputs import PkiOut
from cas.core.keys import KeyAlgorithm
from cas.selectors import authorities
from certificates.statistics import count_authorities
from certificates.summary import DAYS, Part, summarize
from kernel.permissions import Permission

# Beyond so many CAs, the smallest are left out.
_MOST_CAS: Final = 100


class CountsOut(Output):
    """Every certificate is in exactly one of the five; `expiring` are those that end within 30 days."""

    total = whole()
    active = whole()
    expiring = whole()
    expired = whole()
    held = whole()
    revoked = whole()


class CaCountsOut(Output):
    """The certificates of one CA."""

    pki = PkiOut(read_only=True, allow_null=True, help_text="Null: imported, of a CA that is not known here.")
    certificates = CountsOut(read_only=True)


class KeyCountsOut(Output):
    """The certificates with keys of one kind."""

    key_algorithm = one_of(KeyAlgorithm)
    certificates = CountsOut(read_only=True)


class WindowOut(Output):
    """How many certificates that are good now end soon."""

    within_days = whole()
    certificates = whole()


class DayOut(Output):
    """How many certificates were issued or imported on one day in UTC."""

    day = Made(lambda row: row["day"].isoformat(), {"type": "string", "format": "date"})
    certificates = whole()


class StatsOut(Output):
    """How much there is of what."""

    certificates = CountsOut(read_only=True)
    by_ca = CaCountsOut(many=True, read_only=True, help_text=f"The {_MOST_CAS} largest, the largest first.")
    by_key_algorithm = KeyCountsOut(many=True, read_only=True)
    expiring = WindowOut(many=True, read_only=True)
    issued = DayOut(many=True, read_only=True, help_text=f"The last {DAYS} days, today last.")
    authorities = whole(help_text="CAs in service.")
    as_of = moment(help_text="When it was counted: a large register is not counted for each question.")


class Stats(NativeViewSet):
    """Counts."""

    title = "Statistics"
    permissions = {"retrieve": Permission.CERTIFICATES_READ}

    @operation("Count certificates and CAs", answers={200: StatsOut})
    def retrieve(self, request: Request) -> Response:
        """Of the actor's organization. Up to 10,000 certificates are counted at once, more of them now and then."""
        summary = summarize(visible_to=self.actor, at=timezone.now())
        shown = {
            "certificates": summary.certificates,
            "by_ca": self._by_ca(summary.by_ca[:_MOST_CAS]),
            "by_key_algorithm": [
                {"key_algorithm": part.of, "certificates": part.counts} for part in summary.by_key_algorithm
            ],
            "expiring": [{"within_days": days, "certificates": count} for days, count in summary.expiring],
            "issued": [{"day": day, "certificates": count} for day, count in summary.issued],
            "authorities": count_authorities(visible_to=self.actor),
            "as_of": summary.at,
        }
        return Response(self.show(StatsOut, shown))

    def _by_ca(self, parts: tuple[Part, ...]) -> list[dict[str, Any]]:
        known = authorities(visible_to=self.actor).in_bulk([part.of for part in parts if part.of is not None])
        return [{"pki": known.get(part.of), "certificates": part.counts} for part in parts]
