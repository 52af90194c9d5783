"""Which part of the audit log is asked for: parameters of addresses to what `audit` is asked with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from ipaddress import ip_address
from typing import Any, Final

from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.common import formats
from api.common.fields import Choice, Id, Text
from api.common.inputs import Number, Query
from api.common.paging import OffsetPageQuery, PageQuery
from audit.events import EventName
from certificates.filters import read_serial
from certificates.orders import SerialNumber
from kernel.actor import ActorKind
from kernel.errors import Invalid
from kernel.text import _

_ACTOR: Final = re.compile(r"([a-z_]{1,32}):([0-9]{1,18})")
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@extend_schema_field(
    {
        "type": "string",
        "anyOf": [{"format": "date"}, {"format": "date-time"}],
        "examples": ["2026-04-01", "2026-04-18T10:02:34Z"],
    }
)
class DayOrMoment(serializers.Field):
    """A day, which begins at midnight in UTC, or a time with its zone (RFC 3339)."""

    default_error_messages = {"invalid": gettext_lazy("Write a day as 2026-04-01, or a time as 2026-04-18T10:02:34Z.")}

    def to_internal_value(self, data: Any) -> date | datetime:
        try:
            return date.fromisoformat(data) if _DAY.fullmatch(data) else formats.read_time(data)
        except ValueError:
            self.fail("invalid")


@extend_schema_field({"type": "string", "pattern": "^[a-z_]+:[0-9]{1,18}$", "examples": ["user:12", "api_key:3"]})
class ActorName(serializers.Field):
    """Who did it, by the kind and the number that events show."""

    default_error_messages = {"invalid": gettext_lazy("Write the actor as type and id: user:12.")}

    def to_internal_value(self, data: Any) -> tuple[ActorKind, int]:
        match = _ACTOR.fullmatch(data)
        if not match or match[1] not in set(ActorKind):
            self.fail("invalid")
        return ActorKind(match[1]), int(match[2])


@extend_schema_field({"type": "string", "examples": ["203.0.113.42"]})
class Address(serializers.Field):
    """An IP address."""

    default_error_messages = {"invalid": gettext_lazy("This is not an IP address.")}

    def to_internal_value(self, data: Any) -> str:
        try:
            return str(ip_address(data))
        except ValueError:
            self.fail("invalid")


@extend_schema_field({"type": "string", "examples": ["3F:A1:B2:C3"]})
class SerialText(serializers.Field):
    """A serial number in any notation."""

    def to_internal_value(self, data: Any) -> SerialNumber:
        """Raises Invalid."""
        number = read_serial(data)
        if number is None:
            raise Invalid.of(str(self.field_name), "invalid", _("This is not a serial number, in any notation."))
        return number


class EventFilters(Query):
    """What a list of events is narrowed to."""

    event = Choice(EventName, required=False)
    since = DayOrMoment(required=False, help_text="This moment and later.")
    until = DayOrMoment(required=False, help_text="Before this moment.")
    actor = ActorName(required=False, help_text="`type:id`, as events show it.")
    resource_type = Text(required=False, max_length=64, help_text="Such as `certificate` or `ca`.")
    resource_id = Number(required=False, help_text="The number that events show, in every version.")
    serial = SerialText(required=False, help_text="In any notation.")
    ip = Address(required=False)
    trace_id = Text(required=False, max_length=64)

    @staticmethod
    def of(values: Mapping[str, Any]) -> dict[str, Any]:
        """The members of an `EventFilter` that the parameters name; serial number and organization apart."""
        names = ("since", "until", "actor", "resource_type", "resource_id", "ip", "trace_id")
        found = {name: values[name] for name in names if name in values}
        return found | ({"name": EventName(values["event"])} if "event" in values else {})


class LogQuery(Query):
    """Which log."""

    organization_id = Id(required=False, help_text="Where a superuser asks: of whom. Else the log is one's own.")


class EventsQuery(EventFilters, LogQuery, PageQuery):
    """A page of the events that are wanted."""


class EventsOffsetQuery(EventFilters, OffsetPageQuery):
    """The same in v1."""


class CheckpointsQuery(LogQuery, PageQuery):
    """A page of checkpoints."""


class ProofQuery(Query):
    """Under which checkpoint an event is proven."""

    size = Number(min_value=1, required=False, help_text="That of so many events; the newest where absent.")


class ConsistencyQuery(LogQuery):
    """Which checkpoint continues the one of the address."""

    later = Number(min_value=1, required=False, help_text="That of so many events; the newest where absent.")


class ExportQuery(LogQuery):
    """Which part of the log goes into a file."""

    since = DayOrMoment(required=False, help_text="Older events are told by their hashes alone.")
