"""CSRs that wait for approvers stand among the other requests: on the wire, and in the administration."""

from __future__ import annotations

import hashlib

import pytest
from django.test import Client

from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from certificates.csr_orders import CsrOrder
from certificates.services.csrs import submit_csr
from kernel.ref import Ref
from tests import cast
from tests.api.wire import Wire
from tests.certificates.asking import with_capability

URL = "/api/v2/requests"


@pytest.fixture
def csr(office):
    order = CsrOrder(
        organization=Ref("pk", office.organization.pk),
        key=KeyAlgorithm.ECDSA_P256,
        subject=parse_name("CN=Accounts database,O=ACME"),
    )
    return submit_csr(actor=office.owner, order=order)


@pytest.fixture
def approver(office) -> Wire:
    person = cast.member(office.organization, "owner", "approver@acme.example")
    able = cast.Person(person.user, person.organization, with_capability(person, "requests:decide"))
    return Wire(cast.api_key(able)[1])


def test_a_stranger_sees_none(stranger, csr):
    assert stranger.get(URL).json()["data"] == []
    assert stranger.get(f"{URL}/{csr.public_id}").status_code == 404


def test_it_is_shown_with_what_is_agreed_to(api, csr):
    (listed,) = api.get(f"{URL}?kind=csr").json()["data"]
    shown = api.get(f"{URL}/{csr.public_id}").json()
    assert (listed["kind"], listed["pki"], listed["template"]) == ("csr", None, None)
    facts = shown["to_be_signed"]
    assert hashlib.sha256(facts["canonical"].encode()).hexdigest() == shown["digest"]
    assert (facts["subject"], facts["key_made_here"], facts["validity"]) == (
        "CN=Accounts database,O=ACME",
        True,
        None,
    )
    assert (facts["template_version"], facts["role_version"], facts["key_usage"]) == (None, None, [])
    assert facts["key_sha256"] == csr.facts["key"]
    assert "REQUEST" in shown["csr"]
    assert "PRIVATE" not in str(shown)
    assert shown["findings"] == []


def test_it_is_approved_and_waits_for_a_ca(api, approver, csr):
    decided = approver.post(f"{URL}/{csr.public_id}/approve", {"digest": csr.digest})
    assert (decided.status_code, decided.json()["status"]) == (200, "approved")
    answer = api.post(f"{URL}/{csr.public_id}/fulfil")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "ca-to-be-chosen")
    assert api.get(f"{URL}/{csr.public_id}").json()["status"] == "approved"


def test_the_administration_shows_it_and_offers_no_issuing(csr, approver):
    browser = Client()
    browser.force_login(cast.superuser(), backend="accounts.sessions.PasswordBackend")
    base = f"/admin/certificates/request/{csr.pk}"
    for page in ("/admin/certificates/request/", f"{base}/change/", f"{base}/approve/"):
        answer = browser.get(page)
        assert answer.status_code == 200, page
        assert "Accounts database" in answer.content.decode()
    approver.post(f"{URL}/{csr.public_id}/approve", {"digest": csr.digest})
    assert f"{base}/fulfil/" not in browser.get(f"{base}/change/").content.decode()
