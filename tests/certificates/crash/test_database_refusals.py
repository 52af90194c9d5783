"""What the database itself refuses, whatever the code does: on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.x509 import ReasonFlags
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from cas.models import CaCertificate, CertificateAuthority, IssuedSerial, Role, Template
from certificates.models import (
    Certificate,
    CertificateName,
    Crl,
    CrlScope,
    OcspResponder,
    PublicPath,
    Revocation,
    SubscriberKey,
)
from certificates.orders import Managed, RevokeOrder
from certificates.services.revocation import revoke_certificate
from kernel.ref import Ref
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "f" * 64


@pytest.fixture
def office() -> Office:
    office = open_office()
    row = office.issue(key=Managed(collect_later=True)).certificate
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)
    return office


def insert_copy(row: Model, **changes: object) -> None:
    """The row once more, by SQL, under a new primary key and with some columns changed."""
    table, columns, values = row._meta.db_table, [], []
    with connection.cursor() as cursor:
        names = [field.column for field in row._meta.concrete_fields if not field.primary_key]
        quoted = ", ".join(f'"{name}"' for name in names)
        cursor.execute(f'SELECT {quoted} FROM {table} WHERE "{row._meta.pk.column}" = %s', [row.pk])  # noqa: S608
        for name, value in zip(names, cursor.fetchone(), strict=True):
            columns.append(f'"{name}"')
            values.append(changes.pop(name, value))
        assert not changes, changes
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(values))})"  # noqa: S608
        cursor.execute(insert, [_raw(each) for each in values])


def _raw(value: Any) -> Any:
    """As the driver wants it: what one statement returned, the next one must be able to send."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, uuid.UUID) and connection.vendor == "sqlite":
        return value.hex
    return value


def duplicates() -> dict[str, tuple[type[Model], dict[str, object], tuple[str, ...]]]:
    """What is copied, with which changes, and what the error names: the constraint, or its columns on SQLite."""
    fresh = {"public_id": uuid.uuid4()}
    return {
        "a serial that is reserved": (IssuedSerial, {}, ("cas_issuedserial_once", "cas_issuedserial.serial")),
        "a serial in the register": (
            Certificate,
            fresh | {"fingerprint": OTHER},
            ("certificates_certificate_serial", "certificates_certificate.serial"),
        ),
        "a certificate in an organization": (
            Certificate,
            fresh | {"serial": "1"},
            ("certificates_certificate_once", "certificates_certificate.fingerprint"),
        ),
        "a CRL number": (Crl, {}, ("certificates_crl_number", "certificates_crl.number")),
        "an open revocation": (
            Revocation,
            {},
            ("certificates_revocation_one_open", "certificates_revocation.serial"),
        ),
        "a sequence of CRLs": (CrlScope, {}, ("certificates_crlscope_once", "certificates_crlscope.scope")),
        "a public path": (PublicPath, {}, ("certificates_publicpath_path", "certificates_publicpath.path")),
        "a preferred certificate": (
            CaCertificate,
            {"fingerprint": OTHER},
            ("cas_cacertificate_one_preferred", "cas_cacertificate.ca_id"),
        ),
        "a CA's name": (
            CertificateAuthority,
            fresh | {"slug": "another", "key_id": None, "subject_hash": OTHER},
            ("cas_ca_name", "cas_certificateauthority.name"),
        ),
    }


@pytest.mark.parametrize("what", duplicates())
def test_nothing_is_there_twice(office: Office, what: str):
    model, changes, expected = duplicates()[what]
    row = model._default_manager.order_by("-pk").first()
    assert row is not None
    before = model._default_manager.count()
    with pytest.raises(IntegrityError) as refused:
        insert_copy(row, **changes)
    assert any(name in str(refused.value) for name in expected), refused.value
    assert model._default_manager.count() == before


TENANTS = {
    "a certificate of another's CA": (Certificate, "ca_id", {"fingerprint": OTHER, "identifier": None}),
    "a certificate of another's template": (Certificate, "template_id", {"fingerprint": OTHER, "serial": "1"}),
    "a certificate that replaces another's": (Certificate, "replaces_id", {"fingerprint": OTHER, "serial": "1"}),
    "a serial of another's CA": (IssuedSerial, "ca_id", {}),
    "a revocation by another's CA": (Revocation, "ca_id", {}),
    "a revocation of another's certificate": (Revocation, "certificate_id", {"serial": "1"}),
    "a CRL scope of another's CA": (CrlScope, "ca_id", {"scope": 7}),
    "a responder of another's CA": (OcspResponder, "ca_id", {}),
    "a public path of another's CA": (PublicPath, "ca_id", {"path": "crl/mine"}),
    "a name of another's certificate": (CertificateName, "certificate_id", {}),
    "a key of another's certificate": (SubscriberKey, "certificate_id", {}),
    "a certificate for another's CA": (CaCertificate, "ca_id", {"fingerprint": OTHER, "preferred": False}),
    "a CA certificate by another's CA": (CaCertificate, "issuer_id", {"fingerprint": OTHER, "preferred": False}),
    "a CA below another's": (
        CertificateAuthority,
        "parent_id",
        {"slug": "x", "name": "x", "key_id": None, "subject_hash": OTHER},
    ),
    "a role under another's CA": (Role, "ca_id", {"name": "x"}),
    "a template under another's CA": (Template, "ca_id", {"code": "x"}),
    "a template with another's role": (Template, "role_id", {"code": "x"}),
}
TARGETS = {
    "ca_id": CertificateAuthority,
    "parent_id": CertificateAuthority,
    "issuer_id": CertificateAuthority,
    "template_id": Template,
    "role_id": Role,
    "certificate_id": Certificate,
    "replaces_id": Certificate,
}


@pytest.fixture
def strangers(office: Office) -> Iterator[Office]:
    """Another organization with a register of its own."""
    other = open_office("Umbrella")
    other.issue("www.acme.test")
    return other


@pytest.mark.parametrize("what", TENANTS)
def test_no_row_names_what_belongs_to_another_organization(office: Office, strangers: Office, what: str):
    model, column, changes = TENANTS[what]
    mine = model._default_manager.filter(organization=office.organization).order_by("-pk").first()
    theirs = TARGETS[column]._default_manager.filter(organization=strangers.organization).order_by("-pk").first()
    assert mine is not None
    assert theirs is not None
    has_public_id = any(field.name == "public_id" for field in model._meta.concrete_fields)
    fresh = {"public_id": uuid.uuid4()} if has_public_id else {}
    before = model._default_manager.count()
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        insert_copy(mine, **fresh, **changes, **{column: theirs.pk})
    assert "unique" not in str(refused.value).lower(), refused.value
    assert "foreign key" in str(refused.value).lower()
    assert model._default_manager.count() == before


def test_the_copy_itself_is_not_what_is_refused(office: Office):
    """The same insert without another's CA goes through, so that the tests above speak of the tenant."""
    row = IssuedSerial.objects.latest("pk")
    insert_copy(row, serial="1")
    assert IssuedSerial.objects.filter(serial="1", ca=row.ca).count() == 1
