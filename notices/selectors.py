"""What an actor may see of channels, rules, notices and deliveries.

They are an organization's, and stand under no CA: whoever is let to single CAs alone sees nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist
from django.db import connection
from django.db.models import Model, QuerySet

from accounts.selectors import of_whole_organization, reach_sql
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ref import Ref
from kernel.text import _
from notices.models import Channel, Delivery, Mute, Notice, Rule

# Asked for the bell of every page: as rows of the ORM it took a tenth of the time of a list.
_UNREAD_SQL = """
    SELECT id FROM notices_notice
    WHERE {reach} AND closed_at IS NULL AND {condition} AND NOT EXISTS (
        SELECT 1 FROM notices_noticereading
        WHERE user_id = %s AND organization_id = notices_notice.organization_id AND up_to >= notices_notice.id
    )
    LIMIT %s
"""

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


def unread_count(*, visible_to: Actor, most: int = 100) -> int:
    """How many are not over and not read by the person, counted no further than this; none for whoever is no person."""
    return len(_unread(visible_to, "TRUE", [], most))


def unread_among(numbers: Sequence[int], *, visible_to: Actor) -> frozenset[int]:
    """Those of these notices, by their numbers, that are not over and that the person has not read."""
    if not numbers:
        return frozenset()
    return frozenset(_unread(visible_to, f"id IN ({', '.join(['%s'] * len(numbers))})", numbers, len(numbers)))


def _unread(actor: Actor, condition: str, parameters: Sequence[int], most: int) -> list[int]:
    if actor.person_id is None or actor.grants is not None:
        return []
    reach, organization = reach_sql(actor, "organization_id")
    with connection.cursor() as cursor:
        sql = _UNREAD_SQL.format(reach=reach, condition=condition)
        cursor.execute(sql, [*organization, *parameters, actor.person_id, most])
        return [number for (number,) in cursor.fetchall()]


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
