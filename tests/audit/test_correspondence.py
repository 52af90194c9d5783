"""Rows of record and their events: neither is there without the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.x509 import ReasonFlags
from django.apps import apps
from django.db import connection

from accounts.models import ApiKey, Membership
from accounts.services.organizations import remove_member
from audit import records
from audit.models import AuditEvent
from audit.services import seal, verify
from audit.services.verification import find_mismatches
from audit.verifier import MAX_FINDINGS, Fault
from cas.models import BlockedKey, CertificateAuthority, Role
from certificates.models import Certificate, Crl, Revocation
from certificates.orders import RevokeAuthorityOrder, RevokeOrder
from certificates.services.revocation import release_certificate, revoke_authority, revoke_certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests import cast
from tests.append_only import unguarded
from tests.office import Office, open_office

REGISTERED = dict(records._registered)


@pytest.fixture(autouse=True)
def _everything_is_registered(monkeypatch, _nothing_is_made) -> None:
    monkeypatch.setattr(records, "_registered", REGISTERED)


@pytest.fixture
def office(db) -> Office:
    """Where something of everything has happened."""
    office = open_office()
    cast.api_key(office.person)
    teammate = cast.member(office.organization, "operator")
    remove_member(actor=office.owner, membership=Membership.objects.get(user=teammate.user))
    compromised, held, released = (office.issue().certificate for _ in range(3))
    _revoke(office, compromised, ReasonFlags.key_compromise)
    for certificate in (held, released):
        _revoke(office, certificate, ReasonFlags.certificate_hold)
    _revoke(office, held, ReasonFlags.superseded)
    release_certificate(actor=office.owner, certificate=Ref("pk", released.pk))
    office.issue()
    return office


def _revoke(office: Office, certificate: Certificate, reason: ReasonFlags) -> None:
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", certificate.pk), reason=reason))


def mismatches(log: int | None = None) -> list[tuple[str, int | None, str]]:
    return [(finding.fault.value, finding.log, finding.subject) for finding in find_mismatches(log)]


def test_every_row_that_keeps_an_event_is_registered():
    keeping = {model for model in apps.get_models() if any(field.name == "event" for field in model._meta.fields)}
    assert set(REGISTERED) == keeping


def test_what_services_do_corresponds(office):
    assert mismatches() == []
    order = RevokeAuthorityOrder(ca=Ref("pk", office.root.pk), reason=ReasonFlags.ca_compromise)
    revoke_authority(actor=office.owner, order=order)
    seal(actor=SYSTEM)
    assert verify().is_sound


def test_a_certificate_without_its_event_is_found(office):
    row = Certificate.objects.latest("pk")
    with unguarded():
        AuditEvent.objects.filter(event_id=row.event).delete()
    assert mismatches() == [("row-without-event", office.organization.pk, f"certificates_certificate {row.pk}")]
    assert not verify().is_sound


def test_an_event_without_its_certificate_is_found(office):
    row = Certificate.objects.latest("pk")
    _delete(row)
    assert mismatches() == [("event-without-row", office.organization.pk, row.event)]


def _delete(row: Certificate) -> None:
    """As somebody at the database's own console does it."""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM certificates_certificatebody WHERE certificate_id = %s", [row.pk])
        cursor.execute("DELETE FROM certificates_certificatename WHERE certificate_id = %s", [row.pk])
        cursor.execute("DELETE FROM certificates_certificate WHERE id = %s", [row.pk])


def borrow_another_event(office: Office) -> str:
    """A planted certificate that names the event of a genuine one."""
    first, second = Certificate.objects.order_by("pk")[:2]
    Certificate.objects.filter(pk=first.pk).update(event=second.event)
    return f"certificates_certificate {first.pk}"


def borrow_an_event_of_another_kind(office: Office) -> str:
    role = Role.objects.get()
    Role.objects.filter(pk=role.pk).update(event=Certificate.objects.latest("pk").event)
    return f"cas_role {role.pk}"


def borrow_an_event_of_another_log(office: Office) -> str:
    cast.api_key(cast.stranger())
    ours, theirs = ApiKey.objects.order_by("pk")
    ApiKey.objects.filter(pk=ours.pk).update(event=theirs.event)
    return f"accounts_apikey {ours.pk}"


def invent_an_event(office: Office) -> str:
    revocation = Revocation.objects.latest("pk")
    Revocation.objects.filter(pk=revocation.pk).update(event="0" * 26)
    return f"certificates_revocation {revocation.pk}"


BORROWED: list[Callable[[Office], str]] = [
    borrow_another_event,
    borrow_an_event_of_another_kind,
    borrow_an_event_of_another_log,
    invent_an_event,
]


@pytest.mark.parametrize("borrow", BORROWED)
def test_a_row_under_another_event_is_found_both_ways(office, borrow):
    subject = borrow(office)
    found = mismatches()
    assert (Fault.ROW_WITHOUT_EVENT, office.organization.pk, subject) in found
    assert [fault for fault, _, _ in found] == [Fault.ROW_WITHOUT_EVENT, Fault.EVENT_WITHOUT_ROW]


def test_a_membership_that_ended_leaves_only_its_events(office):
    Membership.objects.filter(organization=office.organization).delete()
    assert mismatches() == []


def test_a_key_that_is_blocked_everywhere_is_told_of_in_some_log(office):
    assert BlockedKey.objects.update(organization=None) == 1
    assert mismatches() == []
    BlockedKey.objects.update(event="0" * 26)
    assert mismatches() == [("row-without-event", None, f"cas_blockedkey {BlockedKey.objects.get().pk}")]


def test_one_log_can_be_looked_at_alone(office):
    with unguarded():
        AuditEvent.objects.filter(event_id=CertificateAuthority.objects.latest("pk").event).delete()
    assert {log for _, log, _ in mismatches()} == {office.organization.pk}
    assert mismatches(office.organization.pk) == mismatches()
    assert mismatches(0) == []


def test_each_kind_of_row_costs_two_statements_at_most(office, django_assert_max_num_queries):
    with django_assert_max_num_queries(2 * len(REGISTERED)):
        mismatches()


def test_a_table_without_any_event_is_not_told_row_by_row(office):
    crl = Crl.objects.first()
    copies = [
        Crl(
            organization_id=crl.organization_id,
            scope=crl.scope,
            number=number,
            this_update=crl.this_update,
            next_update=crl.next_update,
            entries=0,
            sha256="",
            body=b"",
            event="0" * 26,
        )
        for number in range(1, MAX_FINDINGS + 20)
    ]
    Crl.objects.bulk_create(copies)
    assert len(mismatches()) == MAX_FINDINGS
