"""One message on its way out: what is sent, where to, and what the other side said. Nothing here holds a transaction.

What has to be read from the database is read before; what goes over the network may then run in any thread.
"""

from __future__ import annotations

import http
import json
import logging
import re
import smtplib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext

from accounts import mail
from accounts.outbound import Network, OutboundError, ask
from accounts.said import Said, cut
from accounts.selectors import private_ranges_of
from kernel.seal import SealBroken
from kernel.text import Text, _
from notices.documents import body_of, document, path_of_centre
from notices.models import Channel, Delivery
from notices.recipients import language_of, members_among
from notices.sealing import Opened, open_channel
from notices.sentences import sentence
from notices.subjects import Subject
from notices.webhook_signing import signed_headers

log = logging.getLogger(__name__)

Kind = Channel.Kind

PATIENCE_SECONDS: Final = 8.0
_LARGEST_ANSWER: Final = 64 * 1024
_LONGEST_ERROR: Final = 500
_LONGEST_WAIT: Final = 6 * 3600
_JSON: Final = {"Content-Type": "application/json"}
# What Markdown, and what Slack, would take for something else than text.
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]()#<>|~])")
_ESCAPED: Final = r"\\\1"


@dataclass(frozen=True, slots=True)
class Message:
    """Everything that is needed to send a delivery, without a database."""

    kind: str
    document: dict[str, Any]
    opened: Opened
    private_ranges: tuple[Network, ...]
    recipient: str = ""
    language: str = "en"
    organization_id: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: `error` is empty where it succeeded. `is_final`: it is of no use to try again."""

    error: str = ""
    status: int | None = None
    is_final: bool = False
    retry_after: int | None = None

    @property
    def succeeded(self) -> bool:
        return not self.error


def prepare(delivery: Delivery, *, at: datetime) -> Message | Outcome:
    """What is to be sent; or that it is not, and why."""
    channel = delivery.channel
    if channel is None or channel.kind == Kind.MAIL:
        return _prepare_mail(delivery, channel)
    if not channel.is_active:
        return Outcome(Said(Text(_("This channel is out of use."))), is_final=True)
    try:
        opened = open_channel(channel, at=at)
    except SealBroken:
        return Outcome(Said(Text(_("The secret of this channel does not open."))), is_final=True)
    home = delivery.organization_id
    ranges = tuple(private_ranges_of(home))
    return Message(
        channel.kind, delivery.document, opened, ranges, language=settings.LANGUAGE_CODE, organization_id=home
    )


def _prepare_mail(delivery: Delivery, channel: Channel | None) -> Message | Outcome:
    if channel is not None and not channel.is_active:
        return Outcome(Said(Text(_("This channel is out of use."))), is_final=True)
    is_named = channel is not None and delivery.recipient in channel.outsiders
    if not is_named and not members_among([delivery.recipient], delivery.organization_id):
        return Outcome(Said(Text(_("The recipient is no member any more."))), is_final=True)
    language = language_of(delivery.recipient, delivery.organization_id)
    return Message(Kind.MAIL, delivery.document, Opened("", ()), (), delivery.recipient, language)


def transmit(message: Message) -> Outcome:
    """Send it, once. Whatever goes wrong is an outcome."""
    try:
        if message.kind == Kind.MAIL:
            return _mail(message)
        return _post(message)
    except OutboundError as error:
        return Outcome(cut(Said(error.text), _LONGEST_ERROR))
    except Exception as error:
        # Whatever a library says may hold what we sent; its kind does not.
        log.warning("a message was not sent: %s", type(error).__name__)
        return Outcome(type(error).__name__)


def _post(message: Message) -> Outcome:
    body, headers = _written(message)
    answer = ask(
        message.opened.url,
        method="POST",
        headers=headers,
        body=body,
        private_ranges=message.private_ranges,
        largest=_LARGEST_ANSWER,
        patience=PATIENCE_SECONDS,
        organization_id=message.organization_id,
    )
    if http.HTTPStatus.OK <= answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(status=answer.status)
    return Outcome(
        Said(Text(_("It answers %(status)s."), {"status": answer.status})),
        answer.status,
        is_final=answer.status == http.HTTPStatus.GONE,
        retry_after=_retry_after(answer.headers),
    )


def _written(message: Message) -> tuple[bytes, dict[str, str]]:
    if message.kind == Kind.WEBHOOK:
        body = body_of(message.document)
        event_id = str(message.document["id"])
        return body, _JSON | signed_headers(event_id, int(time.time()), body, message.opened.signing_secrets)
    lines = lines_of(message.document, message.language)
    if message.kind == Kind.SLACK:
        text = "\n".join(f"{_for_slack(line)} <{url}>" for line, url in lines)
        return json.dumps({"text": text}).encode(), _JSON
    return json.dumps(_card(lines)).encode(), _JSON


def lines_of(document: dict[str, Any], language: str) -> list[tuple[str, str]]:
    """What it says to people, each sentence with the address of its page."""
    with translation.override(language):
        lines = [(_sentence(item), str(item["url"])) for item in document.get("items", [document])]
        if more := document.get("more"):
            lines.append((gettext("And %(count)s more.") % {"count": more}, str(document["url"])))
    return lines


def _sentence(item: dict[str, Any]) -> str:
    return sentence(item["event"], item["object"]["name"], item["facts"]).render(gettext)


def _for_slack(text: str) -> str:
    """Its three characters that begin something, as it wants them written."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _card(lines: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """An Adaptive Card, as the workflows of Teams take it, and the same as text, as its older connectors did."""
    texts = [f"{_MARKDOWN.sub(_ESCAPED, line)} [{url}]({url})" for line, url in lines]
    blocks = [{"type": "TextBlock", "text": text, "wrap": True} for text in texts]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "text": "\n\n".join(texts), "attachments": [attachment]}


def _mail(message: Message) -> Outcome:
    lines = lines_of(message.document, message.language)
    try:
        mail.send(
            "notices",
            to=message.recipient,
            language=message.language,
            path=path_of_centre(),
            organization=message.document["organization"]["name"],
            lines=lines,
            count=len(message.document.get("items", [0])) + int(message.document.get("more", 0)),
        )
    except mail.NotConfigured as error:
        return Outcome(str(error))
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        refused = Text(_("The mail server refuses the recipient: %(status)s."), {"status": codes[0]})
        return Outcome(Said(refused), is_final=all(code >= 500 for code in codes))
    except smtplib.SMTPResponseException as error:
        return Outcome(Said(Text(_("The mail server answers %(status)s."), {"status": error.smtp_code})))
    return Outcome()


def _retry_after(headers: Any) -> int | None:
    """Seconds, where the other side says them (RFC 9110 section 10.2.3), and no longer than we wait anyhow."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    return min(int(value), _LONGEST_WAIT) if value.isascii() and value.isdigit() and len(value) < 10 else None


def send_test(channel: Channel) -> list[Delivery]:
    """A test to each recipient, at once and once: delivered, or given up with the reason."""
    return [_tested(channel, delivery) for delivery in _tests(channel)]


def _tests(channel: Channel) -> Iterator[Delivery]:
    for recipient in channel.recipients if channel.kind == Kind.MAIL else [""]:
        row = Delivery(organization_id=channel.organization_id, channel=channel, recipient=recipient)
        row.subject = Subject.TEST
        row.document = document(
            event_id=str(row.public_id),
            event=Subject.TEST,
            at=timezone.now(),
            organization=channel.organization,
            kind="channel",
            object_id=str(channel.public_id),
            name=channel.name,
            facts={},
        )
        yield row


def _tested(channel: Channel, row: Delivery) -> Delivery:
    message = prepare(row, at=timezone.now())
    outcome = message if isinstance(message, Outcome) else transmit(message)
    row.status = Delivery.Status.DELIVERED if outcome.succeeded else Delivery.Status.DEAD
    row.delivered_at = timezone.now() if outcome.succeeded else None
    row.attempts = 0 if outcome.succeeded else 1
    row.last_status, row.last_error = outcome.status, outcome.error
    row.save(force_insert=True)
    Channel.objects.filter(pk=channel.pk).update(last_error=outcome.error)
    return row
