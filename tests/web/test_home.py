"""The overview tells the truth."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from certificates.models import Certificate, Crl
from tests import cast


def numbers(client) -> dict[str, int]:
    response = client.get("/")
    return {str(figure.label): figure.number for figure in response.context["figures"]}


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


def test_numbers_equal_the_lists_behind_them(root, office, certificate):
    soon = office.issue("soon.acme.test", "soon.acme.test", validity=timedelta(days=5)).certificate
    held = office.issue("held.acme.test", "held.acme.test").certificate
    root.post(f"/admin/certificates/certificate/{held.pk}/revoke/", {"reason": "certificateHold"})
    response = root.get("/")
    assert response.context["counts"].total == Certificate.objects.count() == 3
    for figure in response.context["figures"]:
        listed = root.get(figure.url).context["cl"].result_count
        assert listed == figure.number, figure.label
    assert numbers(root)["Expiring"] == 1
    assert soon.not_after > timezone.now()


def test_an_owner_sees_his_own_house_only(owner, office, certificate):
    neighbour = cast.stranger()
    assert numbers(owner)["Active"] == 1
    page = owner.get("/").content.decode()
    assert neighbour.organization.name not in page
    assert 'href="/admin/' not in page


def test_a_stranger_sees_nothing_of_it(client, office, certificate):
    client.force_login(cast.stranger().user, backend="accounts.sessions.PasswordBackend")
    page = client.get("/").content.decode()
    assert numbers(client)["Active"] == 0
    assert "acme.test" not in page
    assert office.issuing.name not in page


@pytest.mark.django_db
def test_somebody_without_an_organization_is_told_whom_to_ask(client):
    office_less = cast.create_user(
        actor=cast.SUPERUSER, email="new@localhost", password=cast.Secret(cast.PASSWORD), username="new"
    )
    client.force_login(office_less, backend="accounts.sessions.PasswordBackend")
    assert "no organization yet" in client.get("/").content.decode()


def test_an_expired_crl_is_an_alarm_and_a_fresh_one_is_not(root, office):
    assert "All clear" in root.get("/").content.decode()
    past = timezone.now() - timedelta(hours=1)
    Crl.objects.filter(scope__ca=office.issuing).update(next_update=past)
    page = root.get("/").content.decode()
    assert "All clear" not in page
    assert "has expired" in page


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
