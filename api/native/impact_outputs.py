"""How the native API says what a change of a template or a role would refuse."""

from __future__ import annotations

from api.common.outputs import Output, flag, identity, moment, text, texts, whole
from api.native.batch_outputs import FieldErrorOut


class RefusalOut(Output):
    """A certificate that would not be issued again, and everything that stands against it."""

    id = identity(source="certificate")
    serial = text(source="certificate.serial")
    common_name = text(source="certificate.common_name")
    sans = texts(source="certificate.sans")
    not_after = moment(source="certificate.not_after")
    reasons = FieldErrorOut(many=True, read_only=True)


class JudgedOut(Output):
    """How many there are, how many of them were judged, and what of those would be refused."""

    total = whole(source="total.value", help_text="Counted to 10,000.")
    total_is_estimate = flag(source="total.is_estimate", help_text="True where `total` is a lower bound.")
    judged = whole(help_text="The newest, or the first to end; as many as there was time for, at most 2,000.")
    refused = whole()
    first = RefusalOut(many=True, read_only=True, help_text="Of those refused, at most 100.")


class ImpactOut(Output):
    """What the rules of now let through and the changed ones would not."""

    at = moment()
    harmless = flag(source="is_harmless", help_text="Nothing that was judged would be refused.")
    issued = JudgedOut(read_only=True, help_text="What was issued in the last 90 days.")
    renewals = JudgedOut(read_only=True, help_text="What ends, or is to be renewed, in the next 90 days.")
