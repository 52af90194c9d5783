"""What a licence does not cover is refused with 402, and said whom to ask; the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.features import features_of
from accounts.services.features import set_features
from audit.models import AuditEvent
from cas.core.formats import to_pem
from kernel.errors import Denied, Invalid
from kernel.features import Feature
from kernel.permissions import Permission
from tests import cast, pki
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.office import Office, open_office
from tests.refusals import refused

pytestmark = pytest.mark.django_db
V2 = "/api/v2"


@pytest.fixture
def office() -> Office:
    return open_office()


def in_browser(office: Office) -> Wire:
    wire = Wire()
    wire.client.force_login(office.person.user)
    return wire


def batch(office: Office, wire: Wire) -> Any:
    rows = [{"common_name": "www.acme.test"}]
    return wire.post(f"{V2}/certificates/batch", {"template_code": office.template.code, "rows": rows})


def role(_office: Office, wire: Wire) -> Any:
    return wire.post(f"{V2}/member-roles", {"name": "Approvers", "permissions": ["requests:read"]})


def provider(_office: Office, wire: Wire) -> Any:
    body = {"name": "ID", "issuer": "https://id.example.com", "client_id": "chancery", "client_secret": "x" * 20}
    return wire.post(f"{V2}/sign-in-providers", body)


def token_issuer(_office: Office, wire: Wire) -> Any:
    body = {"name": "CI", "issuer": "https://ci.example.com", "audience": "chancery", "algorithms": ["RS256"]}
    return wire.post(f"{V2}/token-issuers", body)


def service_account(_office: Office, wire: Wire) -> Any:
    return wire.post(f"{V2}/service-accounts", {"name": "deploy", "permissions": ["certificates:read"]})


def granular_key(office: Office, wire: Wire) -> Any:
    grants = [{"pki_id": str(office.issuing.public_id), "can_read": True, "can_issue": True}]
    return wire.post(f"{V2}/api-keys", {"name": "ci", "grants": grants})


def fetched_revocation(office: Office, wire: Wire) -> Any:
    body = {"certificate": to_pem(pki.issue()), "fetch": True}
    return wire.post(f"{V2}/certificates/validate", body)


COVERED: dict[str, tuple[Feature, Callable[[Office, Wire], Any]]] = {
    "batches": (Feature.BATCHES, batch),
    "a role of one's own": (Feature.CUSTOM_ROLES, role),
    "a sign-in provider": (Feature.EXTERNAL_SIGN_IN, provider),
    "a token issuer": (Feature.EXTERNAL_SIGN_IN, token_issuer),
    "a service account": (Feature.SERVICE_ACCOUNTS, service_account),
    "rights one by one": (Feature.GRANULAR_GRANTS, granular_key),
    "asking elsewhere about revocations": (Feature.FETCHED_REVOCATION, fetched_revocation),
}


def test_every_feature_is_tried_here():
    assert {feature for feature, _ask in COVERED.values()} == set(Feature)


@pytest.mark.row("P80")
@pytest.mark.parametrize(("feature", "ask"), COVERED.values(), ids=COVERED)
def test_what_is_not_licensed_is_refused_with_whom_to_ask(office, settings, feature, ask):
    settings.LICENCE_CONTACT = "sales@chancery.example"
    others = [each for each in Feature if each != feature]
    set_features(actor=cast.SUPERUSER, organization=office.organization, features=others)
    answer = ask(office, in_browser(office))
    body = answer.json()
    assert (answer.status_code, body["type"].rpartition("/")[2]) == (402, "not-licensed")
    assert feature.value in body["detail"]
    assert "sales@chancery.example" in body["detail"]
    set_features(actor=cast.SUPERUSER, organization=office.organization, features=[feature])
    assert ask(office, in_browser(office)).status_code in (200, 201)


def test_who_may_not_do_it_anyway_is_told_that_first(office):
    set_features(actor=cast.SUPERUSER, organization=office.organization, features=[])
    wire = wire_of(office.person, Permission.AUDIT_READ)
    assert [ask(office, wire).status_code for _feature, ask in COVERED.values()] == [403] * len(COVERED)


@pytest.mark.row("C25")
def test_without_rights_one_by_one_a_key_has_all_three_at_the_chosen_cas(office):
    wire, names = in_browser(office), ("can_read", "can_issue", "can_revoke")
    set_features(actor=cast.SUPERUSER, organization=office.organization, features=[])
    ca = {"pki_id": str(office.issuing.public_id)}
    answer = wire.post(f"{V2}/api-keys", {"name": "ci", "grants": [ca | dict.fromkeys(names, True)]})
    assert answer.status_code == 201
    for name in names:
        rights = dict.fromkeys(names, True) | {name: False}
        assert wire.post(f"{V2}/api-keys", {"name": "ci", "grants": [ca | rights]}).status_code == 402


def test_what_is_there_already_works_on(office):
    token = granular_key(office, in_browser(office)).json()
    set_features(actor=cast.SUPERUSER, organization=office.organization, features=[])
    assert Wire(token["token"]).get(f"{V2}/cas").status_code == 200
    assert in_browser(office).post(f"{V2}/api-keys/{token['id']}/rotate", {}).status_code == 201


# --- who says so ------------------------------------------------------------------------------------------------------


def test_an_installation_gives_everything_unless_it_says_otherwise(office, settings):
    assert office.organization.features is None
    assert features_of(office.organization) == set(Feature)
    settings.LICENSED_FEATURES = ("batches",)
    assert features_of(office.organization) == {Feature.BATCHES}
    office.organization.features = ["custom-roles", "what was licensed once"]
    assert features_of(office.organization) == {Feature.CUSTOM_ROLES}


def test_a_superuser_says_what_is_licensed(office):
    wire, path = Wire(), f"{V2}/organizations/{office.organization.public_id}"
    wire.client.force_login(cast.superuser())
    assert wire.patch(path, {"features": ["batches"]}).json()["features"] == ["batches"]
    event = AuditEvent.objects.order_by("-pk")[0]
    assert (event.name, event.document["metadata"]["features"]) == ("organization.updated", ["batches"])
    assert wire.get(path).json()["features"] == ["batches"]
    assert wrong_fields(wire.patch(path, {"features": ["batches", "x"]})) == {"features[1]": "unknown-feature"}
    assert wire.patch(path, {"features": None}).json()["features"] == sorted(Feature)


def test_nobody_licenses_themselves(office):
    for wire in (in_browser(office), wire_of(office.person)):
        answer = wire.patch(f"{V2}/organizations/{office.organization.public_id}", {"features": []})
        assert answer.status_code == 403
    with refused(Denied):
        set_features(actor=office.owner, organization=office.organization, features=None)
    with refused(Invalid):
        set_features(actor=cast.SUPERUSER, organization=office.organization, features=["everything"])
