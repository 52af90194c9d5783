"""A forgotten password: a link to the address, good once and for an hour, that tells nobody who exists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from accounts.services.passwords import mail_password_reset, reset_password
from accounts.services.people import disable_user
from kernel.actor import Actor, ActorKind
from kernel.errors import Gone, Invalid
from kernel.secret import Secret
from tests import cast
from tests.happened import last_event
from tests.refusals import refused

pytestmark = pytest.mark.django_db

NOBODY = Actor(kind=ActorKind.USER, id=0, label="", organization_id=None, permissions=frozenset())
NEW = Secret("a wholly different sentence")


@pytest.fixture
def user():
    return cast.superuser("root@acme.example")


def ask(email: str) -> list[tuple[str, str]]:
    """The links that are mailed, as (place, token)."""
    mail.outbox.clear()
    mail_password_reset(actor=NOBODY, email=email, language="en")
    lines = [line for message in mail.outbox for line in message.body.splitlines() if "/password/new/" in line]
    return [tuple(line.partition("/password/new/")[2].strip("/").split("/")) for line in lines]


def choose(link: tuple[str, str], new: Secret = NEW) -> None:
    reset_password(actor=NOBODY, place=link[0], token=link[1], new=new)


def test_a_link_gives_a_new_password_once_and_ends_every_session(user):
    before = user.get_session_auth_hash()
    (link,) = ask(" ROOT@acme.example ")
    choose(link)
    user.refresh_from_db()
    assert user.check_password(NEW.reveal().decode())
    assert user.get_session_auth_hash() != before
    assert last_event().name == "password.reset"
    with refused(Gone, "link-gone"):
        choose(link)


def test_it_leads_to_the_configured_address(user, settings):
    settings.BASE_URL = "https://pki.example.com"
    ask(user.email)
    assert "https://pki.example.com/password/new/" in mail.outbox[0].body


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"is_active": False}, id="who is disabled"),
        pytest.param({"password": "!"}, id="who has no password"),
        pytest.param({"email": "other@acme.example"}, id="who does not exist"),
    ],
)
def test_nothing_is_sent_to(user, change):
    User.objects.filter(pk=user.pk).update(**change)
    assert ask("root@acme.example") == []
    assert mail.outbox == []


def test_nothing_is_sent_to_whom_an_organization_s_provider_made(user):
    User.objects.filter(pk=user.pk).update(managed_by=cast.organization())
    assert ask(user.email) == []


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda user: disable_user(actor=cast.SUPERUSER, user=user), id="was disabled since"),
        pytest.param(
            lambda user: (user.set_password("another sentence"), user.save()), id="has another password since"
        ),
        pytest.param(
            lambda user: User.objects.filter(pk=user.pk).update(last_login=timezone.now()), id="has signed in since"
        ),
    ],
)
def test_a_link_ends_when_its_person(user, end):
    (link,) = ask(user.email)
    end(user)
    with refused(Gone, "link-gone"):
        choose(link)


def test_a_link_ends_after_an_hour(user, monkeypatch):
    (link,) = ask(user.email)
    late = timezone.now() + timedelta(hours=1, seconds=2)
    monkeypatch.setattr(
        "django.contrib.auth.tokens.PasswordResetTokenGenerator._now", lambda _self: late.replace(tzinfo=None)
    )
    with refused(Gone, "link-gone"):
        choose(link)


@pytest.mark.parametrize("place", ["", "x", "AAAA", "é", "\0", "MQ"])
@pytest.mark.parametrize("token", ["", "x", "set-password", "a-b", "\0"])
def test_a_link_that_is_none(user, place, token):
    with refused(Gone, "link-gone"):
        choose((place, token))


def test_a_link_of_one_opens_nothing_of_another(user):
    other = cast.superuser("other@acme.example")
    (link,), (foreign,) = ask(user.email), ask(other.email)
    with refused(Gone):
        choose((foreign[0], link[1]))


def test_a_weak_password_is_refused_and_the_link_stays_good(user):
    (link,) = ask(user.email)
    with pytest.raises(Invalid):
        choose(link, Secret("short"))
    choose(link)
