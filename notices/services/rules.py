"""What is told, when, and over which channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy
from accounts.models import Organization
from accounts.quotas import require_room
from accounts.selectors import get_organization
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from certificates.filters import parse_filter
from kernel.actor import SYSTEM, Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _
from notices.models import Channel, FirstRules, Notice, Rule, RuleChannel
from notices.orders import RuleChange, RuleOrder
from notices.selectors import get_rule, visible_channels
from notices.subjects import CONDITIONS, ENDING, OF_CERTIFICATES, Subject

MOST_THRESHOLDS: Final = 10
MOST_CHANNELS: Final = 20
_MOST_RULES: Final = 200
LONGEST_THRESHOLD: Final = 3650
_LONGEST_NAME: Final = 80
_LONGEST_FILTER: Final = 1000

# What every organization is told from its first day on, until it wishes otherwise: name, subject, days before.
_FIRST: Final[tuple[tuple[str, Subject, tuple[int, ...]], ...]] = (
    ("Certificates that end", Subject.CERTIFICATE_EXPIRING, (30, 14, 7, 1)),
    ("CAs that end", Subject.CA_EXPIRING, (180, 90, 30, 7)),
    ("CRLs that are late", Subject.CRL_LATE, ()),
    ("Requests that wait", Subject.REQUEST_WAITING, ()),
    ("Renewals that fail", Subject.RENEWAL_FAILED, ()),
    ("Renewals that somebody has to make", Subject.RENEWAL_NEEDED, ()),
    ("Orders that fail", Subject.ORDER_FAILED, ()),
    ("Certificates that are not served", Subject.NOT_SERVED, ()),
    ("The audit log", Subject.AUDIT_BROKEN, ()),
)


@transaction.atomic
def create_rule(*, actor: Actor, order: RuleOrder) -> Rule:
    """What there is to tell from now on is told; what is so already, at the first look.

    Raises NotFound, Denied, Invalid with every wrong field, Conflict (the name is used; there are too many).
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.NOTICES_WRITE, organization_id=organization.pk)
    if order.subject not in CONDITIONS:
        text = _("There is no rule about this; known are %(known)s.")
        raise Invalid.of("subject", "invalid", text, known=", ".join(sorted(CONDITIONS)))
    require_room(organization.pk, organization.notice_rules.all(), _MOST_RULES)
    row = Rule(organization=organization, subject=order.subject, event=audit.new_event_id(), due_at=timezone.now())
    change = RuleChange(
        name=order.name,
        thresholds=order.thresholds,
        filter=order.filter,
        tells_owner=order.tells_owner,
        channels=order.channels,
        is_active=order.is_active,
    )
    channels = _fill(actor, row, change)
    _save(row)
    _speak_over(row, channels or [])
    _record(actor, EventName.NOTICE_RULE_CREATED, row, event_id=row.event)
    return row


@transaction.atomic
def update_rule(*, actor: Actor, rule: Ref, change: RuleChange) -> Rule:
    """What it looked at before is looked at again, and told where it was not. Raises what `create_rule` raises."""
    row = _lock(actor, rule)
    was_active = row.is_active
    channels = _fill(actor, row, change)
    row.due_at, row.lease, row.lease_until = timezone.now(), None, None
    row.looked_at_all, row.attempts, row.last_error = None, 0, ""
    if row.is_active and not was_active:
        row.since, row.looked_at = timezone.now(), None
    _save(row)
    if channels is not None:
        RuleChannel.objects.filter(rule=row).delete()
        _speak_over(row, channels)
    _record(actor, EventName.NOTICE_RULE_UPDATED, row)
    return row


@transaction.atomic
def delete_rule(*, actor: Actor, rule: Ref) -> None:
    """What it has told is over. Raises NotFound, Denied."""
    row = _lock(actor, rule)
    Notice.objects.filter(rule=row, closed_at__isnull=True).update(closed_at=timezone.now())
    _record(actor, EventName.NOTICE_RULE_DELETED, row)
    row.delete()


def give_first_rules() -> int:
    """To how many organizations they were given: each gets them once, and does with them what it likes."""
    without = Organization.objects.filter(closed_at__isnull=True).exclude(
        pk__in=FirstRules.objects.values("organization_id")
    )
    return sum(_give(organization) for organization in without.order_by("pk"))


@transaction.atomic
def _give(organization: Organization) -> bool:
    _mark, is_new = FirstRules.objects.get_or_create(organization=organization)
    if not is_new:
        return False
    names = set(Rule.objects.filter(organization=organization).values_list("name", flat=True))
    for name, subject, thresholds in _FIRST:
        if name not in names:
            row = Rule(organization=organization, name=name, subject=subject, thresholds=list(thresholds))
            row.tells_owner = subject in OF_CERTIFICATES
            row.event = audit.new_event_id()
            row.save(force_insert=True)
            _record(SYSTEM, EventName.NOTICE_RULE_CREATED, row, event_id=row.event)
    return True


def _fill(actor: Actor, row: Rule, change: RuleChange) -> list[Channel] | None:
    """The channels that were named. Raises Invalid with every wrong field."""
    errors: list[FieldError] = []
    if change.name is not None:
        row.name = change.name.strip()
        errors += text_errors("name", row.name, longest=_LONGEST_NAME, required=True)
    if change.thresholds is not None:
        row.thresholds = sorted(set(change.thresholds), reverse=True)
        errors += _threshold_errors(row)
    if change.filter is not None:
        row.filter = change.filter.strip()
        errors += _filter_errors(row)
    if change.tells_owner is not None:
        row.tells_owner = change.tells_owner
        if row.tells_owner and row.subject not in OF_CERTIFICATES:
            errors.append(field_error("tells_owner", "not-allowed", _("Only certificates have an owner to be told.")))
    if change.is_active is not None:
        row.is_active = change.is_active
    channels = None if change.channels is None else _channels(actor, row, change.channels, errors)
    if errors:
        raise Invalid(errors=errors)
    return channels


def _threshold_errors(row: Rule) -> list[FieldError]:
    if row.subject not in ENDING:
        text = _("Days before the end are of what has an end.")
        return [field_error("thresholds", "not-allowed", text)] if row.thresholds else []
    if not row.thresholds:
        return [field_error("thresholds", "required", _("This field is required."))]
    if len(row.thresholds) > MOST_THRESHOLDS:
        return [field_error("thresholds", "too-many", _("At most %(most)s numbers."), most=MOST_THRESHOLDS)]
    if all(0 < each <= LONGEST_THRESHOLD for each in row.thresholds):
        return []
    text = _("Between %(least)s and %(most)s.")
    return [field_error("thresholds", "out-of-range", text, least=1, most=LONGEST_THRESHOLD)]


def _filter_errors(row: Rule) -> list[FieldError]:
    if not row.filter:
        return []
    if row.subject not in OF_CERTIFICATES:
        return [field_error("filter", "not-allowed", _("A filter narrows what is told of certificates."))]
    if errors := text_errors("filter", row.filter, longest=_LONGEST_FILTER):
        return errors
    try:
        parse_filter(row.filter, at=timezone.now())
    except Invalid as error:
        return list(error.errors)
    return []


def _channels(actor: Actor, row: Rule, refs: Sequence[Ref], errors: list[FieldError]) -> list[Channel]:
    if len(refs) > MOST_CHANNELS:
        errors.append(field_error("channels", "too-many", _("At most %(most)s channels."), most=MOST_CHANNELS))
        return []
    own = visible_channels(visible_to=actor).filter(organization_id=row.organization_id)
    found: dict[int, Channel] = {}
    for number, ref in enumerate(refs):
        channel = own.filter(**{ref.by: ref.value}).first()
        if channel is None:
            errors.append(field_error(f"channels[{number}]", "unknown", _("There is no such channel.")))
        else:
            found[channel.pk] = channel
    return list(found.values())


def _speak_over(row: Rule, channels: Sequence[Channel]) -> None:
    RuleChannel.objects.bulk_create(
        RuleChannel(organization_id=row.organization_id, rule=row, channel=channel) for channel in channels
    )


def _lock(actor: Actor, rule: Ref) -> Rule:
    found = get_rule(rule, visible_to=actor)
    policy.require(actor, Permission.NOTICES_WRITE, organization_id=found.organization_id)
    return Rule.objects.select_for_update(of=("self",)).get(pk=found.pk)


def _save(row: Rule) -> None:
    """Raises Conflict."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict(_("There is a rule with this name already."), code="notice-rule-exists") from error


def _record(actor: Actor, event: EventName, row: Rule, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("notice_rule", row.pk, row.name, public_id=row.public_id),
        organization_id=row.organization_id,
        event_id=event_id,
        subject=row.subject,
        thresholds=row.thresholds,
        filter=row.filter,
        tells_owner=row.tells_owner,
        is_active=row.is_active,
        channels=[str(each) for each in row.channels.values_list("public_id", flat=True)],
    )
