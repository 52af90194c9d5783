"""Mail, by a real server on this machine."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from accounts.models import Invitation, Membership
from kernel.errors import Invalid
from kernel.ref import Ref
from notices.findings import label_of
from notices.models import Delivery
from notices.orders import ChannelChange
from notices.recipients import language_of
from notices.services.channels import test_channel, update_channel
from notices.services.deliveries import send_due_deliveries
from notices.services.telling import tell_due
from tests import cast
from tests.notices.making import Clock, mail_to, rule
from tests.office import Office

pytestmark = pytest.mark.django_db


class Mailbox:
    """What has come; `refuses` is what it answers recipients instead."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], EmailMessage]] = []
        self.refuses = ""

    async def handle_RCPT(  # noqa: N802  as aiosmtpd calls it
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  as aiosmtpd calls it
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.received.append((list(envelope.rcpt_tos), message))
        return "250 OK"


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = ""
    yield box
    controller.stop()


def end_soon(office: Office, clock: Clock, *names: str) -> None:
    for name in names or ["www.acme.test"]:
        office.issue(name)
    clock.go(days=61)
    tell_due()


def test_a_mail_says_in_its_subject_what_it_is_about(office: Office, mailbox: Mailbox, clock: Clock):
    rule(office, mail_to(office, office.person.user.email))
    end_soon(office, clock)
    assert send_due_deliveries() == 1
    ((recipients, message),) = mailbox.received
    assert recipients == [office.person.user.email]
    assert message["subject"].startswith("The certificate www.acme.test ends on ")
    body = message.get_content()
    assert "http://localhost:8000/certificates/" in body
    assert message.get_content_type() == "text/plain"


def test_many_are_one_mail(office: Office, mailbox: Mailbox, clock: Clock):
    rule(office, mail_to(office, office.person.user.email))
    end_soon(office, clock, "a.acme.test", "b.acme.test", "c.acme.test")
    assert send_due_deliveries() == 1
    ((_recipients, message),) = mailbox.received
    assert message["subject"] == "3 notices of ACME"
    assert message.get_content().count("ends on") == 3


def test_each_is_written_to_in_the_language_of_the_invitation(office: Office, mailbox: Mailbox, clock: Clock):
    address = office.person.user.email
    Invitation.objects.create(
        organization=office.organization,
        email=address,
        role="owner",
        inviter=office.person.user,
        language="de",
        expires_at=clock.at,
        accepted_at=clock.at,
    )
    assert language_of(address, office.organization.pk) == "de"
    assert language_of("somebody@else.example", office.organization.pk) == "en"


def test_a_recipient_who_is_refused_is_not_written_to_again(office: Office, mailbox: Mailbox, clock: Clock):
    rule(office, mail_to(office, office.person.user.email))
    end_soon(office, clock)
    mailbox.refuses = "550 no such user"
    send_due_deliveries()
    row = Delivery.objects.get()
    assert (row.status, row.last_error) == ("dead", "The mail server refuses the recipient: 550.")


def test_a_server_that_is_busy_is_asked_again(office: Office, mailbox: Mailbox, clock: Clock):
    rule(office, mail_to(office, office.person.user.email))
    end_soon(office, clock)
    mailbox.refuses = "451 try again later"
    send_due_deliveries()
    assert Delivery.objects.get().status == "waiting"
    mailbox.refuses = ""
    clock.go(minutes=2)
    assert send_due_deliveries() == 1


def test_where_there_is_no_mail_server_it_is_said(office: Office, settings: Any):
    settings.EMAIL_BACKEND = "accounts.mail.NoMailServer"
    row = mail_to(office, office.person.user.email)
    (tried,) = test_channel(actor=office.owner, channel=Ref("pk", row.pk))
    assert tried.last_error == "no mail server is configured: EMAIL_HOST is not set"


def test_an_address_from_outside_is_named_by_an_owner(office: Office, mailbox: Mailbox):
    row = mail_to(office, "pager@elsewhere.example")
    test_channel(actor=office.owner, channel=Ref("pk", row.pk))
    assert [recipients for recipients, _message in mailbox.received] == [["pager@elsewhere.example"]]
    operator = cast.member(office.organization, "operator").actor
    helper = type(operator)(
        **{name: getattr(operator, name) for name in operator.__slots__ if name != "permissions"},
        permissions=operator.permissions | {cast.Permission.NOTICES_WRITE},
    )
    change = ChannelChange(recipients=("mine@elsewhere.example",))
    with pytest.raises(Invalid, match="no member's"):
        update_channel(actor=helper, channel=Ref("pk", row.pk), change=change)
    # What an owner has named before may stay.
    kept = ChannelChange(recipients=("pager@elsewhere.example", operator.label))
    update_channel(actor=helper, channel=Ref("pk", row.pk), change=kept)


def test_who_has_left_is_written_to_no_more(office: Office, mailbox: Mailbox, clock: Clock):
    teammate = cast.member(office.organization, "operator")
    rule(office, mail_to(office, teammate.user.email))
    end_soon(office, clock)
    Membership.objects.filter(user=teammate.user).delete()
    send_due_deliveries()
    assert mailbox.received == []
    assert Delivery.objects.get().last_error == "The recipient is no member any more."


def test_a_name_with_lines_in_it_makes_no_header(office: Office, mailbox: Mailbox, clock: Clock):
    assert label_of("x\r\nBcc: all@example.com") == "x Bcc: all@example.com"
