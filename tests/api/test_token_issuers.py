"""Token issuers, machine identities and client certificates over the API: who configures them, and how."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import MachineIdentity, PrivateRange
from accounts.services.oidc_issuers import IssuerOrder, create_oidc_issuer
from accounts.services.private_ranges import allow_private_range, forbid_private_range
from accounts.services.service_accounts import create_service_account
from kernel.errors import Conflict, Denied
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import wire_of, wrong_fields
from tests.clients import client_certificate
from tests.office import open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

ISSUERS, MACHINES = "/api/v2/token-issuers", "/api/v2/machine-identities"
CLIENTS = "/api/v2/client-certificates"
BODY: dict[str, Any] = {
    "name": "Example ID",
    "issuer": "https://id.example.com",
    "audience": "https://pki.acme.example",
    "role_claim": "groups",
    "role_map": {"pki-operators": "operator"},
}


@pytest.fixture
def owner():
    return cast.owner(cast.organization())


@pytest.fixture
def wire(owner):
    return wire_of(owner)


class Browser:
    """An owner in person: keys bind nothing."""

    def __init__(self, person: cast.Person) -> None:
        self.client = Client()
        self.client.force_login(person.user)

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(path, body, "application/json")

    def delete(self, path: str) -> Any:
        return self.client.delete(path)


@pytest.fixture
def account(owner):
    return create_service_account(
        actor=owner.actor,
        organization=owner.organization,
        owner=owner.user,
        name="build server",
        permissions=[Permission.CERTIFICATES_READ],
    )


@pytest.mark.row("P34")
def test_an_owner_configures_changes_and_removes_an_issuer(wire):
    made = wire.post(ISSUERS, BODY)
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["algorithms"], shown["email_claim"]) == (["RS256", "ES256"], "email")
    assert (shown["is_active"], shown["keys_fetched_at"]) == (True, None)
    changed = wire.patch(made["Location"], {"algorithms": ["PS256"], "is_active": False})
    assert changed.json() == shown | {"algorithms": ["PS256"], "is_active": False}
    assert wire.get(ISSUERS).json()["data"] == [changed.json()]
    assert wire.delete(made["Location"]).status_code == 204
    assert wire.get(made["Location"]).status_code == 404


WRONG = {
    "without TLS": ({"issuer": "http://id.example.com"}, {"issuer": "invalid"}),
    "with a query": ({"issuer": "https://id.example.com/?x"}, {"issuer": "invalid"}),
    "of this machine": ({"issuer": "http://10.0.0.1"}, {"issuer": "invalid"}),
    "a shared secret": ({"algorithms": ["HS256"]}, {"algorithms[0]": "unsupported-algorithm"}),
    "no signature": ({"algorithms": ["RS256", "none"]}, {"algorithms[1]": "unsupported-algorithm"}),
    "an unknown role": ({"role_map": {"x": "king"}}, {"role_map.x": "unknown-role"}),
    "owners": ({"role_map": {"x": "owner"}}, {"role_map.x": "only-by-hand"}),
    "approvers": ({"default_role": "approver"}, {"default_role": "only-by-hand"}),
    "members without a role": (
        {"makes_members": True, "role_map": {}, "role_claim": ""},
        {"default_role": "required"},
    ),
    "values of no claim": ({"role_claim": ""}, {"role_claim": "required"}),
}


@pytest.mark.parametrize(("changes", "fields"), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_refused_by_field(wire, changes, fields):
    answer = wire.post(ISSUERS, BODY | changes)
    assert answer.status_code == 422, answer.content
    assert wrong_fields(answer) == fields


def test_an_issuer_and_an_audience_belong_to_one_organization(wire):
    assert wire.post(ISSUERS, BODY).status_code == 201
    stranger = wire_of(cast.stranger())
    taken = stranger.post(ISSUERS, BODY)
    assert (taken.status_code, taken.json()["type"].rpartition("/")[2]) == (409, "oidc-issuer-exists")
    assert stranger.post(ISSUERS, BODY | {"audience": "https://pki.umbrella.example"}).status_code == 201


@pytest.mark.parametrize("role", ["operator", "approver", "auditor", "member"])
def test_only_an_owner_configures_issuers(owner, role):
    person = cast.member(owner.organization, role)
    order = IssuerOrder(name="Example", audience="x")
    with refused(Denied):
        create_oidc_issuer(
            actor=person.actor, organization=owner.organization, issuer="https://id.example.com", order=order
        )


class TestMachines:
    @pytest.fixture
    def body(self, wire, account):
        issuer = wire.post(ISSUERS, BODY).json()["id"]
        return {"issuer_id": issuer, "subject": "ci@clients", "service_account_id": str(account.public_id)}

    def test_an_owner_binds_a_subject_in_person(self, owner, wire, body):
        browser = Browser(owner)
        made = browser.post(MACHINES, body)
        assert made.status_code == 201, made.content
        assert {key: made.json()[key] for key in body} == body
        assert made.json()["bound_by"] == owner.user.email
        assert browser.post(MACHINES, body).status_code == 409
        assert wire.delete(f"{ISSUERS}/{body['issuer_id']}").status_code == 409
        assert browser.delete(made["Location"]).status_code == 204
        assert not MachineIdentity.objects.exists()

    def test_a_key_binds_nothing(self, wire, body):
        answer = wire.post(MACHINES, body)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "not-with-this-credential")

    def test_nothing_of_another_organization_is_bound(self, body):
        answer = Browser(cast.stranger()).post(MACHINES, body)
        assert answer.status_code == 404
        assert not MachineIdentity.objects.exists()


class TestClientCertificates:
    def test_an_owner_binds_a_certificate_in_person(self):
        office = open_office()
        account = create_service_account(
            actor=office.owner,
            organization=office.organization,
            owner=office.person.user,
            name="build server",
            permissions=[Permission.CERTIFICATES_READ],
        )
        certificate = client_certificate(office).certificate
        body = {"certificate_id": str(certificate.public_id), "service_account_id": str(account.public_id)}
        assert wire_of(office.person).post(CLIENTS, body).status_code == 403
        browser = Browser(office.person)
        made = browser.post(CLIENTS, body)
        assert made.status_code == 201, made.content
        shown = made.json()
        assert (shown["fingerprint"], shown["follows_renewal"]) == (certificate.fingerprint, False)
        assert wire_of(office.person).get(CLIENTS).json()["data"] == [shown]
        assert wire_of(cast.stranger()).get(made["Location"]).status_code == 404
        assert browser.delete(made["Location"]).status_code == 204


class TestPrivateRanges:
    def test_a_superuser_allows_and_forbids_one(self, owner):
        row = allow_private_range(actor=cast.SUPERUSER, organization=owner.organization, network=" 10.20.0.0/16 ")
        assert row.network == "10.20.0.0/16"
        with refused(Conflict, "private-range-exists"):
            allow_private_range(actor=cast.SUPERUSER, organization=owner.organization, network="10.20.0.0/16")
        forbid_private_range(actor=cast.SUPERUSER, private_range=row)
        assert not PrivateRange.objects.exists()

    def test_an_owner_allows_none(self, owner):
        with refused(Denied):
            allow_private_range(actor=owner.actor, organization=owner.organization, network="10.0.0.0/8")

    @pytest.mark.parametrize("network", ["", "x", "10.0.0.1/8", "10.0.0.0/33"])
    def test_what_is_no_range_is_refused(self, owner, network):
        with invalid(("network", "invalid")):
            allow_private_range(actor=cast.SUPERUSER, organization=owner.organization, network=network)
