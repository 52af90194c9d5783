"""A CRL of a hundred thousand revocations."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509 import ReasonFlags
from django.db import connection
from django.utils import timezone

from cas.core.crl import entry_der
from certificates.models import CrlScope, Revocation
from certificates.services.crl import publish_crl
from kernel.actor import SYSTEM
from tests.conformance.verifiers import openssl
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db

MANY = 100_000
CHUNK = 5_000
FIRST_SERIAL = 1 << 80


def revoke_many(office: Office) -> None:
    """Rows as the service writes them, all copied from one: it is the CRL that is tested here."""
    now = timezone.now().replace(microsecond=0)
    stencil = Revocation.objects.create(
        organization=office.organization,
        ca=office.issuing,
        serial=f"{FIRST_SERIAL:x}",
        at=now,
        reason="superseded",
        not_after=now + timedelta(days=90),
        entry_der=entry_der(FIRST_SERIAL, now, ReasonFlags.superseded),
    )
    copied = [field.column for field in Revocation._meta.concrete_fields]
    kept = ", ".join(name for name in copied if name not in ("id", "serial", "entry_der"))
    table = Revocation._meta.db_table
    with connection.cursor() as cursor:
        for start in range(FIRST_SERIAL + 1, FIRST_SERIAL + MANY, CHUNK):
            serials = range(start, min(start + CHUNK, FIRST_SERIAL + MANY))
            values: list[object] = []
            for serial in serials:
                values += [f"{serial:x}", entry_der(serial, now, ReasonFlags.superseded)]
            rows = ", ".join(["(%s, %s)"] * len(serials))
            cursor.execute(
                f"INSERT INTO {table} (serial, entry_der, {kept}) "  # noqa: S608
                f"SELECT new.column1, new.column2, {kept} FROM (VALUES {rows}) AS new, {table} WHERE id = %s",
                [*values, stencil.pk],
            )


@pytest.mark.needs("openssl")
def test_a_hundred_thousand_revocations_are_listed_once_each(tmp_path: Path):
    office = open_office()
    revoke_many(office)
    scope = CrlScope.objects.get(ca=office.issuing)
    made = publish_crl(actor=SYSTEM, scope=scope)
    assert made is not None
    assert made.entries == MANY
    path = tmp_path / "many.crl"
    path.write_bytes(made.body)
    text = openssl("crl", "-inform", "DER", "-in", path, "-noout", "-text").said
    listed = [int(line.split(":")[1], 16) for line in text.splitlines() if "Serial Number:" in line]
    assert sorted(listed) == list(range(FIRST_SERIAL, FIRST_SERIAL + MANY))
    assert text.count("Superseded") == MANY
    assert not Revocation.objects.filter(first_crl=None).exists()
    assert set(Revocation.objects.values_list("first_crl", flat=True).distinct()) == {made.number}
