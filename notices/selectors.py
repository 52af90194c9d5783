"""What an actor may see of channels, rules, notices and deliveries.

They are an organization's, and stand under no CA: whoever is let to single CAs alone sees nothing.
"""

from __future__ import annotations

from typing import TypeVar

from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist
from django.db.models import Exists, Model, OuterRef, QuerySet

from accounts.selectors import of_whole_organization
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ref import Ref
from kernel.text import _
from notices.models import Channel, Delivery, Mute, Notice, NoticeReading, Rule

M = TypeVar("M", bound=Model)


def visible_channels(*, visible_to: Actor) -> QuerySet[Channel]:
    return of_whole_organization(Channel.objects.select_related("organization").order_by("name", "id"), visible_to)


def get_channel(ref: Ref, *, visible_to: Actor) -> Channel:
    """Raises NotFound."""
    missing = NotFound(_("There is no such channel."), code="channel-not-found")
    return _one(visible_channels(visible_to=visible_to), ref, missing)


def visible_rules(*, visible_to: Actor) -> QuerySet[Rule]:
    """Each with its channels."""
    rows = Rule.objects.select_related("organization").prefetch_related("channels").order_by("name", "id")
    return of_whole_organization(rows, visible_to)


def get_rule(ref: Ref, *, visible_to: Actor) -> Rule:
    """Raises NotFound."""
    missing = NotFound(_("There is no such notification rule."), code="notice-rule-not-found")
    return _one(visible_rules(visible_to=visible_to), ref, missing)


def visible_notices(*, visible_to: Actor, is_open: bool | None = None) -> QuerySet[Notice]:
    """Newest first; those that are not over yet, those that are, or both."""
    rows = of_whole_organization(Notice.objects.select_related("organization", "rule").order_by("-id"), visible_to)
    return rows if is_open is None else rows.filter(closed_at__isnull=is_open)


def get_notice(ref: Ref, *, visible_to: Actor) -> Notice:
    """Raises NotFound."""
    missing = NotFound(_("There is no such notice."), code="notice-not-found")
    return _one(visible_notices(visible_to=visible_to), ref, missing)


def unread_notices(*, visible_to: Actor) -> QuerySet[Notice]:
    """Those that are not over and that the person has not read; nothing for whoever is no person."""
    rows = visible_notices(visible_to=visible_to, is_open=True)
    if visible_to.person_id is None:
        return rows.none()
    read = NoticeReading.objects.filter(
        user_id=visible_to.person_id, organization_id=OuterRef("organization_id"), up_to__gte=OuterRef("pk")
    )
    return rows.filter(~Exists(read))


def unread_count(*, visible_to: Actor, most: int = 100) -> int:
    """How many there are, counted no further than this."""
    return unread_notices(visible_to=visible_to).select_related(None).order_by()[:most].count()


def visible_deliveries(*, visible_to: Actor) -> QuerySet[Delivery]:
    """Newest first."""
    rows = Delivery.objects.select_related("organization", "channel", "notice").order_by("-id")
    return of_whole_organization(rows, visible_to)


def get_delivery(ref: Ref, *, visible_to: Actor) -> Delivery:
    """Raises NotFound."""
    missing = NotFound(_("There is no such delivery."), code="delivery-not-found")
    return _one(visible_deliveries(visible_to=visible_to), ref, missing)


def visible_mutes(*, visible_to: Actor) -> QuerySet[Mute]:
    """Newest first."""
    return of_whole_organization(Mute.objects.select_related("organization").order_by("-id"), visible_to)


def get_mute(ref: Ref, *, visible_to: Actor) -> Mute:
    """Raises NotFound."""
    missing = NotFound(_("There is no such muted object."), code="mute-not-found")
    return _one(visible_mutes(visible_to=visible_to), ref, missing)


def _one(rows: QuerySet[M], ref: Ref, missing: NotFound) -> M:
    try:
        return rows.get(**{ref.by: ref.value})
    except (ObjectDoesNotExist, MultipleObjectsReturned) as error:
        raise missing from error
