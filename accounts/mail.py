"""Mail to people: plain text, from templates whose first line is the subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import EmailMessage, send_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils import translation


class NotConfigured(OSError):
    """There is no mail server to send anything by."""


class NoMailServer(BaseEmailBackend):
    """Where no mail server is configured: nothing is sent, and whoever tries is told."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        raise NotConfigured("no mail server is configured: EMAIL_HOST is not set")


def is_sent() -> bool:
    """Whether mail leaves this machine; else it is written to the terminal, or goes nowhere."""
    return bool(settings.EMAIL_HOST)


def send(template: str, *, to: str, language: str, path: str, **facts: Any) -> None:
    """Send `mail/<template>.txt`. `path` is where the link in it leads; the host is the configured one, never that of
    a request. Raises OSError and smtplib.SMTPException.
    """
    url = urljoin(settings.BASE_URL, path)
    with translation.override(language):
        text = render_to_string(f"mail/{template}.txt", {"url": url, **facts})
    subject, _rest, body = text.strip().partition("\n")
    send_mail(subject.strip(), body.strip() + "\n", None, [to])
