"""CAs on the wire: found by filters, shown as a tree and in full, their keys asked how they are."""

from __future__ import annotations

import pytest
from cryptography import x509
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cas.models import CaKey, CertificateAuthority, IssuedSerial
from certificates.models import Crl, CrlScope
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import elsewhere, pki
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.elsewhere import pem
from tests.office import open_office

CAS = "/api/v2/cas"


def found(wire: Wire, query: str = "") -> list[str]:
    answer = wire.get(f"{CAS}?{query}")
    assert answer.status_code == 200, answer.content
    return [ca["name"] for ca in answer.json()["data"]]


def ask(name: str, **wishes: object) -> dict:
    return {"name": name, "subject": {"common_name": name}} | wishes


@pytest.fixture
def family(office, api) -> dict[str, dict]:
    """One CA of every kind: a root and an issuing CA (of the office), one that waits, one from outside."""
    pending = api.post(f"{CAS}/pending", ask("Waiting")).json()
    foreign = api.post(f"{CAS}/foreign", {"certificates": pem(elsewhere.root().certificate).decode()}).json()
    return {
        "root": api.get(f"{CAS}/{office.root.public_id}").json(),
        "intermediate": api.get(f"{CAS}/{office.issuing.public_id}").json(),
        "pending": pending,
        "foreign": foreign,
    }


# --- filters ----------------------------------------------------------------------------------------------------------


def test_a_stranger_finds_none_of_them_by_any_filter(family, stranger):
    root = family["root"]["id"]
    for query in ("", "kind=root", "status=active", f"parent={root}", "name=a"):
        assert found(stranger, query) == []
    assert stranger.get(f"{CAS}/tree").json() == {"data": [], "total": 0, "is_complete": True}


def test_each_kind_says_what_it_is_and_is_found_by_it(family, api):
    for kind, ca in family.items():
        assert ca["kind"] == kind
        assert found(api, f"kind={kind}") == [ca["name"]]


def test_filters_are_all_true_together(family, api):
    root = family["root"]["id"]
    assert found(api, f"parent={root}") == ["ACME Issuing CA"]
    assert found(api, "status=pending") == ["Waiting"]
    assert found(api, "name=acme") == ["ACME Issuing CA", "ACME Root"]
    assert found(api, f"name=ACME&parent={root}&status=active&kind=intermediate") == ["ACME Issuing CA"]
    assert found(api, f"name=ACME&parent={root}&status=retired") == []
    assert found(api, "parent=00000000-0000-4000-8000-000000000000") == []
    assert found(api, "name=%25") == []


def test_a_filter_that_makes_no_sense_is_an_error_that_names_it(api):
    answer = api.get(f"{CAS}?kind=leaf&status=asleep&parent=7")
    assert wrong_fields(answer) == {"kind": "unknown-value", "status": "unknown-value", "parent": "uuid"}


def test_a_filtered_list_is_read_page_by_page(api, office):
    for number in range(3):
        assert api.post(f"{CAS}/pending", ask(f"Waiting {number}")).status_code == 201
    first = api.get(f"{CAS}?kind=pending&limit=2").json()
    assert [ca["name"] for ca in first["data"]] == ["Waiting 2", "Waiting 1"]
    assert first["pagination"]["total"] == 3
    assert found(api, f"kind=pending&limit=2&cursor={first['pagination']['next_cursor']}") == ["Waiting 0"]


# --- the tree ---------------------------------------------------------------------------------------------------------


def test_the_tree_has_every_ca_below_the_one_that_certified_it(family, api):
    tree = api.get(f"{CAS}/tree").json()
    assert (tree["total"], tree["is_complete"]) == (4, True)
    shape = {node["name"]: [below["name"] for below in node["children"]] for node in tree["data"]}
    assert shape == {"ACME Root": ["ACME Issuing CA"], "Waiting": [], "Old Root": []}
    root, waiting, _old = tree["data"]
    assert root["not_after"] == family["root"]["certificate"]["not_after"]
    assert (waiting["kind"], waiting["status"], waiting["not_after"]) == ("pending", "pending", None)


def test_a_tree_that_would_be_too_large_says_that_it_is_not_whole(family, api, monkeypatch):
    monkeypatch.setattr("api.native.authorities._LARGEST_TREE", 2)
    tree = api.get(f"{CAS}/tree").json()
    assert (tree["total"], tree["is_complete"], len(tree["data"])) == (2, False, 1)


def test_tree_and_detail_take_few_queries_however_many_cas_there_are(family, api):
    counts = {}
    for more in (0, 5):
        for number in range(more):
            api.post(f"{CAS}/pending", ask(f"More {number}"))
        for path in (f"{CAS}/tree", f"{CAS}/{family['intermediate']['id']}"):
            with CaptureQueriesContext(connection) as queries:
                assert api.get(path).status_code == 200
            counts.setdefault(path, []).append(len(queries))
    for path, (few, many) in counts.items():
        assert few == many <= 9, path


# --- one of them ------------------------------------------------------------------------------------------------------


def test_a_ca_is_shown_with_its_chain_and_how_fresh_its_crl_is(family, api, office):
    shown = family["intermediate"]
    assert [ca["name"] for ca in shown["chain"]["authorities"]] == ["ACME Issuing CA", "ACME Root"]
    certificates = x509.load_pem_x509_certificates(shown["chain"]["pem"].encode())
    certificates[0].verify_directly_issued_by(certificates[1])
    newest = Crl.objects.filter(scope__ca=office.issuing).latest("number")
    crl = shown["crl"]
    assert (crl["number"], crl["entries"], crl["is_current"], crl["is_due"]) == (newest.number, 0, True, False)
    assert (shown["key_backend"], shown["passphrase_protected"], shown["predecessor"]) == ("sealed", False, None)


def test_a_crl_that_has_ended_and_one_that_is_due_are_told_of(api, office):
    Crl.objects.filter(scope__ca=office.issuing).update(next_update=timezone.now())
    CrlScope.objects.filter(ca=office.issuing).update(next_due_at=timezone.now())
    crl = api.get(f"{CAS}/{office.issuing.public_id}").json()["crl"]
    assert (crl["is_current"], crl["is_due"]) == (False, True)


def test_a_pending_ca_has_no_certificate_no_chain_and_no_crl(family):
    pending = family["pending"]
    assert (pending["status"], pending["kind"], pending["parent"]) == ("pending", "pending", None)
    assert (pending["certificate"], pending["chain"], pending["crl"]) == (None, None, None)
    foreign = family["foreign"]
    assert (foreign["key_backend"], foreign["crl"], len(foreign["chain"]["authorities"])) == (None, None, 1)


def test_a_ca_is_made_with_everything_that_can_be_said_of_it(api, office):
    wishes = {
        "parent_id": str(office.root.public_id),
        "path_length": 0,
        "permitted_names": ["acme.test"],
        "excluded_names": ["secret.acme.test"],
        "extended_key_usage": ["server_auth", "1.3.6.1.5.5.7.3.2"],
        "requires_approval": True,
        "approver_role": "pki-approver",
        "approvals_needed": 2,
        "passphrase": "correct horse battery",
        "key_backend": "sealed",
        "crl_shards": 2,
    }
    made = api.post(CAS, ask("Limited", **wishes))
    assert made.status_code == 201, made.content
    body = made.json()
    assert made["Location"] == f"{CAS}/{body['id']}"
    shown = ("requires_approval", "approver_role", "approvals_needed", "passphrase_protected", "crl_shards")
    assert [body[name] for name in shown] == [True, "pki-approver", 2, True, 2]
    certificate = x509.load_pem_x509_certificate(body["certificate"]["pem"].encode())
    assert pki.purposes_of(certificate) == ["server_auth", "client_auth"]
    names = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    assert (len(names.permitted_subtrees), len(names.excluded_subtrees)) == (1, 1)
    assert api.get(made["Location"]).json() == body


NEW = {
    "an unknown purpose": ({"extended_key_usage": ["serverAuth", "x"]}, {"extended_key_usage[1]": "unknown-value"}),
    "an unknown backend": ({"key_backend": "usb"}, {"key_backend": "unknown-value"}),
    "a token key that says nothing": ({"token_key": {}}, {"token_key": "invalid"}),
    "a token key of another form": ({"token_key": {"label": 5}}, {"token_key": "invalid"}),
    "half an octet": ({"token_key": {"id": "abc"}}, {"token_key": "invalid"}),
    "two lifetimes": ({"validity": "9d", "validity_days": 9}, {"validity": "contradiction"}),
    "eleven approvals": ({"approvals_needed": 11}, {"approvals_needed": "max-value"}),
    "a passphrase on a token": (
        {"key_backend": "pkcs11", "passphrase": "correct horse battery"},
        {"passphrase": "not-with-this-backend"},
    ),
}


@pytest.mark.parametrize(("wishes", "wrong"), NEW.values(), ids=NEW)
def test_what_makes_no_sense_is_refused_by_its_field(api, office, wishes, wrong):
    assert wrong_fields(api.post(CAS, ask("New", **wishes))) == wrong


def test_a_key_on_the_token_is_for_superusers_to_name(api, office):
    answer = api.post(CAS, ask("Token", key_backend="pkcs11", token_key={"label": "root"}))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "superuser-only")
    nowhere = api.post(CAS, ask("Token", key_backend="pkcs11"))
    assert nowhere.status_code == 503


# --- its key ----------------------------------------------------------------------------------------------------------


def test_a_key_is_asked_how_it_is(api, office, family):
    well = api.get(f"{CAS}/{office.issuing.public_id}/key").json()
    assert well == {
        "backend": "sealed",
        "algorithm": "ECDSA_P256",
        "key_hash": office.issuing.key_hash,
        "passphrase_protected": False,
        "is_well": True,
        "fault": None,
    }
    CaKey.objects.filter(authority=office.issuing).update(sealed=b"\x01" + bytes(80))
    ill = api.get(f"{CAS}/{office.issuing.public_id}/key").json()
    assert (ill["is_well"], ill["fault"]) == (False, "The key of ACME Issuing CA does not open.")
    elsewhere_kept = api.get(f"{CAS}/{family['foreign']['id']}/key").json()
    assert (elsewhere_kept["backend"], elsewhere_kept["is_well"], elsewhere_kept["fault"]) == (None, None, None)


def test_a_locked_key_is_well_and_is_not_opened(db):
    locked = open_office(passphrase=Secret("open, sesame seeds"))
    wire = wire_of(locked.person)
    health = wire.get(f"{CAS}/{locked.issuing.public_id}/key").json()
    assert (health["passphrase_protected"], health["is_well"]) == (True, True)


@pytest.mark.needs("softhsm2-util")
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_ca_on_the_token_is_made_by_the_wire(api, office, hsm_token):
    made = api.post(CAS, ask("Token", key_backend="pkcs11", parent_id=str(office.root.public_id)))
    assert made.status_code == 201, made.content
    assert made.json()["key_backend"] == "pkcs11"
    assert api.get(f"{CAS}/{made.json()['id']}/key").json()["is_well"] is True
    assert CertificateAuthority.objects.get(name="Token").key.backend == "pkcs11"
    again = {"Idempotency-Key": "once"}
    first, second = (api.post(CAS, ask("Second", key_backend="pkcs11"), **again) for _round in range(2))
    assert first.status_code == 201, first.content
    assert first.content == second.content
    assert first.json()["crl"]["is_current"] is True
    assert not IssuedSerial.objects.filter(is_intent=True).exists()


def test_who_may_only_read_makes_nothing(office):
    reader = wire_of(office.person, Permission.CAS_READ)
    assert reader.get(f"{CAS}/tree").status_code == 200
    for path in ("", "/pending", "/import", "/foreign"):
        assert reader.post(f"{CAS}{path}", {}).status_code == 403
