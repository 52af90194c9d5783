"""The register, as the page has it: lists, labels, renewal, imports, judgement, revocation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from cas.core.csr import read_csr
from cas.core.formats import to_pem
from cas.core.keys import KeyAlgorithm, generate, serialize_private_key
from cas.core.names import parse_name
from certificates.models import Certificate
from certificates.orders import Managed
from certificates.services.authorities import establish_authority
from tests import elsewhere, pki
from tests.api.scaivault.desk import PKI, body, certificate_in, names_in, refused, wire_with, wrong_fields
from tests.office import authority_order

CERTIFICATES = f"{PKI}/certificates"


@pytest.fixture
def issued(office):
    return office.issue("www.acme.test", "api.acme.test")


@pytest.fixture
def old():
    return elsewhere.root().below()


@pytest.fixture
def key():
    return generate(KeyAlgorithm.ECDSA_P256)


def leaf(old, key, **how):
    return old.sign(parse_name("CN=shop.old.test"), key.public_key(), **({"is_ca": False} | how))


def address(issued) -> str:
    return f"{CERTIFICATES}/{issued.certificate.public_id}"


def listed(api, query: str = "") -> list[str]:
    return [row["common_name"] for row in body(api.get(CERTIFICATES + query))["data"]]


def test_a_stranger_finds_nothing_of_it(office, stranger, issued):
    for method, path, sent in (
        ("GET", "", None),
        ("GET", "/pem", None),
        ("PATCH", "", {"description": "mine"}),
        ("POST", "/renew", {}),
        ("POST", "/private-key", {}),
    ):
        assert refused(stranger.send(method, address(issued) + path, sent), 404) == "certificate_not_found"
    assert listed(stranger) == []
    sent = {"serial_number": f"0x{issued.certificate.serial}", "reason": "superseded"}
    assert refused(stranger.post(f"{PKI}/revoke", sent), 404) == "certificate_not_found"
    issued.certificate.refresh_from_db()
    assert (issued.certificate.state, issued.certificate.description) == ("issued", "")


@pytest.mark.row("S43", "S47", "S48")
def test_certificates_are_listed_in_pages(api, office):
    for number in range(5):
        office.issue(f"n{number}.acme.test")
    assert listed(api) == [f"n{number}.acme.test" for number in (4, 3, 2, 1, 0)]
    first = body(api.get(f"{CERTIFICATES}?limit=2"))
    office.issue("later.acme.test")
    second = body(api.get(f"{CERTIFICATES}?limit=2&cursor={first['next_cursor']}"))
    third = body(api.get(f"{CERTIFICATES}?limit=2&cursor={second['next_cursor']}"))
    pages = [[row["common_name"][:2] for row in page["data"]] for page in (first, second, third)]
    assert (pages, third["next_cursor"]) == ([["n4", "n3"], ["n2", "n1"], ["n0"]], None)
    for cursor in ("bad", first["next_cursor"][:-1]):
        assert refused(api.get(f"{CERTIFICATES}?cursor={cursor}"), 400) == "invalid_cursor"
    assert wrong_fields(api.get(f"{CERTIFICATES}?limit=0")) == {"limit": "min_value"}
    assert wrong_fields(api.get(f"{CERTIFICATES}?colour=red")) == {"colour": "unknown_field"}


@pytest.mark.row("S44")
def test_those_of_one_ca_are_found(api, office, issued):
    other = establish_authority(actor=office.owner, order=authority_order(office.organization, "Other"))
    assert listed(api, f"?ca_id={office.issuing.public_id}") == ["www.acme.test"]
    assert listed(api, f"?ca_id={other.public_id}") == []
    assert wrong_fields(api.get(f"{CERTIFICATES}?ca_id=5")) == {"ca_id": "uuid"}


@pytest.mark.row("S45")
def test_those_that_end_soon_are_found(api, office):
    office.issue("soon.acme.test", validity=timedelta(days=10))
    office.issue("late.acme.test", validity=timedelta(days=60))
    assert listed(api, "?expiring_within=30d") == ["soon.acme.test"]
    assert listed(api, "?expiring_within=720h") == ["soon.acme.test"]
    assert listed(api, "?expiring_within=7776000") == ["late.acme.test", "soon.acme.test"]
    assert listed(api, "?expiring_within=1h") == []
    assert refused(api.get(f"{CERTIFICATES}?expiring_within=soon"), 400) == "invalid_duration"


@pytest.mark.row("S46")
def test_revoked_ones_are_shown_where_they_are_asked_for(api, office, issued):
    office.issue("good.acme.test")
    body(api.post(f"{PKI}/revoke", {"serial_number": issued.certificate.serial, "reason": "superseded"}))
    assert listed(api) == ["good.acme.test"] == listed(api, "?include_revoked=false")
    assert listed(api, "?include_revoked=true") == ["good.acme.test", "www.acme.test"]
    assert wrong_fields(api.get(f"{CERTIFICATES}?include_revoked=perhaps")) == {"include_revoked": "unknown_value"}


@pytest.mark.row("S49", "S50")
def test_one_is_shown_and_downloaded(api, office, issued):
    shown = body(api.get(address(issued)))
    assert (shown["common_name"], shown["san"]) == ("www.acme.test", ["www.acme.test", "api.acme.test"])
    assert (shown["ca_id"], shown["role"], shown["status"]) == (str(office.issuing.public_id), "web", "issued")
    assert (shown["has_private_key"], shown["revocation"]) == (False, None)
    assert certificate_in(shown["certificate"]) == issued.x509
    assert [certificate_in(pem) for pem in shown["ca_chain"]] == list(issued.chain)
    pem = api.get(f"{address(issued)}/pem")
    assert (pem.status_code, pem.headers["Content-Type"]) == (200, "application/x-pem-file")
    assert pem.content.decode() == to_pem(issued.x509)


@pytest.mark.row("S51")
def test_tags_and_description_change_and_nothing_else(api, issued):
    shown = body(api.patch(address(issued), {"tags": ["prod", "shop"], "description": "The shop."}))
    assert (shown["tags"], shown["description"]) == (["prod", "shop"], "The shop.")
    shown = body(api.patch(address(issued), {"tags": []}))
    assert (shown["tags"], shown["description"]) == ([], "The shop.")
    sent = {"common_name": "x", "status": "revoked", "ca_id": None, "description": "x"}
    assert wrong_fields(api.patch(address(issued), sent)) == dict.fromkeys(
        ("common_name", "status", "ca_id"), "unknown_field"
    )
    assert body(api.get(address(issued)))["description"] == "The shop."


@pytest.mark.row("S52")
def test_a_successor_has_the_same_subject_and_a_new_key(api, issued):
    made = body(api.post(f"{address(issued)}/renew"), 201)
    certificate = certificate_in(made["certificate"])
    assert (certificate.subject, names_in(certificate)) == (issued.x509.subject, ["www.acme.test", "api.acme.test"])
    assert certificate.public_key() != issued.x509.public_key()
    assert "PRIVATE KEY" in made["private_key"]
    assert body(api.get(f"{CERTIFICATES}/{made['id']}"))["replaces_id"] == str(issued.certificate.public_id)
    assert refused(api.post(f"{address(issued)}/renew"), 409) == "already_renewed"


@pytest.mark.row("S52")
def test_one_with_a_foreign_key_is_renewed_by_a_csr(api, office):
    issued = office.issue(key=read_csr(pki.make_csr(subject="CN=www.acme.test")))
    assert wrong_fields(api.post(f"{address(issued)}/renew")) == {"csr_pem": "required"}
    made = body(api.post(f"{address(issued)}/renew", {"csr_pem": pki.make_csr(subject="CN=x"), "ttl": "24h"}), 201)
    assert made["private_key"] is None
    body(api.post(f"{PKI}/revoke", {"serial_number": made["serial_number"]}))
    assert refused(api.post(f"{CERTIFICATES}/{made['id']}/renew", {"csr_pem": pki.make_csr(subject="CN=x")}), 409) == (
        "certificate_revoked"
    )


@pytest.mark.row("S54")
def test_a_key_that_waits_for_its_owner_is_not_a_stored_one(api, office):
    issued = office.issue(key=Managed(collect_later=True))
    assert refused(api.post(f"{address(issued)}/private-key"), 404) == "no_private_key"


@pytest.mark.row("S55", "S56", "S57", "S58")
def test_a_certificate_from_elsewhere_is_imported_with_key_and_chain(api, old, key):
    certificate = leaf(old, key)
    sent = {
        "certificate_pem": to_pem(certificate),
        "private_key_pem": serialize_private_key(key).reveal().decode(),
        "chain_pem": to_pem(*old.chain),
    }
    made = body(api.post(f"{CERTIFICATES}/import", sent), 201)
    assert (made["source"], made["ca_id"], made["has_private_key"]) == ("imported", None, True)
    assert certificate_in(made["certificate"]) == certificate
    assert [certificate_in(pem) for pem in made["ca_chain"]] == list(old.chain)
    assert body(api.post(f"{CERTIFICATES}/{made['id']}/private-key"))["private_key"] == sent["private_key_pem"]
    assert listed(api) == ["shop.old.test"]
    assert refused(api.post(f"{CERTIFICATES}/import", sent), 409) == "certificate_known"
    revoke = {"serial_number": made["serial_number"]}
    assert refused(api.post(f"{PKI}/revoke", revoke), 409) == "foreign_issuer"


@pytest.mark.row("S56", "S57", "S58", "S59")
def test_what_does_not_belong_together_is_refused_at_once(api, office, old, key):
    sent = {
        "certificate_pem": to_pem(leaf(old, key)),
        "private_key_pem": serialize_private_key(generate(KeyAlgorithm.ECDSA_P256)).reveal().decode(),
        "chain_pem": to_pem(elsewhere.root("CN=Stray").certificate),
        "ca_id": str(office.issuing.public_id),
    }
    assert wrong_fields(api.post(f"{CERTIFICATES}/import", sent)) == {
        "private_key_pem": "key_mismatch",
        "chain_pem": "not_in_chain",
        "ca_id": "bad_signature",
    }
    unreadable = {"certificate_pem": "x", "private_key_pem": "y"}
    assert wrong_fields(api.post(f"{CERTIFICATES}/import", unreadable)) == {"certificate_pem": "unreadable_certificate"}
    assert wrong_fields(api.post(f"{CERTIFICATES}/import", {})) == {"certificate_pem": "required"}
    assert not Certificate.objects.exists()


@pytest.mark.row("S59")
def test_under_the_ca_that_signed_it_it_is_revoked_like_every_other(api, office, old, key):
    moved = api.post(
        "/api/v2/cas/import",
        {
            "name": "Old Issuing",
            "key_file": serialize_private_key(old.key).reveal().decode(),
            "certificates": to_pem(*old.chain),
        },
    )
    assert moved.status_code == 201, moved.content
    sent = {"certificate_pem": to_pem(leaf(old, key)), "ca_id": moved.json()["id"]}
    made = body(api.post(f"{CERTIFICATES}/import", sent), 201)
    assert made["ca_id"] == moved.json()["id"]
    revoked = body(api.post(f"{PKI}/revoke", {"serial_number": made["serial_number"], "reason": "superseded"}))
    assert revoked["status"] == "revoked"


@pytest.mark.row("S60", "S61", "S62")
def test_a_certificate_is_judged(api, office, issued, old, key):
    judged = body(api.post(f"{CERTIFICATES}/validate", {"certificate_pem": to_pem(issued.x509)}))
    root = issued.chain[-1]
    assert judged["trusted_anchor"]["subject"] == "CN=ACME Root,O=ACME"
    assert judged["trusted_anchor"]["fingerprint"] == fingerprint_of(root)
    facts = {name: judged[name] for name in ("valid", "chain_valid", "not_expired", "not_revoked", "errors")}
    assert facts == {"valid": True, "chain_valid": True, "not_expired": True, "not_revoked": True, "errors": []}
    strange = {"certificate_pem": to_pem(leaf(old, key)), "chain_pem": to_pem(*old.chain)}
    judged = body(api.post(f"{CERTIFICATES}/validate", strange))
    assert (judged["valid"], judged["chain_valid"], judged["trusted_anchor"]) == (False, False, None)
    assert all(error["code"] and error["message"] for error in judged["errors"])
    body(api.post(f"{PKI}/trust-anchors", {"name": "Old", "certificate_pem": to_pem(old.chain[-1])}), 201)
    judged = body(api.post(f"{CERTIFICATES}/validate", strange | {"check_revocation": False}))
    assert (judged["chain_valid"], judged["not_revoked"]) == (True, None)


@pytest.mark.row("S62")
def test_revoked_and_expired_are_told_apart(api, office, old, key):
    issued = office.issue()
    body(api.post(f"{PKI}/revoke", {"serial_number": issued.certificate.serial, "reason": "keyCompromise"}))
    judged = body(api.post(f"{CERTIFICATES}/validate", {"certificate_pem": to_pem(issued.x509)}))
    assert (judged["valid"], judged["not_revoked"], judged["not_expired"]) == (False, False, True)
    body(api.post(f"{PKI}/trust-anchors", {"name": "Old", "certificate_pem": to_pem(old.chain[-1])}), 201)
    ended = {"certificate_pem": to_pem(leaf(old, key, since=100, days=-1)), "chain_pem": to_pem(*old.chain)}
    judged = body(api.post(f"{CERTIFICATES}/validate", ended))
    assert (judged["valid"], judged["not_expired"]) == (False, False)


def fingerprint_of(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex()


@pytest.mark.row("S63", "S64")
@pytest.mark.parametrize("write", [lambda n: f"{n:x}", lambda n: f"0x{n:X}", lambda n: str(n), lambda n: colons(n)])
def test_a_certificate_is_revoked_by_its_number_in_every_notation(api, issued, write):
    shown = body(api.post(f"{PKI}/revoke", {"serial_number": write(issued.x509.serial_number)}))
    assert (shown["status"], shown["revocation"]["reason"]) == ("revoked", "unspecified")


def colons(number: int) -> str:
    text = f"{number:X}"
    text = text.zfill(len(text) + len(text) % 2)
    return ":".join(text[index : index + 2] for index in range(0, len(text), 2))


@pytest.mark.row("S64")
def test_digits_that_could_be_two_certificates_are_a_conflict(api, office, key):
    first, second = office.issue(), office.issue()
    Certificate.objects.filter(pk=first.certificate.pk).update(serial="12")
    Certificate.objects.filter(pk=second.certificate.pk).update(serial="c")
    answer = api.post(f"{PKI}/revoke", {"serial_number": "12"})
    assert refused(answer, 409) == "ambiguous_serial"
    assert "0x12" in answer.json()["error"]["message"]
    assert Certificate.objects.filter(state="issued").count() == 2
    assert wrong_fields(api.post(f"{PKI}/revoke", {"serial_number": "none"})) == {"serial_number": "invalid"}
    assert refused(api.post(f"{PKI}/revoke", {"serial_number": "0xffff"}), 404) == "certificate_not_found"


@pytest.mark.row("S63", "S65")
def test_the_reason_is_one_of_rfc_5280(api, office, issued):
    sent = {"serial_number": issued.certificate.serial}
    assert wrong_fields(api.post(f"{PKI}/revoke", sent | {"reason": "lost"})) == {"reason": "unknown_reason"}
    shown = body(api.post(f"{PKI}/revoke", sent | {"reason": "key_compromise"}))
    assert shown["revocation"]["reason"] == "keyCompromise"
    assert refused(api.post(f"{PKI}/revoke", sent), 409) == "already_revoked"
    reader = wire_with(office.person, "certificates:read", "certificates:issue")
    assert refused(reader.post(f"{PKI}/revoke", sent), 403) == "insufficient_scope"


def test_nothing_here_is_revoked_at_an_acme_ca(api, issued):
    sent = {"serial_number": issued.certificate.serial, "use_acme": True}
    assert wrong_fields(api.post(f"{PKI}/revoke", sent)) == {"use_acme": "unsupported"}
    issued.certificate.refresh_from_db()
    assert issued.certificate.state == "issued"
    assert body(api.post(f"{PKI}/revoke", sent | {"use_acme": False}))["status"] == "revoked"
