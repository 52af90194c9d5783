"""PKIFactor's documented template call, POST /api/v1/clm/templates, and what is issued by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import mldsa

from cas.core.keys import KeyAlgorithm
from cas.models import Template
from cas.orders import RoleOrder
from cas.services.roles import create_role
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import pki
from tests.api.wire import wire_of, wrong_fields
from tests.office import Office

URL = "/api/v1/clm/templates"


@pytest.fixture
def documented(office: Office) -> dict[str, object]:
    """The document's own example, in this office; without its approval, which the next test has."""
    order = RoleOrder(
        ca=Ref("pk", office.issuing.pk), name="pq-srv", max_ttl=timedelta(days=397), allowed_domains=("acme.test",)
    )
    create_role(actor=office.owner, order=replace(order, allow_subdomains=True))
    return {
        "name": "PQ Server (ML-DSA-87)",
        "code": "pq-server",
        "organization_id": office.organization.pk,
        "pki_id": office.issuing.pk,
        "pki_role": "pq-srv",
        "key_algorithm": "ML_DSA_87",
        "validity_days": 365,
        "key_usage": ["digital_signature"],
        "extended_key_usage": ["server_auth"],
    }


@pytest.mark.row("P58", "P59", "P60", "P63", "P64", "P65", "P66", "P67")
def test_the_documented_example_makes_a_template(api, documented):
    answer = api.post(URL, documented)
    assert answer.status_code == 201
    body = answer.json()
    assert {name: body[name] for name in documented} == documented
    assert body["id"] == Template.objects.get(code="pq-server").pk
    assert body["version"] == 1


@pytest.mark.row("P58")
def test_a_template_can_ask_for_an_approval(api, documented):
    body = api.post(URL, documented | {"requires_approval": True, "approver_role": "pki-approver"}).json()
    assert (body["requires_approval"], body["approver_role"]) == (True, "pki-approver")


@pytest.mark.row("P64", "P70")
def test_an_ml_dsa_87_certificate_is_really_issued_by_it(api, documented):
    api.post(URL, documented)
    answer = api.post("/api/v1/certificates", {"template_code": "pq-server", "common_name": "www.acme.test"})
    assert answer.status_code == 201
    leaf = x509.load_pem_x509_certificate(answer.json()["certificate"].encode())
    assert isinstance(leaf.public_key(), mldsa.MLDSA87PublicKey)
    assert pki.usages_of(leaf) == ("digital_signature",)
    assert pki.purposes_of(leaf) == ["server_auth"]
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=365, seconds=-1)


@pytest.mark.row("P64")
def test_every_key_algorithm_is_accepted(api, documented, subtests):
    for algorithm in KeyAlgorithm:
        with subtests.test(algorithm.value):
            answer = api.post(URL, documented | {"code": algorithm.value, "key_algorithm": algorithm.value})
            assert (answer.status_code, answer.json()["key_algorithm"]) == (201, algorithm.value)


def test_an_ml_dsa_key_is_not_promised_in_pkcs12_and_nothing_is_issued(api, documented):
    api.post(URL, documented)
    body = {
        "template_code": "pq-server",
        "common_name": "www.acme.test",
        "key_format": "p12",
        "password": "a b c d e f",
    }
    assert wrong_fields(api.post("/api/v1/certificates", body)) == {"key_format": "unsupported-format"}
    assert api.get("/api/v1/certificates").json()["pagination"]["total"] == 0


@pytest.mark.row("P60")
def test_a_code_is_unique_in_its_organization(api, documented):
    api.post(URL, documented)
    again = api.post(URL, documented | {"name": "Another"})
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "template-exists")


@pytest.mark.row("P61")
def test_the_organization_of_somebody_else_is_refused_as_one_that_does_not_exist(api, documented, stranger):
    theirs = stranger.get("/api/v2/organizations").json()["data"][0]
    from accounts.models import Organization

    for organization in (Organization.objects.get(public_id=theirs["id"]).pk, 10**30):
        answer = api.post(URL, documented | {"organization_id": organization})
        assert answer.status_code == 403
        assert answer.json()["detail"] == "You do not act in this organization."


@pytest.mark.row("P62")
def test_an_unknown_ca_is_not_found_and_one_of_a_wrong_type_is_refused(api, documented, stranger):
    for pki_id in (999_999, 10**30):
        answer = api.post(URL, documented | {"pki_id": pki_id})
        assert (answer.status_code, answer.json()["title"]) == (404, "Certificate authority not found")
    for pki_id in ("3", 3.5, True, 0, -1, None, [3]):
        assert list(wrong_fields(api.post(URL, documented | {"pki_id": pki_id}))) == ["pki_id"]


@pytest.mark.row("P62")
def test_the_ca_of_somebody_else_is_not_found(stranger, documented):
    del documented["organization_id"]
    assert stranger.post(URL, documented).status_code == 404


@pytest.mark.row("P63")
def test_a_role_of_this_ca_must_be_named(api, documented, office):
    answer = api.post(URL, documented | {"pki_role": "nobody"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "role-not-found")
    answer = api.post(URL, documented | {"pki_id": office.root.pk})
    assert answer.status_code == 404


WRONG = {
    "an unknown algorithm": ({"key_algorithm": "RSA_1024"}, {"key_algorithm": "unknown-value"}),
    "no days": ({"validity_days": 0}, {"validity_days": "min-value"}),
    "more than the role allows": ({"validity_days": 398}, {"validity": "too-long"}),
    "an unknown usage": ({"key_usage": ["sign"]}, {"key_usage": "unknown-value"}),
    "a CA's usage": ({"key_usage": ["key_cert_sign"]}, {"key_usage": "authority-usage"}),
    "usages that are a text": ({"key_usage": "digital_signature"}, {"key_usage": "not-a-list"}),
    "a purpose no leaf has": ({"extended_key_usage": ["ocsp_signing"]}, {"extended_key_usage": "forbidden-purpose"}),
    "a code with a colon": ({"code": "a:b"}, {"code": "invalid"}),
    "a text for a flag": ({"requires_approval": "yes"}, {"requires_approval": "invalid"}),
}


def test_what_a_template_cannot_promise_is_named(api, documented, subtests):
    for name, (changes, wrong) in WRONG.items():
        with subtests.test(name):
            answer = api.post(URL, documented | changes)
            assert {field: code for field, code in wrong_fields(answer).items() if field in wrong} == wrong
    assert not Template.objects.filter(code="pq-server").exists()


@pytest.mark.row("P32", "P58")
def test_it_needs_templates_write(office, documented):
    wire = wire_of(office.person, Permission.TEMPLATES_READ, Permission.CERTIFICATES_READ)
    answer = wire.post(URL, documented)
    assert (answer.status_code, answer.json()["detail"]) == (403, "This needs the permission templates:write.")
