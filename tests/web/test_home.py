"""Where everybody arrives, and what is shown where there is nothing or where it is broken."""

from __future__ import annotations

import pytest

from tests import cast


def test_an_empty_house_shows_the_way(root):
    page = root.get("/").content.decode()
    assert 'href="/setup/"' in page
    assert "manage.py issue_certificate" in page


def test_the_steps_go_on_where_one_stopped_until_nobody_wants_to_see_them(owner, office):
    steps = owner.get("/").context["steps"]
    assert [step.is_done for step in steps] == [True, True, True, True, False, False, False]
    assert [step.is_next for step in steps].index(True) == 4
    assert owner.post("/setup/dismiss/")["Location"] == "/"
    assert not owner.get("/").context["steps"]


def test_a_superuser_above_all_sees_everything_together(root, office, certificate):
    page = root.get("/").content.decode()
    assert "All organizations" in page
    assert "/account/organization/" in page
    assert office.issuing.name in page


@pytest.mark.django_db
def test_somebody_without_an_organization_is_told_whom_to_ask(client):
    office_less = cast.create_user(
        actor=cast.SUPERUSER, email="new@localhost", password=cast.Secret(cast.PASSWORD), username="new"
    )
    client.force_login(office_less, backend="accounts.sessions.PasswordBackend")
    assert "no organization yet" in client.get("/").content.decode()


def test_a_404_keeps_the_shell_and_gives_a_number(root):
    response = root.get("/no-such-page/")
    assert response.status_code == 404
    assert 'id="side"' in response.content.decode()


def test_a_broken_page_needs_neither_database_nor_person(client, monkeypatch, db):
    def broken(*args, **kwargs):
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("web.sign_in.SignInForm", broken)
    client.raise_request_exception = False
    response = client.get("/sign-in/")
    text = response.content.decode()
    assert response.status_code == 500
    assert "a secret detail" not in text
    assert "Something broke" in text
