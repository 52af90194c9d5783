"""Who comes in: for every address that the URL configuration has, whoever wrote it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.models import CustomRole, OidcIssuer, ServiceAccount
from accounts.services.custom_roles import create_custom_role
from accounts.services.invitations import invite
from accounts.services.machine_identities import bind_machine_identity
from accounts.services.oauth_clients import create_client
from accounts.services.oidc_issuers import IssuerOrder, create_oidc_issuer
from accounts.services.service_accounts import create_service_account
from accounts.services.sign_in_providers import ProviderOrder, create_sign_in_provider
from audit.models import AuditEvent
from audit.selectors import latest_checkpoint, visible_events
from audit.services import seal
from cas.models import Template
from cas.services.templates import create_template, order_of
from certificates.services.placements import add_placement
from certificates.services.submission import submit_request
from kernel.actor import SYSTEM
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast
from tests.api.routes import ROUTES, Route
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.certificates.asking import with_capability
from tests.clients import bound, client_certificate
from tests.office import order_for
from tests.security.whole import consent_of
from tests.security.whole_acme import public_rows, told_rows
from tests.trusting import trust

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

every_route = pytest.mark.parametrize("route", ROUTES, ids=str)
every_guarded_route = pytest.mark.parametrize("route", [each for each in ROUTES if not each.is_for_everyone], ids=str)


@pytest.fixture
def person():
    """An owner of an organization that has nothing yet; an owner may do everything."""
    return almighty(cast.owner(cast.organization()))


@pytest.fixture
def api(office):
    return wire_of(almighty(office.person))


@pytest.fixture
def stranger(db):
    return wire_of(almighty(cast.stranger()))


def almighty(person):
    """Somebody who was allowed to decide on requests, too, which no owner is as such."""
    return replace(person, actor=with_capability(person, Permission.REQUESTS_DECIDE))


def keys_of(office, version):
    """The id of a row of the office for each view, as the version shows it."""
    issued = office.issue().certificate
    rows = {
        "Certificates": issued,
        "Requests": request_of(office),
        "Templates": office.template,
        "Roles": office.role,
        "Authorities": office.issuing,
        "PendingAuthorities": office.issuing,
        "ArrivingAuthorities": office.issuing,
        "ForeignAuthorities": office.issuing,
        "AuthorityCertificates": office.issuing,
        "AuthoritySuccession": office.issuing,
        "AuthorityDialects": office.issuing,
        "Organizations": office.organization,
        "Members": office.organization.memberships.get(),
        "ApiKeys": cast.api_key(office.person)[0],
        "ServiceAccounts": service_account_of(office),
        **joining(office),
        **machines(office),
        **dict.fromkeys(("Renewals", "Pulls", "CertificatePlacements"), issued),
        "Placements": add_placement(actor=office.owner, certificate=Ref("pk", issued.pk), host="www.acme.test"),
        **applications(office),
        **(public_and_told(office) if version == "v2" else {}),
        "TrustAnchors": trust(office),
    }
    keys = {name: row.pk if version == "v1" else row.public_id for name, row in rows.items()}
    seal(actor=SYSTEM)
    log = office.organization.pk
    return keys | {
        "CertificatesBySerial": issued.serial,
        "Audit": visible_events(office.owner)[0].event_id,
        "Checkpoints": latest_checkpoint(log).size,
    }


def service_account_of(office):
    return create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name=f"ACME robot {ServiceAccount.objects.count()}",
        permissions=[Permission.CERTIFICATES_READ],
    )


def applications(office):
    """An application of the office, and what its owner lets it do."""
    made = create_client(
        actor=office.owner,
        organization=office.organization,
        name="ACME application",
        redirect_uris=["https://app.acme.example/callback"],
    )
    return {"OAuthClients": made.row, "OAuthConsents": consent_of(office, made.row)}


def public_and_told(office):
    """What the office has of public certificates and of notices."""
    rows = public_rows(office) | told_rows(office)
    return {
        "AcmeAccounts": rows["acme_account"],
        "AcmeOrders": rows["acme_order"],
        "AcmeChallenges": rows["acme_challenge"],
        "PublicNames": rows["public_name"],
        "DnsProviders": rows["dns_provider"],
        "Channels": rows["channel"],
        "NotificationRules": rows["notice_rule"],
        "Notices": rows["notice"],
        "Mutes": rows["mute"],
        "Deliveries": rows["delivery"],
    }


def joining(office):
    """What decides who joins the office."""
    here = {"actor": office.owner, "organization": office.organization}
    number = CustomRole.objects.count()
    permissions = [Permission.REQUESTS_DECIDE]
    return {
        "CustomRoles": create_custom_role(**here, name=f"ACME approvers {number}", permissions=permissions),
        "Invitations": invite(**here, email=f"new{number}@acme.example", role="member"),
        "SignInProviders": create_sign_in_provider(
            **here,
            issuer=f"https://id{number}.acme.example",
            client_id="x",
            client_secret=None,
            order=ProviderOrder(name="ACME"),
        ),
    }


def machines(office):
    """How machines of the office sign in."""
    number, account = OidcIssuer.objects.count(), service_account_of(office)
    issuer = create_oidc_issuer(
        actor=office.owner,
        organization=office.organization,
        issuer="https://id.acme.example",
        order=IssuerOrder(name="ACME", audience=f"audience {number}"),
    )
    return {
        "TokenIssuers": issuer,
        "MachineIdentities": bind_machine_identity(actor=office.owner, issuer=issuer, subject="ci", account=account),
        "ClientCertificates": bound(office, account, client_certificate(office)),
    }


def request_of(office):
    guarded = replace(order_of(office.template), code=f"guarded-{Template.objects.count()}", requires_approval=True)
    template = create_template(actor=office.owner, order=guarded)
    return submit_request(actor=office.owner, order=order_for(template))


def test_a_stranger_is_told_that_it_does_not_exist(office, stranger, subtests):
    """The same answer as for what really does not."""
    keys = {version: keys_of(office, version) for version in ("v1", "v2")}
    before = AuditEvent.objects.filter(log=office.organization.pk).count()
    for route in (route for route in ROUTES if route.is_item):
        with subtests.test(str(route)):
            key = keys[route.version][route.view.__name__]
            answer = stranger.send(route.method, route.path(key), valid_body(route))
            absent = stranger.send(route.method, route.path(), valid_body(route))
            assert (answer.status_code, absent.status_code) == (404, 404)
            assert said(answer, key) == said(absent, route.nowhere)
    assert AuditEvent.objects.filter(log=office.organization.pk).count() == before


def said(answer, key):
    """The problem without what is different in every one."""
    problem = answer.json()
    del problem["instance"], problem["trace_id"]
    return problem | {"detail": problem["detail"].replace(str(key), "")}


def valid_body(route: Route):
    bodies = {("Members", "partial_update"): {"role": "member"}, ("Authorities", "revoke"): {"reason": "superseded"}}
    bodies |= {("AuthorityDialects", "open"): {"dialect": "fastpki"}}
    bodies |= {("CertificatePlacements", "create"): {"host": "www.acme.test"}}
    bodies |= {("Requests", "approve"): {"digest": "0" * 64}, ("Requests", "reject"): {"reason": "no"}}
    return bodies.get((route.view.__name__, route.action), {} if route.has_body else None)


def test_a_list_shows_a_stranger_nothing_of_another_organization(office, stranger, subtests):
    office.issue()
    own = {"Organizations": 1, "Members": 1, "ApiKeys": 1}
    for route in (route for route in ROUTES if route.action == "list" and not route.is_item):
        with subtests.test(str(route)):
            answer = stranger.get(route.path())
            assert answer.status_code == 200
            assert b"ACME" not in answer.content
            if route.view.__name__ != "Audit":
                assert answer.json()["pagination"]["total"] == own.get(route.view.__name__, 0)


@every_route
def test_nobody_is_asked_for_a_credential(route: Route):
    answer = Wire().send(route.method, route.path(), {} if route.has_body else None)
    assert answer.status_code == 401
    metadata = "http://localhost:8000/.well-known/oauth-protected-resource"
    assert answer["WWW-Authenticate"] == f'Bearer realm="Chancery", resource_metadata="{metadata}"'
    assert answer.json()["type"].endswith("/unauthenticated")


@every_route
def test_a_bad_credential_is_never_taken_for_none(route: Route, person):
    wire = Wire("pkf_" + "x" * 32)
    assert wire.client.login(username=person.user.email, password=cast.PASSWORD)
    answer = wire.send(route.method, route.path(), {} if route.has_body else None)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


@pytest.mark.row("P31")
@every_guarded_route
def test_a_key_without_the_permission_is_refused_with_its_name(route: Route, person):
    others = set(person.actor.permissions) - {route.permission, *route.permissions_for_own}
    answer = wire_of(person, *others).send(route.method, route.path(), {} if route.has_body else None)
    assert answer.status_code == 403
    assert route.permission.value in answer.json()["detail"]
    refusal = AuditEvent.objects.order_by("-pk")[0]
    assert (refusal.name, refusal.log) == ("permission.refused", person.organization.pk)


@every_guarded_route
def test_every_action_names_a_permission_that_keys_can_have(route: Route):
    assert isinstance(route.permission, Permission)
    assert hasattr(route.view, route.action)


def test_an_action_that_names_no_permission_is_refused(person, monkeypatch):
    from api.native.stats import Stats

    monkeypatch.setattr(Stats, "permissions", {})
    assert wire_of(person).get("/api/v2/stats").status_code == 403


@pytest.mark.parametrize("route", [route for route in ROUTES if route.is_item and not route.is_by_serial], ids=str)
def test_an_id_that_is_none_is_not_found(route: Route):
    for garbage in ("0", "-1", "1e3", "٣", "x", "1" * 40, "%00", "1%20", "..%2f1", "%ff", "null"):
        answer = Wire().send(route.method, route.path(garbage), {} if route.has_body else None)
        assert answer.status_code == 404, garbage
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("route", [route for route in ROUTES if route.is_item and route.version == "v1"], ids=str)
def test_the_greatest_id_that_is_one_is_not_found(route: Route, person):
    answer = wire_of(person).send(route.method, route.path("9" * 18), {} if route.has_body else None)
    assert answer.status_code == 404


@every_route
def test_an_unknown_parameter_is_an_error_that_names_it(route: Route, person):
    answer = wire_of(person).send(route.method, route.path() + "?colour=x&Limit=1", {} if route.has_body else None)
    assert wrong_fields(answer) == {"Limit": "unknown-field", "colour": "unknown-field"}


def test_an_unknown_field_is_an_error_that_names_it(office, api, subtests):
    keys = {version: keys_of(office, version) for version in ("v1", "v2")}
    takes_none = {"retire", "disable", "enable", "release", "cancel", "prefer", "abandon", "resend"}
    takes_none |= {
        "roll_key",
        "retry",
        "refresh",
        "complete",
        "prove",
        "test",
        "rotate_secret",
        "mute",
        "repeat",
        "check",
    }
    for route in (route for route in ROUTES if route.has_body and route.action not in takes_none):
        if (route.view.__name__, route.action) == ("OAuthClients", "rotate"):
            continue
        with subtests.test(str(route)):
            answer = api.send(route.method, route.path(keys[route.version].get(route.view.__name__)), {"surprise": 1})
            assert wrong_fields(answer)["surprise"] == "unknown-field"


@every_route
def test_another_method_is_answered_with_those_that_are_allowed(route: Route):
    allowed = {each.method for each in ROUTES if each.template == route.template}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - allowed:
        answer = Wire().send(method, route.path())
        assert answer.status_code == 405, method
        assert set(answer["Allow"].split(", ")) - {"HEAD"} == allowed
        assert answer.json()["type"].endswith("/method-not-allowed")


@every_route
def test_every_answer_is_traced_and_never_stored(route: Route):
    answer = Wire().send(route.method, route.path())
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Trace-Id"] == answer.json()["trace_id"]
    assert len(answer["X-Trace-Id"]) == 26
