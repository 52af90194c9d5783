"""Every operation of the API under every credential that it is not for: read from the URL configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.grants import RIGHTS, GrantOrder
from accounts.models import ApiKey
from accounts.roles import ORGANIZATION_PERMISSIONS
from accounts.services.organizations import add_member
from cas.models import CertificateAuthority
from certificates.models import Certificate
from kernel.permissions import Permission
from tests import cast, pki
from tests.api.wire import Wire
from tests.certificates.asking import with_capability
from tests.security.doors import API, OPEN, OWN, addresses, with_holes
from tests.security.doors_fastpki import NOT_BY_KEY
from tests.security.whole import Whole, key_for, snapshot, speaks_of_acme, unchanged, whole_organization, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NOWHERE = {
    "organization_number": "999999999",
    "person_number": "999999999",
    "account_number": "999999999",
    "token_number": "999999999",
    "certificate_number": "999999999",
    "stored_number": "999999999",
    "ca_number": "999999999",
    "event": "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    "checkpoint": "999999999",
    "serial": "7f:ff:ff:ff:ff",
    "fingerprint": "0" * 64,
    "client": "client.acme.test-00000000",
    "client_of_csr": "client.acme.test-00000000",
    "host": "nowhere.acme.test",
}
NO_ID = "00000000-0000-4000-8000-000000000000"
# What the owner of the object could send, so that nothing but who it is stands between a stranger and the change.
BODIES: dict[str, dict[str, Any]] = {
    "PATCH /api/v2/organizations/{organization}": {"features": ["batches"]},
    "PATCH /api/v2/members/{member}": {"capabilities": ["audit:read"]},
    "PATCH /api/v2/member-roles/{custom_role}": {"name": "Others"},
    "PATCH /api/v2/sign-in-providers/{provider}": {"name": "Others", "default_role": "owner"},
    "PATCH /api/v2/service-accounts/{service_account}": {"name": "Others"},
    "PATCH /api/v2/cas/{ca}": {"allow_leaf_certificates": False},
    "POST /api/v2/cas/{ca}/revoke": {"reason": "superseded"},
    "POST /api/v2/cas/{ca}/dialects": {"dialect": "fastpki"},
    "POST /api/v2/cas/{ca}/certify": {"name": "Umbrella", "csr": pki.make_csr(subject="CN=Umbrella")},
    "POST /api/v2/cas/{ca}/successor": {"name": "ACME next"},
    "POST /api/v2/cas/{ca}/certificates/{fingerprint}/revoke": {"reason": "superseded"},
    "POST /api/v2/certificates/{certificate}/placements": {"host": "www.acme.test"},
    "PATCH /api/v2/roles/{role}": {"allow_any_name": True},
    "PATCH /api/v2/acme/accounts/{acme_account}": {"name": "Others"},
    "PATCH /api/v2/dns-providers/{dns_provider}": {"name": "Others"},
    "PATCH /api/v2/channels/{channel}": {"name": "Others"},
    "PATCH /api/v2/notification-rules/{notice_rule}": {"name": "Others"},
    "PATCH /v1/pki/dns-providers/{dns_provider}": {"name": "Others"},
    "PATCH /api/v2/templates/{template}": {"name": "Others"},
    "PATCH /api/v2/certificates/{certificate}": {"description": "Others"},
    "POST /api/v2/requests/{request}/approve": {"digest": "0" * 64},
    "POST /api/v2/requests/{request}/reject": {"reason": "no"},
}


@dataclass(frozen=True)
class Operation:
    """One entry of the table."""

    entry: str

    @property
    def method(self) -> str:
        return self.entry.partition(" ")[0]

    @property
    def address(self) -> str:
        return self.entry.partition(" ")[2]

    @property
    def permission(self) -> Permission:
        return Permission(API[self.entry])

    @property
    def is_item(self) -> bool:
        return "{" in self.address

    @property
    def body(self) -> Any:
        return BODIES.get(self.entry, {} if self.method in ("POST", "PATCH") else None)

    def ask(self, wire: Wire, path: str) -> Any:
        return wire.send(self.method, path, self.body)

    def __str__(self) -> str:
        return self.entry


# Refusals that only somebody meets who was let in to the object.
OF_ITSELF = {"not-own-request", "not-with-this-credential"}
ONLY_SUPERUSERS = {"PATCH /api/v2/organizations/{organization}", *NOT_BY_KEY}
OPERATIONS = [Operation(entry) for entry in API if API[entry] != OPEN]
ITEMS = [each for each in OPERATIONS if each.is_item]
GUARDED = [each for each in OPERATIONS if API[each.entry] != OWN]
# What is the same for everybody, and nobody's.
FOR_ALL = {"GET /api/v2/acme/providers", "GET /api/v2/dns-providers/types"}
LISTS = [
    each
    for each in OPERATIONS
    if not each.is_item and each.method == "GET" and each.entry not in ONLY_SUPERUSERS | FOR_ALL
]


def nowhere(operation: Operation, whole: Whole) -> str:
    """The same address of something that does not exist."""
    return operation.address.format(**{name: NOWHERE.get(name, NO_ID) for name in whole.names})


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def said(answer: Any, path: str) -> dict[str, Any]:
    """The problem, in whatever dialect, without what is different in every one."""
    problem: dict[str, Any] = answer.json()
    return _without(path, problem)


def code_of(answer: Any) -> str:
    """What the problem is called, in the dialects that say it."""
    problem = answer.json()
    if isinstance(problem.get("error"), dict):
        return str(problem["error"]["code"]).replace("_", "-")
    return str(problem.get("type", "")).rpartition("/")[2]


def _without(path: str, value: Any) -> Any:
    """A sentence without what was asked for."""
    if isinstance(value, dict):
        different = {"instance", "trace_id", "request_id"}
        return {name: _without(path, member) for name, member in value.items() if name not in different}
    if isinstance(value, str):
        for part in filter(None, path.split("/")):
            value = value.replace(part, "")
    return value


@pytest.fixture
def whole(db: None) -> Whole:
    return whole_organization()


@pytest.fixture
def stranger(whole: Whole) -> Wire:
    """The owner of another organization, allowed everything there."""
    return Wire(almighty(cast.stranger()))


def almighty(person: cast.Person) -> str:
    """The token of a key with every permission that there is."""
    return cast.api_key(replace(person, actor=with_capability(person, *ORGANIZATION_PERMISSIONS)))[1]


# --- the table --------------------------------------------------------------------------------------------------------


def routed() -> Iterator[tuple[str, str]]:
    """Every operation that the URL configuration has, and the permission that its view names."""
    for address in addresses():
        for method, action in (address.actions or {}).items():
            if method != "head":
                view = address.callback.cls
                yield f"{method.upper()} {address.template}", whom(view, action)


def whom(view: Any, action: str) -> str:
    if action in view.public:
        return OPEN
    return OWN if action in view.needs_no_permission else str(view.permissions[action])


def test_every_operation_is_in_the_table_with_its_permission():
    table = {with_holes(entry): permission for entry, permission in API.items()}
    found = dict(routed())
    differences = {each: (found.get(each), table.get(each)) for each in found.keys() ^ table.keys()}
    assert differences == {}, "tests/security/doors.py lists every operation of the API"
    assert found == table


def test_the_table_names_objects_that_their_owner_reaches(whole: Whole, subtests: Any):
    """Else a stranger would be refused for a wrong address."""
    owner = Wire(almighty(whole.office.person))
    for operation in ITEMS:
        with subtests.test(str(operation)), transaction.atomic():
            answer = operation.ask(owner, whole.path(operation.address))
            # Refused by what it is, or by what it was made with: but it was found.
            is_found = answer.status_code == 403 and code_of(answer) in OF_ITSELF
            is_found |= operation.entry in ONLY_SUPERUSERS and answer.status_code == 403
            # Its server is asked, which there is none.
            is_found |= answer.status_code == 503 and code_of(answer) == "acme-unavailable"
            assert answer.status_code in (200, 201, 202, 204, 409, 410, 422) or is_found, content(answer)
            transaction.set_rollback(True)


# --- somebody of another organization ---------------------------------------------------------------------------------


def test_a_stranger_is_told_that_it_does_not_exist_and_changes_nothing(whole: Whole, stranger: Wire, subtests: Any):
    for operation in ITEMS:
        with subtests.test(str(operation)):
            path, other = whole.path(operation.address), nowhere(operation, whole)
            with unchanged(log=whole.log):
                answer, absent = operation.ask(stranger, path), operation.ask(stranger, other)
            assert (answer.status_code, absent.status_code) == (404, 404)
            assert said(answer, path) == said(absent, other)


def test_what_a_stranger_lists_and_exports_shows_nothing_of_others(whole: Whole, stranger: Wire, subtests: Any):
    for operation in LISTS:
        with subtests.test(str(operation)):
            answer = operation.ask(stranger, operation.address)
            assert answer.status_code in (200, 404)
            body = content(answer)
            assert not speaks_of_acme(body)
            assert {word for word in whole.words if word in body} == set()


def test_the_lists_show_their_owner_what_they_hide(whole: Whole, subtests: Any):
    """Else nothing would be shown to anybody."""
    owner = Wire(almighty(whole.office.person))
    silent = {"GET /api/v2/audit/keys", "GET /api/v2/audit/verifier", "GET /api/v2/requests/counts"}
    counting = {"GET /api/v2/audit/checkpoints", "GET /api/v2/audit/checkpoints/latest", "GET /api/v2/stats"}
    counting |= {"GET /api/client-certs/stats", "GET /api/v2/notices/counts"}
    for operation in LISTS:
        if operation.entry not in silent | counting | {"GET /api/v2/audit/checkpoints/latest/note"}:
            with subtests.test(str(operation)):
                body = content(operation.ask(owner, operation.address))
                assert any(word in body for word in whole.words) or b"ACME" in body


# --- a key for another CA of the same organization --------------------------------------------------------------------

UNDER_CA = (
    "{certificate",
    "{serial}",
    "{request}",
    "{template}",
    "{role}",
    "{role_name}",
    "{kept}",
    "{ca}",
    "{ca_number}",
    "{stored_number}",
    "{client}",
    "{client_of_csr}",
    "{host}",
)


@pytest.fixture
def neighbour(whole: Whole) -> Wire:
    """A `cm_` key with every right at the second CA, and none at the first."""
    grants = [GrantOrder(whole.other.pk, can_read=True, can_issue=True, can_revoke=True, can_export=True)]
    row, token = key_for(whole.office.person, grants=grants)
    assert row.kind == ApiKey.Kind.PER_CA
    return Wire(token)


def test_a_key_for_one_ca_reaches_nothing_under_another(whole: Whole, neighbour: Wire, subtests: Any):
    held = frozenset().union(*RIGHTS.values())
    for operation in ITEMS:
        with subtests.test(str(operation)):
            path, other = whole.path(operation.address), nowhere(operation, whole)
            with unchanged():
                answer = operation.ask(neighbour, path)
            if API[operation.entry] in held and any(name in operation.address for name in UNDER_CA):
                assert said(answer, path) == said(operation.ask(neighbour, other), other)
                assert answer.status_code == 404
            else:
                assert answer.status_code in (403, 404)


def test_what_a_key_for_one_ca_lists_shows_nothing_under_another(whole: Whole, neighbour: Wire, subtests: Any):
    rows = [row for name, row in whole.rows.items() if f"{{{name}}}" in UNDER_CA or name == "certificate"]
    hidden = words_of(rows) | {b"ACME Issuing CA", b"web-tls", b"guarded", b"www.acme.test"}
    for operation in LISTS:
        with subtests.test(str(operation)):
            answer = operation.ask(neighbour, operation.address)
            assert answer.status_code in (200, 403)
            body = content(answer)
            assert {word for word in hidden if word in body} == set()


def test_a_key_for_one_ca_reads_that_one(whole: Whole, neighbour: Wire):
    (shown,) = neighbour.get("/api/v2/cas").json()["data"]
    assert shown["id"] == str(whole.other.public_id)
    issued = neighbour.post("/api/v2/certificates", {"template_code": "second", "common_name": "any.example"})
    assert issued.status_code == 201
    assert [row["id"] for row in neighbour.get("/api/v2/certificates").json()["data"]] == [issued.json()["id"]]


def test_a_key_for_one_ca_issues_under_no_other(whole: Whole, neighbour: Wire):
    before = Certificate.objects.count()
    body = {"template_code": "web-tls", "common_name": "www.acme.test"}
    foreign, absent = (neighbour.post("/api/v2/certificates", body | {"template_code": code}) for code in
                       ("web-tls", "nothing"))  # fmt: skip
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json()["type"] == absent.json()["type"]
    assert Certificate.objects.count() == before


# --- a member who lacks the permission --------------------------------------------------------------------------------


def test_a_key_with_every_other_permission_is_refused_and_changes_nothing(whole: Whole, subtests: Any):
    tokens: dict[Permission, str] = {}
    person = whole.office.person
    with_everything = replace(person, actor=with_capability(person, *ORGANIZATION_PERMISSIONS))
    for permission in sorted(ORGANIZATION_PERMISSIONS):
        tokens[permission] = cast.api_key(with_everything, ORGANIZATION_PERMISSIONS - {permission})[1]
    views = {f"{m.upper()} {each.template}": (each.callback.cls, a) for each in addresses() if each.actions
             for m, a in each.actions.items()}  # fmt: skip
    for operation in GUARDED:
        with subtests.test(str(operation)):
            view, action = views[with_holes(operation.entry)]
            token = tokens[operation.permission]
            if action in view.permissions_for_own:
                others = ORGANIZATION_PERMISSIONS - {operation.permission, *view.permissions_for_own[action]}
                token = cast.api_key(with_everything, others)[1]
            with unchanged():
                assert operation.ask(Wire(token), whole.path(operation.address)).status_code == 403


# --- credentials that are good no longer, and none --------------------------------------------------------------------


def expired(key: ApiKey) -> None:
    key.expires_at = timezone.now() - timedelta(seconds=1)
    key.save()


def revoked(key: ApiKey) -> None:
    key.revoked_at = timezone.now()
    key.save()


def of_a_former_member(key: ApiKey) -> None:
    key.owner.memberships.all().delete()


def of_a_disabled_person(key: ApiKey) -> None:
    key.owner.is_active = False
    key.owner.save()


def from_elsewhere(key: ApiKey) -> None:
    key.allowed_cidrs = ["192.0.2.0/24"]
    key.save()


ENDS = (expired, revoked, of_a_former_member, of_a_disabled_person, from_elsewhere)


@pytest.mark.parametrize("is_bound", [False, True], ids=["pkf", "cm"])
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_credential_that_is_good_no_longer_opens_nothing(whole: Whole, end: Any, is_bound: bool, subtests: Any):
    """Beside a session that would, too."""
    owner = whole.office.person
    leaving = cast.member(owner.organization, "owner", "leaving@acme.example")
    rights: dict[str, Any] = {"permissions": sorted(leaving.actor.permissions)}
    if is_bound:
        rights = {"grants": [GrantOrder(whole.office.issuing.pk, can_issue=True, can_revoke=True)]}
    row, token = key_for(leaving, **rights)
    assert Wire(token).get("/api/v2/certificates").status_code == 200
    end(row)
    wire = Wire(token)
    wire.client.force_login(owner.user, backend="accounts.sessions.PasswordBackend")
    refuses_everything(wire, whole, subtests)


def test_nobody_opens_nothing(whole: Whole, subtests: Any):
    refuses_everything(Wire(), whole, subtests)


def test_a_token_of_nobody_opens_nothing(whole: Whole, subtests: Any):
    refuses_everything(Wire("cm_" + "a" * 32), whole, subtests)


def refuses_everything(wire: Wire, whole: Whole, subtests: Any) -> None:
    before = snapshot()
    for operation in OPERATIONS:
        with subtests.test(str(operation)):
            path = whole.path(operation.address)
            answer = operation.ask(wire, path)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            body = content(answer).replace(path.encode(), b"")
            assert not speaks_of_acme(body)
    assert snapshot() == before


def test_who_belongs_to_two_organizations_reaches_only_the_one_of_the_key(whole: Whole):
    """The key is of one; its owner is a member of both."""
    person = cast.stranger()
    token = almighty(person)
    add_member(actor=cast.SUPERUSER, organization=whole.office.organization, user=person.user, role="owner")
    for operation in (each for each in ITEMS if each.method == "GET"):
        assert Wire(token).get(whole.path(operation.address)).status_code == 404, str(operation)
    assert CertificateAuthority.objects.filter(organization=whole.office.organization).count() == 3
