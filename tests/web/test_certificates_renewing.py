"""In the browser: certificates that renew themselves, that others have issued, and where they are used."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from cryptography import x509
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.roles import OrganizationRole
from cas.core.formats import to_der, to_pem
from cas.core.names import parse_name
from certificates.models import Certificate, Placement, Renewal
from tests import cast, elsewhere, pki
from tests.web.people import browser_of

IMPORT = "/certificates/import/"


def page_of(row: Certificate, slug: str = "") -> str:
    return f"/certificates/{row.public_id}/" + (f"{slug}/" if slug else "")


def words(answer) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", answer.content.decode())


@pytest.fixture
def old():
    return elsewhere.root()


def leaf(old) -> x509.Certificate:
    names = x509.SubjectAlternativeName([x509.DNSName("shop.old.test")])
    return old.sign(parse_name("CN=shop.old.test"), pki.a_key().public_key(), is_ca=False, extra=[(names, False)])


def test_it_is_let_to_renew_itself_and_its_page_says_when(owner, certificate):
    assert "do-not-renew" not in owner.get(page_of(certificate)).content.decode()
    assert owner.post(page_of(certificate, "renew-by-itself"), {"days": 20}).status_code == 302
    certificate.refresh_from_db()
    assert certificate.not_after - certificate.renew_at == timedelta(days=20)
    answer = owner.get(page_of(certificate))
    assert f"{certificate.renew_at:%Y-%m-%d %H:%M}" in words(answer)
    assert page_of(certificate, "do-not-renew") in answer.content.decode()
    assert owner.post(page_of(certificate, "do-not-renew")).status_code == 302
    certificate.refresh_from_db()
    assert certificate.renew_at is None


def test_what_stands_in_the_way_is_said_on_its_page(owner, certificate):
    Renewal.objects.create(
        certificate=certificate,
        organization_id=certificate.organization_id,
        standing=Renewal.Standing.FAILED,
        last_error="The template web-tls is retired.",
        due_at=timezone.now(),
    )
    assert "could not be renewed: The template web-tls is retired." in words(owner.get(page_of(certificate)))


def test_too_long_before_is_refused_beside_its_field(owner, certificate):
    assert owner.post(page_of(certificate, "renew-by-itself"), {"days": 0}).status_code == 422


def test_a_file_of_certificates_is_told_line_by_line(owner, office, old):
    file = SimpleUploadedFile("all.pem", to_pem(leaf(old), old.certificate).encode())
    form = {"organization": office.organization.pk, "file": file, "tags": "old, shop"}
    answer = owner.post(IMPORT, form)
    assert answer.status_code == 200, answer.content
    row = Certificate.objects.get(source="imported")
    assert page_of(row) in answer.content.decode()
    assert "1 certificate was imported" in words(answer)
    assert "of an authority" in words(answer)
    assert row.tags == ["old", "shop"]
    again = owner.post(IMPORT, {**form, "file": SimpleUploadedFile("a.der", to_der(leaf(old)))})
    assert again.status_code == 200
    assert page_of(row) in owner.get("/certificates/?q=source:imported").content.decode()


@pytest.mark.parametrize("text", ["", "hello"])
def test_what_is_no_file_of_certificates_is_told_beside_the_field(owner, office, text):
    answer = owner.post(IMPORT, {"organization": office.organization.pk, "text": text})
    assert answer.status_code == 422


def test_who_only_reads_imports_nothing(office):
    reader = browser_of(cast.member(office.organization, OrganizationRole.AUDITOR).user)
    assert reader.get(IMPORT).status_code == 403


def test_places_are_added_looked_at_and_forgotten(owner, certificate):
    assert owner.get(page_of(certificate, "check-place")).status_code == 409
    assert owner.post(page_of(certificate, "add-place"), {"host": "127.0.0.1", "port": 443}).status_code == 302
    place = Placement.objects.get()
    chosen = {"place": str(place.public_id)}
    assert owner.post(page_of(certificate, "check-place"), chosen).status_code == 302
    assert "does not answer" in words(owner.get(page_of(certificate)))
    assert owner.post(page_of(certificate, "add-place"), {"host": "a b", "port": 443}).status_code == 422
    assert owner.post(page_of(certificate, "remove-place"), chosen).status_code == 302
    assert not Placement.objects.exists()
