"""What the clock starts, and what nobody should be kept waiting for."""

from __future__ import annotations

from celery import shared_task

from accounts.services import invitations, oauth_clients, oauth_tokens, passwords, sign_in_tokens
from kernel.actor import Actor, ActorKind


@shared_task(ignore_result=True)
def send_invitations() -> None:
    invitations.send_due_invitations()


@shared_task(ignore_result=True)
def mail_password_reset(email: str, language: str, ip: str | None, trace_id: str) -> None:
    """Asked for by nobody in particular: whoever is at the page has not shown who they are."""
    nobody = Actor(
        kind=ActorKind.USER, id=0, label="", organization_id=None, permissions=frozenset(), ip=ip, trace_id=trace_id
    )
    passwords.mail_password_reset(actor=nobody, email=email, language=language)


@shared_task(ignore_result=True)
def forget_ended_tokens() -> None:
    oauth_tokens.forget_ended()
    oauth_clients.forget_unused_clients()
    sign_in_tokens.forget_ended()
