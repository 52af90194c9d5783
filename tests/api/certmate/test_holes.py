"""Holes that CertMate had, by name: each is tried on the endpoint that has the same power here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from accounts.grants import GrantOrder
from accounts.services.organizations import add_member
from audit.events import EventName
from audit.models import AuditEvent
from cas.core.formats import to_pem
from cas.orders import RoleOrder
from cas.services.roles import create_role
from cas.services.templates import create_template, order_of
from certificates.models import Certificate
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast, pki
from tests.api.certmate.conftest import CERTS, Client, kept_certificate
from tests.api.wire import Wire, wire_of
from tests.office import Office
from tests.security.whole import key_for

pytestmark = pytest.mark.django_db
HOST = "/api/certificates/example.com/download"


def x509_of(identifier: str) -> x509.Certificate:
    return Certificate.objects.get(identifier=identifier).body.x509


@pytest.mark.parametrize(
    "method_and_path", ["GET ", "POST /create", "GET /stats", "POST /batch", "GET /x/download/key"]
)
@pytest.mark.row("M2", "M3")
def test_pr_221_without_a_credential_there_is_nothing(office: Office, method_and_path: str):
    """Its first API of client certificates asked for none; its setup mode let everybody in as administrator."""
    method, _space, path = method_and_path.partition(" ")
    for token in (None, "cm_" + "0" * 40, "setup"):
        answer = Wire(token).send(method, CERTS + path, {} if method == "POST" else None)
        assert answer.status_code == 401
        assert answer.json()["code"] == ("INVALID_TOKEN" if token else "AUTH_HEADER_MISSING")
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_pr_221_whoever_may_look_may_not_mint_nor_revoke_nor_have_keys(client: Client, office: Office):
    identifier = client.create()["identifier"]
    viewer = wire_of(office.person, Permission.CERTIFICATES_READ, Permission.CERTIFICATES_DOWNLOAD)
    assert viewer.get(f"{CERTS}/{identifier}").status_code == 200
    assert viewer.get(f"{CERTS}/{identifier}/download/crt").status_code == 200
    before = Certificate.objects.count()
    for answer in (
        viewer.get(f"{CERTS}/{identifier}/download/key"),
        viewer.post(f"{CERTS}/create", {"common_name": "x"}),
        viewer.post(f"{CERTS}/batch", {"headers": ["common_name"], "rows": [["x"]]}),
        viewer.post(f"{CERTS}/{identifier}/renew"),
        viewer.post(f"{CERTS}/{identifier}/revoke"),
    ):
        assert (answer.status_code, answer.json()["status"]) == (403, 403)
    assert Certificate.objects.count() == before
    assert Certificate.objects.get(identifier=identifier).state == "issued"


PATHS = ["..", "../..", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e", "a%2f..%2fb", "%00", "a%00", "-x", ".x", "x" * 200]


@pytest.mark.row("M96")
@pytest.mark.parametrize("path", PATHS)
def test_v2_17_1_no_identifier_leads_out_of_the_register(api: Wire, office: Office, path: str):
    for address in (f"{CERTS}/{path}", f"{CERTS}/{path}/download/key", f"/api/crl/download/{path}"):
        assert api.get(address).status_code == 404, address
    assert api.post(f"{CERTS}/{path}/revoke").status_code == 404
    assert api.get(f"/api/certificates/{path}/download").status_code == 404


@pytest.mark.row("M96")
@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\x", "a/b", "~root", "$(id)", "con", "; rm -rf"])
def test_v2_17_1_no_common_name_becomes_a_path(client: Client, api: Wire, name: str):
    made = client.create(name)
    assert not set(made["identifier"]) & set("/\\~$();: ")
    assert ".." not in made["identifier"]
    file = api.get(f"{CERTS}/{made['identifier']}/download/crt")
    assert file["Content-Disposition"] == f'attachment; filename="{made["identifier"]}.crt"'


@pytest.mark.row("M18")
def test_pr_391_extensions_of_a_csr_are_not_copied(client: Client):
    wanted = (
        x509.BasicConstraints(ca=True, path_length=None),
        x509.KeyUsage(**dict.fromkeys(KEY_USAGES, False) | {"key_cert_sign": True, "crl_sign": True}),
        x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.OCSP_SIGNING]),
        x509.OCSPNoCheck(),
    )
    made = client.create(csr=pki.make_csr(subject="CN=x", extensions=wanted), generate_key=False)
    extensions = x509_of(made["identifier"]).extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        extensions.get_extension_for_class(x509.OCSPNoCheck)


KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@pytest.mark.row("M18")
def test_a_csr_proves_that_its_sender_has_the_key(api: Wire, office: Office):
    lines = pki.make_csr(subject="CN=x").splitlines()
    broken = "\n".join([*lines[:-2], lines[-2][:4] + ("A" if lines[-2][4] != "A" else "B") + lines[-2][5:], lines[-1]])
    refused = api.post(f"{CERTS}/create", {"common_name": "x", "generate_key": False, "csr": broken})
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("csr: ")
    assert not Certificate.objects.exists()


@pytest.mark.row("M40", "M43")
def test_pr_391_a_second_revocation_changes_neither_date_nor_reason(client: Client, api: Wire):
    made = client.create()
    first = api.post(f"{CERTS}/{made['identifier']}/revoke", {"reason": "superseded"}).json()
    again = api.post(f"{CERTS}/{made['identifier']}/revoke", {"reason": "compromised"})
    assert (again.status_code, again.json()["code"]) == (409, "ALREADY_REVOKED")
    shown = api.get(f"{CERTS}/{made['identifier']}").json()["revocation"]
    assert shown == {"revoked": True, "revoked_at": first["revoked_at"], "reason_revoked": "superseded"}


def test_issue_591_what_is_revoked_is_not_renewed_and_stays_revoked(client: Client, api: Wire):
    made = client.create()
    api.post(f"{CERTS}/{made['identifier']}/revoke")
    refused = api.post(f"{CERTS}/{made['identifier']}/renew")
    assert (refused.status_code, refused.json()["code"]) == (409, "CERTIFICATE_REVOKED")
    assert api.get(f"/api/ocsp/status/{made['serial_number']}").json()["certificate_status"] == "revoked"


@pytest.mark.row("M44", "M45")
def test_issue_562_a_renewed_one_is_not_renewed_again_and_again(client: Client, api: Wire):
    made = client.create()
    assert api.post(f"{CERTS}/{made['identifier']}/renew").status_code == 201
    again = api.post(f"{CERTS}/{made['identifier']}/renew")
    assert (again.status_code, again.json()["code"]) == (409, "ALREADY_RENEWED")


@pytest.mark.row("M32")
def test_issue_562_a_short_lived_one_is_not_due_as_soon_as_it_is_made(client: Client):
    made = client.create(days_valid=3)
    row = Certificate.objects.get(identifier=made["identifier"])
    assert row.not_after - row.renew_at < timedelta(days=1, seconds=1)


@pytest.mark.row("M45")
def test_issue_422_a_renewal_lasts_as_long_as_what_it_renews(client: Client, api: Wire):
    made = client.create(days_valid=17)
    renewed = api.post(f"{CERTS}/{made['identifier']}/renew").json()
    old, new = x509_of(made["identifier"]), x509_of(renewed["identifier"])
    assert new.not_valid_after_utc - new.not_valid_before_utc == old.not_valid_after_utc - old.not_valid_before_utc


def test_issue_422_nobody_makes_a_key_in_the_place_of_one_that_came_in_a_csr(client: Client, api: Wire):
    made = client.create(csr=pki.make_csr(subject="CN=x"), generate_key=False)
    refused = api.post(f"{CERTS}/{made['identifier']}/renew")
    assert (refused.status_code, refused.json()["error"].partition(":")[0]) == (400, "csr")
    csr = pki.make_csr(pki.a_key(number=1), "CN=ignored")
    renewed = api.post(f"{CERTS}/{made['identifier']}/renew", {"csr": csr})
    assert renewed.status_code == 201
    certificate = x509_of(renewed.json()["identifier"])
    assert certificate.public_key() == x509.load_pem_x509_csr(csr.encode()).public_key()
    assert certificate.subject == x509_of(made["identifier"]).subject
    again = api.get(f"{CERTS}/{renewed.json()['identifier']}/download/csr")
    assert x509.load_pem_x509_csr(again.content).public_key() == certificate.public_key()


UNKNOWN = {
    "GET ": 404,
    "GET /download/crt": 404,
    "GET /download/key": 404,
    "GET /download/csr": 404,
    "POST /revoke": 404,
    "POST /renew": 404,
}


@pytest.mark.row("M33")
@pytest.mark.parametrize("method_and_path", UNKNOWN)
def test_issue_1111_an_unknown_identifier_is_not_found(api: Wire, office: Office, method_and_path: str):
    method, _space, path = method_and_path.partition(" ")
    answer = api.send(method, f"{CERTS}/cert-001{path}", {} if method == "POST" else None)
    assert (answer.status_code, answer.json()) == (
        404,
        {"error": "Certificate not found: cert-001", "code": "CERTIFICATE_NOT_FOUND", "status": 404},
    )


@pytest.mark.row("M58")
def test_batch_nothing_is_clamped_and_no_column_is_lost(api: Wire, office: Office):
    """Its batch took a bad lifetime for 365 days or the nearest good one, and never read organizational_unit."""
    headers = ["days_valid", "common_name", "organizational_unit", "notes"]
    days = ["0", "-1", "3651", "abc", "1.5", "365 ", "99999999999", "", "20"]
    answer = api.post(f"{CERTS}/batch", {"headers": headers, "rows": [[each, "x", "Lab", "a note"] for each in days]})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["total"], told["successful"], told["failed"]) == (9, 2, 7)
    # The line in the table, whose first one are the headers.
    assert [error["row"] for error in told["errors"]] == [2, 3, 4, 5, 6, 7, 8]
    assert all(error["error"].startswith("days_valid: ") for error in told["errors"])
    lifetimes = [x509_of(each["identifier"]) for each in told["certificates"]]
    assert [(each.not_valid_after_utc - each.not_valid_before_utc).days + 1 for each in lifetimes] == [365, 20]
    shown = api.get(f"{CERTS}/{told['certificates'][1]['identifier']}").json()
    assert (shown["organizational_unit"], shown["notes"]) == ("Lab", "a note")


BAD_TABLES: dict[str, Any] = {
    "no rows": {"headers": ["common_name"], "rows": []},
    "too many rows": {"headers": ["common_name"], "rows": [["x"]] * 101},
    "no names": {"headers": ["email"], "rows": [["x@example.com"]]},
    "an unknown column": {"headers": ["common_name", "is_ca"], "rows": [["x", "true"]]},
    "a column twice": {"headers": ["common_name", "common_name"], "rows": [["x", "y"]]},
    "no headers": {"rows": [["x"]]},
    "no list": {"headers": "common_name", "rows": "x"},
    "an unknown field": {"headers": ["common_name"], "rows": [["x"]], "template": "web-tls"},
}


@pytest.mark.row("M56", "M57")
@pytest.mark.parametrize("body", BAD_TABLES.values(), ids=BAD_TABLES)
def test_batch_a_table_that_makes_no_sense_is_refused_as_a_whole(api: Wire, office: Office, body: Any):
    refused = api.post(f"{CERTS}/batch", body)
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_FAILED")
    assert not Certificate.objects.exists()


@pytest.mark.row("M58")
def test_batch_a_bad_row_takes_no_other_with_it(api: Wire, office: Office):
    rows = [["a"], ["b", "c"], [""], "d", [5], ["e"]]
    told = api.post(f"{CERTS}/batch", {"headers": ["common_name"], "rows": rows}).json()
    assert [each["common_name"] for each in told["certificates"]] == ["a", "e"]
    assert [error["row"] for error in told["errors"]] == [3, 4, 5, 6]


@pytest.fixture
def elsewhere(office: Office) -> Wire:
    """A key for another CA of the same organization, with every right there."""
    grants = [GrantOrder(office.root.pk, can_read=True, can_issue=True, can_revoke=True, can_export=True)]
    return Wire(key_for(office.person, grants=grants)[1])


def test_issue_1166_a_key_for_one_ca_has_its_rights_here_too(client: Client, office: Office):
    identifier = client.create()["identifier"]
    grants = [GrantOrder(office.issuing.pk, can_read=True, can_issue=True)]
    _row, token = key_for(office.person, grants=grants)
    assert token.startswith("cm_")
    wire = Wire(token)
    assert wire.get(CERTS).json()["total"] == 1
    assert wire.post(f"{CERTS}/create", {"common_name": "by a key"}).status_code == 201
    assert wire.get("/api/crl/download/info").status_code == 200
    assert wire.post(f"{CERTS}/{identifier}/revoke").status_code == 403
    assert wire.get(f"{CERTS}/{identifier}/download/key").status_code == 403


def test_issue_1166_a_key_for_another_ca_reaches_no_client_certificate(
    client: Client, office: Office, elsewhere: Wire, kept: Certificate
):
    identifier = client.create()["identifier"]
    assert elsewhere.get(CERTS).json() == {"certificates": [], "total": 0}
    assert elsewhere.get(f"{CERTS}/stats").json()["total"] == 0
    for path in ("", "/download/crt", "/download/key"):
        assert elsewhere.get(f"{CERTS}/{identifier}{path}").status_code == 404
    assert elsewhere.post(f"{CERTS}/{identifier}/revoke").status_code == 404
    assert elsewhere.get(HOST).status_code == 404
    for answer in (
        elsewhere.post(f"{CERTS}/create", {"common_name": "x"}),
        elsewhere.post(f"{CERTS}/batch", {"headers": ["common_name"], "rows": [["x"]]}),
        elsewhere.get("/api/ocsp/status/1"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "NO_CLIENT_CA")


def test_issue_1167_a_key_for_one_ca_gets_files_of_hosts_under_that_one_only(office: Office, kept: Certificate):
    """Restricted to domains, its keys reached everything else; here a CA is what a key is restricted to."""
    newer = _elsewhere_certificate(office)
    owner = wire_of(office.person)
    assert owner.get(f"{HOST}?format=json").json()["cert_pem"] != _pem(kept)
    here = Wire(key_for(office.person, grants=[GrantOrder(office.issuing.pk, can_export=True)])[1])
    there = Wire(key_for(office.person, grants=[GrantOrder(office.root.pk, can_export=True)])[1])
    assert here.get(f"{HOST}?format=json").json()["cert_pem"] == _pem(kept)
    assert there.get(f"{HOST}?format=json").json()["cert_pem"] == _pem(newer)
    reader = Wire(key_for(office.person, grants=[GrantOrder(office.issuing.pk, can_read=True)])[1])
    for query in ("", "?file=privkey.pem", "?file=combined.pem", "?format=json"):
        assert reader.get(f"{HOST}{query}").status_code in (403, 404), query
    assert reader.get(f"{HOST}?file=fullchain.pem").status_code == 200


def _elsewhere_certificate(office: Office) -> Certificate:
    """A newer one for the same host, by the root."""
    root = Ref("pk", office.root.pk)
    ttl = timedelta(days=90)
    role = create_role(
        actor=office.owner,
        order=RoleOrder(ca=root, name="kept", max_ttl=ttl, allow_any_name=True, store_private_keys=True),
    )
    recipe = order_of(office.template)
    template = create_template(
        actor=office.owner, order=replace(recipe, ca=root, role=Ref("pk", role.pk), code="kept", name="kept")
    )
    return kept_certificate(office, "example.com", template=template.code)


def _pem(row: Certificate) -> str:
    return to_pem(row.body.x509)


def test_v2_21_1_who_was_disabled_has_no_rights_left(client: Client, office: Office):
    leaving = cast.member(office.organization, "owner", "leaving@acme.example")
    wire = wire_of(leaving)
    assert wire.get(CERTS).status_code == 200
    leaving.user.is_active = False
    leaving.user.save()
    assert (wire.get(CERTS).status_code, wire.get("/api/crl/download/info").status_code) == (401, 401)


def test_who_belongs_to_two_organizations_reaches_the_one_of_the_key(client: Client, office: Office):
    identifier = client.create()["identifier"]
    person = cast.stranger()
    wire = wire_of(person)
    add_member(actor=cast.SUPERUSER, organization=office.organization, user=person.user, role="owner")
    assert wire.get(f"{CERTS}/{identifier}").status_code == 404
    assert wire.get(CERTS).json()["total"] == 0


@pytest.mark.row("M35", "M86")
def test_wire_note_8_creating_revoking_renewing_and_every_key_are_in_the_audit_log(
    client: Client, api: Wire, kept: Certificate
):
    """Of these its server wrote nothing down."""
    before = AuditEvent.objects.count()
    identifier = client.create()["identifier"]
    api.get(f"{CERTS}/{identifier}/download/key")
    api.get(f"{CERTS}/{identifier}/download/key")
    api.get(f"{CERTS}/{identifier}/download/crt")
    api.get(f"{HOST}?format=json")
    api.post(f"{CERTS}/{identifier}/renew")
    api.post(f"{CERTS}/{identifier}/revoke")
    events = AuditEvent.objects.order_by("pk")[before:]
    assert [event.name for event in events] == [
        EventName.CERTIFICATE_ISSUED,
        EventName.CERTIFICATE_KEY_COLLECTED,
        EventName.CERTIFICATE_KEY_COLLECTED,
        EventName.CERTIFICATE_DOWNLOADED,
        EventName.CERTIFICATE_KEY_COLLECTED,
        EventName.CERTIFICATE_ISSUED,
        EventName.CERTIFICATE_REVOKED,
    ]


def test_no_key_gets_into_lists_details_or_refusals(client: Client, api: Wire):
    made = client.create()
    for path in ("", f"/{made['identifier']}", "/stats", f"/{made['identifier']}/download/crt"):
        assert b"PRIVATE" not in api.get(CERTS + path).content
    assert "PRIVATE" not in str(made)
