"""Revoking: the reasons, the CRL and OCSP that follow, and CAs behind a passphrase."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from accounts.grants import GrantOrder
from audit.models import AuditEvent
from cas.models import CertificateAuthority
from certificates.models import Certificate, Crl, Revocation
from certificates.services.authorities import publish_everything
from certificates.tasks import publish_due_crls
from kernel.actor import SYSTEM
from tests import cast
from tests.api.certman.desk import PASSPHRASE, Workspace, error_of, issued, open_workspace
from tests.api.wire import Wire, wire_of
from tests.conformance.relying_party import RelyingParty, write_pem
from tests.conformance.verifiers import openssl

pytestmark = pytest.mark.django_db

CERTIFICATES = "/v1/certificates"
REASONS = [
    "unspecified",
    "keyCompromise",
    "caCompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
]
# RFC 5280 spells this one otherwise.
IN_RFC_5280 = {"caCompromise": "cACompromise"}


def path(made: dict[str, Any]) -> str:
    return f"{CERTIFICATES}/{made['certificate']['id']}/revoke"


def read(made: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made["certificate"]["certificate_pem"].encode())


def crl_entry(made: dict[str, Any]) -> x509.RevokedCertificate | None:
    """What the published CRL says of it, fetched from where the certificate says."""
    certificate = read(made)
    return RelyingParty().crl_of(certificate).get_revoked_certificate_by_serial_number(certificate.serial_number)


def ocsp_status(made: dict[str, Any], ca: CertificateAuthority) -> ocsp.OCSPCertStatus:
    issuer = ca.preferred_certificate
    assert issuer is not None
    return RelyingParty().status_of(read(made), issuer.certificate).certificate_status


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.row("C86")
def test_revoking_needs_its_right_at_this_ca(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing)
    reading = workspace.key(
        GrantOrder(workspace.issuing.pk, can_issue=True), GrantOrder(workspace.root.pk, can_revoke=True)
    )
    elsewhere = workspace.key(GrantOrder(workspace.root.pk, can_revoke=True))
    assert error_of(reading.post(path(made)), 403)
    unseen = error_of(elsewhere.post(path(made)), 404)
    assert error_of(wire_of(cast.stranger()).post(path(made)), 404) == unseen
    assert error_of(Wire().post(path(made)), 401)
    assert not Revocation.objects.exists()
    assert workspace.key(GrantOrder(workspace.issuing.pk, can_read=False, can_revoke=True)).post(path(made)).json()


# --- what is answered -------------------------------------------------------------------------------------------------


@pytest.mark.row("C88", "C92")
@pytest.mark.parametrize("reason", REASONS)
def test_the_reasons_of_the_document(workspace: Workspace, key: Wire, reason):
    made = issued(key, workspace.issuing)
    told = key.post(path(made), {"reason": reason}).json()
    assert told["message"] == "Certificate revoked successfully"
    assert told["certificate"]["revocation_reason"] == reason
    (row,) = key.get(f"{CERTIFICATES}?status=revoked").json()["certificates"]
    assert (row["revocation_reason"], row["revoked_at"]) == (reason, told["certificate"]["revoked_at"])
    publish_due_crls()
    publish_everything(actor=SYSTEM, ca=workspace.issuing)
    entry = crl_entry(made)
    assert entry is not None
    if reason == "unspecified":
        assert list(entry.extensions) == []
    else:
        listed = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        assert listed == x509.ReasonFlags(IN_RFC_5280.get(reason, reason))


@pytest.mark.row("C87", "C88")
@pytest.mark.parametrize("body", [None, {}, b""], ids=["none", "an empty object", "nothing"])
def test_the_body_may_be_absent(workspace: Workspace, key: Wire, body):
    answer = key.post(path(issued(key, workspace.issuing)), body)
    assert answer.status_code == 200, answer.content
    assert answer.json()["certificate"]["revocation_reason"] == "unspecified"


BAD = {
    "removeFromCRL": {"reason": "removeFromCRL"},
    "aACompromise": {"reason": "aACompromise"},
    "another spelling": {"reason": "key_compromise"},
    "RFC 5280's spelling": {"reason": "cACompromise"},
    "a number": {"reason": 1},
    "nothing": {"reason": None},
    "a field that is not there": {"reason": "superseded", "comment": "x"},
}


@pytest.mark.row("C88")
@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_other_reasons_are_refused(workspace: Workspace, key: Wire, body):
    made = issued(key, workspace.issuing)
    assert error_of(key.post(path(made), body), 400)
    assert not Revocation.objects.exists()


@pytest.mark.row("C92")
def test_a_second_time_is_refused(workspace: Workspace, key: Wire):
    # The document says nothing of it, and knows no 409.
    made = issued(key, workspace.issuing)
    assert key.post(path(made)).status_code == 200
    assert "revoked already" in error_of(key.post(path(made)), 400)
    assert Revocation.objects.count() == 1


def test_a_hold_becomes_final(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing)
    assert key.post(path(made), {"reason": "certificateHold"}).status_code == 200
    told = key.post(path(made), {"reason": "keyCompromise"}).json()
    assert told["certificate"]["revocation_reason"] == "keyCompromise"


# --- who is told ------------------------------------------------------------------------------------------------------


@pytest.mark.needs("openssl")
@pytest.mark.row("C90", "C91")
def test_the_crl_and_ocsp_say_so(workspace: Workspace, key: Wire, tmp_path: Any):
    made = issued(key, workspace.issuing)
    assert ocsp_status(made, workspace.issuing) is ocsp.OCSPCertStatus.GOOD
    assert key.post(path(made), {"reason": "keyCompromise"}).status_code == 200
    # OCSP from the answer on, the CRL when the sweep comes round.
    assert ocsp_status(made, workspace.issuing) is ocsp.OCSPCertStatus.REVOKED
    publish_everything(actor=SYSTEM, ca=workspace.issuing)
    assert crl_entry(made) is not None
    party, certificate = RelyingParty(), read(made)
    issuer, root = party.chain_of(certificate)
    files = {
        "leaf": write_pem(tmp_path / "leaf", certificate),
        "chain": write_pem(tmp_path / "chain", issuer),
        "root": write_pem(tmp_path / "root", root),
        "crls": write_pem(tmp_path / "crls", party.crl_of(certificate), party.crl_of(issuer)),
    }
    options = ["-CAfile", files["root"], "-untrusted", files["chain"], "-CRLfile", files["crls"], files["leaf"]]
    verdict = openssl("verify", "-crl_check_all", *options)
    assert not verdict.is_good
    assert "revoked" in verdict.said


# --- behind a passphrase ----------------------------------------------------------------------------------------------


@pytest.mark.row("C79")
def test_a_locked_ca_issues_with_its_passphrase_alone(locked: Workspace):
    key = locked.key()
    body = {"caId": str(locked.issuing.public_id), "commonName": "api.example.com"}
    assert "passphrase" in error_of(key.post(CERTIFICATES, body), 400)
    assert "passphrase" in error_of(key.post(CERTIFICATES, body | {"caPassphrase": "not this one at all"}), 403)
    assert not Certificate.objects.exists()
    assert key.post(CERTIFICATES, body | {"caPassphrase": PASSPHRASE}).status_code == 200


@pytest.mark.row("C79")
def test_wrong_passphrases_are_counted_and_told(locked: Workspace):
    key = locked.key()
    body = {"caId": str(locked.issuing.public_id), "commonName": "api.example.com", "caPassphrase": "a wrong guess"}
    answers = [key.post(CERTIFICATES, body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 60
    # Neither does the right one help now, nor is it told apart.
    assert error_of(key.post(CERTIFICATES, body | {"caPassphrase": PASSPHRASE}), 429)
    events = AuditEvent.objects.filter(name="passphrase.refused")
    assert events.exists()
    assert all(b"a wrong guess" not in bytes(event.canonical) for event in events)


@pytest.mark.row("C89", "C90")
def test_the_passphrase_publishes_the_crl_in_the_same_call(locked: Workspace):
    key = locked.key()
    made = issued(key, locked.issuing, caPassphrase=PASSPHRASE)
    before = Crl.objects.filter(scope__ca=locked.issuing).count()
    answer = key.post(path(made), {"reason": "superseded", "caPassphrase": PASSPHRASE})
    assert answer.status_code == 200, answer.content
    assert Crl.objects.filter(scope__ca=locked.issuing).count() == before + 1
    entry = crl_entry(made)
    assert entry is not None
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.superseded
    assert ocsp_status(made, locked.issuing) is ocsp.OCSPCertStatus.REVOKED


@pytest.mark.row("C89", "C91")
def test_without_it_ocsp_says_so_and_the_crl_waits(locked: Workspace):
    """The document wants the passphrase here; nobody shall have to look for one before a lost key is revoked."""
    key = locked.key()
    made = issued(key, locked.issuing, caPassphrase=PASSPHRASE)
    assert key.post(path(made), {"reason": "keyCompromise"}).status_code == 200
    publish_due_crls()
    assert crl_entry(made) is None
    assert ocsp_status(made, locked.issuing) is ocsp.OCSPCertStatus.REVOKED
    # Whoever brings it next publishes this one too.
    other = issued(key, locked.issuing, "other.example.com", caPassphrase=PASSPHRASE)
    assert key.post(path(other), {"caPassphrase": PASSPHRASE}).status_code == 200
    assert crl_entry(made) is not None


@pytest.mark.row("C89")
def test_a_wrong_one_revokes_nothing(locked: Workspace):
    key = locked.key()
    made = issued(key, locked.issuing, caPassphrase=PASSPHRASE)
    assert error_of(key.post(path(made), {"caPassphrase": "not this one at all"}), 403)
    assert not Revocation.objects.exists()
    assert ocsp_status(made, locked.issuing) is ocsp.OCSPCertStatus.GOOD


def test_nobody_tries_passphrases_without_the_right_to_revoke(locked: Workspace):
    made = issued(locked.key(), locked.issuing, caPassphrase=PASSPHRASE)
    reading = locked.key(GrantOrder(locked.issuing.pk), GrantOrder(locked.root.pk, can_revoke=True))
    for passphrase in (PASSPHRASE, "a wrong guess"):
        assert error_of(reading.post(path(made), {"caPassphrase": passphrase}), 403)
    assert not AuditEvent.objects.filter(name="passphrase.refused").exists()


def test_a_passphrase_for_a_ca_without_one_changes_nothing(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing, caPassphrase="anything at all")
    assert key.post(path(made), {"caPassphrase": "anything at all"}).status_code == 200


def test_no_other_workspace_revokes_it(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing)
    assert error_of(open_workspace("Other Workspace").key().post(path(made)), 404)
