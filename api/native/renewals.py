"""Renewal that happens by itself: whether, when, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.fields import Whole
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, flag, identity, moment, one_of, text, whole
from api.common.problems import Family
from api.native.dialect import NativeViewSet
from certificates import selectors
from certificates.models import Certificate, Renewal
from certificates.services.scheduling import USUAL_AHEAD, schedule_renewal, unschedule_renewal
from kernel.permissions import Permission
from kernel.ref import Ref


class AutoRenewalIn(Input):
    """How long before the end."""

    example = {"days_before": 30}

    days_before = Whole(
        default=USUAL_AHEAD.days, min_value=1, max_value=365, help_text="Of a short life, never more than a third."
    )


class RenewalOut(Output):
    """Whether a certificate is renewed by itself, and how that goes."""

    certificate_id = identity()
    auto_renew = flag()
    renew_at = moment(allow_null=True, help_text="Null where it is not renewed by itself, or has been.")
    standing = one_of(Renewal.Standing.values, source="renewal.standing", default=None, allow_null=True)
    next_attempt_at = moment(source="renewal.due_at", default=None, allow_null=True)
    failed_attempts = whole(source="renewal.attempts", default=0)
    last_error = text(source="renewal.last_error", default="")


class Renewals(NativeViewSet):
    """Renewal that happens by itself, of one certificate."""

    title = "Renewal by itself"
    permissions = {
        "retrieve": Permission.CERTIFICATES_READ,
        "update": Permission.CERTIFICATES_RENEW,
        "destroy": Permission.CERTIFICATES_RENEW,
    }
    field_names = {"ahead": "days_before"}

    @operation("Show how a certificate renews itself", answers={200: RenewalOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self._shown(ref)

    @operation(
        "Let a certificate renew itself", body=AutoRenewalIn, answers={200: RenewalOut}, refusals=(Family.CONFLICT,)
    )
    def update(self, request: Request, ref: Ref) -> Response:
        """With a new key, which waits here for whoever answers for it. Its successor will renew itself, too."""
        values = AutoRenewalIn.values(request.data, version=self.version)
        schedule_renewal(actor=self.actor, certificate=ref, ahead=timedelta(days=values["days_before"]))
        return self._shown(ref)

    @operation("Let a certificate not renew itself any more", answers={204: None})
    def destroy(self, request: Request, ref: Ref) -> Response:
        unschedule_renewal(actor=self.actor, certificate=ref)
        return Response(status=204)

    def _shown(self, ref: Ref) -> Response:
        row: Certificate = selectors.get_certificate(ref, visible_to=self.actor)
        return Response(self.show(RenewalOut, row))


RENEWAL_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, Any]], ...]] = (
    (
        "certificates/<public_id:ref>/renewal",
        Renewals,
        {"get": "retrieve", "put": "update", "delete": "destroy"},
    ),
)
