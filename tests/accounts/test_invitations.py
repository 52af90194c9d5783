"""Invitations: a signed link, good once, for 7 days, for whom it was meant, from somebody who may still invite."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Invitation, Membership, Organization, User
from accounts.selectors import get_invitation, invitations
from accounts.services.invitations import (
    MOST_MAILS,
    accept_invitation,
    cancel_invitation,
    invite,
    join_by_invitation,
    link_of,
    read_link,
    resend_invitation,
    send_due_invitations,
)
from accounts.services.organizations import change_member_role
from accounts.services.people import disable_user
from kernel.actor import Actor, ActorKind
from kernel.errors import Conflict, Denied, Gone, Invalid, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.happened import last_event
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

NOBODY = Actor(kind=ActorKind.USER, id=0, label="", organization_id=None, permissions=frozenset())
PASSWORD = Secret("a long and quiet sentence")


@pytest.fixture
def owner():
    return cast.owner(cast.organization())


def invited(owner, email: str = "new@acme.example", role: str = "member") -> Invitation:
    return invite(actor=owner.actor, organization=owner.organization, email=email, role=role)


def token_of(row: Invitation) -> str:
    return link_of(row).split("/")[2]


def join(row: Invitation, password: Secret = PASSWORD) -> User:
    return join_by_invitation(actor=NOBODY, token=token_of(row), name="New", password=password)


def test_a_stranger_sees_none_and_changes_none(owner):
    row, stranger = invited(owner), cast.stranger()
    assert not invitations(visible_to=stranger.actor).exists()
    with refused(NotFound, "invitation-not-found"):
        get_invitation(Ref("pk", row.pk), visible_to=stranger.actor)
    for attempt in (
        lambda: resend_invitation(actor=stranger.actor, invitation=row),
        lambda: cancel_invitation(actor=stranger.actor, invitation=row),
        lambda: invited(cast.Person(stranger.user, owner.organization, stranger.actor), "evil@x.example"),
    ):
        with refused(Denied):
            attempt()


@pytest.mark.parametrize("role", ["operator", "approver", "auditor", "member"])
def test_only_who_may_change_members_invites(owner, role):
    with refused(Denied):
        invited(cast.member(owner.organization, role))


def test_nobody_invites_to_more_than_they_may_do_themselves(owner):
    robot = cast.robot(owner, [Permission.MEMBERS_WRITE, *cast.member(owner.organization, "member").actor.permissions])
    with refused(Denied):
        invite(actor=robot, organization=owner.organization, email="new@acme.example", role="owner")
    invite(actor=robot, organization=owner.organization, email="new@acme.example", role="member")


def test_somebody_new_joins(owner):
    user = join(invited(owner, role="operator"))
    membership = Membership.objects.get(user=user)
    assert (membership.organization, membership.role) == (owner.organization, "operator")
    assert user.check_password(PASSWORD.reveal().decode())
    assert last_event().name == "invitation.accepted"
    assert last_event().actor_label == "new@acme.example"


def test_a_link_is_good_once(owner):
    row = invited(owner)
    join(row)
    with refused(Gone, "invitation-gone"):
        join(row)
    assert Membership.objects.filter(user__email="new@acme.example").count() == 1


def test_a_weak_password_leaves_the_link_good(owner):
    row = invited(owner)
    with pytest.raises(Invalid):
        join(row, Secret("short"))
    join(row)


def test_who_has_an_account_accepts_with_it_and_gets_no_second_one(owner):
    stranger = cast.stranger()
    row = invited(owner, stranger.user.email.upper())
    with refused(Conflict, "user-exists"):
        join(row)
    accept_invitation(actor=stranger.actor, token=token_of(row), user=stranger.user)
    assert {each.organization for each in Membership.objects.filter(user=stranger.user)} == {
        owner.organization,
        stranger.organization,
    }


def test_nobody_accepts_what_was_meant_for_another(owner):
    row, stranger = invited(owner), cast.stranger()
    with refused(Denied, "invitation-for-another"):
        accept_invitation(actor=stranger.actor, token=token_of(row), user=stranger.user)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda owner, row: cancel_invitation(actor=owner.actor, invitation=row), id="cancelled"),
        pytest.param(lambda owner, row: resend_invitation(actor=owner.actor, invitation=row), id="sent again"),
        pytest.param(
            lambda owner, row: Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1)), id="expired"
        ),
    ],
)
def test_a_link_that_has_ended(owner, end):
    row = invited(owner)
    token = token_of(row)
    end(owner, row)
    with refused(Gone, "invitation-gone"):
        join_by_invitation(actor=NOBODY, token=token, name="New", password=PASSWORD)
    assert not User.objects.filter(email="new@acme.example").exists()


@pytest.mark.parametrize(
    "fall",
    [
        pytest.param(lambda owner: disable_user(actor=cast.SUPERUSER, user=owner.user), id="is disabled"),
        pytest.param(
            lambda owner: change_member_role(
                actor=owner.actor, membership=Membership.objects.get(user=owner.user), role="auditor"
            ),
            id="is an auditor now",
        ),
        pytest.param(lambda owner: Membership.objects.filter(user=owner.user).delete(), id="has left"),
    ],
)
def test_who_may_no_longer_invite_has_invited_nobody(owner, fall):
    cast.member(owner.organization, "owner", "second@acme.example")
    row = invited(owner)
    fall(owner)
    with refused(Gone, "invitation-gone"):
        join(row)
    assert not User.objects.filter(email="new@acme.example").exists()


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\0", "é", "W10:1abc:x"])
def test_a_link_that_is_none_of_ours(token):
    with refused(NotFound, "invitation-not-found"):
        read_link(token)


def test_a_link_of_another_installation_is_none(owner, settings):
    token = token_of(invited(owner))
    settings.SECRET_KEY = "another"
    with refused(NotFound):
        read_link(token)


def test_an_address_is_invited_once_at_a_time(owner):
    row = invited(owner)
    with refused(Conflict, "invitation-exists"):
        invited(owner, "NEW@acme.example")
    cancel_invitation(actor=owner.actor, invitation=row)
    invited(owner)


def test_a_member_is_not_invited(owner):
    with refused(Conflict, "member-exists"):
        invited(owner, owner.user.email.upper())


@pytest.mark.parametrize(
    ("email", "role", "wrong"),
    [("nobody", "member", ("email", "invalid")), ("a@b.example", "king", ("role", "unknown-role"))],
)
def test_what_is_no_invitation(owner, email, role, wrong):
    with invalid(wrong):
        invited(owner, email, role)


class TestMail:
    def test_it_goes_out_once_with_the_link(self, owner, settings):
        row = invited(owner)
        assert send_due_invitations() == 1
        assert send_due_invitations() == 0
        (message,) = mail.outbox
        assert message.to == ["new@acme.example"]
        link = next(line for line in message.body.splitlines() if line.startswith("http"))
        assert link.startswith(f"{settings.BASE_URL}/invitations/")
        assert read_link(link.rstrip("/").rpartition("/")[2]) == row
        assert message.subject == "Invitation to ACME"

    def test_nothing_is_sent_of_what_was_cancelled(self, owner):
        cancel_invitation(actor=owner.actor, invitation=invited(owner))
        assert send_due_invitations() == 0

    def test_one_that_fails_is_tried_later_and_holds_up_no_other(self, owner, monkeypatch):
        invited(owner)
        invited(owner, "other@acme.example")
        send = mail.EmailMessage.send

        def refuse_the_first(message, *args, **kwargs):
            if message.to == ["new@acme.example"]:
                raise OSError("the server is asleep")
            return send(message, *args, **kwargs)

        monkeypatch.setattr(mail.EmailMessage, "send", refuse_the_first)
        assert send_due_invitations() == 1
        waiting = Invitation.objects.get(email="new@acme.example")
        assert (waiting.mail_attempts, waiting.mail_error) == (1, "OSError")
        assert waiting.mail_due_at > timezone.now()

    def test_a_name_makes_no_second_header(self, owner):
        Organization.objects.filter(pk=owner.organization.pk).update(name="Acme\nBcc: all@acme.example")
        invited(owner)
        send_due_invitations()
        assert all("Bcc" not in message.message() for message in mail.outbox)

    def test_a_mailbox_is_not_filled(self, owner):
        row = invited(owner)
        for _time in range(MOST_MAILS - 1):
            resend_invitation(actor=owner.actor, invitation=row)
        with refused(Conflict, "too-many-mails"):
            resend_invitation(actor=owner.actor, invitation=row)
