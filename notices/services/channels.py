"""Where messages go: made, changed, tried out, given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy
from accounts.issuers import may_be_asked
from accounts.quotas import require_room
from accounts.selectors import get_organization
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _
from notices.happenings import next_position
from notices.models import Channel, Delivery
from notices.orders import ChannelChange, ChannelOrder
from notices.recipients import members_among
from notices.sealing import new_signing_secret, seal
from notices.selectors import get_channel
from notices.services import sending
from notices.subjects import Subject

Kind = Channel.Kind

OVERLAP: Final = timedelta(hours=24)
MOST_RECIPIENTS: Final = 20
_MOST_CHANNELS: Final = 100
_LONGEST_NAME: Final = 80
_LONGEST_URL: Final = 2000
_LONGEST_ADDRESS: Final = 254


@dataclass(frozen=True, slots=True)
class ChannelWithSecret:
    """A channel, and what a webhook's messages are signed with: shown now and never again. None: nothing is signed."""

    channel: Channel
    secret: Secret | None


@transaction.atomic
def create_channel(*, actor: Actor, order: ChannelOrder) -> ChannelWithSecret:
    """A channel; of a webhook, with the secret that its messages are signed with.

    Raises NotFound, Denied, Invalid with every wrong field, Conflict (the name is used; there are too many).
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.NOTICES_WRITE, organization_id=organization.pk)
    if order.kind not in Kind.values:
        raise Invalid.of("kind", "invalid", _("Known are %(known)s."), known=", ".join(Kind.values))
    require_room(organization.pk, organization.channels.all(), _MOST_CHANNELS)
    row = Channel(organization=organization, kind=order.kind, event=audit.new_event_id())
    row.next_position = next_position(organization.pk)
    change = ChannelChange(
        name=order.name,
        recipients=order.recipients,
        url=order.url if order.url is not None or order.kind == Kind.MAIL else Secret(""),
        subjects=order.subjects,
        is_active=order.is_active,
    )
    _fill(actor, row, change)
    secret = new_signing_secret() if order.kind == Kind.WEBHOOK else None
    if secret is not None:
        row.sealed_secret = seal(row, secret)
    _save(row)
    _record(actor, EventName.CHANNEL_CREATED, row, event_id=row.event, kind=row.kind, **_told(row))
    return ChannelWithSecret(row, secret)


@transaction.atomic
def update_channel(*, actor: Actor, channel: Ref, change: ChannelChange) -> Channel:
    """Raises NotFound, Denied, Invalid with every wrong field, Conflict (the name is used)."""
    row = _lock(actor, channel)
    follows = row.is_active and bool(row.subjects)
    _fill(actor, row, change)
    if not follows:
        # What happened while nobody listened is not told afterwards.
        row.next_position = next_position(row.organization_id)
    _save(row)
    _record(actor, EventName.CHANNEL_UPDATED, row, url_changed=change.url is not None, **_told(row))
    return row


@transaction.atomic
def delete_channel(*, actor: Actor, channel: Ref) -> None:
    """What waits to be sent there is not sent any more, and what became of the rest is forgotten.

    Raises NotFound, Denied.
    """
    row = _lock(actor, channel)
    _record(actor, EventName.CHANNEL_DELETED, row)
    row.delete()


@transaction.atomic
def rotate_secret(*, actor: Actor, channel: Ref, overlap: timedelta = OVERLAP) -> ChannelWithSecret:
    """A new secret for a webhook's signatures; for so long messages bear a signature by the old one as well.

    Raises NotFound, Denied, Invalid (no webhook; more than 30 days).
    """
    row = _lock(actor, channel)
    if row.kind != Kind.WEBHOOK:
        raise Invalid.of("kind", "invalid", _("Only what is sent to webhooks is signed."))
    if not timedelta() <= overlap <= timedelta(days=30):
        raise Invalid.of("overlap", "out-of-range", _("Between nothing and %(most)s days."), most=30)
    secret = new_signing_secret()
    row.sealed_old_secret = row.sealed_secret if overlap else None
    row.old_secret_ends_at = timezone.now() + overlap if overlap else None
    row.sealed_secret = seal(row, secret)
    row.save(update_fields=["sealed_secret", "sealed_old_secret", "old_secret_ends_at"])
    _record(actor, EventName.CHANNEL_SECRET_ROTATED, row, old_ends_at=row.old_secret_ends_at)
    return ChannelWithSecret(row, secret)


def test_channel(*, actor: Actor, channel: Ref) -> list[Delivery]:
    """Send a test now, once, and say what came of it: a delivery for each recipient, delivered or given up.

    Raises NotFound, Denied, Conflict (out of use).
    """
    row = get_channel(channel, visible_to=actor)
    policy.require(actor, Permission.NOTICES_WRITE, organization_id=row.organization_id)
    if not row.is_active:
        raise Conflict(_("This channel is out of use."), code="channel-inactive")
    # No transaction: whoever is asked may take their time.
    deliveries = sending.send_test(row)
    with transaction.atomic():
        Channel.objects.filter(pk=row.pk).update(tested_at=timezone.now())
        outcome = [{"status": each.status, "error": each.last_error} for each in deliveries]
        _record(actor, EventName.CHANNEL_TESTED, row, outcome=outcome)
    return deliveries


# pytest would take it for a test of its own wherever it is imported.
test_channel.__test__ = False  # type: ignore[attr-defined]


def _fill(actor: Actor, row: Channel, change: ChannelChange) -> None:
    """Raises Invalid with every wrong field."""
    errors: list[FieldError] = []
    if change.name is not None:
        row.name = change.name.strip()
        errors += text_errors("name", row.name, longest=_LONGEST_NAME, required=True)
    if row.kind == Kind.MAIL:
        errors += _fill_recipients(actor, row, change)
    else:
        errors += _fill_url(row, change)
    if change.subjects is not None:
        row.subjects = list(dict.fromkeys(change.subjects))
        errors += _subject_errors(row)
    if errors:
        raise Invalid(errors=errors)
    row.is_active = row.is_active if change.is_active is None else change.is_active


def _fill_recipients(actor: Actor, row: Channel, change: ChannelChange) -> list[FieldError]:
    if change.url is not None:
        return [field_error("url", "not-allowed", _("Mail goes to recipients, not to an address of the web."))]
    if change.recipients is None:
        return []
    wanted = list(dict.fromkeys(each.strip() for each in change.recipients))
    if not wanted:
        return [field_error("recipients", "required", _("This field is required."))]
    if len(wanted) > MOST_RECIPIENTS:
        return [field_error("recipients", "too-many", _("At most %(most)s recipients."), most=MOST_RECIPIENTS)]
    if errors := _address_errors(wanted):
        return errors
    members = members_among(wanted, row.organization_id)
    outsiders = [each for each in wanted if each.lower() not in members]
    new = [each for each in outsiders if each not in row.outsiders]
    if new and not policy.holds(actor, Permission.ORGANIZATIONS_WRITE):
        text = _("%(address)s is no member's; an owner has to name it.")
        places = {each: number for number, each in enumerate(wanted)}
        return [field_error(f"recipients[{places[each]}]", "not-a-member", text, address=each) for each in new]
    row.recipients, row.outsiders = wanted, outsiders
    return []


def _address_errors(addresses: Sequence[str]) -> list[FieldError]:
    errors = []
    for number, address in enumerate(addresses):
        try:
            validate_email(address)
        except ValidationError:
            errors.append(field_error(f"recipients[{number}]", "invalid", _("This is not an e-mail address.")))
            continue
        errors += text_errors(f"recipients[{number}]", address, longest=_LONGEST_ADDRESS)
    return errors


def _fill_url(row: Channel, change: ChannelChange) -> list[FieldError]:
    if change.recipients:
        return [field_error("recipients", "not-allowed", _("Only mail has recipients."))]
    if change.url is None:
        return []
    text = change.url.reveal().decode(errors="replace").strip()
    if errors := text_errors("url", text, longest=_LONGEST_URL, required=True):
        return errors
    parts = _parts(text)
    if parts is None or not parts.hostname or parts.username or parts.password or not may_be_asked(parts):
        return [field_error("url", "invalid", _("This is no https address."))]
    row.host = parts.hostname[:253]
    row.sealed_url = seal(row, Secret(text))
    return []


def _parts(url: str) -> SplitResult | None:
    if not url.isascii() or any(sign.isspace() for sign in url):
        return None
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return None
    return parts


def _subject_errors(row: Channel) -> list[FieldError]:
    if row.subjects and row.kind == Kind.MAIL:
        return [field_error("subjects", "not-allowed", _("Mail is sent by rules alone."))]
    known = [each for each in Subject.values if each != Subject.TEST]
    unknown = [(number, each) for number, each in enumerate(row.subjects) if each not in known]
    text = _("There is no such event; known are %(known)s.")
    return [field_error(f"subjects[{number}]", "invalid", text, known=", ".join(known)) for number, _each in unknown]


def _lock(actor: Actor, channel: Ref) -> Channel:
    found = get_channel(channel, visible_to=actor)
    policy.require(actor, Permission.NOTICES_WRITE, organization_id=found.organization_id)
    return Channel.objects.select_for_update(of=("self",)).get(pk=found.pk)


def _save(row: Channel) -> None:
    """Raises Conflict."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict(_("There is a channel with this name already."), code="channel-exists") from error


def _told(row: Channel) -> dict[str, Any]:
    """What the log has of it: of an address that is a secret, the host alone."""
    return {
        "recipients": row.recipients,
        "host": row.host,
        "subjects": row.subjects,
        "is_active": row.is_active,
    }


def _record(actor: Actor, event: EventName, row: Channel, event_id: str | None = None, **facts: object) -> None:
    audit.record(
        actor,
        event,
        Resource("channel", row.pk, row.name, public_id=row.public_id),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )
