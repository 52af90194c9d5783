"""The page on how machines sign in."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import MachineIdentity, OidcIssuer
from accounts.services.service_accounts import create_service_account
from certificates.models import ClientCertificateBinding
from kernel.permissions import Permission
from tests import cast
from tests.clients import client_certificate
from tests.office import open_office
from tests.web.people import browser_of

pytestmark = pytest.mark.django_db

ISSUER = {
    "name": "Example ID",
    "issuer": "https://id.example.com",
    "audience": "https://pki.acme.example",
    "algorithms": ["RS256"],
    "role_claim": "groups",
    "role_map": "pki-operators = operator",
    "email_claim": "email",
    "is_active": "on",
}


@pytest.fixture
def office():
    return open_office()


@pytest.fixture
def browser(office):
    return browser_of(office.person.user)


@pytest.fixture
def account(office):
    return create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="build server",
        permissions=[Permission.CERTIFICATES_READ],
    )


def test_an_owner_adds_changes_and_removes_an_issuer(browser):
    answer = browser.post(reverse("token-issuer-add"), ISSUER)
    assert answer.status_code == 302, answer.content.decode()
    row = OidcIssuer.objects.get()
    assert (row.algorithms, row.role_map) == (["RS256"], {"pki-operators": "operator"})
    page = reverse("token-issuer", args=[row.public_id])
    assert "pki-operators = operator" in browser.get(page).content.decode()
    assert browser.post(page, ISSUER | {"audience": "other"}).status_code == 302
    row.refresh_from_db()
    assert row.audience == "other"
    assert browser.post(page, {"delete": "1"}).status_code == 302
    assert not OidcIssuer.objects.exists()


def test_what_is_wrong_stands_at_its_field(browser):
    answer = browser.post(reverse("token-issuer-add"), ISSUER | {"issuer": "http://10.0.0.1"})
    assert answer.status_code == 422
    assert "An issuer is an address such as" in answer.content.decode()


def test_a_subject_is_bound_and_let_go(browser, account):
    browser.post(reverse("token-issuer-add"), ISSUER)
    form = {"issuer": OidcIssuer.objects.get().pk, "subject": "ci@clients", "service_account": account.pk}
    assert browser.post(reverse("machine-bind-subject"), form).status_code == 302
    row = MachineIdentity.objects.get()
    assert "ci@clients" in browser.get(reverse("machines")).content.decode()
    kept = browser.post(reverse("token-issuer", args=[row.issuer.public_id]), {"delete": "1"}, follow=True)
    assert "remove their identities first" in kept.content.decode()
    assert browser.post(reverse("machine-unbind", args=[row.public_id])).status_code == 302
    assert not MachineIdentity.objects.exists()


def test_a_certificate_is_bound_by_its_fingerprint_and_let_go(browser, office, account):
    fingerprint = client_certificate(office).certificate.fingerprint.upper()
    colons = ":".join(fingerprint[place : place + 2] for place in range(0, 64, 2))
    form = {"certificate_id": colons, "service_account": account.pk, "follows_renewal": "on"}
    assert browser.post(reverse("machine-bind-certificate"), form).status_code == 302
    row = ClientCertificateBinding.objects.get()
    assert row.follows_renewal
    assert fingerprint.lower() in browser.get(reverse("machines")).content.decode()
    assert browser.post(reverse("machine-unbind", args=[row.public_id])).status_code == 302
    assert not ClientCertificateBinding.objects.exists()


def test_another_organizations_rows_are_not_there(browser, account):
    browser.post(reverse("token-issuer-add"), ISSUER)
    form = {"issuer": OidcIssuer.objects.get().pk, "subject": "ci@clients", "service_account": account.pk}
    browser.post(reverse("machine-bind-subject"), form)
    stranger = browser_of(cast.stranger().user)
    assert "Example ID" not in stranger.get(reverse("machines")).content.decode()
    assert stranger.get(reverse("token-issuer", args=[OidcIssuer.objects.get().public_id])).status_code == 404
    assert stranger.post(reverse("machine-unbind", args=[MachineIdentity.objects.get().public_id])).status_code == 404
    assert stranger.post(reverse("machine-bind-subject"), form).status_code == 422


@pytest.mark.parametrize("role", ["operator", "approver", "auditor", "member"])
def test_only_owners_see_it(office, role):
    person = cast.member(office.organization, role)
    assert browser_of(person.user).get(reverse("machines")).status_code == 403
