"""Trust anchors over the wire and in the admin."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client

from cas.models import TrustAnchor
from tests import cast, elsewhere
from tests.api.wire import Wire, wrong_fields
from tests.elsewhere import pem

URL = "/api/v2/trust-anchors"


@pytest.fixture
def root_pem():
    return pem(elsewhere.root("CN=Partner Root,O=Partner").certificate).decode()


def added(answer):
    assert answer.status_code == 201, answer.content
    return answer.json()["data"]


def test_a_stranger_finds_nothing_of_it(api, stranger, office, root_pem):
    (anchor,) = added(api.post(URL, {"certificates": root_pem}))
    assert stranger.get(URL).json()["data"] == []
    for method in ("GET", "DELETE"):
        assert stranger.send(method, f"{URL}/{anchor['id']}").status_code == 404
    body = {"certificates": root_pem, "organization_id": str(office.organization.public_id)}
    assert stranger.post(URL, body).status_code == 403
    assert TrustAnchor.objects.get().retired_at is None


def test_an_anchor_is_added_shown_listed_and_taken_away(api, root_pem):
    (anchor,) = added(api.post(URL, {"certificates": root_pem, "name": "Partner"}))
    UUID(anchor["id"])
    assert (anchor["name"], anchor["subject"], anchor["pem"]) == ("Partner", "CN=Partner Root,O=Partner", root_pem)
    assert api.get(f"{URL}/{anchor['id']}").json() == anchor
    assert api.get(URL).json() == {"data": [anchor], "pagination": {"next_cursor": None, "total": 1}}
    again = api.post(URL, {"certificates": root_pem})
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "trust-anchor-known")
    gone = api.delete(f"{URL}/{anchor['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.get(f"{URL}/{anchor['id']}").status_code == 404
    assert api.get(URL).json()["data"] == []
    names = [event["event"] for event in api.get("/api/v2/audit?resource_type=trust_anchor").json()["data"]]
    assert names == ["trust_anchor.retired", "trust_anchor.added"]


def test_several_come_in_one_call(api):
    roots = [elsewhere.root(f"CN=R{number}").certificate for number in range(4)]
    rows = added(api.post(URL, {"certificates": pem(*roots).decode()}))
    assert [row["name"] for row in rows] == ["R0", "R1", "R2", "R3"]
    assert api.get(f"{URL}?limit=3").json()["pagination"]["total"] == 4


def test_what_is_wrong_is_told_by_certificate(api, root_pem):
    root = elsewhere.root()
    leaf = root.sign(root.certificate.subject, root.key.public_key(), is_ca=False)
    both = pem(root.certificate, leaf).decode()
    assert wrong_fields(api.post(URL, {"certificates": both})) == {"certificates[1]": "not-an-authority"}
    assert wrong_fields(api.post(URL, {"certificates": "x"})) == {"certificates": "unreadable-certificate"}
    assert wrong_fields(api.post(URL, {})) == {"certificates": "required"}
    assert wrong_fields(api.post(URL, {"certificates": root_pem, "trust": True})) == {"trust": "unknown-field"}
    assert api.get(URL).json()["data"] == []


def test_a_superuser_says_for_whom(office, root_pem):
    root = Wire()
    root.client.force_login(cast.superuser(), backend="accounts.sessions.PasswordBackend")
    assert wrong_fields(root.post(URL, {"certificates": root_pem})) == {"organization_id": "required"}
    body = {"certificates": root_pem, "organization_id": str(office.organization.public_id)}
    (anchor,) = added(root.post(URL, body))
    assert anchor["organization_id"] == str(office.organization.public_id)


def test_the_admin_adds_and_retires_by_the_same_services(office, root_pem):
    browser = Client()
    browser.force_login(cast.superuser(), backend="accounts.sessions.PasswordBackend")
    base = "/admin/cas/trustanchor"
    wrong = browser.post(f"{base}/new/", {"organization": office.organization.pk, "certificates": "x"})
    assert (wrong.status_code, TrustAnchor.objects.count()) == (422, 0)
    form = {"organization": office.organization.pk, "certificates": root_pem, "name": "<b>Partner</b>"}
    assert browser.post(f"{base}/new/", form).status_code == 302
    anchor = TrustAnchor.objects.get()
    assert anchor.organization == office.organization
    page = browser.get(f"{base}/{anchor.pk}/change/").content.decode()
    assert "CN=Partner Root,O=Partner" in page
    assert "<b>Partner" not in page
    assert "<b>Partner" not in browser.get(f"{base}/").content.decode()
    assert browser.post(f"{base}/{anchor.pk}/retire/").status_code == 302
    anchor.refresh_from_db()
    assert anchor.retired_at is not None
    assert browser.get(f"{base}/{anchor.pk}/retire/").status_code == 409
