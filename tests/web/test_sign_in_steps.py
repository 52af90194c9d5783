"""Signing in beyond the password: second factors, passkeys, what is asked again, who is sent where."""

from __future__ import annotations

import json
import re
import time

import pytest
from django.core.cache import cache
from django.test import Client
from redis.exceptions import ConnectionError as RedisIsGone

from accounts.models import Organization, User
from accounts.services.people import actor_for_user, disable_user
from accounts.services.second_factor import make_recovery_codes
from accounts.sessions import PasswordBackend
from audit.models import AuditEvent
from tests import cast
from tests.architecture.people import code_of
from tests.web.people import (
    answer,
    browser_of,
    give_app,
    give_passkey,
    is_in,
    options_at_sign_in,
    sign_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return cast.superuser("root@localhost")


def told() -> dict:
    return AuditEvent.objects.filter(name="session.started").order_by("-id")[0].document["metadata"]


class TestCode:
    def test_the_password_alone_opens_nothing(self, client, user):
        give_app(user)
        assert sign_in(client, "root@localhost")["Location"] == "/sign-in/code/"
        for path in ("/", "/admin/", "/account/security/"):
            assert client.get(path)["Location"].startswith("/sign-in/"), path
        assert client.get("/api/v2/organizations").status_code == 401
        assert not AuditEvent.objects.filter(name="session.started").exists()

    def test_with_the_code_one_is_in_and_where_one_wanted_to_be(self, client, user):
        secret = give_app(user)
        sign_in(client, "root@localhost", next="/admin/")
        response = client.post("/sign-in/code/", {"code": code_of(secret)})
        assert response["Location"] == "/admin/"
        assert is_in(client)
        assert told()["methods"] == ["password", "totp"]

    def test_a_recovery_code_does_as_well_and_once(self, client, user):
        give_app(user)
        code = make_recovery_codes(actor=actor_for_user(user), user=user)[0].reveal().decode()
        sign_in(client, "root@localhost")
        assert client.post("/sign-in/code/", {"code": code})["Location"] == "/"
        other = Client()
        sign_in(other, "root@localhost")
        assert other.post("/sign-in/code/", {"code": code}).status_code == 200
        assert not is_in(other)

    def test_a_wrong_code_is_refused_and_told(self, client, user):
        give_app(user)
        sign_in(client, "root@localhost")
        response = client.post("/sign-in/code/", {"code": "000000"})
        assert 'class="errors"' in response.content.decode()
        assert AuditEvent.objects.filter(name="session.refused", resource_label="root@localhost").count() == 1

    def test_after_many_wrong_codes_even_the_right_one_waits_in_every_browser(self, client, user):
        secret = give_app(user)
        sign_in(client, "root@localhost")
        for _try in range(10):
            client.post("/sign-in/code/", {"code": "000000"})
        other = Client()
        sign_in(other, "root@localhost")
        other.post("/sign-in/code/", {"code": code_of(secret)})
        assert not is_in(other)

    def test_without_a_password_before_it_there_is_no_code(self, client, user):
        secret = give_app(user)
        assert client.post("/sign-in/code/", {"code": code_of(secret)})["Location"] == "/sign-in/"

    def test_who_is_disabled_in_between_stays_outside(self, client, user):
        secret = give_app(user)
        sign_in(client, "root@localhost")
        disable_user(actor=cast.SUPERUSER, user=user)
        client.post("/sign-in/code/", {"code": code_of(secret)})
        assert not is_in(client)

    def test_somebody_else_may_begin_anew(self, client, user):
        give_app(user)
        sign_in(client, "root@localhost")
        assert client.get("/sign-in/code/").status_code == 200
        client.post("/sign-in/again/")
        assert client.get("/sign-in/code/")["Location"] == "/sign-in/"

    def test_the_admin_stands_behind_the_same_door(self, client, user):
        give_app(user)
        assert client.get("/admin/login/")["Location"].startswith("/sign-in/")
        sign_in(client, "root@localhost")
        assert client.get("/admin/").status_code == 302


class TestPasskey:
    def test_alone_it_stands_for_both_factors(self, client, user):
        passkey = give_passkey(user)
        credential = passkey.get(options_at_sign_in(client))
        response = client.post("/sign-in/passkey/", answer(credential) | {"next": "/admin/"})
        assert response["Location"] == "/admin/"
        assert is_in(client)
        assert told()["methods"] == ["webauthn"]

    def test_after_the_password_it_is_the_second_one(self, client, user):
        passkey = give_passkey(user)
        sign_in(client, "root@localhost")
        page = client.get("/sign-in/code/").content.decode()
        options = json.loads(re.search(r'data-options="([^"]*)"', page)[1].replace("&quot;", '"'))
        assert client.post("/sign-in/code/", answer(passkey.get(options)))["Location"] == "/"
        assert told()["methods"] == ["password", "webauthn"]

    def test_one_that_did_not_ask_for_its_holder_is_not_enough_alone(self, client, user):
        passkey = give_passkey(user)
        passkey.verifies = False
        client.post("/sign-in/passkey/", answer(passkey.get(options_at_sign_in(client))))
        assert not is_in(client)

    def test_an_answer_is_good_once(self, client, user):
        passkey = give_passkey(user)
        credential = passkey.get(options_at_sign_in(client))
        client.post("/sign-in/passkey/", answer(credential))
        client.post("/sign-out/")
        client.post("/sign-in/passkey/", answer(credential))
        assert not is_in(client)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda key: setattr(key, "origin", "https://evil.example"), id="asked by another site"),
            pytest.param(lambda key: setattr(key, "holder", b"999999"), id="of somebody who is not there"),
            pytest.param(lambda key: setattr(key, "number", b"x" * 16), id="that nobody knows"),
            pytest.param(lambda key: setattr(key, "key", type(key)().key), id="signed with another key"),
        ],
    )
    def test_a_false_one_opens_nothing(self, client, user, change):
        passkey = give_passkey(user)
        change(passkey)
        assert client.post("/sign-in/passkey/", answer(passkey.get(options_at_sign_in(client)))).status_code == 302
        assert not is_in(client)

    @pytest.mark.parametrize("credential", ["", "x", "{}", "[]", "5", "null", '{"response": []}', '{"response": {}}'])
    @pytest.mark.parametrize("path", ["/sign-in/passkey/", "/sign-in/code/"])
    def test_nonsense_breaks_nothing(self, client, user, path, credential):
        give_passkey(user)
        sign_in(client, "root@localhost")
        assert client.post(path, {"credential": credential}).status_code in (200, 302)
        assert not is_in(client)

    def test_who_is_disabled_has_no_way_in_by_it(self, client, user):
        passkey = give_passkey(user)
        disable_user(actor=cast.SUPERUSER, user=user)
        response = client.post("/sign-in/passkey/", answer(passkey.get(options_at_sign_in(client))), follow=True)
        assert response.status_code == 403
        assert not is_in(client)


class TestAskedAgain:
    """What matters is done by who has just shown who he is."""

    MATTERS = ("/account/security/app/", "/account/security/passkey/", "/account/security/recovery-codes/")

    @pytest.fixture
    def late(self, user) -> Client:
        client = browser_of(user)
        session = client.session
        for record in session["account_authentication_methods"]:
            record["at"] = time.time() - 301
        session.save()
        return client

    @pytest.mark.parametrize("path", MATTERS)
    def test_a_fresh_sign_in_is_enough(self, user, path):
        assert browser_of(user).get(path).status_code == 200

    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize("path", MATTERS)
    def test_later_the_password_is_asked_for(self, late, path, method):
        assert getattr(late, method)(path)["Location"] == f"/confirm/?next={path.replace('/', '%2F')}"

    def test_and_then_one_goes_on(self, late):
        response = late.post("/confirm/", {"password": cast.PASSWORD, "next": "/account/security/app/"})
        assert response["Location"] == "/account/security/app/"
        assert late.get("/account/security/app/").status_code == 200

    def test_a_wrong_password_is_refused_and_told(self, late):
        assert late.post("/confirm/", {"password": "guess"}).status_code == 200
        assert late.get("/account/security/app/").status_code == 302
        assert AuditEvent.objects.filter(name="session.refused").count() == 1

    def test_a_code_does_as_well(self, late, user):
        secret = give_app(user)
        response = late.post("/confirm/code/", {"code": code_of(secret), "next": "/account/security/passkey/"})
        assert response["Location"] == "/account/security/passkey/"

    def test_nobody_is_sent_to_another_site(self, late):
        response = late.post("/confirm/", {"password": cast.PASSWORD, "next": "https://evil.example/"})
        assert response["Location"] == "/"

    def test_guesses_end_here_too(self, late):
        for _try in range(10):
            late.post("/confirm/", {"password": "guess"})
        late.post("/confirm/", {"password": cast.PASSWORD, "next": "/account/security/app/"})
        assert late.get("/account/security/app/").status_code == 302


class TestWhoNeedsAFactor:
    @pytest.fixture
    def owner(self, user):
        person = cast.owner(cast.organization())
        Organization.objects.update(second_factor="owners")
        return person

    def test_sees_nothing_before_he_has_one(self, owner):
        client = browser_of(owner.user)
        for path in ("/", "/organization/members/", "/developers/"):
            assert client.get(path)["Location"] == "/account/security/", path
        answered = client.get("/api/v2/members")
        assert answered.status_code == 403
        assert answered.json()["type"].endswith("/second-factor-required")
        for path in ("/account/security/", "/account/security/app/", "/account/security/passkey/"):
            assert client.get(path).status_code == 200

    def test_and_everything_once_he_has(self, owner):
        client = browser_of(owner.user)
        page = client.get("/account/security/app/")
        secret = page.context["secret"].replace(" ", "")
        shown = client.post("/account/security/app/", {"code": code_of(secret)})
        assert len(re.findall(r"<li><code>\d{8}</code>", shown.content.decode())) == 10
        assert is_in(client)
        assert client.get("/api/v2/members").status_code == 200

    def test_the_installation_asks_it_of_superusers(self, user, settings):
        settings.SUPERUSERS_NEED_SECOND_FACTOR = True
        assert browser_of(user).get("/admin/")["Location"] == "/account/security/"


class TestGuessing:
    def test_one_name_is_guarded_from_everywhere(self, user, monkeypatch):
        monkeypatch.setattr("accounts.guessing.TRIES_OF_NAME", 5)
        for number in range(5):
            Client(REMOTE_ADDR=f"192.0.2.{number}").post("/sign-in/", {"username": "root@localhost", "password": "x"})
        assert sign_in(Client(REMOTE_ADDR="198.51.100.7"), "ROOT@localhost").status_code == 429

    def test_an_unknown_name_is_guarded_as_well(self, monkeypatch):
        monkeypatch.setattr("accounts.guessing.TRIES_OF_NAME", 5)
        for number in range(5):
            sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), "nobody@localhost")
        assert sign_in(Client(REMOTE_ADDR="198.51.100.7"), "nobody@localhost").status_code == 429

    def test_one_address_does_not_try_everybody(self, user, monkeypatch):
        monkeypatch.setattr("accounts.guessing.TRIES_OF_ADDRESS", 5)
        for number in range(5):
            sign_in(Client(), f"person{number}@localhost")
        assert sign_in(Client(), "root@localhost").status_code == 429

    def test_without_the_counter_nobody_gets_in_and_who_is_in_goes_on(self, user, monkeypatch):
        signed_in = browser_of(user)

        def gone(*_args, **_kwargs):
            raise RedisIsGone("nobody there")

        for name in ("get", "add", "incr", "set"):
            monkeypatch.setattr(cache, name, gone)
        client = Client()
        assert sign_in(client, "root@localhost").status_code == 503
        assert not is_in(client)
        assert client.get("/sign-in/passkey/", headers={"accept": "application/json"}).status_code in (200, 503)
        assert client.post("/password/forgotten/", {"email": "root@localhost"}).status_code == 503
        assert is_in(signed_in)

    def test_an_unknown_name_costs_as_much_hashing_as_a_known_one(self, user, monkeypatch):
        hashed = []
        real = User.set_password
        monkeypatch.setattr(User, "set_password", lambda self, raw: (hashed.append(raw), real(self, raw)))
        assert PasswordBackend().authenticate(None, username="nobody", password="guess") is None
        assert hashed == ["guess"]
