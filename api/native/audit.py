"""What happened, as it was signed; and how much there is of what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from api.common.fields import Made
from api.common.formats import serial_text
from api.common.openapi import operation
from api.native.certificate_outputs import StatsOut
from api.native.dialect import NativeViewSet
from api.native.outputs import STRING, Output, listing, text
from audit.selectors import visible_events
from certificates.statistics import count_authorities, count_certificates
from kernel.actor import ActorKind
from kernel.permissions import Permission

SOON: Final = timedelta(days=30)
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_NUMBER: Final = {"type": ["integer", "null"]}


class ActorOut(Output):
    """Who did it. The number is that of the log's own bytes, in every version of the API."""

    type = Made(lambda actor: actor["type"], {"type": "string", "enum": [kind.value for kind in ActorKind]})
    id = Made(lambda actor: actor["id"], {"type": "integer"})
    label = Made(lambda actor: actor["label"], STRING)  # type: ignore[assignment]
    email = Made(lambda actor: actor["label"] if actor["type"] == ActorKind.USER and actor["id"] else None, _MAYBE_TEXT)


class ResourceOut(Output):
    """What it was done to."""

    type = Made(lambda resource: resource["type"], STRING)
    id = Made(lambda resource: resource["id"], _MAYBE_NUMBER)
    public_id = Made(lambda resource: resource.get("public_id"), _MAYBE_TEXT | {"format": "uuid"})
    label = Made(lambda resource: resource["label"], STRING)  # type: ignore[assignment]
    serial = Made(lambda resource: _serial(resource), _MAYBE_TEXT)


class EventOut(Output):
    """One thing that happened."""

    id = text(source="event_id", help_text="A ULID.")
    ts = Made(lambda event: event.document["ts"], {"type": "string", "format": "date-time"})
    actor = ActorOut(source="document.actor", read_only=True)
    event = text(source="name")
    resource = ResourceOut(source="document.resource", read_only=True)
    metadata = Made(
        lambda event: event.document["metadata"] | {"ip": event.document["ip"]},
        {"type": "object", "additionalProperties": True},
    )
    trace_id = text(help_text="The request in which it happened; empty where there was none.")
    signature = text(source="signature_text", help_text="`ed25519:` and the signature over the event's bytes.")


class Audit(NativeViewSet):
    """The audit log: every change, signed, append-only."""

    title = "Audit log"
    permissions = {"list": Permission.AUDIT_READ}

    @operation("List audit events", answers={200: listing(EventOut)})
    def list(self, request: Request) -> Response:
        """Of the actor's organization."""
        return self.page(EventOut, visible_events(self.actor))


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


def _serial(resource: dict[str, Any]) -> str | None:
    return serial_text(resource["serial"]) if resource.get("serial") else None
