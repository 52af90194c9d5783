"""Issuing: with a key that is made here, and for the key of a CSR."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from accounts.grants import GrantOrder
from audit.models import AuditEvent
from cas.core.keys import KeyAlgorithm, algorithm_of
from cas.core.names import common_name
from cas.models import Role, Template
from cas.services.authorities import disable_ca
from cas.services.roles import order_of as role_order_of
from cas.services.roles import update_role
from cas.services.templates import order_of, retire_template, update_template
from certificates.models import Certificate, SubscriberKey
from tests import cast, pki
from tests.api.certman.desk import Workspace, error_of, issued, open_workspace, wish
from tests.api.wire import Wire, wire_of
from tests.pki import sans_of

pytestmark = pytest.mark.django_db

CERTIFICATES = "/v1/certificates"
DAY = timedelta(days=1)


def read(made: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made["certificate"]["certificate_pem"].encode())


def lifetime(certificate: x509.Certificate) -> timedelta:
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc + timedelta(seconds=1)


def csr_wish(workspace: Workspace, number: int = 0, **more: Any) -> dict[str, Any]:
    csr = pki.make_csr(pki.a_key(number=number), "CN=csr.example.com,O=Acme", ("csr.example.com", "10.0.0.5"))
    return {"caId": str(workspace.issuing.public_id), "mode": "csr", "csrPem": csr, **more}


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.row("C71")
def test_issuing_needs_its_right_at_this_ca(workspace: Workspace):
    reading = workspace.key(
        GrantOrder(workspace.issuing.pk), GrantOrder(workspace.root.pk, can_read=False, can_issue=True)
    )
    # What it sees and may not issue from is refused; what it does not see is not there.
    assert error_of(reading.post(CERTIFICATES, wish(workspace.issuing)), 403)
    assert issued(reading, workspace.root)
    only_root = workspace.key(GrantOrder(workspace.root.pk, can_read=True, can_issue=True))
    unseen = error_of(only_root.post(CERTIFICATES, wish(workspace.issuing)), 404)
    absent = wish(workspace.issuing) | {"caId": "00000000-0000-4000-8000-000000000000"}
    assert error_of(only_root.post(CERTIFICATES, absent), 404) == unseen
    assert error_of(wire_of(cast.stranger()).post(CERTIFICATES, wish(workspace.issuing)), 404) == unseen
    assert error_of(Wire().post(CERTIFICATES, wish(workspace.issuing)), 401)
    assert Certificate.objects.count() == 1


def test_a_right_to_issue_shows_nothing(workspace: Workspace):
    key = workspace.key(GrantOrder(workspace.issuing.pk, can_read=False, can_issue=True))
    made = issued(key, workspace.issuing)
    assert error_of(key.get(CERTIFICATES), 403)
    assert error_of(key.get(f"{CERTIFICATES}/{made['certificate']['id']}"), 403)


def test_a_ca_that_is_not_open_to_certmans_clients_says_so(workspace: Workspace, key: Wire):
    for template in Template.objects.filter(ca=workspace.issuing):
        retire_template(actor=workspace.person.actor, template=template)
    said = error_of(key.post(CERTIFICATES, wish(workspace.issuing)), 403)
    assert "certman.managed" in said


def test_where_an_approval_is_asked_for_it_is_refused_by_the_templates_name(workspace: Workspace, key: Wire):
    template = Template.objects.get(code=f"certman.managed.{workspace.issuing.pk}")
    update_template(
        actor=workspace.person.actor, template=template, order=replace(order_of(template), requires_approval=True)
    )
    assert template.code in error_of(key.post(CERTIFICATES, wish(workspace.issuing)), 403)
    assert not Certificate.objects.exists()
    assert AuditEvent.objects.filter(name="policy.refused").exists()


def test_the_templates_are_the_organizations_to_edit(workspace: Workspace, key: Wire):
    role = Role.objects.get(name=f"certman.managed.{workspace.issuing.pk}")
    narrower = replace(role_order_of(role), allow_any_name=False, allowed_domains=("acme.example",))
    update_role(actor=workspace.person.actor, role=role, order=narrower)
    assert "commonName" in error_of(key.post(CERTIFICATES, wish(workspace.issuing)), 400)
    assert issued(key, workspace.issuing, "acme.example")


# --- managed ----------------------------------------------------------------------------------------------------------


@pytest.mark.row("C72", "C80")
def test_the_key_is_made_here_and_handed_out_once(workspace: Workspace, key: Wire):
    made = issued(key, workspace.issuing)
    assert list(made) == ["certificate", "privateKey"]
    assert made["privateKey"].startswith("-----BEGIN PRIVATE KEY-----\n")
    private = load_pem_private_key(made["privateKey"].encode(), None)
    assert private.public_key() == read(made).public_key()
    assert not SubscriberKey.objects.exists()
    row = Certificate.objects.get()
    assert (row.key_custody, row.common_name) == ("returned", "api.example.com")


@pytest.mark.row("C73")
@pytest.mark.parametrize("more", [{}, {"mode": "managed"}])
def test_managed_mode_needs_a_common_name(workspace: Workspace, key: Wire, more):
    body = {"caId": str(workspace.issuing.public_id), "sanDns": ["api.example.com"], **more}
    assert error_of(key.post(CERTIFICATES, body), 400) == "commonName: This field is required."


@pytest.mark.row("C74", "C75", "C81")
def test_names_of_both_kinds(workspace: Workspace, key: Wire):
    more = {"sanDns": ["*.example.com", "API.example.com", "bücher.example"], "sanIp": ["192.168.1.1", "2001:DB8:0::1"]}
    made = issued(key, workspace.issuing, **more)
    dns, addresses = made["certificate"]["san_dns"], made["certificate"]["san_ip"]
    assert sorted(dns) == ["*.example.com", "api.example.com", "xn--bcher-kva.example"]
    assert addresses == ["192.168.1.1", "2001:db8::1"]
    assert sorted(sans_of(read(made))) == sorted(dns + addresses)


@pytest.mark.row("C76")
@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        (None, KeyAlgorithm.ECDSA_P256),
        ("ECDSA-P256", KeyAlgorithm.ECDSA_P256),
        ("ECDSA-P384", KeyAlgorithm.ECDSA_P384),
        ("RSA-2048", KeyAlgorithm.RSA_2048),
        ("RSA-4096", KeyAlgorithm.RSA_4096),
    ],
)
def test_the_kinds_of_keys(workspace: Workspace, key: Wire, name, algorithm):
    # The document names no default: P-256, as the template has it.
    made = issued(key, workspace.issuing, **({"keyAlgorithm": name} if name else {}))
    assert algorithm_of(read(made).public_key()) is algorithm
    (row,) = key.get(CERTIFICATES).json()["certificates"]
    assert row["key_algorithm"] == (name or "ECDSA-P256")


@pytest.mark.row("C77")
def test_how_long_it_lasts(workspace: Workspace, key: Wire):
    for days in (1, 365, 397):
        assert lifetime(read(issued(key, workspace.issuing, validityDays=days))) == days * DAY
    # The document names no default: a year, as the template has it.
    assert lifetime(read(issued(key, workspace.issuing))) == 365 * DAY
    assert "validityDays" in error_of(key.post(CERTIFICATES, wish(workspace.issuing, validityDays=398)), 400)


@pytest.mark.row("C77")
def test_the_role_says_so_too(workspace: Workspace):
    lifetimes = set(Role.objects.filter(ca=workspace.issuing).values_list("max_ttl", flat=True))
    assert lifetimes == {397 * DAY}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown mode": ({"mode": "external"}, "mode"),
    "a mode in capitals": ({"mode": "Managed"}, "mode"),
    "an algorithm that is not offered": ({"keyAlgorithm": "ED25519"}, "keyAlgorithm"),
    "an algorithm in our spelling": ({"keyAlgorithm": "ECDSA_P256"}, "keyAlgorithm"),
    "no day": ({"validityDays": 0}, "validityDays"),
    "days as text": ({"validityDays": "365"}, "validityDays"),
    "half a day": ({"validityDays": 0.5}, "validityDays"),
    "a host name that is none": ({"sanDns": ["good.example", "not a host"]}, "sanDns[1]"),
    "an address among host names": ({"sanDns": ["192.168.1.300"]}, "sanDns[0]"),
    "a host name among addresses": ({"sanIp": ["api.example.com"]}, "sanIp[0]"),
    "a network": ({"sanIp": ["10.0.0.0/8"]}, "sanIp[0]"),
    "names as one text": ({"sanDns": "api.example.com"}, "sanDns"),
    "a CSR beside": ({"csrPem": "x"}, "csrPem"),
    "a field that is not there": ({"isCa": True}, "isCa"),
    "no CA": ({"caId": None}, "caId"),
    "a CA that is no id": ({"caId": "root"}, "caId"),
    "a name that is too long": ({"commonName": "x" * 65}, "commonName"),
    "a name that deceives": ({"commonName": "x\u202egpj.exe"}, "commonName"),
}


@pytest.mark.row("C72", "C76", "C77")
@pytest.mark.parametrize(("more", "field"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_refused_by_its_name(workspace: Workspace, key: Wire, more, field):
    assert f"{field}: " in error_of(key.post(CERTIFICATES, wish(workspace.issuing) | more), 400)
    assert not Certificate.objects.exists()


def test_everything_that_is_wrong_is_told_at_once(workspace: Workspace, key: Wire):
    body = {"mode": "managed", "sanIp": ["x"], "validityDays": 500, "colour": "red"}
    said = error_of(key.post(CERTIFICATES, body), 400)
    assert all(f"{field}: " in said for field in ("caId", "sanIp[0]", "validityDays", "colour"))


def test_what_the_rules_forbid_is_told_by_the_names_of_the_body(workspace: Workspace, key: Wire):
    """What the role says of the third of all names is said of the place where it was sent."""
    role = Role.objects.get(name=f"certman.managed.{workspace.issuing.pk}")
    narrower = replace(role_order_of(role), allowed_ip_ranges=("10.0.0.0/8",), allow_wildcards=False)
    update_role(actor=workspace.person.actor, role=role, order=narrower)
    body = wish(workspace.issuing, sanDns=["good.example", "*.bad.example"], sanIp=["10.1.1.1", "192.168.1.1"])
    said = error_of(key.post(CERTIFICATES, body), 400)
    assert "sanDns[1]: " in said
    assert "sanIp[1]: " in said
    assert "sans" not in said


def test_a_ca_that_is_out_of_service_issues_nothing(workspace: Workspace, key: Wire):
    disable_ca(actor=workspace.person.actor, ca=workspace.issuing)
    assert "disabled" in error_of(key.post(CERTIFICATES, wish(workspace.issuing)), 503)


# --- CSR --------------------------------------------------------------------------------------------------------------


@pytest.mark.row("C72", "C78", "C80")
def test_a_csr_is_certified_and_no_key_is_answered(workspace: Workspace, key: Wire):
    answer = key.post(CERTIFICATES, csr_wish(workspace))
    assert answer.status_code == 200, answer.content
    made = answer.json()
    assert list(made) == ["certificate"]
    certificate = read(made)
    assert certificate.public_key() == pki.a_key().public_key()
    assert common_name(certificate.subject) == "csr.example.com"
    assert (made["certificate"]["san_dns"], made["certificate"]["san_ip"]) == (["csr.example.com"], ["10.0.0.5"])
    assert Certificate.objects.get().key_custody == "subscriber"


def test_names_of_the_body_stand_in_the_place_of_the_csrs(workspace: Workspace, key: Wire):
    more = {"commonName": "other.example.com", "sanDns": ["other.example.com"], "validityDays": 30}
    made = key.post(CERTIFICATES, csr_wish(workspace, **more)).json()
    certificate = read(made)
    assert (common_name(certificate.subject), sans_of(certificate)) == ("other.example.com", ["other.example.com"])
    assert lifetime(certificate) == 30 * DAY
    empty = key.post(CERTIFICATES, csr_wish(workspace, 1, sanDns=[], sanIp=[])).json()
    assert sorted(sans_of(read(empty))) == ["10.0.0.5", "csr.example.com"]


CSRS: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({"csrPem": None}, "csrPem"),
    "what is none": (
        {"csrPem": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"},
        "csrPem",
    ),
    "a kind of key beside it": ({"keyAlgorithm": "ECDSA-P256"}, "keyAlgorithm"),
}


@pytest.mark.row("C78")
@pytest.mark.parametrize(("more", "field"), CSRS.values(), ids=CSRS)
def test_a_csr_that_cannot_be_is_refused(workspace: Workspace, key: Wire, more, field):
    assert f"{field}: " in error_of(key.post(CERTIFICATES, csr_wish(workspace) | more), 400)


@pytest.mark.row("C78")
def test_csr_mode_needs_a_csr(workspace: Workspace, key: Wire):
    body = wish(workspace.issuing, mode="csr")
    assert error_of(key.post(CERTIFICATES, body), 400) == "csrPem: This field is required."


def test_a_key_that_the_role_does_not_take_is_told_of_the_csr(workspace: Workspace, key: Wire):
    edwards = {"csrPem": pki.make_csr(pki.a_key(KeyAlgorithm.ED25519), "CN=csr.example.com")}
    assert key.post(CERTIFICATES, csr_wish(workspace) | edwards).status_code == 200
    role = Role.objects.get(name=f"certman.csr.{workspace.issuing.pk}")
    narrower = replace(role_order_of(role), key_algorithms=(KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048))
    update_role(actor=workspace.person.actor, role=role, order=narrower)
    assert "csrPem: " in error_of(key.post(CERTIFICATES, csr_wish(workspace) | edwards), 400)


def test_another_workspace_issues_from_its_own_cas(workspace: Workspace, key: Wire):
    other = open_workspace("Other Workspace")
    made = issued(other.key(), other.issuing)
    assert error_of(key.get(f"{CERTIFICATES}/{made['certificate']['id']}"), 404)
