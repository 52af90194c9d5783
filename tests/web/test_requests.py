"""Requests in the admin: what would be signed is shown, others than the asker decide, and nobody is stuck."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from accounts.services.people import actor_for_user
from audit.models import AuditEvent
from certificates.models import Certificate, Decision, Request
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import cast
from tests.certificates.asking import Desk, open_desk, robot_made_by

PASSPHRASE = "correct horse battery"


@pytest.fixture
def desk(db) -> Desk:
    return open_desk()


@pytest.fixture
def request_(desk: Desk) -> Request:
    return desk.ask(desk.order_by_csr(description="for the shop"))


def page(request: Request, slug: str = "") -> str:
    return f"/admin/certificates/request/{request.pk}/{slug or 'change'}/"


def told(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def approve(client: Client, request: Request, **changes: object):
    return client.post(page(request, "approve"), {"digest": request.digest} | changes)


def test_nobody_but_a_superuser_gets_to_them(desk, request_):
    for person in (desk.office.person, desk.approver, cast.stranger()):
        client = Client()
        client.force_login(person.user, backend="accounts.sessions.PasswordBackend")
        for slug in ("", "approve", "reject", "cancel", "fulfil"):
            assert client.get(page(request_, slug)).status_code == 403
            assert client.post(page(request_, slug), {"digest": request_.digest, "reason": "x"}).status_code == 403
    assert not Decision.objects.exists()


def test_what_would_be_signed_stands_on_the_record_and_beside_the_question(root, desk, request_):
    for path in (page(request_), page(request_, "approve"), page(request_, "reject")):
        text = root.get(path).content.decode()
        for words in (
            "CN=www.acme.test",
            "DNS www.acme.test",
            "ACME Issuing CA",
            "Digital signature",
            "TLS server",
            request_.facts["key"],
            request_.digest,
            "for the shop",
            "member@acme.example",
        ):
            assert words in text, (path, words)


def test_a_superuser_who_did_not_ask_approves_and_issues(root, desk, request_):
    response = approve(root, request_, reason="seen")
    assert response.status_code == 302
    request_.refresh_from_db()
    decision = Decision.objects.get()
    assert (request_.status, decision.approver_label, decision.reason) == ("approved", "root@localhost", "seen")
    assert AuditEvent.objects.get(name="request.approved").actor_label == "root@localhost"
    assert root.get(page(request_, "approve")).status_code == 409
    response = root.post(page(request_, "fulfil"))
    row = Certificate.objects.get()
    assert response["Location"] == f"/admin/certificates/certificate/{row.pk}/change/"
    assert "root@localhost" in root.get(page(request_)).content.decode()


def test_looking_decides_nothing(root, desk, request_):
    root.get(page(request_, "approve"), {"digest": request_.digest})
    assert not Decision.objects.exists()


def test_the_yes_is_to_what_was_shown(root, desk, request_):
    response = approve(root, request_, digest="0" * 64)
    assert response.status_code == 409
    assert request_.digest in response.content.decode()
    assert approve(root, request_, digest="").status_code == 422
    assert not Decision.objects.exists()


def test_a_no_has_a_reason(root, desk, request_):
    assert root.post(page(request_, "reject"), {"digest": request_.digest}).status_code == 422
    root.post(page(request_, "reject"), {"digest": request_.digest, "reason": "not our shop"})
    request_.refresh_from_db()
    assert (request_.status, Decision.objects.get().reason) == ("rejected", "not our shop")
    assert "not our shop" in root.get(page(request_)).content.decode()


def test_the_superuser_account_of_who_asked_decides_nothing(root, desk, request_):
    user = desk.asker.user
    user.is_superuser = True
    user.save()
    client = Client()
    client.force_login(user, backend="accounts.sessions.PasswordBackend")
    for slug, body in (("approve", {}), ("reject", {"reason": "no"})):
        assert client.get(page(request_, slug)).status_code == 409
        assert page(request_, slug) not in client.get(page(request_)).content.decode()
        assert client.post(page(request_, slug), {"digest": request_.digest} | body).status_code == 422
    assert not Decision.objects.exists()
    client.post(page(request_, "cancel"))
    request_.refresh_from_db()
    assert request_.status == "cancelled"


def test_who_made_the_key_that_asked_decides_nothing(root, desk):
    boss = actor_for_user(root.get("/admin/").wsgi_request.user, organization=desk.office.organization)
    request = desk.ask(actor=robot_made_by(boss, desk.asker, Permission.CERTIFICATES_ISSUE))
    response = root.get(page(request, "approve"))
    assert response.status_code == 409
    assert "another approver must decide" in response.content.decode()
    assert approve(root, request).status_code == 422
    assert "made by root@localhost" in root.get(page(request)).content.decode()


def test_what_nobody_can_take_back_a_superuser_cancels(root, desk):
    request = desk.approved()
    assert page(request, "cancel") in root.get(page(request)).content.decode()
    root.post(page(request, "cancel"))
    request.refresh_from_db()
    assert request.status == "cancelled"
    assert root.get(page(request, "cancel")).status_code == 409


def test_a_ca_with_a_passphrase_is_asked_for_it(root):
    desk = open_desk(passphrase=Secret(PASSPHRASE))
    request = desk.approved()
    path = page(request, "fulfil")
    assert 'type="password"' in root.get(path).content.decode()
    assert root.post(path).status_code == 422
    wrong = root.post(path, {"passphrase": "wrong horse battery"})
    assert wrong.status_code == 422
    assert "horse" not in wrong.content.decode()
    root.post(path, {"passphrase": PASSPHRASE})
    request.refresh_from_db()
    assert request.status == "fulfilled"


def test_what_cannot_be_issued_any_more_is_said_with_the_reason(root, desk):
    request = desk.approved()
    desk.change_template(validity=timedelta(days=10))
    assert "web-tls" in root.get(page(request, "fulfil")).content.decode(), "it is said before anybody tries"
    response = root.post(page(request, "fulfil"))
    (sentence,) = told(response)
    assert "web-tls has changed" in sentence
    assert response["Location"] == page(request)
    assert not Certificate.objects.exists()


def test_it_is_too_late_after_its_time(root, desk, request_):
    Request.objects.update(expires_at=timezone.now())
    assert "expired" in root.get(page(request_, "approve")).content.decode()
    assert approve(root, request_).status_code == 409


def test_issuing_by_a_guarded_template_asks_somebody_else(root, desk):
    form = {"template": desk.office.template.pk, "common_name": "www.acme.test", "names": "www.acme.test"}
    response = root.post("/admin/certificates/certificate/issue/", form)
    request = Request.objects.get()
    assert response["Location"] == page(request)
    assert request.person.email == "root@localhost"
    assert "Nothing is issued yet" in told(response)[0]
    assert root.get(page(request, "approve")).status_code == 409
    assert not Certificate.objects.exists()


def test_lists_ask_few_questions(root, desk, django_assert_max_num_queries):
    for _number in range(6):
        desk.ask()
    with django_assert_max_num_queries(16):
        root.get("/admin/certificates/request/")


def test_of_two_approvals_the_first_says_that_others_must_follow(root):
    desk = open_desk(approvals_needed=2)
    request = desk.ask()
    response = approve(root, request)
    assert "others must still do so" in told(response)[0]
    assert "You have decided on this already" in root.get(page(request, "reject")).content.decode()
    assert desk.approve(request, desk.second).status == "approved"
