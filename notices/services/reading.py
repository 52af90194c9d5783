"""Notices read, and objects of which nobody wants to hear any more."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from accounts import policy
from accounts.selectors import organizations, person_of
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _
from notices.models import Mute, Notice, NoticeReading
from notices.selectors import get_mute, get_notice, visible_notices


def mark_read(*, actor: Actor, up_to: Ref | None = None) -> None:
    """The person has read everything up to this notice; None: everything that there is now.

    Nothing that anybody else sees is changed, so no event tells of it. Raises NotFound, Denied (no person).
    """
    person = person_of(actor)
    rows = visible_notices(visible_to=actor).select_related(None).order_by()
    if up_to is not None:
        rows = rows.filter(pk__lte=get_notice(up_to, visible_to=actor).pk)
    for number in organizations(visible_to=actor).values_list("pk", flat=True):
        newest = rows.filter(organization_id=number).aggregate(newest=Max("pk"))["newest"]
        if newest is not None:
            _read(number, person.pk, newest)


@transaction.atomic
def mute(*, actor: Actor, notice: Ref) -> Mute:
    """What this notice is about is not told of any more, and what was told of it is over.

    Raises NotFound, Denied, Invalid (it is about no single object), Conflict (muted already).
    """
    told = get_notice(notice, visible_to=actor)
    policy.require(actor, Permission.NOTICES_WRITE, organization_id=told.organization_id)
    if told.object_id is None:
        raise Invalid.of("notice", "invalid", _("What this is about cannot be muted."))
    row = Mute(organization_id=told.organization_id, kind=told.kind, object_id=told.object_id, label=told.label)
    row.muted_by, row.event = actor.label[:254], audit.new_event_id()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("This is muted already."), code="mute-exists") from error
    about = Notice.objects.filter(organization_id=row.organization_id, object_id=row.object_id)
    about.filter(closed_at__isnull=True).update(closed_at=timezone.now())
    _record(actor, EventName.NOTICE_OBJECT_MUTED, row, event_id=row.event)
    return row


@transaction.atomic
def unmute(*, actor: Actor, mute: Ref) -> None:
    """What there is to tell of it from now on is told again. Raises NotFound, Denied."""
    row = get_mute(mute, visible_to=actor)
    policy.require(actor, Permission.NOTICES_WRITE, organization_id=row.organization_id)
    _record(actor, EventName.NOTICE_OBJECT_UNMUTED, row)
    row.delete()


def _read(organization_id: int, user_id: int, newest: int) -> None:
    row, is_new = NoticeReading.objects.get_or_create(
        organization_id=organization_id, user_id=user_id, defaults={"up_to": newest}
    )
    if not is_new:
        NoticeReading.objects.filter(pk=row.pk, up_to__lt=newest).update(up_to=newest)


def _record(actor: Actor, event: EventName, row: Mute, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("mute", row.pk, row.label, public_id=row.public_id),
        organization_id=row.organization_id,
        event_id=event_id,
        kind=row.kind,
        object=row.object_id,
    )
