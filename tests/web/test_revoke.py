"""Revoking by hand: always named, always with a reason, never by a link."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages

from audit.models import AuditEvent
from certificates.models import Revocation


@pytest.fixture
def page(certificate) -> str:
    return f"/admin/certificates/certificate/{certificate.pk}/revoke/"


def test_the_page_names_the_certificate_its_serial_and_its_issuer(root, office, certificate, page):
    text = root.get(page).content.decode()
    assert "www.acme.test" in text
    assert certificate.serial.upper() in text
    assert office.issuing.name in text


def test_the_page_alone_revokes_nothing(root, certificate, page):
    root.get(page, {"reason": "keyCompromise"})
    certificate.refresh_from_db()
    assert certificate.state == "issued"


def test_without_a_reason_nothing_happens(root, certificate, page):
    response = root.post(page, {"comment": "just so"})
    assert response.status_code == 422
    assert 'value="just so"' in response.content.decode()
    assert not Revocation.objects.exists()


def test_with_a_reason_it_is_revoked_and_recorded(root, certificate, page):
    response = root.post(page, {"reason": "keyCompromise", "comment": "laptop lost"})
    assert response.status_code == 302
    certificate.refresh_from_db()
    assert certificate.state == "revoked"
    revocation = Revocation.objects.get()
    assert (revocation.reason, revocation.comment) == ("keyCompromise", "laptop lost")
    event = AuditEvent.objects.get(name="certificate.revoked")
    assert event.actor_label == "root@localhost"
    assert event.document["metadata"]["reason"] == "keyCompromise"


def test_a_revoked_one_says_when_and_why_and_offers_no_button(root, certificate, page):
    root.post(page, {"reason": "superseded"})
    response = root.get(page)
    assert response.status_code == 409
    text = response.content.decode()
    assert "superseded" in text
    assert 'type="submit">' not in text.split("<main", 1)[1]


def test_a_second_post_is_told_so_on_the_form(root, certificate, page):
    root.post(page, {"reason": "superseded"})
    response = root.post(page, {"reason": "keyCompromise", "comment": "kept"})
    assert response.status_code == 422
    assert 'value="kept"' in response.content.decode()
    assert Revocation.objects.get().reason == "superseded"


def test_a_date_in_the_future_stands_beside_its_field(root, certificate, page):
    response = root.post(page, {"reason": "keyCompromise", "invalidity": "2999-01-01T00:00"})
    assert response.status_code == 422
    assert response.context["form"].errors["invalidity"]


def test_a_hold_can_be_lifted_and_a_revocation_cannot(root, certificate, page):
    lift = f"/admin/certificates/certificate/{certificate.pk}/lift-hold/"
    assert root.get(lift).status_code == 409
    root.post(page, {"reason": "certificateHold"})
    assert root.get(lift).status_code == 200
    root.post(lift)
    certificate.refresh_from_db()
    assert certificate.state == "issued"
    root.post(page, {"reason": "unspecified"})
    assert root.post(lift).status_code == 422


def test_several_are_listed_by_name_before_anything_happens(root, office, certificate):
    second = office.issue("two.acme.test", "two.acme.test").certificate
    chosen = {"action": "revoke_selected", "_selected_action": [certificate.pk, second.pk]}
    response = root.post("/admin/certificates/certificate/", chosen, follow=True)
    text = response.content.decode()
    assert "www.acme.test" in text
    assert "two.acme.test" in text
    assert not Revocation.objects.exists()

    ids = f"{certificate.pk},{second.pk}"
    assert root.post("/admin/certificates/certificate/revoke-several/", {"ids": ids}).status_code == 422
    root.post("/admin/certificates/certificate/revoke-several/", {"ids": ids, "reason": "superseded"})
    assert Revocation.objects.count() == 2


def test_of_several_those_that_cannot_be_are_named(root, office, certificate):
    second = office.issue("two.acme.test", "two.acme.test").certificate
    root.post(f"/admin/certificates/certificate/{second.pk}/revoke/", {"reason": "superseded"})
    form = {"ids": f"{certificate.pk},{second.pk}", "reason": "superseded"}
    response = root.post("/admin/certificates/certificate/revoke-several/", form)
    told = [str(message) for message in get_messages(response.wsgi_request)]
    assert any("two.acme.test" in text for text in told)
    assert Revocation.objects.filter(certificate=certificate).exists()


def test_a_ca_is_revoked_only_with_its_name_typed(root, office, certificate):
    page = f"/admin/cas/certificateauthority/{office.issuing.pk}/revoke/"
    assert office.issuing.name in root.get(page).content.decode()
    wrong = root.post(page, {"reason": "cACompromise", "typed_name": "something else"})
    assert wrong.status_code == 422
    office.issuing.refresh_from_db()
    assert office.issuing.status == "active"
    root.post(page, {"reason": "cACompromise", "typed_name": office.issuing.name})
    office.issuing.refresh_from_db()
    certificate.refresh_from_db()
    assert (office.issuing.status, certificate.state) == ("revoked", "revoked")
