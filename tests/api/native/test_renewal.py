"""Renewal on the wire: `POST /api/v1/certificates/{id}/renew` and the same in v2."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cas.core.keys import KeyAlgorithm
from cas.services.templates import order_of, update_template
from certificates.models import Certificate
from kernel.permissions import Permission
from tests import cast, pki
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.office import Office, open_office

URL = "/api/{}/certificates"
VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])
pytestmark = pytest.mark.row("P46")


def place_of(row: Certificate, version: str) -> str:
    return f"{URL.format(version)}/{row.pk if version == 'v1' else row.public_id}"


def renewed(answer) -> dict:
    assert answer.status_code == 201, answer.content
    return answer.json()


def leaf_of(body: dict) -> x509.Certificate:
    return x509.load_pem_x509_certificate(body["certificate"].encode())


def change_template(office: Office, **changes: object) -> None:
    office.template.refresh_from_db()
    update_template(actor=office.owner, template=office.template, order=replace(order_of(office.template), **changes))


def code_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


@VERSIONS
def test_a_stranger_finds_nothing_to_renew(office, stranger, version):
    row = office.issue().certificate
    assert code_of(stranger.post(f"{place_of(row, version)}/renew")) == (404, "certificate-not-found")
    assert Certificate.objects.count() == 1


@VERSIONS
def test_issuing_is_not_renewing(office, version):
    row = office.issue().certificate
    robot = wire_of(office.person, Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_READ)
    assert code_of(robot.post(f"{place_of(row, version)}/renew")) == (403, "permission-denied")


@pytest.mark.row("P46")
@VERSIONS
def test_a_successor_is_answered_as_an_issuance_and_both_name_each_other(api, office, version):
    old = office.issue("www.acme.test", "api.acme.test", tags=("prod",), description="The shop")
    place = place_of(old.certificate, version)
    answer = api.post(f"{place}/renew")
    body = renewed(answer)
    assert answer["Location"] == f"{URL.format(version)}/{body['id']}"
    leaf = leaf_of(body)
    assert (leaf.subject, pki.sans_of(leaf)) == (old.x509.subject, pki.sans_of(old.x509))
    key = load_pem_private_key(body["private_key"].encode(), None)
    assert key.public_key() == leaf.public_key() != old.x509.public_key()
    issuing, _root = (x509.load_pem_x509_certificate(each.encode()) for each in body["chain"])
    leaf.verify_directly_issued_by(issuing)
    assert (body["tags"], body["description"], body["delivery"]) == (["prod"], "The shop", None)
    before, after = api.get(place).json(), api.get(answer["Location"]).json()
    assert body["replaces_id"] == after["replaces_id"] == before["id"]
    assert (before["replaces_id"], before["replaced_by_ids"]) == (None, [body["id"]])
    assert (before["status"], after["replaced_by_ids"]) == ("issued", [])


def test_what_the_body_says_is_not_inherited(api, office):
    place = place_of(office.issue(tags=("prod",)).certificate, "v2")
    wishes = {"tags": [], "description": "new", "validity": "7d", "key_format": "pkcs8", "password": "a b c d e f"}
    body = renewed(api.post(f"{place}/renew", wishes))
    leaf = leaf_of(body)
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 6
    assert (body["tags"], body["description"]) == ([], "new")
    assert load_pem_private_key(body["private_key"].encode(), b"a b c d e f").public_key() == leaf.public_key()


def test_a_key_may_wait_and_a_file_may_come_along(api, office):
    place = place_of(office.issue().certificate, "v2")
    body = renewed(api.post(f"{place}/renew", {"key_delivery": "later", "delivery_format": "der"}))
    assert (body["private_key"], body["key_custody"]) == (None, "waiting")
    assert body["delivery"]["content_type"] == "application/pkix-cert"
    assert api.post(f"{URL.format('v2')}/{body['id']}/private-key").status_code == 200


def test_a_new_key_is_of_the_old_kind_unless_another_is_named(api):
    office = open_office("Initech", any_key_algorithm=True)
    wire = wire_of(office.person)
    body = {"template_code": "web-tls", "common_name": "www.acme.test", "key_algorithm": "ED25519"}
    first = renewed(wire.post(URL.format("v2"), body))
    assert first["key_algorithm"] == "ED25519"
    for wish, algorithm in (
        ({}, "ED25519"),
        ({"key": "new"}, "ED25519"),
        ({"key_delivery": "later"}, "ED25519"),
        ({"key_algorithm": "ECDSA_P384"}, "ECDSA_P384"),
    ):
        again = renewed(wire.post(f"{URL.format('v2')}/{first['id']}/renew", wish | {"again": True}))
        assert again["key_algorithm"] == algorithm


def test_the_same_key_only_where_the_template_lets_it(api, office):
    old = office.issue()
    place = place_of(old.certificate, "v1")
    assert wrong_fields(api.post(f"{place}/renew", {"key": "same"})) == {"key": "same-key-not-allowed"}
    change_template(office, renew_same_key=True)
    body = renewed(api.post(f"{place}/renew", {"key": "same"}))
    assert leaf_of(body).public_key() == old.x509.public_key()
    assert (body["private_key"], body["key_custody"]) == (None, "returned")


def test_a_csr_brings_the_key_and_nothing_else(api, office):
    issued = api.post(URL.format("v1"), {"template_code": "web-tls", "csr": pki.make_csr(None, "CN=www.acme.test")})
    place = f"{URL.format('v1')}/{issued.json()['id']}"
    assert wrong_fields(api.post(f"{place}/renew")) == {"csr": "required"}
    csr = pki.make_csr(pki.a_key(number=1), "CN=something.else", ("evil.test",))
    leaf = leaf_of(renewed(api.post(f"{place}/renew", {"csr": csr})))
    assert leaf.public_key() == pki.a_key(number=1).public_key()
    assert leaf.subject == leaf_of(issued.json()).subject


WRONG = {
    "an unknown kind of key": ({"key": "old"}, {"key": "unknown-value"}),
    "a CSR and a key": ({"csr": pki.make_csr(), "key": "new"}, {"key": "contradiction"}),
    "a CSR and a password": ({"csr": pki.make_csr(), "password": "x"}, {"password": "contradiction"}),
    "a CSR that is none": ({"csr": "x"}, {"csr": "unreadable-csr"}),
    "the same key in a format": ({"key": "same", "key_format": "p12"}, {"key_format": "contradiction"}),
    "the same key of another kind": ({"key": "same", "key_algorithm": "ED25519"}, {"key_algorithm": "contradiction"}),
    "two lifetimes": ({"validity": "1d", "validity_days": 1}, {"validity": "contradiction"}),
    "too long a lifetime": ({"validity_days": 398}, {"validity": "too-long"}),
    "another subject": ({"subject": {"common_name": "x"}}, {"subject": "unknown-field"}),
    "again in a text": ({"again": "yes"}, {"again": "invalid"}),
    "a tag with a comma": ({"tags": ["a,b"]}, {"tags[0]": "invalid"}),
    "a PKCS#12 file without a password": ({"delivery_format": "p12"}, {"password": "required"}),
}


def test_wrong_input_is_named_and_nothing_is_renewed(api, office, subtests):
    place = place_of(office.issue().certificate, "v2")
    for name, (wish, wrong) in WRONG.items():
        with subtests.test(name):
            assert wrong_fields(api.post(f"{place}/renew", wish)) == wrong
    assert Certificate.objects.count() == 1


def test_one_successor_unless_another_is_asked_for(api, office):
    place = place_of(office.issue().certificate, "v2")
    first = renewed(api.post(f"{place}/renew"))
    assert code_of(api.post(f"{place}/renew")) == (409, "already-renewed")
    second = renewed(api.post(f"{place}/renew", {"again": True}))
    assert api.get(place).json()["replaced_by_ids"] == [second["id"], first["id"]]


def test_what_is_revoked_or_on_hold_has_no_successor(api, office):
    for reason, code in (("superseded", "certificate-revoked"), ("certificateHold", "certificate-on-hold")):
        place = place_of(office.issue().certificate, "v1")
        assert api.post(f"{place}/revoke", {"reason": reason}).status_code == 200
        assert code_of(api.post(f"{place}/renew")) == (409, code)


def test_a_passphrase_comes_with_the_order(db):
    office = open_office("Initech", passphrase=cast.Secret("open, sesame seeds"))
    wire: Wire = wire_of(office.person)
    asked = {"template_code": "web-tls", "common_name": "www.acme.test", "passphrase": "open, sesame seeds"}
    place = f"{URL.format('v2')}/{renewed(wire.post(URL.format('v2'), asked))['id']}"
    assert code_of(wire.post(f"{place}/renew")) == (503, "ca-locked")
    assert code_of(wire.post(f"{place}/renew", {"passphrase": "open, poppy seeds"})) == (403, "wrong-passphrase")
    assert renewed(wire.post(f"{place}/renew", {"passphrase": "open, sesame seeds"}))["key_algorithm"] == (
        KeyAlgorithm.ECDSA_P256
    )


def test_a_detail_takes_as_many_queries_with_two_successors_as_with_none(api, office):
    place = place_of(office.issue().certificate, "v2")
    api.get(place)  # the first use of a key is noted
    counts = []
    for _number in range(3):
        with CaptureQueriesContext(connection) as queries:
            api.get(place)
        counts.append(len(queries))
        renewed(api.post(f"{place}/renew", {"again": True}))
    assert counts[0] == counts[1] == counts[2] <= 8
