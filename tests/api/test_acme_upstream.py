"""What the native API does at a strict ACME server on this machine."""

from __future__ import annotations

import pytest

from acme_client.models import AcmeOrder
from acme_client.services.upstream import client_of, open_key
from cas.core.formats import read_certificate
from tests.acme_client.conftest import SUFFIX, Desk, carried_out
from tests.acme_client.conftest import desk as desk
from tests.acme_client.conftest import pebble as pebble
from tests.acme_client.conftest import published as published
from tests.api.wire import Wire, wire_of, wrong_fields

pytestmark = [pytest.mark.needs("pebble")]

ACCOUNTS, ORDERS, CERTIFICATES = "/api/v2/acme/accounts", "/api/v2/acme/orders", "/api/v2/certificates"


@pytest.fixture
def api(desk: Desk) -> Wire:
    return wire_of(desk.office.person)


def body(answer, status=200):
    assert answer.status_code == status, answer.content
    return answer.json()


def issued(api: Wire, desk: Desk) -> dict:
    order = carried_out(desk.order())
    assert order.status == "valid", order.last_error
    return body(api.get(f"{CERTIFICATES}/{order.certificate.public_id}"))


def test_a_contact_is_changed_and_a_key_rolled_over_at_the_server(api, desk):
    place = f"{ACCOUNTS}/{desk.account.public_id}"
    before = open_key(desk.account).reveal()
    assert body(api.patch(place, {"email": "other@acme.example"}))["email"] == "other@acme.example"
    rolled = body(api.post(f"{place}/roll-key"))
    assert (rolled["status"], rolled["is_busy"]) == ("valid", False)
    desk.account.refresh_from_db()
    assert open_key(desk.account).reveal() != before
    assert client_of(desk.account).find() == desk.account.account_url


def test_a_certificate_of_a_public_ca_is_ordered_again(api, desk):
    found = issued(api, desk)
    assert found["pki"] == {"id": str(desk.account.public_id), "name": desk.account.name, "type": "acme"}
    place = f"{CERTIFICATES}/{found['id']}/renew"
    assert list(wrong_fields(api.post(place, {"key": "same"}))) == ["key"]
    answer = api.post(place)
    order = body(answer, 202)
    assert answer["Location"] == f"{ORDERS}/{order['id']}"
    assert (order["names"], order["replaces_id"]) == ([f"www.{SUFFIX}"], found["id"])
    assert body(api.post(place), 409)["type"].endswith("/renewal-under-way")
    row = carried_out(AcmeOrder.objects.get(public_id=order["id"]))
    assert row.status == "valid", row.last_error
    assert body(api.get(f"{CERTIFICATES}/{found['id']}"))["replaced_by_ids"] == [str(row.certificate.public_id)]


def test_a_certificate_of_a_public_ca_is_revoked_there_first(api, desk, pebble):
    found = issued(api, desk)
    serial = f"{read_certificate(found['certificate']).serial_number:x}"
    place = f"{CERTIFICATES}/{found['id']}/revoke"
    wish = {"upstream": True, "reason": "keyCompromise", "comment": "found in a repository"}
    assert list(wrong_fields(api.post(place, wish | {"invalidity_date": "2026-01-01T00:00:00Z"}))) == [
        "invalidity_date"
    ]
    assert list(wrong_fields(api.post(place, wish | {"reason": "certificateHold"}))) == ["reason"]
    assert pebble.status_of(serial) == "Valid"
    # A key is of no use while a public CA is asked.
    revoked = body(api.post(place, wish, Idempotency_Key="revoke-1"))
    assert (revoked["status"], revoked["revocation"]["comment"]) == ("revoked", "found in a repository")
    assert pebble.status_of(serial) == "Revoked"


def test_nothing_is_revoked_here_where_the_public_ca_is_out_of_reach(api, desk):
    found = issued(api, desk)
    type(desk.account).objects.filter(pk=desk.account.pk).update(directory_url="https://127.0.0.1:9/dir")
    answer = api.post(f"{CERTIFICATES}/{found['id']}/revoke", {"upstream": True})
    assert body(answer, 503)["type"].endswith("/acme-unavailable")
    assert body(api.get(f"{CERTIFICATES}/{found['id']}"))["status"] == "issued"


def test_an_order_is_refreshed_until_it_is_there(api, desk):
    order = desk.order()
    for _round in range(40):
        answer = body(api.post(f"{ORDERS}/{order.public_id}/refresh"))
        if answer["status"] == "valid":
            break
    assert answer["status"] == "valid", answer
    (asked,) = answer["authorizations"]
    assert (asked["name"], asked["status"], asked["challenge"]["status"]) == (f"www.{SUFFIX}", "valid", "valid")
