"""An organization that has one of everything, what would give it away, and whether anything of it was changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Model, UUIDField

from accounts.grants import GrantOrder
from accounts.models import ApiKey, OAuthConsent
from accounts.services.api_keys import create_api_key
from accounts.services.custom_roles import create_custom_role
from accounts.services.invitations import invite
from accounts.services.machine_identities import bind_machine_identity
from accounts.services.oauth_clients import create_client
from accounts.services.oauth_consents import ConsentOrder, give_consent
from accounts.services.oidc_issuers import IssuerOrder, create_oidc_issuer
from accounts.services.service_accounts import create_service_account
from accounts.services.sign_in_providers import ProviderOrder, create_sign_in_provider
from audit.models import AuditEvent
from audit.selectors import latest_checkpoint, visible_events
from audit.services import seal
from cas.core.csr import read_csr
from cas.core.keys import KeyAlgorithm
from cas.core.names import name_from_mapping, parse_name
from cas.models import CertificateAuthority
from cas.orders import Dialect, RoleOrder
from cas.services.roles import create_role
from cas.services.standing import enable_dialect
from cas.services.templates import create_template, order_of
from certificates.csr_orders import CsrOrder
from certificates.models import Certificate
from certificates.orders import IssueOrder, Managed
from certificates.services.authorities import establish_authority
from certificates.services.csrs import submit_csr
from certificates.services.issuance import issue_at_once
from certificates.services.placements import add_placement
from certificates.services.saved import save_filter
from certificates.services.submission import submit_request
from kernel.actor import SYSTEM
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast, pki
from tests.clients import bound, client_certificate
from tests.office import Office, authority_order, open_office, order_for
from tests.remembered import remembered
from tests.security.whole_acme import public_rows, told_rows
from tests.security.whole_fastpki import people_and_machines
from tests.trusting import trust

ROOMS = frozenset({"accounts", "audit", "cas", "certificates", "acme_client", "notices", "api", "mfa"})
_WRITES = re.compile(r'\b(?:INTO|UPDATE|DELETE FROM) "?(\w+)"?')
# The protocol of public CAs has the name of the organization; where we speak of it, these words stand around it.
_PROTOCOL = re.compile(
    rb"/acme/|/acme-challenge/|_acme-challenge|\bacme: ?(?:read|write)\b|acme-tls|acmeidentifier"
    rb"|\bacme(?=[ _-]?(?:accounts?|authorizations?|challenges?|client|directory|orders?|servers?|service)\b)"
)
# Columns whose words nobody else's rows have.
_TELLING = frozenset(
    {"public_id", "serial", "fingerprint", "key_hash", "event_id", "email", "prefix", "slug", "issuer", "digest"}
)
# When a credential was used last is written down wherever it is used.
_RESTLESS = {
    "accounts_apikey": ("last_used_at", "last_used_ip"),
    "accounts_oauthconsent": ("last_used_at", "last_used_ip"),
}


@dataclass(frozen=True)
class Whole:
    """An organization, its rows by what an address calls them, and a second CA beside the one they stand under."""

    office: Office
    other: CertificateAuthority
    rows: Mapping[str, Model]
    names: Mapping[str, str]
    # By what somebody would know anything of it.
    words: frozenset[bytes]

    @property
    def log(self) -> int:
        return self.office.organization.pk

    def path(self, address: str) -> str:
        """The address with what the braces stand for."""
        return address.format(**self.names)


@remembered
def whole_organization() -> Whole:
    """Made through the services; everything in it has ACME in its name."""
    office = open_office()
    here = {"actor": office.owner, "organization": office.organization}
    rows: dict[str, Model] = {
        "certificate": office.issue("www.acme.test", key=Managed(collect_later=True)).certificate,
        **_requests(office),
        "template": office.template,
        "role": office.role,
        "ca": office.issuing,
        "organization": office.organization,
        "member": office.organization.memberships.get(user=office.person.user),
        "api_key": cast.api_key(office.person, name="ACME robot")[0],
        "service_account": create_service_account(
            **here, owner=office.person.user, name="ACME machine", permissions=[Permission.CERTIFICATES_READ]
        ),
        "custom_role": create_custom_role(**here, name="ACME deciders", permissions=[Permission.REQUESTS_DECIDE]),
        "invitation": invite(**here, email="new@acme.example", role="member"),
        "provider": create_sign_in_provider(
            **here,
            issuer="https://id.acme.example",
            client_id="acme",
            client_secret=None,
            order=ProviderOrder(name="ACME", makes_members=True, default_role="member"),
        ),
        "anchor": trust(office),
        "saved_filter": save_filter(actor=office.owner, name="ACME soon", query="?q=cn:*.acme.test", is_shared=True),
        "oauth_client": create_client(
            **here, name="ACME application", redirect_uris=["https://app.acme.example/callback"]
        ).row,
        **public_rows(office),
        **told_rows(office),
    }
    rows["placement"] = add_placement(
        actor=office.owner, certificate=Ref("pk", rows["certificate"].pk), host="www.acme.test"
    )
    rows |= _machines(office, rows["service_account"]) | {"oauth_consent": consent_of(office, rows["oauth_client"])}
    other = _second_authority(office)
    seal(actor=SYSTEM)
    checkpoint = latest_checkpoint(office.organization.pk)
    assert checkpoint is not None
    names = {name: str(row.public_id) for name, row in rows.items()} | {  # type: ignore[attr-defined]
        "certificate_number": str(rows["certificate"].pk),
        "ca_number": str(rows["ca"].pk),
        "serial": rows["certificate"].serial,  # type: ignore[attr-defined]
        "fingerprint": office.issuing.certificates.get().fingerprint,
        "format": "pem",
        "event": visible_events(office.owner)[0].event_id,
        "checkpoint": str(checkpoint.size),
        "word": "certificate-not-found",
        "role_name": office.role.name,
        **_clients(office),
        **people_and_machines(office, rows["service_account"]),
    }
    return Whole(office, other, rows, names, frozenset(words_of_everything()))


def consent_of(office: Office, client: Any) -> OAuthConsent:
    """What the owner lets the organization's application do."""
    grants = [GrantOrder(office.issuing.pk)]
    order = ConsentOrder(client=client, scopes=["pki:read"], resource=settings.BASE_URL, grants=grants)
    give_consent(actor=office.owner, order=order, redirect_uri="https://app.acme.example/callback", challenge="A" * 43)
    return OAuthConsent.objects.get(client=client)


def _machines(office: Office, account: Any) -> dict[str, Model]:
    issuer = create_oidc_issuer(
        actor=office.owner,
        organization=office.organization,
        issuer="https://tokens.acme.example",
        order=IssuerOrder(name="ACME tokens", audience="https://pki.acme.example"),
    )
    return {
        "token_issuer": issuer,
        "machine_identity": bind_machine_identity(
            actor=office.owner, issuer=issuer, subject="acme-ci", account=account
        ),
        "client_certificate": bound(office, account, client_certificate(office)),
    }


def _requests(office: Office) -> dict[str, Model]:
    guarded = replace(order_of(office.template), code="guarded", name="ACME guarded", requires_approval=True)
    template = create_template(actor=office.owner, order=guarded)
    asker = cast.member(office.organization, "operator").actor
    csr = CsrOrder(
        organization=Ref("pk", office.organization.pk),
        key=KeyAlgorithm.ECDSA_P256,
        subject=name_from_mapping({"common_name": "ACME database"}),
    )
    return {
        "request": submit_request(actor=asker, order=order_for(template)),
        "csr": submit_csr(actor=asker, order=csr),
    }


def _clients(office: Office) -> dict[str, str]:
    """Client certificates of CertMate's kind: one whose key is kept, and one with its CSR; FastPKI's come too."""
    for dialect in (Dialect.CERTMATE, Dialect.FASTPKI):
        enable_dialect(actor=office.owner, ca=Ref("pk", office.issuing.pk), dialect=dialect)
    keys = {"client": Managed(KeyAlgorithm.ECDSA_P256), "client_of_csr": read_csr(pki.make_csr(subject="CN=x"))}
    names = {name: f"client.acme.test-{number:08}" for number, name in enumerate(keys, 1)}
    for name, key in keys.items():
        subject = parse_name("CN=client.acme.test,O=ACME")
        order = IssueOrder(template="certmate.client", key=key, subject=subject, identifier=names[name], keep_csr=True)
        issue_at_once(actor=office.owner, order=order)
    kept = Certificate.objects.get(organization=office.organization, identifier=names["client"])
    return names | {"host": "client.acme.test", "stored_number": str(kept.pk), "kept": str(kept.public_id)}


def _second_authority(office: Office) -> CertificateAuthority:
    """A root of its own, with a role and a template."""
    order = authority_order(office.organization, "ACME Second Root")
    ca = establish_authority(actor=office.owner, order=order)
    role = create_role(
        actor=office.owner,
        order=RoleOrder(ca=Ref("pk", ca.pk), name="second", max_ttl=office.role.max_ttl, allow_any_name=True),
    )
    recipe = {"ca": Ref("pk", ca.pk), "role": Ref("pk", role.pk), "name": "ACME second", "code": "second"}
    create_template(actor=office.owner, order=replace(order_of(office.template), **recipe))
    return ca


def speaks_of_acme(told: bytes) -> bool:
    """Of the organization, which has that name in everything; not of the protocol."""
    return b"acme" in _PROTOCOL.sub(b"", told.lower())


def words_of(rows: Iterable[Model]) -> set[bytes]:
    """By what somebody would know these rows: ids, serial numbers, fingerprints, addresses."""
    found: set[bytes] = set()
    for row in rows:
        for field in row._meta.concrete_fields:
            value: Any = getattr(row, field.attname)
            if isinstance(field, UUIDField) and value:
                found.add(str(value).encode())
            elif field.name in _TELLING and isinstance(value, str) and len(value) > 6:
                found.add(value.encode())
    return found


def words_of_everything() -> set[bytes]:
    """Of all rows that there are."""
    models = [model for model in apps.get_models() if model._meta.app_label in ROOMS and model._meta.managed]
    return words_of(row for model in models for row in model._default_manager.all())


def snapshot(*, log: int | None = None) -> dict[str, list[str]]:
    """Every row of every room but the audit log; of that one the events of one organization, where it is named."""
    return {table: _rows(model) for table, model in _tables().items()} | _events(log)


@contextmanager
def unchanged(*, log: int | None = None) -> Iterator[None]:
    """Nothing that `snapshot` tells of changes meanwhile. A table is read only if something is about to write to it."""
    tables, before = _tables(), _events(log)

    def look_first(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        for table in {*_WRITES.findall(sql)} & tables.keys() - before.keys():
            before[table] = _rows(tables[table])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look_first):
        yield
    assert {table: _rows(tables[table]) for table in before if table in tables} | _events(log) == before


def _tables() -> dict[str, type[Model]]:
    models = (model for model in apps.get_models() if model._meta.app_label in ROOMS - {"audit"})
    return {model._meta.db_table: model for model in models if model._meta.managed}


def _events(log: int | None) -> dict[str, list[str]]:
    if log is None:
        return {}
    return {"the log": [each.event_id for each in AuditEvent.objects.filter(log=log).order_by("pk")]}


def _rows(model: type[Model]) -> list[str]:
    restless = _RESTLESS.get(model._meta.db_table, ())
    quoted = connection.ops.quote_name
    columns = [quoted(field.column) for field in model._meta.concrete_fields if field.column not in restless]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {quoted(model._meta.db_table)}")  # noqa: S608
        rows = [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in cursor]
    return sorted(map(repr, rows))


def key_for(person: cast.Person, **grants: Any) -> tuple[ApiKey, str]:
    """Another credential of this person: with grants, where they are given."""
    made = create_api_key(
        actor=person.actor, organization=person.organization, owner=person.user, name="visitor", **grants
    )
    return made.row, made.token.reveal().decode()
