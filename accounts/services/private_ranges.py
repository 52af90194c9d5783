"""Address ranges behind us that an organization may name: a superuser says which."""

from __future__ import annotations

from ipaddress import ip_network

from django.db import IntegrityError, transaction

from accounts.models import Organization
from accounts.oidc_models import PrivateRange
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, Invalid
from kernel.text import _


@transaction.atomic
def allow_private_range(*, actor: Actor, organization: Organization, network: str) -> PrivateRange:
    """What the organization names may stand there. Raises Denied (superusers only), Invalid, Conflict (allowed).

    A single address is a range of one.
    """
    _require_superuser(actor)
    try:
        text = str(ip_network(network.strip()))
    except ValueError as error:
        raise Invalid.of("network", "invalid", _("An address range is written as 10.20.0.0/16.")) from error
    row = PrivateRange(organization=organization, network=text, event=audit.new_event_id())
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("This range is allowed already."), code="private-range-exists") from error
    _record(actor, EventName.PRIVATE_RANGE_ALLOWED, row, event_id=row.event)
    return row


@transaction.atomic
def forbid_private_range(*, actor: Actor, private_range: PrivateRange) -> None:
    """Nothing is asked there any more. Raises Denied (superusers only)."""
    _require_superuser(actor)
    _record(actor, EventName.PRIVATE_RANGE_FORBIDDEN, private_range)
    private_range.delete()


def _require_superuser(actor: Actor) -> None:
    if not actor.is_superuser:
        raise Denied(_("Only a superuser can do this."))


def _record(actor: Actor, event: EventName, row: PrivateRange, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("private_range", row.pk, row.network),
        organization_id=row.organization_id,
        event_id=event_id,
    )
