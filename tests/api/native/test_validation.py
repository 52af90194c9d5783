"""POST /api/v2/certificates/validate: the verdict on the wire."""

from __future__ import annotations

import pytest
from cryptography.x509 import ReasonFlags

from cas.core.formats import to_pem
from certificates.orders import RevokeOrder
from certificates.services.revocation import revoke_certificate
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast, pki
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.cas.core.validation.making import root
from tests.cas.core.validation.test_hostile import all_certify_all
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db
PATH = "/api/v2/certificates/validate"


@pytest.fixture
def office() -> Office:
    return open_office()


@pytest.fixture
def wire(office) -> Wire:
    return wire_of(office.person, Permission.CERTIFICATES_READ)


def test_a_stranger_may_not_ask_in_another_organization(office):
    stranger = wire_of(cast.stranger())
    body = {"certificate": to_pem(office.issue().x509), "organization_id": str(office.organization.public_id)}
    assert stranger.post(PATH, body).status_code == 403


def test_the_whole_verdict(office, wire):
    issued = office.issue()
    body = {"certificate": to_pem(issued.x509), "purpose": "server_auth", "peer_name": "www.acme.test"}
    answer = wire.post(PATH, body)
    assert answer.status_code == 200
    verdict = answer.json()
    assert list(verdict) == [
        "valid",
        "chain_valid",
        "not_expired",
        "not_revoked",
        "trusted_anchor",
        "chain",
        "errors",
        "warnings",
    ]
    assert [verdict[name] for name in ("valid", "chain_valid", "not_expired", "not_revoked")] == [True] * 4
    assert (verdict["errors"], verdict["warnings"]) == ([], [])
    assert [each["subject"] for each in verdict["chain"]] == [
        "CN=www.acme.test",
        "CN=ACME Issuing CA,O=ACME",
        "CN=ACME Root,O=ACME",
    ]
    assert verdict["trusted_anchor"] == verdict["chain"][2]
    assert verdict["chain"][0]["fingerprint"] == issued.certificate.fingerprint


def test_what_is_wrong_is_said_with_its_place(office, wire):
    issued = office.issue()
    order = RevokeOrder(certificate=Ref("pk", issued.certificate.pk), reason=ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)
    verdict = wire.post(PATH, {"certificate": to_pem(issued.x509), "peer_name": "other.acme.test"}).json()
    assert (verdict["valid"], verdict["chain_valid"], verdict["not_revoked"]) == (False, True, False)
    assert [(each["aspect"], each["code"], each["position"]) for each in verdict["errors"]] == [
        ("revocation", "revoked", 0),
        ("use", "name-mismatch", 0),
    ]
    assert {each["fingerprint"] for each in verdict["errors"]} == {issued.certificate.fingerprint}
    assert verdict["errors"][1]["detail"] == "CN=www.acme.test is not for 'other.acme.test'"


def test_own_anchors_and_a_time(wire):
    body = {
        "certificate": to_pem(pki.issue(), pki.intermediate().certificate),
        "trust_anchors": to_pem(pki.root().certificate),
        "at": "2026-12-01T00:00:00Z",
        "check_revocation": False,
    }
    assert wire.post(PATH, body).json()["valid"] is True
    late = wire.post(PATH, body | {"at": "2046-12-01T00:00:00Z"}).json()
    assert (late["valid"], late["chain_valid"], late["not_expired"]) == (False, True, False)


WRONG = {
    "no certificate": ({"certificate": "x"}, {"certificate": "unreadable-certificate"}),
    "purpose": ({"purpose": "world domination"}, {"purpose": "unknown-value"}),
    "peer name": ({"peer_name": "a b"}, {"peer_name": "bad-name"}),
    "CRL": ({"crls": ["x"]}, {"crls[0]": "unreadable-crl"}),
    "time": ({"at": "yesterday"}, {"at": "invalid"}),
    "unknown field": ({"certificates": "x"}, {"certificates": "unknown-field"}),
}


@pytest.mark.parametrize(("changes", "wrong"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_understood_is_refused_with_its_field(wire, changes, wrong):
    body = {"certificate": to_pem(pki.issue())} | changes
    assert wrong_fields(wire.post(PATH, body)) == wrong


def test_a_hostile_chain_is_answered_with_the_reason(wire):
    """Hundreds of certificates that certify each other, 150 kB of them."""
    leaf, others = all_certify_all()
    body = {
        "certificate": to_pem(leaf.certificate),
        "chain": to_pem(*(each.certificate for each in others)),
        "trust_anchors": to_pem(root().certificate),
    }
    verdict = wire.post(PATH, body).json()
    assert len(others) > 200
    assert verdict["valid"] is False
    assert {each["code"] for each in verdict["errors"]} & {"no-anchor", "too-complex"}
