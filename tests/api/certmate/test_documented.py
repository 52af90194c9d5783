"""Every example of CertMate's document, replayed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import ExtendedKeyUsage
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates.models import Certificate
from certificates.services.crl import publish_crl
from kernel.actor import SYSTEM
from tests import pki
from tests.api.certmate import documented
from tests.api.certmate.conftest import CERTS, Client
from tests.api.certmate.documented import require_documented, told
from tests.api.wire import Wire
from tests.office import Office


def published(office: Office) -> None:
    """The next CRL, without waiting for the sweep."""
    for scope in office.issuing.crl_scopes.all():
        publish_crl(actor=SYSTEM, scope=scope)


def x509_of(identifier: str) -> x509.Certificate:
    return Certificate.objects.get(identifier=identifier).body.x509


@pytest.mark.row("M1", "M4", "M11", "M13", "M14", "M15", "M17", "M19", "M20")
def test_create(api: Wire, office: Office):
    """The server answers with `paths` and `metadata`; here the document's members, and `metadata` beside them."""
    answer = api.post(f"{CERTS}/create", documented.CREATE)
    assert (answer.status_code, answer["Content-Type"]) == (201, "application/json")
    made = answer.json()
    require_documented(made, documented.CREATED)
    assert told(made, "common_name", "cert_usage", "status") == {
        "common_name": "user@example.com",
        "cert_usage": "api-mtls",
        "status": "active",
    }
    certificate = x509_of(made["identifier"])
    assert made["serial_number"] == str(certificate.serial_number)
    assert made["expires_at"] == certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lifetime == timedelta(days=365) - timedelta(seconds=1)
    assert list(certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert certificate.subject.rfc4514_string() == "CN=user@example.com,OU=Engineering,O=ACME Corp"
    assert "paths" not in made
    require_documented(made["metadata"], documented.DETAIL)


@pytest.mark.row("M11")
def test_create_by_curl(client: Client):
    require_documented(client.create(**documented.CREATE_BY_CURL), documented.CREATED)


@pytest.mark.row("M12", "M13", "M14", "M15", "M16", "M17", "M18", "M19")
def test_only_the_common_name_is_required(client: Client, api: Wire):
    made = client.create("laptop of Ann")
    assert told(made["metadata"], "email", "organization", "organizational_unit", "notes", "cert_usage") == {
        "email": None,
        "organization": None,
        "organizational_unit": None,
        "notes": "",
        "cert_usage": "api-mtls",
    }
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=364) < ends < timedelta(days=366)
    assert api.get(f"{CERTS}/{made['identifier']}/download/key").status_code == 200
    for body in ({}, {"common_name": ""}, {"common_name": " "}, {"common_name": "x" * 65}):
        refused = api.post(f"{CERTS}/create", body)
        assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_FAILED"), body
        assert refused.json()["error"].startswith("common_name: ")


@pytest.mark.row("M18")
def test_without_a_key_there_is_a_csr(api: Wire):
    refused = api.post(f"{CERTS}/create", {"common_name": "x", "generate_key": False})
    assert (refused.status_code, refused.json()["error"]) == (400, "csr: This field is required.")
    csr = pki.make_csr(subject="CN=other")
    made = api.post(f"{CERTS}/create", {"common_name": "x", "generate_key": False, "csr": csr})
    assert made.status_code == 201
    certificate = x509_of(made.json()["identifier"])
    assert certificate.public_key() == x509.load_pem_x509_csr(csr.encode()).public_key()
    assert certificate.subject.rfc4514_string() == "CN=x"
    assert made.json()["metadata"]["renewal"]["renewal_enabled"] is False


@pytest.mark.row("M21", "M22", "M23", "M24", "M25", "M26", "M27")
def test_list(client: Client, api: Wire):
    first = client.create("user1@example.com", organization="ACME Corp")
    second = client.create("user2@example.com", organization="ACME Corp", cert_usage="vpn")
    api.post(f"{CERTS}/{second['identifier']}/revoke")
    answer = api.get(CERTS)
    assert (answer.status_code, answer.json()["total"]) == (200, 2)
    newest, oldest = answer.json()["certificates"]
    for item in (newest, oldest):
        require_documented(item, documented.LISTED)
        assert item.keys() == documented.LISTED.keys()
    assert told(newest, "identifier", "revoked", "status") == {
        "identifier": second["identifier"],
        "revoked": True,
        "status": "revoked",
    }
    assert told(oldest, "identifier", "revoked", "status", "organization") == {
        "identifier": first["identifier"],
        "revoked": False,
        "status": "active",
        "organization": "ACME Corp",
    }
    searches = {
        "usage=api-mtls": ["user1@example.com"],
        "usage=vpn": ["user2@example.com"],
        "usage=api": [],
        "revoked=true": ["user2@example.com"],
        "revoked=false": ["user1@example.com"],
        "search=user1": ["user1@example.com"],
        "search=USER": ["user2@example.com", "user1@example.com"],
        "search=ser2%40": ["user2@example.com"],
        "search=%25": [],
        "usage=vpn&revoked=false": [],
        "usage=vpn&revoked=true&search=user2": ["user2@example.com"],
        "usage=&search=": ["user2@example.com", "user1@example.com"],
    }
    for query, names in searches.items():
        found = api.get(f"{CERTS}?{query}").json()
        assert [item["common_name"] for item in found["certificates"]] == names, query
        assert found["total"] == len(names)


@pytest.mark.row("M23")
@pytest.mark.parametrize("query", ["revoked=yes", "revoked=True", "revoked=", "revoked=true&revoked=false", "page=2"])
def test_a_filter_that_means_nothing_is_refused(api: Wire, query: str):
    """The server takes whatever is not `true` for `false`."""
    refused = api.get(f"{CERTS}?{query}")
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_FAILED")


@pytest.mark.row("M28", "M29", "M30", "M31", "M32")
def test_detail(client: Client, api: Wire):
    made = client.create(**documented.CREATE)
    answer = api.get(f"{CERTS}/{made['identifier']}")
    assert answer.status_code == 200
    shown = answer.json()
    require_documented(shown, documented.DETAIL)
    same = ("type", "common_name", "email", "organization", "organizational_unit", "cert_usage", "notes")
    assert told(shown, *same, "revocation", "renewal") == told(documented.DETAIL, *same, "revocation", "renewal")
    flat = documented.DETAIL["revocation"] | documented.DETAIL["renewal"]
    assert told(shown, *flat) == flat


@pytest.mark.row("M31")
def test_the_detail_of_a_revoked_one_says_when_and_why(client: Client, api: Wire):
    made = client.create()
    revoked = api.post(f"{CERTS}/{made['identifier']}/revoke", {"reason": "left the company"}).json()
    shown = api.get(f"{CERTS}/{made['identifier']}").json()
    expected = {"revoked": True, "revoked_at": revoked["revoked_at"], "reason_revoked": "left the company"}
    assert shown["revocation"] == told(shown, *expected) == expected
    assert shown["status"] == "revoked"


@pytest.mark.row("M33", "M81", "M82", "M83", "M84")
def test_an_unknown_identifier(api: Wire):
    answer = api.get(f"{CERTS}/invalid-id")
    assert (answer.status_code, answer.json()) == (404, documented.NOT_FOUND)


@pytest.mark.row("M34", "M35", "M36", "M37", "M38", "M39")
def test_download(client: Client, api: Wire):
    identifier = client.create()["identifier"]
    files = {kind: api.get(f"{CERTS}/{identifier}/download/{kind}") for kind in ("crt", "key")}
    by_csr = client.create(csr=pki.make_csr(subject="CN=user@example.com"), generate_key=False)["identifier"]
    files["csr"] = api.get(f"{CERTS}/{by_csr}/download/csr")
    for kind, answer in files.items():
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/octet-stream")
        name = by_csr if kind == "csr" else identifier
        assert answer["Content-Disposition"] == f'attachment; filename="{name}.{kind}"'
        assert answer["Cache-Control"] == "no-store"
    certificate = x509.load_pem_x509_certificate(files["crt"].content)
    assert certificate == x509_of(identifier)
    assert load_pem_private_key(files["key"].content, None).public_key() == certificate.public_key()
    assert x509.load_pem_x509_csr(files["csr"].content).public_key() == x509_of(by_csr).public_key()
    # The server keeps a CSR of its own making for every key; here there is one where somebody sent one.
    for path in (f"{by_csr}/download/key", f"{identifier}/download/csr", f"{identifier}/download/pfx"):
        assert api.get(f"{CERTS}/{path}").status_code == 404, path


@pytest.mark.row("M35")
def test_a_key_that_is_not_kept_waits_for_its_requester(client: Client, api: Wire, office: Office):
    """No answer of CertMate's holds a key, so it would be lost."""
    role = office.issuing.roles.get(name="certmate.client")
    role.store_private_keys = False
    role.save()
    first = client.create()["identifier"]
    second = api.post(f"{CERTS}/{first}/renew").json()["identifier"]
    for identifier in (first, second):
        row = Certificate.objects.get(identifier=identifier)
        assert row.key_custody == "waiting"
        assert api.get(f"{CERTS}/{identifier}/download/key").status_code == 404
        collected = api.post(f"/api/v2/certificates/{row.public_id}/private-key").json()["private_key"]
        assert load_pem_private_key(collected.encode(), None).public_key() == row.body.x509.public_key()


@pytest.mark.row("M40", "M42", "M43")
def test_revoke(client: Client, api: Wire):
    identifier = client.create()["identifier"]
    answer = api.post(f"{CERTS}/{identifier}/revoke", documented.REVOKE)
    assert answer.status_code == 200
    require_documented(answer.json(), documented.REVOKED)
    assert told(answer.json(), "message", "reason") == {
        "message": f"Certificate revoked: {identifier}",
        "reason": "compromised",
    }
    assert Certificate.objects.get(identifier=identifier).open_revocation.reason == "keyCompromise"


@pytest.mark.row("M41", "M42")
@pytest.mark.parametrize("body", [None, {}, b"{}", {"reason": ""}])
def test_revoke_without_a_reason(client: Client, api: Wire, body: Any):
    """The server wants JSON; the document says that it is optional."""
    answer = api.post(f"{CERTS}/{client.create()['identifier']}/revoke", body)
    assert (answer.status_code, answer.json()["reason"]) == (200, "unspecified")


@pytest.mark.row("M44", "M45", "M46")
def test_renew(client: Client, api: Wire):
    old = client.create(**documented.CREATE)
    answer = api.post(f"{CERTS}/{old['identifier']}/renew")
    assert answer.status_code == 201
    new = answer.json()
    require_documented(new, documented.RENEWED)
    before, after = x509_of(old["identifier"]), x509_of(new["identifier"])
    assert after.subject == before.subject
    assert new["serial_number"] != old["serial_number"]
    assert new["identifier"] != old["identifier"]
    assert after.public_key() != before.public_key()
    assert api.get(f"{CERTS}/{old['identifier']}").json()["status"] == "active"


@pytest.mark.row("M47", "M48", "M49", "M50", "M51", "M52", "M53", "M54")
def test_stats(client: Client, api: Wire, office: Office):
    """Custom usages are `other`, as on the page, where the three make the total; expired ones are told beside."""
    client.create("a", days_valid=10)
    client.create("b", cert_usage="vpn", days_valid=1000)
    client.create("c", cert_usage="custom-application", csr=pki.make_csr(subject="CN=c"))
    api.post(f"{CERTS}/{client.create('d')['identifier']}/revoke")
    expired = client.create("e", days_valid=100)["identifier"]
    Certificate.objects.filter(identifier=expired).update(not_after=datetime(2020, 1, 1, tzinfo=UTC))
    office.issue()
    answer = api.get(f"{CERTS}/stats")
    assert answer.status_code == 200
    require_documented(answer.json(), documented.STATS)
    assert answer.json() == {
        "total": 5,
        "active": 3,
        "revoked": 1,
        "expired": 1,
        "expiring_soon": 1,
        "by_usage": {"api-mtls": 3, "vpn": 1, "other": 1},
        "created_count": 5,
        "renewal_enabled": 4,
    }


@pytest.mark.row("M55", "M56", "M57", "M58")
def test_batch(api: Wire):
    answer = api.post(f"{CERTS}/batch", documented.BATCH)
    assert answer.status_code == 201
    made = answer.json()
    require_documented(made, documented.BATCHED)
    assert told(made, "total", "successful", "failed", "errors") == told(
        documented.BATCHED, "total", "successful", "failed", "errors"
    )
    names = [each["common_name"] for each in made["certificates"]]
    assert names == [each["common_name"] for each in documented.BATCHED["certificates"]]
    assert [Certificate.objects.get(identifier=each["identifier"]).usage for each in made["certificates"]] == [
        "api-mtls",
        "vpn",
        "api-mtls",
    ]


@pytest.mark.row("M56", "M59")
def test_batch_by_curl_takes_the_defaults_of_a_creation(api: Wire):
    made = api.post(f"{CERTS}/batch", documented.BATCH_BY_CURL).json()
    assert told(made, "total", "successful", "failed") == {"total": 2, "successful": 2, "failed": 0}
    for each in made["certificates"]:
        shown = api.get(f"{CERTS}/{each['identifier']}").json()
        assert (shown["cert_usage"], shown["organization"]) == ("api-mtls", "ACME Corp")
        lifetime = x509_of(each["identifier"])
        assert lifetime.not_valid_after_utc - lifetime.not_valid_before_utc > timedelta(days=364)


@pytest.mark.row("M60", "M61", "M62", "M63", "M64")
def test_ocsp_status(client: Client, api: Wire):
    made = client.create()
    serial = int(made["serial_number"])
    answer = api.get(f"/api/ocsp/status/{serial}")
    assert answer.status_code == 200
    require_documented(answer.json(), documented.OCSP)
    assert answer.json() | {"this_update": ""} == documented.OCSP | {"certificate_serial": serial, "this_update": ""}
    assert api.get("/api/ocsp/status/12345678").json()["certificate_status"] == "unknown"
    revoked = api.post(f"{CERTS}/{made['identifier']}/revoke", documented.REVOKE).json()
    for written in (f"{serial:x}", f"0x{serial:X}", str(serial)):
        said = api.get(f"/api/ocsp/status/{written}").json()
        assert told(said, "certificate_status", "certificate_serial", "revocation_time", "revocation_reason") == {
            "certificate_status": "revoked",
            "certificate_serial": serial,
            "revocation_time": revoked["revoked_at"],
            "revocation_reason": "keyCompromise",
        }


@pytest.mark.row("M66", "M67", "M68", "M69")
def test_crl_download(client: Client, api: Wire, office: Office):
    made = [client.create(str(number)) for number in range(2)]
    for each in made:
        api.post(f"{CERTS}/{each['identifier']}/revoke")
    office.issuing.crl_scopes.update(last_this_update=None)
    published(office)
    pem, der, info = (api.get(f"/api/crl/download/{kind}") for kind in ("pem", "der", "info"))
    assert [pem["Content-Type"], der["Content-Type"]] == ["application/x-pem-file", "application/pkix-crl"]
    for answer in (pem, der):
        assert answer["Content-Disposition"] == 'attachment; filename="ca.crl"'
    crl = x509.load_pem_x509_crl(pem.content)
    assert crl == x509.load_der_x509_crl(der.content)
    serials = {int(each["serial_number"]) for each in made}
    assert {entry.serial_number for entry in crl} == serials
    said = info.json()
    require_documented(said, documented.CRL_INFO)
    assert told(said, "status", "issuer", "revoked_count") == {
        "status": "available",
        "issuer": "CN=ACME Issuing CA, O=ACME",
        "revoked_count": 2,
    }
    assert set(said["revoked_serials"]) == serials
    assert said["last_update"] == crl.last_update_utc.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.row("M71", "M73", "M74", "M75", "M77", "M78", "M80")
def test_domain_bundle(api: Wire, office: Office, kept: Certificate):
    place = "/api/certificates/example.com/download"
    archive = api.get(place)
    assert (archive.status_code, archive["Content-Type"]) == (200, "application/zip")
    assert archive["Cache-Control"] == "no-store"
    with ZipFile(BytesIO(archive.content)) as unpacked:
        files = {name: unpacked.read(name).decode() for name in unpacked.namelist()}
    assert [*files] == ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"]
    assert files["fullchain.pem"] == files["cert.pem"] + files["chain.pem"]
    certificate = x509.load_pem_x509_certificate(files["cert.pem"].encode())
    assert certificate == kept.body.x509
    assert load_pem_private_key(files["privkey.pem"].encode(), None).public_key() == certificate.public_key()
    combined = files["fullchain.pem"] + files["privkey.pem"]
    for name, content in (files | {"combined.pem": combined}).items():
        if name in ("fullchain.pem", "privkey.pem", "combined.pem"):
            one = api.get(f"{place}?file={name}")
            assert (one["Content-Type"], one.content.decode()) == ("application/x-pem-file", content), name
    in_json = api.get(f"{place}?format=json")
    assert in_json["Content-Type"] == "application/json"
    assert in_json.json() == {
        "domain": "example.com",
        "cert_pem": files["cert.pem"],
        "chain_pem": files["chain.pem"],
        "fullchain_pem": files["fullchain.pem"],
        "private_key_pem": files["privkey.pem"],
    }
    assert tuple(in_json.json()) == documented.BUNDLE_MEMBERS


@pytest.mark.row("M85")
def test_the_statuses_of_the_document(client: Client, api: Wire):
    made = client.create()
    assert api.get(CERTS).status_code == 200
    assert api.post(f"{CERTS}/create", {}).status_code == 400
    assert Wire().get(CERTS).status_code == 401
    assert api.get(f"{CERTS}/{made['identifier']}x").status_code == 404


@pytest.mark.row("M91", "M92", "M93")
@pytest.mark.parametrize("usage", ["api-mtls", "vpn", "custom-application", "Drucker im 3. Stock"])
def test_every_usage_is_client_authentication(client: Client, usage: str):
    made = client.create(cert_usage=usage)
    assert made["cert_usage"] == usage
    purposes = x509_of(made["identifier"]).extensions.get_extension_for_class(ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]


@pytest.mark.row("M93")
@pytest.mark.parametrize("usage", ["", " ", "x" * 81, "a\nb", "\u202egpj", 5, None])
def test_a_usage_that_nobody_could_read_is_refused(api: Wire, usage: Any):
    refused = api.post(f"{CERTS}/create", {"common_name": "x", "cert_usage": usage})
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("cert_usage: ")


@pytest.mark.row("M96")
@pytest.mark.parametrize(
    "name", ["user@example.com", "Ann Lee", "../../etc/passwd", "…", "a" * 64, "*.acme.test", "-.-"]
)
def test_identifiers_stand_in_addresses(client: Client, api: Wire, name: str):
    made = client.create(name)
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}", made["identifier"])
    assert ".." not in made["identifier"]
    assert re.fullmatch(r".+-[0-9a-f]{8}", made["identifier"])
    assert api.get(f"{CERTS}/{made['identifier']}").json()["common_name"] == name
