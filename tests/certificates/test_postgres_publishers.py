"""Publishers of CRLs that meet, die or are overtaken, and revocations that come while one is at work."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags
from django.utils import timezone

from audit.events import EventName
from audit.models import AuditEvent
from certificates import selectors
from certificates.models import Certificate, Crl, CrlScope, Revocation
from certificates.orders import RevokeOrder
from certificates.services import sweeps
from certificates.services.crl import publish_crl
from certificates.services.revocation import release_certificate, revoke_certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests.office import Office, open_office
from tests.postgres import start_child

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

AN_HOUR = timedelta(hours=1)


def scope_of(office: Office) -> CrlScope:
    return CrlScope.objects.get(ca=office.issuing, scope=0)


def publish(office: Office) -> Crl | None:
    return publish_crl(actor=SYSTEM, scope=scope_of(office))


def revoke(office: Office, row: Certificate, reason: ReasonFlags = ReasonFlags.superseded) -> None:
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))


def end_lease(office: Office) -> None:
    past = timezone.now() - timedelta(seconds=1)
    assert CrlScope.objects.filter(pk=scope_of(office).pk, lease__isnull=False).update(lease_until=past) == 1


def is_due(office: Office) -> bool:
    """Whether the sweep would take it up, a while from now."""
    return selectors.due_crl_scopes(at=timezone.now() + AN_HOUR / 2).filter(ca=office.issuing).exists()


def serials_on(crl: Crl) -> set[str]:
    body = x509.load_der_x509_crl(bytes(Crl.objects.get(pk=crl.pk).body))
    assert body.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == crl.number
    assert len(body) == crl.entries
    return {f"{entry.serial_number:x}" for entry in body}


def newest(office: Office) -> Crl:
    return Crl.objects.filter(scope=scope_of(office)).latest("number")


def test_builders_at_once_never_share_a_number(tmp_path: Path):
    office = open_office()
    row = office.issue().certificate
    revoke(office, row)
    before = newest(office).number
    kept = [int(line) for line in start_child(tmp_path, "publish-often", scope_of(office).pk, 8, 3).finish().split()]
    stored = Crl.objects.filter(scope=scope_of(office), number__gt=before).order_by("id")
    numbers = list(stored.values_list("number", flat=True))
    assert numbers == sorted(set(numbers))
    assert set(kept) == set(numbers)
    assert len(kept) == len(numbers)
    assert scope_of(office).last_number == numbers[-1]
    assert all(serials_on(crl) == {row.serial} for crl in stored)
    events = AuditEvent.objects.filter(name=EventName.CRL_PUBLISHED, event_id__in=stored.values("event"))
    assert events.count() == len(numbers)
    assert scope_of(office).lease is None


def test_a_scope_that_is_taken_is_left_alone(tmp_path: Path):
    office = open_office()
    child = start_child(tmp_path, "publish", scope_of(office).pk, "after-reading")
    child.wait_until_stopped()
    before = Crl.objects.count()
    assert publish(office) is None
    assert Crl.objects.count() == before
    child.let_go()
    assert int(child.finish()) == newest(office).number
    assert Crl.objects.count() == before + 1


def test_the_next_publisher_takes_over_from_a_dead_one(tmp_path: Path):
    office = open_office()
    row = office.issue().certificate
    revoke(office, row)
    child = start_child(tmp_path, "publish", scope_of(office).pk, "after-claim")
    child.wait_until_stopped()
    child.process.kill()
    child.end()
    assert publish(office) is None
    assert not selectors.due_crl_scopes(at=timezone.now()).filter(ca=office.issuing).exists()
    assert is_due(office)
    end_lease(office)
    CrlScope.objects.update(last_this_update=timezone.now() - AN_HOUR)
    assert sweeps.publish_due_crls() >= 1
    assert serials_on(newest(office)) == {row.serial}
    assert scope_of(office).lease is None
    assert not is_due(office)


def test_a_publisher_that_was_overtaken_throws_its_work_away(tmp_path: Path):
    office = open_office()
    first, second = (office.issue(f"{name}.acme.test").certificate for name in ("a", "b"))
    revoke(office, first)
    child = start_child(tmp_path, "publish", scope_of(office).pk, "before-keeping")
    child.wait_until_stopped()
    revoke(office, second)
    end_lease(office)
    kept = publish(office)
    assert kept is not None
    child.let_go()
    assert child.finish() == "None"
    assert newest(office) == kept
    assert serials_on(kept) == {first.serial, second.serial}
    assert scope_of(office).last_number == kept.number
    assert set(Revocation.objects.values_list("first_crl", flat=True)) == {kept.number}


@pytest.mark.parametrize("point", ["after-reading", "before-keeping"])
def test_a_revocation_while_the_crl_is_built_is_on_the_next_one(tmp_path: Path, point: str):
    office = open_office()
    listed, late, held = (office.issue(f"{name}.acme.test").certificate for name in ("a", "b", "c"))
    revoke(office, listed)
    revoke(office, held, ReasonFlags.certificate_hold)
    child = start_child(tmp_path, "publish", scope_of(office).pk, point)
    child.wait_until_stopped()
    revoke(office, late)
    release_certificate(actor=office.owner, certificate=Ref("pk", held.pk))
    child.let_go()
    assert int(child.finish()) == newest(office).number
    assert serials_on(newest(office)) == {listed.serial, held.serial}
    assert is_due(office)
    following = publish(office)
    assert following is not None
    assert serials_on(following) == {listed.serial, late.serial}
    assert not is_due(office)
