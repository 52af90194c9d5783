"""Service accounts that issue: by token, under a policy that is judged on the certificate as it would be signed."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from accounts.models import ServiceAccount
from accounts.services.service_tokens import authenticate_service_token
from audit.models import AuditEvent
from certificates.models import Certificate, Request
from certificates.orders import BatchOrder
from certificates.services.batches import issue_batch
from certificates.services.issuance import issue_at_once
from kernel.errors import Denied, Invalid
from kernel.secret import Secret
from tests.api.fastpki.office import Client, certificate_body, certificate_in, fastpki_office, names_in
from tests.api.wire import Wire
from tests.office import order_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Client:
    return fastpki_office()


class Machine:
    """A service account with a token, and what its owner may do with it."""

    def __init__(self, owner: Client, **capabilities: bool) -> None:
        self.owner = owner
        made = owner.wire.post("/api/v1/service-accounts/", {"name": "cert-manager", **capabilities})
        assert made.status_code == 201, made.content
        self.path = f"/api/v1/service-accounts/{made.json()['id']}"
        token = owner.wire.post(f"{self.path}/tokens", {"name": "tok"})
        assert token.status_code == 201, token.content
        self.wire = Wire(token.json()["token"])

    def allow(self, **changes: Any) -> None:
        policy = {
            "max_validity_days": 90,
            "cn_patterns": ["*.example.com"],
            "san_dns_patterns": ["*.example.com"],
            "san_ip_cidrs": ["10.0.0.0/8"],
            "san_email_domains": ["example.com"],
            "allowed_ca_ids": [self.owner.ca.pk],
            "allowed_certificate_types": ["server", "client", "dual_purpose"],
            **changes,
        }
        assert self.owner.wire.send("PUT", f"{self.path}/policy", policy).status_code == 200

    def issue(self, common_name: str = "api.example.com", **changes: Any) -> Any:
        body = certificate_body(common_name, **{"valid_days": 90, **changes})
        return self.wire.post(f"/api/v1/certificates/?ca_id={self.owner.ca.pk}", body)


@pytest.fixture
def machine(owner: Client) -> Machine:
    return Machine(owner, can_create_cert=True)


def violated(answer: Any) -> tuple[str, str]:
    assert answer.status_code == 400, answer.content
    detail = answer.json()["detail"]
    assert set(detail) == {"code", "field", "value"}
    assert detail["code"] == "policy_violation"
    return detail["field"], detail["value"]


def csr_of(*common_names: str, sans: tuple[str, ...] = ()) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if sans:
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in sans])
        builder = builder.add_extension(names, critical=False)
    key = ec.generate_private_key(ec.SECP256R1())
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def test_without_a_policy_nothing_is_issued(machine):
    answer = machine.issue()
    assert (answer.status_code, answer.json()) == (403, {"detail": {"code": "service_account_has_no_policy"}})
    assert not Certificate.objects.exists()
    assert AuditEvent.objects.filter(name="policy.refused").count() == 1


def test_under_a_policy_it_issues_what_fits(machine):
    machine.allow()
    answer = machine.issue()
    assert answer.status_code == 201, answer.content
    assert answer.json()["created_by_service_account_id"] == ServiceAccount.objects.get().pk
    assert names_in(certificate_in(answer)) == ["api.example.com"]


def test_a_policy_without_the_capability_is_not_enough(owner):
    machine = Machine(owner)
    machine.allow()
    assert machine.issue().status_code == 403


FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str]]] = {
    "the type": ({"allowed_certificate_types": ["client"]}, {}, ("allowed_certificate_types", "server")),
    "no CA at all": ({"allowed_ca_ids": []}, {}, ("allowed_ca_ids", "{ca}")),
    "the common name": ({}, {"common_name": "ok.evil.com"}, ("cn_patterns", "ok.evil.com")),
    "a DNS name": ({}, {"san_dns_names": ["api.example.com", "evil.com"]}, ("san_dns_patterns", "evil.com")),
    "an address": ({}, {"san_ip_addresses": ["192.0.2.1"]}, ("san_ip_cidrs", "192.0.2.1")),
    "a mailbox": (
        {},
        {"certificate_type": "dual_purpose", "san_email_addresses": ["a@evil.com"]},
        ("san_email_domains", "a@evil.com"),
    ),
    "the validity": ({}, {"valid_days": 91}, ("max_validity_days", "91")),
    "the default validity": ({}, {"valid_days": None}, ("max_validity_days", "365")),
}


@pytest.mark.parametrize(("policy", "wish", "expected"), FIELDS.values(), ids=FIELDS)
def test_all_seven_fields_are_judged(machine, policy, wish, expected):
    machine.allow(**policy)
    changes = {name: value for name, value in wish.items() if name != "common_name"}
    if changes.get("valid_days", 0) is None:
        body = certificate_body("api.example.com")
        answer = machine.wire.post(f"/api/v1/certificates/?ca_id={machine.owner.ca.pk}", body)
    else:
        answer = machine.issue(wish.get("common_name", "api.example.com"), **changes)
    field, value = expected
    assert violated(answer) == (field, value.format(ca=machine.owner.ca.pk))
    assert not Certificate.objects.exists()


class TestV6ThePolicySeesTheCertificateAsItWouldBeSigned:
    def test_another_common_name_in_the_subject(self, machine):
        machine.allow()
        answer = machine.issue("ok.example.com", subject_dn="CN=evil.bank.com,O=Acme Corp,C=US")
        assert answer.status_code == 400
        assert not Certificate.objects.exists()

    def test_a_second_common_name_in_the_subject(self, machine):
        machine.allow()
        answer = machine.issue("ok.example.com", subject_dn="CN=ok.example.com,CN=evil.bank.com,O=Acme Corp,C=US")
        assert answer.status_code == 400
        assert not Certificate.objects.exists()

    def test_a_second_common_name_in_a_csr(self, machine):
        machine.allow()
        body = {"csr": csr_of("ok.example.com", "evil.bank.com"), "certificate_type": "server", "valid_days": 30}
        answer = machine.wire.post("/api/v1/certificates/sign-csr", body | {"ca_id": machine.owner.ca.pk})
        assert violated(answer) == ("cn_patterns", "evil.bank.com")

    def test_a_name_of_a_csr_that_the_body_does_not_speak_of(self, machine):
        machine.allow()
        csr = csr_of("ok.example.com", sans=("ok.example.com", "evil.bank.com"))
        body = {"csr": csr, "certificate_type": "server", "valid_days": 30, "ca_id": machine.owner.ca.pk}
        answer = machine.wire.post("/api/v1/certificates/sign-csr", body)
        assert violated(answer) == ("san_dns_patterns", "evil.bank.com")


class TestEveryRoadToASignature:
    def test_a_renewal_is_judged_by_the_policy_as_it_is_then(self, machine):
        machine.allow()
        number = machine.issue().json()["id"]
        machine.allow(cn_patterns=["other.example.com"])
        answer = machine.wire.post(f"/api/v1/certificates/{number}/renew", {})
        assert violated(answer) == ("cn_patterns", "api.example.com")

    def test_a_renewal_needs_a_policy_still(self, machine):
        machine.allow()
        number = machine.issue().json()["id"]
        assert machine.owner.wire.delete(f"{machine.path}/policy").status_code == 204
        assert machine.wire.post(f"/api/v1/certificates/{number}/renew", {}).status_code == 403

    def test_the_native_api_obeys_it(self, machine):
        machine.allow(allowed_ca_ids=[])
        order = {"template_code": machine.owner.office.template.code, "common_name": "www.acme.test"}
        answer = machine.wire.post("/api/v2/certificates", order)
        assert answer.status_code == 422, answer.content
        assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [
            ("allowed_ca_ids", "policy-violation")
        ]

    def test_a_batch_obeys_it_row_by_row(self, machine):
        machine.allow(cn_patterns=["www.*"], san_dns_patterns=["*.acme.test"], max_validity_days=400)
        template = machine.owner.office.template
        rows = [order_for(template, name) for name in ("www.acme.test", "evil.acme.test")]
        actor = authenticate_service_token(Secret(str(machine.wire.token)), ip=None)
        outcomes = issue_batch(
            actor=actor, order=BatchOrder(template=template.code, rows=rows), report=lambda each: each
        )
        assert [each.issued is not None for each in outcomes] == [True, False]
        assert [error.code for error in outcomes[1].errors] == ["policy-violation"]

    def test_nobody_is_asked_to_approve_what_it_forbids(self, machine):
        machine.allow(cn_patterns=[])
        office = machine.owner.office
        office.template.requires_approval = True
        office.template.save()
        order = {"template_code": office.template.code, "common_name": "www.acme.test"}
        answer = machine.wire.post("/api/v2/certificates", order)
        assert [each["code"] for each in answer.json()["errors"]] == ["policy-violation"]
        assert not Request.objects.exists()

    def test_a_ca_certificate_obeys_it(self, owner):
        machine = Machine(owner, can_create_ca=True)
        machine.allow()
        body = {"name": "Sub", "subject_dn": "CN=Sub", "parent_ca_id": owner.office.root.pk, "key_size": 2048}
        answer = machine.wire.post("/api/v1/cas/", body)
        assert answer.status_code in (400, 403), answer.content
        machine.allow(allowed_certificate_types=["ca"], allowed_ca_ids=[owner.office.root.pk], cn_patterns=["Sub"])
        body["valid_days"] = 90
        assert machine.wire.post("/api/v1/cas/", body).status_code == 201


class TestTokens:
    def test_what_is_shown_once_is_kept_as_a_keyed_hash(self, machine):
        row = ServiceAccount.objects.get().tokens.get()
        token = str(machine.wire.token)
        assert token.startswith(f"fpki_sa_{row.prefix}.")
        assert len(token) == len("fpki_sa_") + 16 + 1 + 43
        assert token.encode() not in bytes(row.digest)
        assert "token" not in machine.owner.wire.get(f"{machine.path}/tokens").json()[0]

    def test_another_secret_is_not_the_token(self, machine):
        token = str(machine.wire.token)
        assert Wire(token[:-1] + ("A" if token[-1] != "A" else "B")).get("/api/v1/cas/").status_code == 401

    def test_a_revoked_token_is_refused_at_once(self, machine):
        number = machine.owner.wire.get(f"{machine.path}/tokens").json()[0]["id"]
        assert machine.wire.get("/api/v1/organizations/").status_code == 200
        assert machine.owner.wire.delete(f"{machine.path}/tokens/{number}").status_code == 204
        assert machine.wire.get("/api/v1/organizations/").status_code == 401
        assert machine.owner.wire.delete(f"{machine.path}/tokens/{number}").status_code == 409

    def test_a_disabled_account_is_refused_at_once(self, machine):
        assert machine.owner.wire.patch(machine.path, {"disabled": True}).json()["disabled_at"] is not None
        assert machine.wire.get("/api/v1/organizations/").status_code == 401
        assert machine.owner.wire.patch(machine.path, {"disabled": False}).json()["disabled_at"] is None
        assert machine.wire.get("/api/v1/organizations/").status_code == 200

    def test_a_deleted_account_is_gone_for_good(self, machine):
        assert machine.owner.wire.delete(machine.path).status_code == 204
        assert machine.wire.get("/api/v1/organizations/").status_code == 401
        assert machine.owner.wire.get(machine.path).status_code == 404

    def test_an_end_in_the_past_is_no_end(self, machine):
        answer = machine.owner.wire.post(f"{machine.path}/tokens", {"expires_at": "2020-01-01T00:00:00Z"})
        assert answer.status_code == 400

    def test_a_machine_makes_no_tokens_and_no_machines(self, machine):
        assert machine.wire.post(f"{machine.path}/tokens", {}).status_code == 403
        assert machine.wire.post("/api/v1/service-accounts/", {"name": "another"}).status_code == 403

    def test_it_is_nobody_to_be_shown(self, machine):
        answer = machine.wire.get("/api/v1/users/me")
        assert (answer.status_code, answer.json()) == (401, {"detail": "Could not validate credentials"})


BAD_POLICIES: dict[str, tuple[dict[str, Any], int]] = {
    "no longest validity": ({}, 422),
    "none at all": ({"max_validity_days": 0}, 422),
    "no range of addresses": ({"max_validity_days": 1, "san_ip_cidrs": ["10.0.0.1/8"]}, 400),
    "an unknown type": ({"max_validity_days": 1, "allowed_certificate_types": ["code"]}, 400),
    "an empty pattern": ({"max_validity_days": 1, "cn_patterns": [""]}, 422),
    "an unknown field": ({"max_validity_days": 1, "cn": ["*"]}, 422),
    "no list": ({"max_validity_days": 1, "cn_patterns": "*"}, 422),
}


@pytest.mark.parametrize(("body", "status"), BAD_POLICIES.values(), ids=BAD_POLICIES)
def test_a_policy_that_makes_no_sense_is_refused(machine, body, status):
    assert machine.owner.wire.send("PUT", f"{machine.path}/policy", body).status_code == status


def test_services_say_the_same(machine):
    """Whoever calls below the wire."""
    order = order_for(machine.owner.office.template, "evil.com")
    actor = authenticate_service_token(Secret(str(machine.wire.token)), ip=None)
    with pytest.raises(Denied):
        issue_at_once(actor=actor, order=order)
    machine.allow()
    with pytest.raises(Invalid):
        issue_at_once(actor=actor, order=order)
