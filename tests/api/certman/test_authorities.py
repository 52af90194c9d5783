"""CAs as Certman's clients see and make them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.grants import GrantOrder
from cas.models import CertificateAuthority, Template
from cas.orders import PendingAuthorityOrder
from cas.services.authorities import disable_ca
from cas.services.pending import create_pending_authority
from certificates.orders import RevokeAuthorityOrder
from certificates.services.authorities import establish_authority
from certificates.services.revocation import revoke_authority
from kernel.ref import Ref
from tests import cast
from tests.api.certman.desk import PASSPHRASE, Workspace, error_of, issued, open_workspace, wish
from tests.api.wire import Wire, wire_of
from tests.conformance.verifiers import openssl
from tests.office import authority_order

pytestmark = pytest.mark.django_db

CAS = "/v1/cas"
NOWHERE = "00000000-0000-4000-8000-000000000000"


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [ca["name"] for ca in answer.json()["cas"]]


def below(workspace: Workspace, parent: CertificateAuthority, name: str, **changes: Any) -> CertificateAuthority:
    order = authority_order(workspace.person.organization, name, parent=Ref("pk", parent.pk), validity=None, **changes)
    return establish_authority(actor=workspace.person.actor, order=order)


def revoke(workspace: Workspace, ca: CertificateAuthority) -> None:
    order = RevokeAuthorityOrder(ca=Ref("pk", ca.pk), reason=x509.ReasonFlags.ca_compromise)
    revoke_authority(actor=workspace.person.actor, order=order)


# --- who sees what ----------------------------------------------------------------------------------------------------


@pytest.mark.row("C38")
def test_a_key_sees_the_cas_that_it_may_read(workspace: Workspace):
    key = workspace.key(GrantOrder(workspace.issuing.pk), GrantOrder(workspace.root.pk, can_read=False, can_issue=True))
    assert names(key.get(CAS)) == ["Production Intermediate CA"]
    assert error_of(key.get(f"{CAS}/{workspace.root.public_id}"), 404)


@pytest.mark.row("C47")
def test_what_is_not_there_and_what_is_somebody_elses_are_alike(workspace: Workspace, key: Wire):
    other = open_workspace("Other Workspace").root.public_id
    for address in (f"{CAS}/{{}}", f"{CAS}/{{}}/chain"):
        foreign, absent = key.get(address.format(other)), key.get(address.format(NOWHERE))
        assert error_of(foreign, 404) == error_of(absent, 404)
    assert names(wire_of(cast.stranger()).get(CAS)) == []


def test_what_is_no_id_is_no_address(key: Wire):
    assert error_of(key.get(f"{CAS}/4711"), 404)
    assert error_of(key.get(f"{CAS}/"), 404)


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.row("C39", "C52")
def test_a_revoked_ca_is_on_no_list_and_says_why(workspace: Workspace, key: Wire):
    revoke(workspace, workspace.issuing)
    assert names(key.get(CAS)) == ["Production Root CA"]
    shown = key.get(f"{CAS}/{workspace.issuing.public_id}").json()["ca"]
    assert shown["revocation_reason"] == "caCompromise"
    revoked_at = datetime.fromisoformat(shown["revoked_at"])
    assert abs((revoked_at - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.row("C52")
def test_a_root_that_was_revoked_says_so_though_it_stands_on_no_crl(workspace: Workspace, key: Wire):
    revoke(workspace, workspace.root)
    assert names(key.get(CAS)) == []
    shown = key.get(f"{CAS}/{workspace.root.public_id}").json()["ca"]
    assert (shown["revocation_reason"], shown["revoked_at"] is not None) == ("caCompromise", True)


def test_a_ca_that_waits_for_its_certificate_is_none_yet(workspace: Workspace):
    api = wire_of(workspace.person)
    order = PendingAuthorityOrder(
        organization=Ref("pk", workspace.person.organization.pk),
        name="Waiting",
        subject=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Waiting")]),
    )
    waiting = create_pending_authority(actor=workspace.person.actor, order=order)
    assert "Waiting" not in names(api.get(CAS))
    assert error_of(api.get(f"{CAS}/{waiting.public_id}"), 404)


def test_a_ca_out_of_service_is_still_shown(workspace: Workspace, key: Wire):
    disable_ca(actor=workspace.person.actor, ca=workspace.issuing)
    assert "Production Intermediate CA" in names(key.get(CAS))


@pytest.mark.row("C40")
def test_the_cas_below_one(workspace: Workspace, key: Wire):
    assert names(key.get(f"{CAS}?parentCaId={workspace.root.public_id}")) == ["Production Intermediate CA"]
    assert names(key.get(f"{CAS}?parentCaId={workspace.issuing.public_id}")) == []
    assert names(key.get(f"{CAS}?parentCaId={NOWHERE}")) == []
    assert "parentCaId" in error_of(key.get(f"{CAS}?parentCaId=root"), 400)


TYPES = {
    "root": ["Production Root CA"],
    "intermediate": ["Production Intermediate CA"],
    "all": ["Production Root CA", "Production Intermediate CA"],
}


@pytest.mark.row("C41")
@pytest.mark.parametrize("kind", TYPES)
def test_roots_and_intermediates(key: Wire, kind):
    assert names(key.get(f"{CAS}?type={kind}")) == TYPES[kind]
    assert names(key.get(CAS)) == TYPES["all"]


@pytest.mark.row("C41")
@pytest.mark.parametrize("query", ["type=leaf", "type=", "type=ROOT", "type=root&type=all", "limit=5"])
def test_an_unknown_parameter_or_value_is_refused(key: Wire, query):
    assert query.partition("=")[0] in error_of(key.get(f"{CAS}?{query}"), 400)


@pytest.mark.row("C45", "C46")
def test_the_depth_counts_cas_that_the_key_does_not_see(workspace: Workspace):
    middle = below(workspace, workspace.root, "Middle")
    lowest = below(workspace, middle, "Lowest", path_length=0)
    key = workspace.key(GrantOrder(lowest.pk))
    (shown,) = key.get(CAS).json()["cas"]
    assert (shown["depth"], shown["path_length"], shown["parent_ca_id"]) == (2, 0, str(middle.public_id))
    assert key.get(f"{CAS}/{lowest.public_id}/chain").json()["chainLength"] == 3


def test_a_list_takes_as_many_questions_for_many_cas_as_for_two(workspace: Workspace, key: Wire):
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            key_of_all.get(CAS)
        return len(asked)

    key_of_all = wire_of(workspace.person)
    questions()
    few = questions()
    for number in range(3):
        below(workspace, workspace.root, f"Another {number}")
    assert questions() == few


@pytest.mark.row("C44")
def test_what_the_document_does_not_offer_is_shown_in_its_manner(workspace: Workspace):
    ca = below(workspace, workspace.root, "Edwards", key_algorithm="ED25519")
    shown = wire_of(workspace.person).get(f"{CAS}/{ca.public_id}").json()["ca"]
    assert shown["key_algorithm"] == "ED25519"


@pytest.mark.needs("openssl")
@pytest.mark.row("C53", "C56")
def test_openssl_verifies_a_certificate_with_the_chain(workspace: Workspace, key: Wire, tmp_path: Any):
    made = issued(key, workspace.issuing)["certificate"]
    chain = key.get(f"{CAS}/{workspace.issuing.public_id}/chain").json()["chain"]
    files = {"leaf": made["certificate_pem"], "issuing": chain[0], "root": chain[1]}
    for name, text in files.items():
        assert not text.endswith("\n")
        (tmp_path / name).write_text(text)
    verified = openssl("verify", "-CAfile", tmp_path / "root", "-untrusted", tmp_path / "issuing", tmp_path / "leaf")
    assert verified.is_good, verified.said


# --- made here: not in the document -----------------------------------------------------------------------------------


def test_a_root_is_made_and_issues_at_once(workspace: Workspace):
    api = wire_of(workspace.person)
    body = {
        "commonName": "Second Root",
        "organization": "Acme Corp",
        "country": "US",
        "keyAlgorithm": "ECDSA-P384",
        "validityDays": 100,
        "pathLength": 0,
    }
    made = api.post(CAS, body)
    assert made.status_code == 200, made.content
    shown = made.json()["ca"]
    facts = {name: shown[name] for name in ("name", "organization", "country", "key_algorithm", "path_length", "depth")}
    assert facts == {
        "name": "Second Root",
        "organization": "Acme Corp",
        "country": "US",
        "key_algorithm": "ECDSA-P384",
        "path_length": 0,
        "depth": 0,
    }
    assert shown == api.get(f"{CAS}/{shown['id']}").json()["ca"]
    ca = CertificateAuthority.objects.get(public_id=shown["id"])
    assert Template.objects.filter(ca=ca, code__startswith="certman.").count() == 2
    assert issued(api, ca, validityDays=30)["certificate"]["common_name"] == "api.example.com"


def test_an_intermediate_is_made_below_a_root(workspace: Workspace):
    api = wire_of(workspace.person)
    body = {"commonName": "Second Intermediate", "parentCaId": str(workspace.root.public_id)}
    shown = api.post(CAS, body).json()["ca"]
    assert (shown["parent_ca_id"], shown["depth"]) == (str(workspace.root.public_id), 1)


@pytest.mark.row("C51")
def test_a_ca_with_a_passphrase_says_that_it_has_one(workspace: Workspace):
    api = wire_of(workspace.person)
    shown = api.post(CAS, {"commonName": "Locked Root", "passphrase": PASSPHRASE}).json()["ca"]
    assert shown["has_passphrase"] is True
    ca = CertificateAuthority.objects.get(public_id=shown["id"])
    assert "caPassphrase" not in wish(ca)
    assert "passphrase" in error_of(api.post("/v1/certificates", wish(ca)), 400)
    assert issued(api, ca, caPassphrase=PASSPHRASE)
    short = api.post(CAS, {"commonName": "Other Root", "passphrase": "short"})
    assert error_of(short, 400).startswith("passphrase: ")


BAD = {
    "without a name": ({}, "commonName"),
    "a country that is none": ({"commonName": "X", "country": "XX1"}, "country"),
    "an algorithm that is not offered": ({"commonName": "X", "keyAlgorithm": "ED25519"}, "keyAlgorithm"),
    "a field that is not there": ({"commonName": "X", "isRoot": True}, "isRoot"),
    "a parent that is no id": ({"commonName": "X", "parentCaId": "root"}, "parentCaId"),
}


@pytest.mark.parametrize(("body", "field"), BAD.values(), ids=BAD)
def test_a_ca_that_cannot_be_is_refused_by_its_field(workspace: Workspace, body, field):
    before = CertificateAuthority.objects.count()
    assert f"{field}: " in error_of(wire_of(workspace.person).post(CAS, body), 400)
    assert CertificateAuthority.objects.count() == before


def test_keys_for_single_cas_make_none(workspace: Workspace, key: Wire):
    assert error_of(key.post(CAS, {"commonName": "X"}), 403)
    parent = {"commonName": "X", "parentCaId": str(workspace.root.public_id)}
    stranger = wire_of(cast.stranger()).post(CAS, parent)
    absent = wire_of(cast.member(workspace.person.organization, "owner", "second@acme.example")).post(
        CAS, parent | {"parentCaId": NOWHERE}
    )
    assert error_of(stranger, 404) == error_of(absent, 404)
