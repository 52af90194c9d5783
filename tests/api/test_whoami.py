"""What every credential is told of itself, in both dialects that tell it."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.cache import cache
from django.utils import timezone

from accounts.models import ApiKey, Membership, ServiceAccount
from accounts.roles import PERMISSIONS, OrganizationRole
from accounts.services.service_accounts import create_service_account
from api.common.formats import read_time, time_text
from kernel.permissions import Permission
from kernel.secret import Secret
from tests import cast
from tests.api.wire import Wire, wire_of
from tests.clients import bound, client_certificate
from tests.oauth.desk import open_desk
from tests.office import Office, open_office
from tests.token_issuer import token_issuer

pytestmark = pytest.mark.django_db
PROXY_SECRET = "0123456789abcdef0123456789abcdef"
NATIVE, CERTMAN = "/api/v2/whoami", "/v1/whoami"


@pytest.fixture
def office() -> Office:
    return open_office()


def key_for_both(office: Office) -> dict[str, Any]:
    grants = [
        {"pki_id": str(office.issuing.public_id), "can_issue": True},
        {"pki_id": str(office.root.public_id), "can_read": False, "can_revoke": True},
    ]
    body = {"name": "ci", "grants": grants, "expires_at": "2999-01-01T00:00:00Z"}
    answer = wire_of(office.person).post("/api/v2/api-keys", body)
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def told(wire: Wire, address: str = NATIVE) -> dict[str, Any]:
    answer = wire.get(address)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_a_key_for_single_cas_is_told_them(office):
    key = key_for_both(office)
    body = told(Wire(key["token"]))
    assert body["credential"] == {
        "kind": "api_key",
        "id": key["id"],
        "name": "ci",
        "prefix": key["prefix"],
        "expires_at": "2999-01-01T00:00:00Z",
    }
    person, organization = office.person.user, office.organization
    assert body["user"] == {"id": str(person.public_id), "email": person.email, "name": person.name}
    assert body["organization"] == {
        "id": str(organization.public_id),
        "name": organization.name,
        "slug": organization.slug,
    }
    by_name = {grant["pki_name"]: grant["permissions"] for grant in body["grants"]}
    assert "certificates:issue" in by_name[office.issuing.name]
    assert by_name[office.root.name] == ["certificates:revoke"]
    assert (body["is_superuser"], "certificates:revoke" in body["permissions"]) == (False, True)


def test_a_key_of_the_whole_organization_has_no_grants(office):
    body = told(wire_of(office.person, Permission.AUDIT_READ))
    assert (body["permissions"], body["grants"], body["credential"]["expires_at"]) == (["audit:read"], None, None)


def test_it_tells_what_may_be_done_now(office):
    key = Wire(key_for_both(office)["token"])
    cast.member(office.organization, OrganizationRole.OWNER, "second@acme.example")
    Membership.objects.filter(user=office.person.user).update(role=OrganizationRole.APPROVER)
    body = told(key)
    assert set(body["permissions"]) <= PERMISSIONS[OrganizationRole.APPROVER]
    assert {grant["pki_name"]: grant["permissions"] for grant in body["grants"]}[office.root.name] == []


def test_a_signed_in_person_is_told_who_they_are(office):
    wire = Wire()
    wire.client.force_login(office.person.user)
    body = told(wire)
    assert (body["credential"]["kind"], body["credential"]["id"]) == ("user", None)
    assert body["user"]["email"] == office.person.user.email


def test_a_superuser_above_all_organizations_has_none(db):
    wire = Wire()
    wire.client.force_login(cast.superuser())
    body = told(wire)
    assert (body["organization"], body["is_superuser"]) == (None, True)
    assert told(wire, CERTMAN)["workspace"] is None


def test_it_takes_no_parameters(office):
    assert wire_of(office.person).get(f"{NATIVE}?verbose=1").status_code == 422


# --- by other ways in -------------------------------------------------------------------------------------------------


def test_an_application_is_told_of_its_person_and_of_its_token():
    cache.clear()
    desk = open_desk()
    token = desk.tokens("read", "issue")["access_token"]
    body = told(Wire(token))
    credential = body["credential"]
    assert (credential["kind"], credential["id"], credential["prefix"]) == ("oauth_client", None, None)
    assert credential["name"].startswith("Deploy tool")
    assert timedelta(minutes=59) < read_time(credential["expires_at"]) - timezone.now() <= timedelta(hours=1)
    assert body["user"]["email"] == desk.office.person.user.email
    assert [grant["pki_name"] for grant in body["grants"]] == [desk.office.issuing.name]
    assert told(Wire(token), CERTMAN)["apiKey"] is None


def test_a_machine_with_a_certificate_is_told_of_its_account(office, settings):
    settings.CLIENT_CERTIFICATE_PROXIES = [ip_network("127.0.0.0/8")]
    settings.PROXY_SECRET = Secret(PROXY_SECRET)
    account = machine(office)
    certificate = client_certificate(office)
    bound(office, account, certificate)
    encoded = b64encode(certificate.x509.public_bytes(Encoding.DER)).decode()
    headers = {"Client-Cert": f":{encoded}:", "X-Proxy-Secret": PROXY_SECRET}
    credential = Wire().get(NATIVE, **headers).json()["credential"]
    assert credential == {
        "kind": "service_account",
        "id": str(account.public_id),
        "name": "deploy",
        "prefix": None,
        "expires_at": time_text(certificate.certificate.not_after),
    }


def test_a_token_of_an_issuer_elsewhere_says_when_it_ends(office):
    with token_issuer() as elsewhere:
        elsewhere.configured(office.organization, office.owner)
        body = told(Wire(elsewhere.token()))
    assert body["credential"]["kind"] == "user"
    assert read_time(body["credential"]["expires_at"]) > timezone.now()


def machine(office: Office) -> ServiceAccount:
    return create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="deploy",
        permissions=[Permission.CERTIFICATES_READ],
    )


# --- Certman ----------------------------------------------------------------------------------------------------------


@pytest.mark.row("C33", "C34", "C35", "C36", "C37")
def test_certman_says_it_so(office):
    key = key_for_both(office)
    row = ApiKey.objects.get(public_id=key["id"])
    person, organization = office.person.user, office.organization
    assert told(Wire(key["token"]), CERTMAN) == {
        "user": {"id": str(person.public_id), "email": person.email},
        "workspace": {"id": str(organization.public_id), "name": organization.name, "slug": organization.slug},
        "apiKey": {"id": str(row.public_id), "name": "ci", "prefix": key["token"][:7]},
        "permissions": {
            str(office.issuing.public_id): {"canRead": True, "canIssue": True, "canRevoke": False},
            str(office.root.public_id): {"canRead": False, "canIssue": False, "canRevoke": True},
        },
    }


def test_certman_tells_a_key_of_the_whole_organization_of_every_ca(office):
    body = told(wire_of(office.person, Permission.CERTIFICATES_READ), CERTMAN)
    assert body["permissions"] == {
        str(ca.public_id): {"canRead": True, "canIssue": False, "canRevoke": False}
        for ca in (office.root, office.issuing)
    }


ERRORS = {
    "no credential": (Wire(), "GET", CERTMAN, 401),
    "a bad one": (Wire("cm_" + "x" * 32), "GET", CERTMAN, 401),
    "no such address": (Wire(), "GET", "/v1/nothing", 404),
    "another method": (Wire(), "DELETE", CERTMAN, 405),
}


@pytest.mark.row("C31")
@pytest.mark.parametrize(("wire", "method", "path", "status"), ERRORS.values(), ids=ERRORS)
def test_certman_says_one_sentence_of_every_error(wire, method, path, status):
    answer = wire.send(method, path)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    body = answer.json()
    assert list(body) == ["error"]
    assert isinstance(body["error"], str)
    assert len(body["error"]) > 10
    assert ("WWW-Authenticate" in answer) == (status == 401)
