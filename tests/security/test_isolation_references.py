"""What a body or a query names: of another organization it is as if it were not there. By the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.services.service_accounts import create_service_account
from tests import cast, elsewhere
from tests.api.wire import Wire
from tests.certificates.asking import with_capability
from tests.elsewhere import pem
from tests.office import Office, open_office
from tests.security.test_isolation_api import NO_ID, almighty, content
from tests.security.whole import Whole, speaks_of_acme, unchanged, whole_organization
from tests.security.whole_acme import account_of, public_name_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# Fields that name something, though they are no ids. (`approver_role` does not: it is a word, which need not be there,
# and which is compared with the roles of the request's own organization.)
BY_WORD = {"template_code", "pki_role", "role", "default_role", "owner", "owner_email", "email"}

# By field: what names something of ACME's, and what names nothing.
NAMED: dict[str, tuple[str, str]] = {
    "organization_id": ("{organization}", NO_ID),
    "parent_id": ("{ca}", NO_ID),
    "issuer_id": ("{ca}", NO_ID),
    "successor_id": ("{ca}", NO_ID),
    "pki_id": ("{ca}", NO_ID),
    "ca_id": ("{ca}", NO_ID),
    "owner_id": ("{member}", NO_ID),
    "certificate_id": ("{certificate}", NO_ID),
    "service_account_id": ("{service_account}", NO_ID),
    "member_id": ("{member}", NO_ID),
    "account_id": ("{acme_account}", NO_ID),
    "replaces_id": ("{certificate}", NO_ID),
    "up_to": ("{notice}", NO_ID),
    "template_code": ("guarded", "nothing"),
    "pki_role": ("acme-only", "nothing"),
    "role": ("acme-deciders", "nothing"),
    "default_role": ("acme-deciders", "nothing"),
    "owner": ("operator@acme.example", "nobody@acme.example"),
    "owner_email": ("operator@acme.example", "nobody@acme.example"),
}
# An e-mail address is of a person, who may have an account without belonging anywhere: POST /members adds them.
OF_PEOPLE = {"email"}

# What others have called something, and what is no id at all.
OF_OTHERS = {"client_id", "eab_key_id", "last_crl_number"}

# What a name stands for depends on whose it is.
NAMED_THERE = {("POST /api/v2/machine-identities", "issuer_id"): ("{token_issuer}", NO_ID)}

RECIPE = {"name": "x", "code": "x", "key_usage": ["digital_signature"], "validity": "30d"}


@pytest.fixture
def whole(db: None) -> Whole:
    return whole_organization()


@pytest.fixture
def umbrella(whole: Whole) -> Office:
    return open_office("Umbrella")


@pytest.fixture
def stranger(umbrella: Office) -> Wire:
    with_capability(umbrella.person, "requests:decide")
    return Wire(almighty(umbrella.person))


def bodies(office: Office) -> dict[str, dict[str, Any]]:
    """What an owner could send about their own."""
    ca, subject = str(office.issuing.public_id), {"common_name": "Umbrella Next"}
    anchor = pem(elsewhere.root("CN=Umbrella Partner").certificate).decode()
    issue = {"template_code": "web-tls", "common_name": "www.acme.test"}
    account = _account(office)
    issuer = {"name": "x", "issuer": "https://tokens.umbrella.example", "audience": "https://pki.umbrella.example"}
    certificate = str(office.issue().certificate.public_id)
    return _public_bodies(office) | {
        "POST /api/v2/token-issuers": issuer,
        "POST /api/v2/machine-identities": {"issuer_id": NO_ID, "subject": "x", "service_account_id": account},
        "POST /api/v2/client-certificates": {"certificate_id": certificate, "service_account_id": account},
        "POST /api/v2/certificates": issue,
        "POST /api/v2/certificates/batch": {"template_code": "web-tls", "rows": [{"common_name": "www.acme.test"}]},
        "POST /api/v2/members": {"email": "x@umbrella.example", "role": "member"},
        "POST /api/v2/member-roles": {"name": "x", "permissions": ["certificates:read"]},
        "POST /api/v2/invitations": {"email": "y@umbrella.example", "role": "member"},
        "POST /api/v2/sign-in-providers": {"name": "x", "issuer": "https://id.umbrella.example", "client_id": "x"},
        "POST /api/v2/api-keys": {"name": "x", "permissions": ["certificates:read"]},
        "POST /api/v2/service-accounts": {"name": "x", "permissions": ["certificates:read"]},
        "POST /api/v2/oauth-clients": {"name": "x", "redirect_uris": ["https://app.umbrella.example/callback"]},
        "POST /api/v2/cas": {"name": "x", "subject": subject},
        "POST /api/v2/cas/pending": {"name": "x", "subject": subject},
        "POST /api/v2/cas/import": {"name": "x", "key_file": "x"},
        "POST /api/v2/cas/foreign": {"certificates": anchor},
        f"POST /api/v2/cas/{ca}/cross": {"issuer_id": str(office.root.public_id)},
        f"POST /api/v2/cas/{ca}/move-templates": {"successor_id": ca},
        f"PATCH /api/v2/cas/{ca}": {},
        "POST /api/v2/roles": {"name": "x", "max_ttl": "30d", "pki_id": ca},
        f"PATCH /api/v2/roles/{office.role.public_id}": {},
        "POST /api/v2/templates": RECIPE | {"pki_id": ca, "pki_role": office.role.name},
        f"PATCH /api/v2/templates/{office.template.public_id}": {},
        f"POST /api/v2/templates/{office.template.public_id}/impact": {},
        f"POST /api/v2/roles/{office.role.public_id}/impact": {},
        "POST /api/v2/trust-anchors": {"certificates": anchor},
        "POST /api/v2/certificates/validate": {"certificate": anchor},
        "POST /api/v2/certificates/import": {"file": anchor},
        f"PATCH /api/v2/members/{office.organization.memberships.get().public_id}": {},
        "POST /api/v1/certificates": issue,
        "POST /api/v1/clm/templates": RECIPE | {"pki_id": office.issuing.pk, "pki_role": office.role.name},
    }


def _public_bodies(office: Office) -> dict[str, dict[str, Any]]:
    """What an owner could send of public certificates and of notices."""
    public_name_of(office, "umbrella-shop.test")
    order = {"account_id": str(account_of(office).public_id), "names": ["umbrella-shop.test"]}
    return {
        "POST /api/v2/acme/accounts": {
            "name": "x",
            "provider": "letsencrypt",
            "email": "x@umbrella.example",
            "agrees_to_terms": True,
        },
        "POST /api/v2/acme/orders": order | {"challenge_type": "http-01"},
        "POST /api/v2/public-names": {"name": "other-umbrella.test"},
        "POST /api/v2/dns-providers": {"name": "x", "type": "hetzner", "config": {"auth_token": "x"}},
        "POST /api/v2/channels": {"name": "x", "kind": "webhook", "url": "https://hooks.umbrella.example/"},
        "POST /api/v2/notification-rules": {"name": "x", "subject": "crl.late"},
        "POST /api/v2/notices/read": {},
    }


def _account(office: Office) -> str:
    made = create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="machine",
        permissions=["certificates:read"],
    )
    return str(made.public_id)


def document(version: str) -> dict[str, Any]:
    return json.loads(Client().get(f"/api/{version}/openapi.json").content)  # type: ignore[no-any-return]


def naming(version: str) -> Iterator[tuple[str, str]]:
    """Every operation with a field of its body that names something."""
    described = document(version)
    schemas = described["components"]["schemas"]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
                fields = schemas[schema["$ref"].rpartition("/")[2]]["properties"] if "$ref" in schema else {}
                for name, field in fields.items():
                    if field.get("format") == "uuid" or name in BY_WORD or name.endswith("_id"):
                        yield f"{method.upper()} {path}", name


def with_hole(operation: str) -> str:
    return "/".join("{id}" if len(part) == 36 and part.count("-") == 4 else part for part in operation.split("/"))


# Bodies that name one thing among others: about what their own address names already.
TRIED_ELSEWHERE = {
    ("POST /api/v2/sign-in-providers", "client_id"),
    ("PATCH /api/v2/token-issuers/{id}", "default_role"),
    ("PATCH /api/v2/certificates/{id}", "owner"),
    ("PATCH /api/v2/sign-in-providers/{id}", "default_role"),
    ("PATCH /api/v2/service-accounts/{id}", "owner"),
    ("PATCH /api/v2/acme/accounts/{id}", "email"),
}


def test_every_field_that_names_something_is_tried(umbrella: Office):
    tried = {with_hole(operation) for operation in bodies(umbrella)}
    for version in ("v1", "v2"):
        for operation, field in naming(version):
            if (operation, field) not in TRIED_ELSEWHERE:
                assert operation in tried, f"{operation} names {field}"
                assert field in NAMED or field in OF_PEOPLE or field in OF_OTHERS, field


def test_what_is_anothers_is_as_if_it_were_not_there(whole: Whole, umbrella: Office, stranger: Wire, subtests: Any):
    fields = {version: list(naming(version)) for version in ("v1", "v2")}
    numbers = {"{organization}": whole.office.organization.pk, "{ca}": whole.office.issuing.pk, NO_ID: 999_999}
    for operation, body in bodies(umbrella).items():
        method, path = operation.split(" ")
        version = path.split("/")[2]
        for field in (name for entry, name in fields[version] if entry == with_hole(operation) and name in NAMED):
            with subtests.test(f"{operation} {field}"):
                foreign, absent = NAMED_THERE.get((operation, field), NAMED[field])
                if version == "v1" and absent == NO_ID:
                    values: list[Any] = [numbers[foreign], numbers[absent]]
                else:
                    values = [foreign.format(**whole.names), absent]
                with unchanged(log=whole.log):
                    theirs, none = (stranger.send(method, path, body | {field: value}) for value in values)
                assert 400 <= theirs.status_code < 500, content(theirs)
                assert said(theirs, values[0]) == said(none, values[1])


def said(answer: Any, value: Any) -> Any:
    problem = answer.json()
    text = json.dumps([answer.status_code, problem["type"], problem["detail"], problem.get("errors")])
    return text.replace(str(value), "")


def test_a_key_for_a_ca_of_another_is_not_made(whole: Whole, stranger: Wire):
    def grant(ca: str) -> Any:
        right = {"ca_id": ca, "can_read": True}
        return stranger.post("/api/v2/api-keys", {"name": "x", "grants": [right]})

    foreign, absent = grant(whole.names["ca"]), grant(NO_ID)
    assert foreign.status_code == absent.status_code == 422
    assert said(foreign, whole.names["ca"]) == said(absent, NO_ID)


# --- queries ----------------------------------------------------------------------------------------------------------

PARAMETERS: dict[str, str] = {
    "filter": "cn:www.acme.test",
    "ca": "{ca}",
    "ca_in": "{ca}",
    "parent": "{ca}",
    "organization_id": "{organization}",
    "serial": "{serial}",
    "serial_in": "{serial}",
    "resource_id": "{certificate}",
    "actor": "owner@acme.example",
    "requester": "owner@acme.example",
    "requester_in": "owner@acme.example",
    "owner": "owner@acme.example",
    "owner_in": "owner@acme.example",
    "created": "2026-11-22",
    "created_gt": "2020-01-01",
    "created_lt": "2999-01-01",
    "cn": "*acme*",
    "cn_in": "www.acme.test",
    "san": "*acme*",
    "san_in": "www.acme.test",
    "name": "*ACME*",
    "name_in": "www.acme.test",
    "org": "ACME",
    "org_in": "ACME",
    "template": "guarded",
    "template_in": "guarded",
    "tag": "web",
    "tag_in": "web",
    "status": "issued",
    "status_in": "issued",
    "kind": "root",
    "source": "issued",
    "source_in": "issued",
    "key_custody": "returned",
    "key_custody_in": "returned",
    "fingerprint": "0" * 64,
    "fingerprint_in": "0" * 64,
    "key": "ECDSA_P256",
    "key_in": "ECDSA_P256",
    "expires": "90d",
    "expires_lt": "9y",
    "expires_gt": "-9y",
    "issued": "0d",
    "issued_lt": "9y",
    "issued_gt": "-9y",
    "renew": "90d",
    "renew_lt": "9y",
    "renew_gt": "-9y",
    "event": "certificate.issued",
    "resource_type": "certificate",
    "since": "2020-01-01T00:00:00Z",
    "until": "2090-01-01T00:00:00Z",
    "ip": "192.0.2.7",
    "trace_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "mine": "false",
    "inbox": "true",
    "sort": "created_at",
    "fmt": "pem",
    "limit": "1000",
    "offset": "0",
    "later": "1",
    "size": "1",
    "account_id": "{acme_account}",
    "channel_id": "{channel}",
    "is_open": "true",
}
# Opaque, and signed for one list: test_every_list.py.
CURSORS = {"cursor"}


def queries() -> Iterator[tuple[str, str]]:
    for version in ("v1", "v2"):
        for path, operations in document(version)["paths"].items():
            for parameter in operations.get("get", {}).get("parameters", ()):
                if parameter["in"] == "query":
                    yield path, parameter["name"]


def test_every_parameter_is_tried(db: None):
    assert {name for _path, name in queries()} - CURSORS - set(PARAMETERS) == set()


def test_no_question_finds_anything_of_another(whole: Whole, subtests: Any):
    """Asked by an organization that has nothing like it."""
    stranger = Wire(almighty(cast.stranger()))
    for path, name in queries():
        if "{" in path or name in CURSORS:
            continue
        value = PARAMETERS[name].format(**whole.names)
        with subtests.test(f"{path}?{name}={value}"):
            answer = stranger.get(f"{path}?{name}={value}".replace("*", "%2A"))
            assert answer.status_code in (200, 403, 404, 422)
            told = content(answer).replace(value.encode(), b"")
            assert not any(word in told for word in whole.words)
            assert answer.status_code != 200 or not speaks_of_acme(told)
