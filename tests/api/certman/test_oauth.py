"""An application with an OAuth token, from its registration to a certificate that it revokes."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from cas.orders import Dialect
from cas.services.standing import enable_dialect
from kernel.ref import Ref
from tests import pki
from tests.api.certman.desk import error_of, issued
from tests.api.wire import Wire
from tests.oauth.desk import Desk, open_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db: None) -> Desk:
    """A public client that has registered itself, at an office whose CAs are open to Certman's clients."""
    opened = open_desk()
    office = opened.office
    for ca in (office.issuing, office.root):
        enable_dialect(actor=office.owner, ca=Ref("pk", ca.pk), dialect=Dialect.CERTMAN)
    return opened


def rights_of(wire: Wire) -> dict[str, Any]:
    answer = wire.get("/v1/whoami")
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.row("C3", "C10", "C12")
def test_from_the_registration_to_a_revocation(desk: Desk):
    office = desk.office
    tokens = desk.tokens("read", "issue", "revoke", resource=settings.BASE_URL)
    assert tokens["access_token"].startswith("cm_oauth_")
    wire = Wire(tokens["access_token"])
    told = rights_of(wire)
    assert told["permissions"] == {
        str(office.issuing.public_id): {"canRead": True, "canIssue": True, "canRevoke": True}
    }
    assert (told["workspace"]["slug"], told["user"]["email"]) == (office.organization.slug, office.person.user.email)
    assert told["apiKey"] is None
    assert [ca["id"] for ca in wire.get("/v1/cas").json()["cas"]] == [str(office.issuing.public_id)]
    made = issued(wire, office.issuing, sanDns=["api.example.com"])
    assert made["privateKey"]
    revoked = wire.post(f"/v1/certificates/{made['certificate']['id']}/revoke", {"reason": "superseded"})
    assert revoked.status_code == 200, revoked.content
    (row,) = wire.get("/v1/certificates?status=revoked").json()["certificates"]
    assert (row["id"], row["revocation_reason"]) == (made["certificate"]["id"], "superseded")
    # What was not ticked is not there.
    assert error_of(wire.post("/v1/certificates", {"caId": str(office.root.public_id), "commonName": "x"}), 404)


@pytest.mark.row("C12")
@pytest.mark.parametrize(
    ("ticked", "statuses"),
    [(("read",), (403, 403)), (("read", "issue"), (200, 403)), (("read", "revoke"), (403, 200))],
)
def test_what_was_not_ticked_is_refused(desk: Desk, ticked, statuses):
    certificate = desk.office.issue().certificate
    wire = Wire(desk.tokens(*ticked)["access_token"])
    wish = {"caId": str(desk.office.issuing.public_id), "commonName": "api.example.com"}
    answers = [
        wire.post("/v1/certificates", wish),
        wire.post(f"/v1/certificates/{certificate.public_id}/revoke"),
    ]
    assert tuple(answer.status_code for answer in answers) == statuses


def test_a_token_for_another_part_of_the_api_is_none_here(desk: Desk):
    wire = Wire(desk.tokens("read", resource=f"{settings.BASE_URL}/api")["access_token"])
    refused = wire.get("/v1/cas")
    assert error_of(refused, 401)
    assert "resource_metadata" in refused["WWW-Authenticate"]


def test_a_refreshed_token_goes_on_and_asks_again_as_the_same(desk: Desk):
    """An `Idempotency-Key` belongs to the application, whatever token it shows."""

    first = desk.tokens("read", "issue")
    body = {"caId": str(desk.office.issuing.public_id), "mode": "csr", "csrPem": pki.make_csr()}
    headers = {"Idempotency-Key": "once"}
    answer = Wire(first["access_token"]).post("/v1/certificates", body, **headers)
    assert answer.status_code == 200, answer.content
    second = desk.refresh(first["refresh_token"]).json()
    again = Wire(second["access_token"]).post("/v1/certificates", body, **headers)
    assert again.content == answer.content
