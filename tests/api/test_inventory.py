"""`POST /api/v2/certificates/import`: certificates of others, in the lists like our own."""

from __future__ import annotations

import base64

from cryptography import x509

from cas.core.formats import to_der, to_pem
from cas.core.names import parse_name
from tests import elsewhere, pki
from tests.api.wire import wrong_fields

URL = "/api/v2/certificates/import"


def leaf(old, name: str = "shop.old.test"):
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    return old.sign(parse_name(f"CN={name},O=Old"), pki.a_key().public_key(), is_ca=False, extra=[(names, False)])


def test_what_is_imported_is_found_like_our_own(api, office, stranger):
    old = elsewhere.root()
    answer = api.post(URL, {"file": to_pem(leaf(old), old.certificate), "tags": ["old"]})
    assert answer.status_code == 200, answer.content
    first, second = answer.json()["certificates"]
    assert (answer.json()["imported"], first["status"], second["status"]) == (1, "imported", "authority")
    listed = api.get("/api/v2/certificates?filter=source:imported").json()["data"]
    assert [each["id"] for each in listed] == [first["id"]]
    assert api.get(f"/api/v2/certificates/{first['id']}").json()["tags"] == ["old"]
    assert stranger.get(f"/api/v2/certificates/{first['id']}").status_code == 404


def test_der_comes_in_base64_and_what_is_known_is_told(api, office):
    body = {"file": base64.b64encode(to_der(leaf(elsewhere.root()))).decode()}
    assert api.post(URL, body).json()["imported"] == 1
    (again,) = api.post(URL, body).json()["certificates"]
    assert (again["status"], bool(again["id"])) == ("known", True)


def test_what_cannot_be_read_is_told_by_its_field(api, office):
    assert wrong_fields(api.post(URL, {"file": "???"})) == {"file": "base64"}
    assert wrong_fields(api.post(URL, {"file": "AAAA"})) == {"file": "unreadable-certificate"}
