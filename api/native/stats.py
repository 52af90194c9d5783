"""How much there is of what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from api.common.openapi import operation
from api.native.certificate_outputs import StatsOut
from api.native.dialect import NativeViewSet
from certificates.statistics import count_authorities, count_certificates
from kernel.permissions import Permission

SOON: Final = timedelta(days=30)


class Stats(NativeViewSet):
    """Counts."""

    title = "Statistics"
    permissions = {"retrieve": Permission.CERTIFICATES_READ}

    @operation("Count certificates and CAs", answers={200: StatsOut})
    def retrieve(self, request: Request) -> Response:
        now = timezone.now()
        counts: dict[str, Any] = {
            "certificates": count_certificates(visible_to=self.actor, at=now, soon=SOON),
            "authorities": count_authorities(visible_to=self.actor),
            "as_of": now,
        }
        return Response(self.show(StatsOut, counts))
