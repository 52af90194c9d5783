"""A superuser makes API keys in the admin, for organizations and for single CAs, and replaces them."""

from __future__ import annotations

import re

import pytest

from accounts.models import ApiKey
from accounts.services.credentials import authenticate_token
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import cast
from tests.api.wire import Wire

pytestmark = pytest.mark.django_db

MAKE = "/admin/accounts/apikey/create-for-cas/"


def token_on(page) -> str:
    assert page.status_code == 200, page.content
    assert "no-store" in page["Cache-Control"]
    found = re.search(r"\b(?:pkf|cm)_[A-Za-z0-9]{32}\b", page.content.decode())
    assert found
    return found[0]


def form_for(office, *cas, **changes) -> dict[str, object]:
    return {
        "organization": office.organization.pk,
        "owner": office.person.user.pk,
        "name": "acme client",
        "cas": [ca.pk for ca in cas],
        "rights": ["can_read", "can_issue"],
        "lifetime": "30",
        "allowed_cidrs": "192.0.2.0/24",
        **changes,
    }


def test_a_key_for_single_cas(root, office):
    token = token_on(root.post(MAKE, form_for(office, office.issuing)))
    assert token.startswith("cm_")
    actor = authenticate_token(Secret(token), ip="192.0.2.7")
    assert [grant.ca_id for grant in actor.grants or ()] == [office.issuing.pk]
    assert Permission.CERTIFICATES_ISSUE in actor.permissions
    assert Permission.CERTIFICATES_REVOKE not in actor.permissions
    assert Wire(token).get("/api/v2/certificates").status_code == 401, "127.0.0.1 is outside of its range"


def test_a_ca_of_another_organization_is_refused_on_the_form(root, office):
    other = cast.stranger().organization
    page = root.post(MAKE, form_for(office, office.issuing, organization=other.pk))
    assert page.status_code in (200, 422)
    assert not ApiKey.objects.exists()
    assert "cm_" not in page.content.decode()


@pytest.mark.parametrize("change", [{"cas": []}, {"rights": []}, {"rights": ["can_export"]}])
def test_nothing_is_made_for_nothing(root, office, change):
    root.post(MAKE, form_for(office, office.issuing, **change))
    assert not ApiKey.objects.exists()


def test_a_key_is_replaced_and_the_old_one_works_on_for_a_while(root, office):
    row, old = cast.api_key(office.person)
    page = root.post(f"/admin/accounts/apikey/{row.pk}/rotate/", {"overlap": "3"})
    new = token_on(page)
    assert new != old
    assert [Wire(each).get("/api/v2/certificates").status_code for each in (old, new)] == [200, 200]
    row.refresh_from_db()
    assert row.successor.permissions == row.permissions
    assert root.get(f"/admin/accounts/apikey/{row.successor.pk}/change/").content.decode().count(new) == 0


def test_without_an_overlap_the_old_one_stops_at_once(root, office):
    row, old = cast.api_key(office.person)
    new = token_on(root.post(f"/admin/accounts/apikey/{row.pk}/rotate/", {"overlap": "0"}))
    assert [Wire(each).get("/api/v2/certificates").status_code for each in (old, new)] == [401, 200]


def test_neither_page_is_for_an_owner(owner, office):
    row, _token = cast.api_key(office.person)
    for path in (MAKE, f"/admin/accounts/apikey/{row.pk}/rotate/"):
        assert owner.post(path, form_for(office, office.issuing)).status_code == 403
    assert ApiKey.objects.count() == 1
