"""The door: who gets in, and what the others are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from tests import cast

pytestmark = pytest.mark.django_db


def sign_in(client: Client, name: str, password: str = cast.PASSWORD, **more: str):
    return client.post("/sign-in/", {"username": name, "password": password, **more})


def without_tokens(response) -> str:
    """The page without the two things that differ by nature: the form's token and the name that was typed."""
    lines = response.content.decode().splitlines()
    return "\n".join(line for line in lines if "csrfmiddlewaretoken" not in line and 'name="username"' not in line)


@pytest.mark.parametrize("name", ["root@localhost", "ROOT@localhost", " root@localhost "])
def test_a_person_gets_in_by_e_mail_in_any_case(client, name):
    cast.superuser("root@localhost")
    response = sign_in(client, name)
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert AuditEvent.objects.filter(name="session.started").count() == 1


def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(client):
    cast.superuser("root@localhost")
    wrong = sign_in(client, "root@localhost", "not the password")
    unknown = sign_in(client, "nobody@localhost", "not the password")
    assert wrong.status_code == unknown.status_code == 422
    assert without_tokens(wrong) == without_tokens(unknown)


def test_a_disabled_person_gets_that_answer_too(client):
    user = cast.superuser("root@localhost")
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert sign_in(client, "root@localhost").status_code == 422


def test_a_refusal_is_in_the_audit_log(client):
    sign_in(client, "nobody@localhost")
    assert AuditEvent.objects.get(name="session.refused").resource_label == "nobody@localhost"


def test_after_many_tries_even_the_right_password_waits(client):
    cast.superuser("root@localhost")
    for _try in range(10):
        sign_in(client, "root@localhost", "guess")
    assert sign_in(client, "root@localhost").status_code == 429


def test_what_was_typed_as_password_is_never_sent_back(client):
    assert "secret guess" not in sign_in(client, "nobody@localhost", "secret guess").content.decode()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil"])
def test_nobody_is_sent_to_another_site(client, target):
    cast.superuser("root@localhost")
    assert sign_in(client, "root@localhost", next=target)["Location"] == "/"


def test_the_page_that_was_asked_for_comes_next(client):
    cast.superuser("root@localhost")
    asked = client.get("/admin/")
    assert asked["Location"] == "/sign-in/?next=/admin/"
    assert sign_in(client, "root@localhost", next="/admin/")["Location"] == "/admin/"


def test_the_form_needs_its_token():
    strict = Client(enforce_csrf_checks=True)
    assert sign_in(strict, "root@localhost").status_code == 403


def test_signing_out_is_a_post(root):
    assert root.get("/sign-out/").status_code == 405
    assert root.get("/").status_code == 200
    assert root.post("/sign-out/")["Location"] == "/sign-in/"
    assert root.get("/").status_code == 302
    assert AuditEvent.objects.filter(name="session.ended").count() == 1


class TestFirstPassword:
    @pytest.fixture
    def newcomer(self, client):
        user = cast.superuser("root@localhost")
        user.must_change_password = True
        user.password_expires_at = timezone.now() + timedelta(days=1)
        user.save()
        sign_in(client, "root@localhost")
        return user

    @pytest.mark.parametrize("path", ["/", "/admin/", "/admin/certificates/certificate/issue/"])
    def test_nothing_else_opens_before_it_is_changed(self, client, newcomer, path):
        response = client.get(path)
        assert response.status_code == 302
        assert response["Location"] == "/password/"

    def test_after_the_change_everything_opens(self, client, newcomer):
        new = "a much better sentence"
        form = {"old_password": cast.PASSWORD, "new_password": new, "repeated": new}
        # Where nothing is made yet, the first run.
        assert client.post("/password/", form)["Location"] == "/setup/"
        assert client.get("/admin/").status_code == 200

    @pytest.mark.parametrize(
        ("old", "new", "repeated"),
        [
            pytest.param("wrong", "a much better sentence", "a much better sentence", id="the old one is wrong"),
            pytest.param(cast.PASSWORD, "short", "short", id="the new one is weak"),
            pytest.param(cast.PASSWORD, cast.PASSWORD, cast.PASSWORD, id="it is the same"),
            pytest.param(cast.PASSWORD, "a much better sentence", "another sentence", id="the two differ"),
        ],
    )
    def test_a_bad_change_is_refused_on_the_form(self, client, newcomer, old, new, repeated):
        form = {"old_password": old, "new_password": new, "repeated": repeated}
        response = client.post("/password/", form)
        assert response.status_code == 422
        assert 'class="errors"' in response.content.decode()
        newcomer.refresh_from_db()
        assert newcomer.must_change_password

    def test_one_that_was_left_unused_for_too_long_opens_nothing(self, newcomer):
        newcomer.password_expires_at = timezone.now() - timedelta(seconds=1)
        newcomer.save()
        assert sign_in(Client(), "root@localhost").status_code == 422


@pytest.mark.parametrize(("code", "word"), [("de", "Anmelden"), ("fr", "Se connecter"), ("en", "Sign in")])
def test_the_language_is_chosen_by_post_and_stays(client, code, word):
    assert client.get("/language/").status_code in (302, 405)
    client.post("/language/", {"language": code, "next": "/sign-in/"})
    page = client.get("/sign-in/").content.decode()
    assert f'<html lang="{code}">' in page
    assert word in page
