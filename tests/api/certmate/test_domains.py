"""The files of a host: which certificate it is, who may have its key, and what there is no name for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.x509 import ReasonFlags
from django.utils import timezone

from cas.core.csr import read_csr
from cas.core.formats import to_pem
from certificates.models import Certificate
from certificates.orders import RevokeOrder
from certificates.services.revocation import revoke_certificate
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import pki
from tests.api.certmate.conftest import kept_certificate
from tests.api.wire import Wire, wire_of
from tests.office import Office

pytestmark = pytest.mark.django_db


def place(domain: str, query: str = "") -> str:
    return f"/api/certificates/{domain}/download{query}"


def found(wire: Wire, domain: str = "example.com") -> str | None:
    """The certificate that is handed out."""
    answer = wire.get(place(domain, "?format=json"))
    assert answer.status_code in (200, 404)
    return answer.json()["cert_pem"] if answer.status_code == 200 else None


def pem(row: Certificate) -> str:
    return to_pem(row.body.x509)


def test_a_stranger_finds_nothing(stranger: Wire, office: Office, kept: Certificate):
    for query in ("", "?file=fullchain.pem", "?format=json"):
        answer = stranger.get(place("example.com", query))
        assert (answer.status_code, answer.json()["code"]) == (404, "NO_HOST_FILES")


def test_downloading_is_not_exporting(office: Office, kept: Certificate):
    wire = wire_of(office.person, Permission.CERTIFICATES_DOWNLOAD)
    assert wire.get(place("example.com", "?file=fullchain.pem")).status_code == 200
    for query in ("", "?file=privkey.pem", "?file=combined.pem", "?format=json"):
        assert wire.get(place("example.com", query)).status_code == 403


@pytest.mark.row("M72")
def test_a_wildcard_is_a_name_of_its_own(api: Wire, office: Office, kept: Certificate):
    wild = kept_certificate(office, "*.example.com")
    assert found(api, "*.example.com") == pem(wild)
    assert found(api, "example.com") == pem(kept)
    assert found(api, "www.example.com") is None
    answer = api.get(place("*.example.com"))
    assert answer["Content-Disposition"] == 'attachment; filename="wildcard.example.com.zip"'


@pytest.mark.row("M72")
def test_any_name_of_a_certificate_leads_to_it_in_any_case(api: Wire, office: Office):
    row = kept_certificate(office, "a.example.com", "b.example.com")
    for name in ("a.example.com", "b.example.com", "B.Example.COM", "b.example.com."):
        assert found(api, name) == pem(row), name


@pytest.mark.row("M71")
def test_it_is_the_newest_that_is_good_now(api: Wire, office: Office, kept: Certificate):
    newer = kept_certificate(office, "example.com")
    assert found(api) == pem(newer)
    revoke_certificate(
        actor=office.owner, order=RevokeOrder(certificate=Ref("pk", newer.pk), reason=ReasonFlags.superseded)
    )
    assert found(api) == pem(kept)
    Certificate.objects.filter(pk=kept.pk).update(not_after=timezone.now() - timedelta(seconds=1))
    assert found(api) is None


@pytest.mark.row("M71", "M79")
def test_without_a_key_there_are_no_files(api: Wire, office: Office):
    kept_certificate(office, "example.com", key=read_csr(pki.make_csr(subject="CN=example.com")))
    assert found(api) is None
    assert api.get(place("example.com", "?file=fullchain.pem")).status_code == 404


@pytest.mark.row("M79")
@pytest.mark.parametrize("domain", ["unknown.example.com", "*", "*.com", "a" * 300, "x y", "é.example.com", "%00", "'"])
def test_an_unknown_name(api: Wire, office: Office, kept: Certificate, domain: str):
    answer = api.get(place(domain))
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


@pytest.mark.row("M76", "M77")
@pytest.mark.parametrize(
    "query",
    ["?file=cert.pem", "?file=../x", "?file=", "?format=zip", "?format=", "?x=1", "?file=privkey.pem&format=json"],
)
def test_a_file_that_there_is_not(api: Wire, office: Office, kept: Certificate, query: str):
    """Also of a host that is unknown: the server looks for that first."""
    for domain in ("example.com", "unknown.example.com"):
        answer = api.get(place(domain, query))
        assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_FAILED")


@pytest.mark.row("M80")
def test_ansible_and_salt_take_the_members_as_they_are(api: Wire, kept: Certificate):
    """Every member is a PEM text that ends its last line."""
    members = api.get(place("example.com", "?format=json"), Accept="application/json").json()
    for name, value in members.items():
        if name != "domain":
            assert value.startswith("-----BEGIN ")
            assert value.endswith("-----\n")
