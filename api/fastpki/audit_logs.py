"""What happened."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.openapi import operation
from api.fastpki.audit_names import events_of
from api.fastpki.dialect import FastPkiViewSet
from api.fastpki.identity_inputs import AuditQuery
from api.fastpki.identity_outputs import AuditLogOut
from audit.selectors import EventFilter, filter_events
from kernel.actor import ActorKind
from kernel.permissions import Permission


class AuditLogs(FastPkiViewSet):
    """The audit log."""

    title = "Audit logs"
    permissions = {"list": Permission.AUDIT_READ}
    queries = {"list": AuditQuery}

    @operation("List what happened", answers={200: AuditLogOut(many=True)})
    def list(self, request: Request) -> Response:
        """The newest first."""
        asked = dict(self.parameters)
        skip, limit, action = asked.pop("skip"), asked.pop("limit"), asked.pop("action", None)
        user = asked.pop("user_id", None)
        wanted = EventFilter(actor=None if user is None else (ActorKind.USER, user), **asked)
        events = filter_events(wanted, visible_to=self.actor)
        if action is not None:
            events = events.filter(name__in=events_of(action))
        return self.show_all(AuditLogOut, events.order_by("-pk")[skip : skip + limit])
