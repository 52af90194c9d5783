"""Invitations by mail: made, sent, accepted once."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import mail, policy
from accounts.models import Invitation, Membership, Organization, User
from accounts.selectors import person_of
from accounts.services.organizations import ChosenRole, choose_role, join, require_no_more_than
from accounts.services.people import NewPerson, actor_for_user, add_user, require_self
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, DomainError, Gone, Invalid, NotFound
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

log = logging.getLogger(__name__)

LIFETIME: Final = timedelta(days=7)
# Nobody's mailbox is filled from here.
MOST_MAILS: Final = 5
_SALT: Final = "accounts.invitation"
_LONGEST_WAIT: Final = timedelta(hours=1)


@transaction.atomic
def invite(*, actor: Actor, organization: Organization, email: str, role: str, language: str = "en") -> Invitation:
    """An invitation, whose mail goes out soon. Somebody answers for it: what they may no longer give, it does not give.

    Raises Denied, Invalid, Conflict (a member, or invited already).
    """
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=organization.pk)
    email = _read_email(email)
    require_no_more_than(actor, choose_role(organization.pk, role).permissions)
    if Membership.objects.filter(organization=organization, user__email__iexact=email).exists():
        raise Conflict(_("%(email)s is a member already."), code="member-exists", email=email)
    now = timezone.now()
    row = Invitation(
        organization=organization,
        email=email,
        role=role,
        inviter=person_of(actor),
        language=language,
        expires_at=now + LIFETIME,
        mail_due_at=now,
        event=audit.new_event_id(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        text = _("%(email)s is invited already; send the mail again, or cancel it.")
        raise Conflict(text, code="invitation-exists", email=email) from error
    _record(actor, EventName.INVITATION_CREATED, row, event_id=row.event)
    return row


@transaction.atomic
def resend_invitation(*, actor: Actor, invitation: Invitation) -> Invitation:
    """A new mail with a new link, good for another 7 days; the old link ends.

    Raises Denied, Conflict (not open; mailed often enough).
    """
    row = _lock_open(actor, invitation)
    if row.mailing >= MOST_MAILS:
        raise Conflict(_("That was mailed often enough. Cancel it and invite anew."), code="too-many-mails")
    row.mailing += 1
    row.mail_due_at, row.mail_attempts, row.mail_error = timezone.now(), 0, ""
    row.expires_at = timezone.now() + LIFETIME
    row.save(update_fields=["mailing", "mail_due_at", "mail_attempts", "mail_error", "expires_at"])
    _record(actor, EventName.INVITATION_RESENT, row)
    return row


@transaction.atomic
def cancel_invitation(*, actor: Actor, invitation: Invitation) -> Invitation:
    """Its link ends. Raises Denied, Conflict (not open)."""
    row = _lock_open(actor, invitation)
    row.cancelled_at, row.mail_due_at = timezone.now(), None
    row.save(update_fields=["cancelled_at", "mail_due_at"])
    _record(actor, EventName.INVITATION_CANCELLED, row)
    return row


def link_of(invitation: Invitation) -> str:
    """The path of the link in the last mail."""
    token = signing.dumps([invitation.public_id.hex, invitation.mailing], salt=_SALT)
    return f"/invitations/{token}/"


def read_link(token: str) -> Invitation:
    """The invitation that a link stands for. Raises NotFound (no link of ours), Gone (used, cancelled, expired)."""
    try:
        public_id, mailing = signing.loads(token, salt=_SALT)
        row = Invitation.objects.select_related("organization", "inviter").get(public_id=UUID(public_id))
    except (signing.BadSignature, ValueError, TypeError, Invitation.DoesNotExist) as error:
        raise NotFound(_("There is no such invitation."), code="invitation-not-found") from error
    if not row.is_open or row.mailing != mailing or row.is_expired:
        raise _gone()
    return row


@transaction.atomic
def accept_invitation(*, actor: Actor, token: str, user: User) -> Membership:
    """The person who has the invited address, and is signed in, becomes a member.

    Raises NotFound, Gone, Denied (another's invitation), Conflict (is a member).
    """
    require_self(actor, user)
    row = _lock_link(token)
    if user.email.lower() != row.email.lower():
        raise Denied(_("This invitation is for somebody else."), code="invitation-for-another")
    return _accept(row, user)


@transaction.atomic
def join_by_invitation(*, actor: Actor, token: str, name: str, password: Secret) -> User:
    """Whoever has no account yet gets one, with this password, and becomes a member: the mail has shown whose it is.

    `actor` is nobody: the person is made here. Raises NotFound, Gone, Invalid, Conflict (the address has an account).
    """
    row = _lock_link(token)
    user = add_user(actor, NewPerson(email=row.email, password=password, name=name.strip()))
    _accept(row, user)
    return user


def send_due_invitations() -> int:
    """Send the mails that are due, and say how many went out. One that fails is tried again, and holds up none."""
    sent = 0
    for number in Invitation.objects.filter(mail_due_at__lte=timezone.now()).values_list("pk", flat=True)[:100]:
        sent += _send(number)
    return sent


def _send(number: int) -> bool:
    claimed_until = timezone.now() + timedelta(minutes=2)
    due = Invitation.objects.filter(pk=number, mail_due_at__lte=timezone.now())
    # Whoever moves the date sends the mail: no second sweeper, and no lock while a mail server thinks.
    if not due.update(mail_due_at=claimed_until):
        return False
    row = Invitation.objects.select_related("organization", "inviter").get(pk=number)
    try:
        mail.send(
            "invitation",
            to=row.email,
            language=row.language,
            path=link_of(row),
            organization=row.organization.name,
            inviter=row.inviter.name or row.inviter.email,
            role=choose_role(row.organization_id, row.role).label,
        )
    except Exception as error:
        # Whatever a mail server or its library says: the row keeps it, and tries again.
        log.warning("invitation not sent", exc_info=True)
        wait = min(timedelta(minutes=2**row.mail_attempts), _LONGEST_WAIT)
        facts = {"mail_attempts": row.mail_attempts + 1, "mail_error": type(error).__name__}
        Invitation.objects.filter(pk=number, mail_due_at=claimed_until).update(
            mail_due_at=timezone.now() + wait, **facts
        )
        return False
    Invitation.objects.filter(pk=number, mail_due_at=claimed_until).update(mail_due_at=None, mail_error="")
    return True


def _accept(row: Invitation, user: User) -> Membership:
    actor = actor_for_user(user)
    membership = join(actor, row.organization, user, _still_given(row))
    row.accepted_at, row.accepted_by, row.mail_due_at = timezone.now(), user, None
    row.save(update_fields=["accepted_at", "accepted_by", "mail_due_at"])
    _record(actor, EventName.INVITATION_ACCEPTED, row, inviter=row.inviter.email)
    return membership


def _still_given(row: Invitation) -> ChosenRole:
    """The role, if whoever invited could give it today. Raises Gone."""
    inviter = actor_for_user(row.inviter, organization=row.organization)
    try:
        policy.require(inviter, Permission.MEMBERS_WRITE, organization_id=row.organization_id)
        role = choose_role(row.organization_id, row.role)
        require_no_more_than(inviter, role.permissions)
    except DomainError as error:
        raise _gone() from error
    return role


def _lock_open(actor: Actor, invitation: Invitation) -> Invitation:
    policy.require(actor, Permission.MEMBERS_WRITE, organization_id=invitation.organization_id)
    row = Invitation.objects.select_for_update().get(pk=invitation.pk)
    require_no_more_than(actor, choose_role(row.organization_id, row.role).permissions)
    if not row.is_open:
        raise Conflict(_("The invitation is accepted or cancelled."), code="invitation-closed")
    return row


def _lock_link(token: str) -> Invitation:
    found = read_link(token)
    row = Invitation.objects.select_for_update(of=("self",)).select_related("organization", "inviter").get(pk=found.pk)
    if not row.is_open:
        raise _gone()
    return row


def _gone() -> Gone:
    return Gone(_("This invitation is not good any more. Ask for a new one."), code="invitation-gone")


def _read_email(email: str) -> str:
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid.of("email", "invalid", _("This is not an e-mail address.")) from error
    return email


def _record(actor: Actor, event: EventName, row: Invitation, event_id: str | None = None, **facts: object) -> None:
    audit.record(
        actor,
        event,
        Resource("invitation", row.pk, row.email),
        organization_id=row.organization_id,
        event_id=event_id,
        role=row.role,
        **facts,
    )
