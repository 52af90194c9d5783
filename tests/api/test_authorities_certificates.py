"""CAs with several certificates, and CAs that go on where others end, on the wire."""

from __future__ import annotations

import pytest
from cryptography import x509
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from cas.models import IssuedSerial
from tests import elsewhere
from tests.api.wire import wire_of, wrong_fields
from tests.conformance.verifiers import openssl
from tests.elsewhere import DAY, pem
from tests.pki import a_key, make_csr

CAS = "/api/v2/cas"


@pytest.fixture
def one(office) -> str:
    """The address of the issuing CA."""
    return f"{CAS}/{office.issuing.public_id}"


@pytest.fixture
def other_root(api) -> dict:
    made = api.post(CAS, {"name": "Other Root", "subject": {"common_name": "Other Root"}})
    assert made.status_code == 201, made.content
    return made.json()


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def names_of(chains) -> list[list[str]]:
    return [[ca["name"] for ca in chain["authorities"]] for chain in chains.json()["data"]]


def cross(api, office, other_root) -> dict:
    answer = api.post(f"{CAS}/{office.root.public_id}/cross", {"issuer_id": other_root["id"], "validity": "300d"})
    assert answer.status_code == 201, answer.content
    assert answer["Location"] == f"{CAS}/{office.root.public_id}/certificates/{answer.json()['fingerprint']}"
    return answer.json()


def test_a_ca_has_one_certificate_at_first_and_it_is_shown(api, one, office):
    listed = api.get(f"{one}/certificates").json()
    assert listed["pagination"] == {"next_cursor": None, "total": 1}
    (row,) = listed["data"]
    assert (row["kind"], row["preferred"], row["revoked_at"]) == ("issued", True, None)
    assert row["issuer"] == {"id": str(office.root.public_id), "name": "ACME Root", "type": "internal"}
    for spelt in (row["fingerprint"], row["fingerprint"].upper()):
        assert api.get(f"{one}/certificates/{spelt}").json() == row
    assert code(api.get(f"{one}/certificates/{'0' * 64}")) == (404, "ca-certificate-not-found")
    other = f"{CAS}/{office.root.public_id}/certificates/{row['fingerprint']}"
    assert code(api.get(other)) == (404, "ca-certificate-not-found")


def test_a_renewed_ca_has_two_and_prefers_the_new_one(api, one, office):
    (before,) = api.get(f"{one}/certificates").json()["data"]
    renewed = api.post(f"{one}/renew", {"validity_days": 900})
    assert renewed.status_code == 201, renewed.content
    row = renewed.json()
    first, second = (x509.load_pem_x509_certificate(each["pem"].encode()) for each in (before, row))
    assert (first.public_key(), first.subject) == (second.public_key(), second.subject)
    assert (second.not_valid_after_utc - second.not_valid_before_utc).days == 899
    assert row["preferred"] is True
    assert [each["preferred"] for each in api.get(f"{one}/certificates").json()["data"]] == [True, False]
    assert api.get(one).json()["certificate"]["fingerprint"] == row["fingerprint"]
    back = api.post(f"{one}/certificates/{before['fingerprint']}/prefer")
    assert (back.status_code, back.json()["preferred"]) == (200, True)
    assert wrong_fields(api.post(f"{one}/renew", {"validity_days": 36000})) == {"validity": "beyond-issuer"}


@pytest.mark.needs("openssl")
def test_a_crossed_root_has_two_chains_that_openssl_follows(api, one, office, other_root, tmp_path):
    assert names_of(api.get(f"{one}/chains")) == [["ACME Issuing CA", "ACME Root"]]
    row = cross(api, office, other_root)
    assert (row["kind"], row["issuer"]["name"], row["preferred"]) == ("cross", "Other Root", False)
    chains = api.get(f"{one}/chains")
    own, longer = ["ACME Issuing CA", "ACME Root"], ["ACME Issuing CA", "ACME Root", "Other Root"]
    assert names_of(chains) == [own, longer]
    for chain in chains.json()["data"]:
        ca, *above = x509.load_pem_x509_certificates(chain["pem"].encode())
        for name, content in {"ca": [ca], "between": above[:-1], "root": above[-1:]}.items():
            (tmp_path / f"{name}.pem").write_bytes(pem(*content))
        trust = ("-CAfile", tmp_path / "root.pem", "-no-CApath", "-no-CAstore")
        between = ("-untrusted", tmp_path / "between.pem") if above[:-1] else ()
        verdict = openssl("verify", "-x509_strict", *trust, *between, tmp_path / "ca.pem")
        assert verdict.is_good, verdict.said
    assert api.post(f"{CAS}/{office.root.public_id}/certificates/{row['fingerprint']}/prefer").status_code == 200
    assert names_of(api.get(f"{one}/chains")) == [longer, own]
    shown = api.get(f"{CAS}/{office.root.public_id}").json()
    assert (shown["parent"]["name"], shown["kind"]) == ("Other Root", "intermediate")


def test_one_certificate_is_revoked_and_the_ca_goes_on_under_another(api, office, other_root):
    root = f"{CAS}/{office.root.public_id}"
    row = cross(api, office, other_root)
    (own,) = (each for each in api.get(f"{root}/certificates").json()["data"] if each["kind"] == "self-signed")
    assert api.post(f"{root}/certificates/{row['fingerprint']}/prefer").status_code == 200
    revoked = api.post(f"{root}/certificates/{row['fingerprint']}/revoke", {"reason": "superseded", "comment": "over"})
    assert revoked.status_code == 200, revoked.content
    assert revoked.json()["revoked_at"] is not None
    assert api.get(root).json()["certificate"]["fingerprint"] == own["fingerprint"]
    again = api.post(f"{root}/certificates/{row['fingerprint']}/revoke", {"reason": "superseded"})
    assert code(again) == (409, "already-revoked")
    assert code(api.post(f"{root}/certificates/{row['fingerprint']}/prefer")) == (409, "certificate-revoked")
    listed = api.post(f"{CAS}/{other_root['id']}/crl").json()
    assert listed["entries"] == 1


def test_the_only_certificate_is_not_revoked_alone_and_never_without_a_reason(api, one):
    (row,) = api.get(f"{one}/certificates").json()["data"]
    path = f"{one}/certificates/{row['fingerprint']}/revoke"
    assert code(api.post(path, {"reason": "superseded"})) == (409, "only-certificate")
    assert wrong_fields(api.post(path, {})) == {"reason": "required"}
    assert wrong_fields(api.post(path, {"reason": "certificateHold"})) == {"reason": "reason-not-allowed"}


def test_a_ca_is_not_crossed_into_a_circle_nor_by_what_it_does_not_see(api, office, stranger, other_root):
    row = cross(api, office, other_root)
    circle = api.post(f"{CAS}/{other_root['id']}/cross", {"issuer_id": str(office.root.public_id)}).json()
    root = f"{CAS}/{office.root.public_id}"
    assert api.post(f"{root}/certificates/{row['fingerprint']}/prefer").status_code == 200
    back = api.post(f"{CAS}/{other_root['id']}/certificates/{circle['fingerprint']}/prefer")
    assert back.status_code in (409, 422)
    theirs = stranger.post(CAS, {"name": "Theirs", "subject": {"common_name": "Theirs"}}).json()
    assert code(api.post(f"{root}/cross", {"issuer_id": theirs["id"]})) == (404, "ca-not-found")


def test_a_certificate_from_elsewhere_is_added_to_a_ca_in_service(api):
    root = elsewhere.root()
    pending = api.post(f"{CAS}/pending", {"name": "Issuing", "subject": {"common_name": "Issuing"}}).json()
    path = f"{CAS}/{pending['id']}"

    def certified(**how: object) -> str:
        request = x509.load_pem_x509_csr(api.post(f"{path}/csr").json()["csr"].encode())
        return pem(root.certify(request, **how), root.certificate).decode()

    early = api.post(f"{path}/certificates", {"certificates": certified()})
    assert code(early) == (409, "wrong-status")
    assert api.post(f"{path}/complete", {"certificates": certified()}).status_code == 200
    added = api.post(f"{path}/certificates", {"certificates": certified(days=1500)})
    assert (added.status_code, added.json()["preferred"], added.json()["kind"]) == (201, True, "external")
    assert api.get(added["Location"]).json() == added.json()
    assert code(api.post(f"{path}/renew")) == (503, "ca-without-key")


def test_lists_and_chains_take_as_many_queries_for_one_certificate_as_for_many(api, one):
    counts = []
    api.get(one)  # the first use of a key is noted
    for _round in range(2):
        for path in (f"{one}/certificates", f"{one}/chains"):
            with CaptureQueriesContext(connection) as queries:
                assert api.get(path).status_code == 200
            counts.append(len(queries))
        for _number in range(3):
            assert api.post(f"{one}/renew").status_code == 201
    assert counts[:2] == counts[2:]
    assert max(counts) <= 8


# --- who goes on ------------------------------------------------------------------------------------------------------


def test_a_successor_overlaps_takes_the_templates_and_issues(api, one, office):
    answer = api.post(f"{one}/successor", {"name": "G2", "key_algorithm": "ECDSA_P384", "validity": "700d"})
    assert answer.status_code == 201, answer.content
    successor = answer.json()
    assert successor["predecessor"]["id"] == str(office.issuing.public_id)
    assert (successor["parent"]["name"], successor["key_algorithm"]) == ("ACME Root", "ECDSA_P384")
    assert successor["subject"] == api.get(one).json()["subject"]
    issue = {"template_code": "web-tls", "csr": make_csr(a_key(number=51), "CN=www.acme.test")}
    assert api.post("/api/v2/certificates", issue).json()["pki"]["name"] == "ACME Issuing CA"
    moved = api.post(f"{one}/move-templates", {"successor_id": successor["id"]})
    assert [each["code"] for each in moved.json()["templates"]] == ["web-tls"]
    issued = api.post("/api/v2/certificates", issue).json()
    assert issued["pki"]["name"] == "G2"
    leaf, issuer = (
        x509.load_pem_x509_certificate(each.encode()) for each in (issued["certificate"], issued["chain"][0])
    )
    leaf.verify_directly_issued_by(issuer)
    backwards = api.post(f"{CAS}/{successor['id']}/move-templates", {"successor_id": str(office.issuing.public_id)})
    assert code(backwards) == (409, "not-a-successor")


def test_a_successor_needs_a_name_of_its_own(api, one):
    assert wrong_fields(api.post(f"{one}/successor", {})) == {"name": "required"}
    assert code(api.post(f"{one}/successor", {"name": "ACME Root"})) == (409, "ca-exists")


def test_whoever_may_not_change_roles_moves_no_templates(office, one, api):
    successor = api.post(f"{one}/successor", {"name": "G2"}).json()
    few = [each for each in office.owner.permissions if each.value != "roles:write"]
    refused = wire_of(office.person, *few).post(f"{one}/move-templates", {"successor_id": successor["id"]})
    assert refused.status_code == 403


def test_what_a_token_was_to_sign_and_nobody_has_is_revoked(api, one, office):
    assert api.post(f"{one}/abandon-intents").json() == {"serials": []}
    reserved = {"organization": office.organization, "ca": office.issuing, "kind": "leaf"}
    IssuedSerial.objects.create(serial="abc", is_intent=True, not_after=timezone.now() + DAY, **reserved)
    assert api.post(f"{one}/abandon-intents").json() == {"serials": []}
    IssuedSerial.objects.filter(serial="abc").update(created_at=timezone.now() - DAY)
    assert api.post(f"{one}/abandon-intents").json() == {"serials": ["0A:BC"]}
    assert AuditEvent.objects.filter(name="intents.abandoned").count() == 1


# --- the stranger -----------------------------------------------------------------------------------------------------


def test_a_stranger_reads_and_changes_nothing_of_it(api, one, office, stranger, other_root):
    row = cross(api, office, other_root)
    before = AuditEvent.objects.filter(log=office.organization.pk).count()
    fingerprint = row["fingerprint"]
    root = f"{CAS}/{office.root.public_id}"
    for path in (f"{root}/certificates", f"{root}/certificates/{fingerprint}", f"{root}/chains", f"{root}/key"):
        assert code(stranger.get(path)) == (404, "ca-not-found")
    bodies = {
        f"certificates/{fingerprint}/prefer": None,
        f"certificates/{fingerprint}/revoke": {"reason": "superseded"},
        "certificates": {"certificates": row["pem"]},
        "renew": {},
        "cross": {"issuer_id": other_root["id"]},
        "successor": {"name": "G2"},
        "move-templates": {"successor_id": other_root["id"]},
        "abandon-intents": None,
    }
    for path, body in bodies.items():
        assert code(stranger.post(f"{root}/{path}", body)) == (404, "ca-not-found"), path
    assert AuditEvent.objects.filter(log=office.organization.pk).count() == before
