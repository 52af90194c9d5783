"""CRLs: when one is due, who may sign it, and what happens when that fails."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags as Reason
from django.utils import timezone

from accounts.roles import OrganizationRole
from audit import services as audit
from cas import keystore
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from cas.services.authorities import disable_ca, retire_ca, update_ca
from certificates.models import Certificate, Crl, CrlScope, Revocation
from certificates.orders import RevokeOrder
from certificates.selectors import SHORTEST_CRL_INTERVAL, crl_scopes_due, due_crl_scopes, newest_crl
from certificates.services.crl import RegisterDisagrees, open_publication, publish_crl
from certificates.services.revocation import release_certificate, revoke_certificate
from kernel.actor import SYSTEM
from kernel.errors import Denied, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.happened import happenings
from tests.office import Office, open_office
from tests.refusals import refused

pytestmark = pytest.mark.django_db

PASSPHRASE = Secret("open, sesame seeds")
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def scope_of(office: Office, number: int = 0) -> CrlScope:
    return CrlScope.objects.select_related("ca", "ca__key").get(ca=office.issuing, scope=number)


def publish(office: Office, number: int = 0, passphrase: Secret | None = None) -> x509.CertificateRevocationList:
    row = publish_crl(actor=SYSTEM, scope=scope_of(office, number), passphrase=passphrase)
    return x509.load_der_x509_crl(bytes(row.body))


def revoke(office: Office, reason: Reason = Reason.superseded) -> Certificate:
    row = office.issue().certificate
    return revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))


def is_due(office: Office, at: datetime, number: int = 0) -> bool:
    return due_crl_scopes(at=at).filter(ca=office.issuing, scope=number).exists()


def serials(crl: x509.CertificateRevocationList) -> set[str]:
    return {f"{entry.serial_number:x}" for entry in crl}


def number_of(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


# --- who --------------------------------------------------------------------------------------------------------------


def test_only_who_may_publish_publishes(office):
    member = cast.member(office.organization, OrganizationRole.MEMBER)
    for actor in (member.actor, cast.stranger().actor):
        with refused(Denied):
            publish_crl(actor=actor, scope=scope_of(office))
    operator = cast.member(office.organization, OrganizationRole.OPERATOR)
    assert publish_crl(actor=operator.actor, scope=scope_of(office)) is not None


# --- what -------------------------------------------------------------------------------------------------------------


def test_a_ca_has_its_first_list_when_it_is_there(office):
    first = newest_crl(office.issuing.pk)
    assert (first.entries, is_due(office, timezone.now())) == (0, False)
    crl = x509.load_der_x509_crl(bytes(first.body))
    assert crl.is_signature_valid(office.issuing.preferred_certificate.certificate.public_key())
    assert crl.next_update_utc - crl.last_update_utc == office.issuing.crl_lifetime


def test_numbers_rise_even_after_a_restore(office):
    before = number_of(publish(office))
    CrlScope.objects.update(last_number=0)
    assert number_of(publish(office)) > before
    ahead = 2**52
    CrlScope.objects.update(last_number=ahead)
    assert number_of(publish(office)) == ahead + 1


def test_an_entry_goes_after_a_list_from_after_its_end_has_carried_it(office):
    row = revoke(office)
    assert serials(publish(office)) == {row.serial}
    Revocation.objects.update(not_after=timezone.now() - SECOND)
    CrlScope.objects.update(last_this_update=timezone.now() - 2 * SECOND)
    assert serials(publish(office)) == {row.serial}
    CrlScope.objects.update(last_this_update=timezone.now())
    assert serials(publish(office)) == set()


def test_a_late_revocation_of_something_expired_is_carried_once(office):
    row = revoke(office)
    Revocation.objects.update(not_after=timezone.now() - DAY)
    assert serials(publish(office)) == {row.serial}
    assert serials(publish(office)) == set()


def test_shards_carry_their_own_and_the_full_list_all():
    office = open_office(crl_shards=2)
    rows = [revoke(office) for _ in range(6)]
    leaves = IssuedSerial.objects.filter(ca=office.issuing, kind="leaf")
    shards = {number: set(leaves.filter(shard=number).values_list("serial", flat=True)) for number in (1, 2)}
    assert serials(publish(office, 0)) == {row.serial for row in rows}
    for number in (1, 2):
        assert is_due(office, timezone.now() + MINUTE, number) is bool(shards[number])
        assert serials(publish(office, number)) == shards[number]
        assert not is_due(office, timezone.now() + MINUTE, number)


def test_it_is_told_once(office):
    with happenings() as names:
        publish(office)
    assert names == ["crl.published"]


def test_where_the_log_cannot_be_written_there_is_no_list(office, monkeypatch):
    def fail(*_args: object, **_facts: object) -> None:
        raise OSError("the log is full")

    before = newest_crl(office.issuing.pk)
    revoke(office)
    monkeypatch.setattr(audit, "record", fail)
    with pytest.raises(OSError, match="the log is full"):
        publish(office)
    assert newest_crl(office.issuing.pk) == before
    assert Revocation.objects.get().first_crl is None


def test_lists_that_have_ended_keep_their_number_and_lose_their_bytes(office):
    Crl.objects.update(next_update=timezone.now() - DAY)
    publish(office)
    old, new = Crl.objects.filter(scope=scope_of(office)).order_by("number")
    assert (bytes(old.body), bool(new.body)) == (b"", True)
    assert old.sha256


# --- when -------------------------------------------------------------------------------------------------------------


def test_a_list_is_due_again_after_a_day(office):
    now = timezone.now()
    assert not is_due(office, now + DAY - MINUTE)
    assert is_due(office, now + DAY)


def test_a_short_list_is_due_after_half_of_its_life(office):
    update_ca(actor=office.owner, ca=office.issuing, crl_lifetime=timedelta(hours=2))
    publish(office)
    now = timezone.now()
    assert not is_due(office, now + timedelta(minutes=59))
    assert is_due(office, now + timedelta(minutes=60))


@pytest.mark.parametrize("change", ["revoked", "released"])
def test_news_are_published_within_a_minute_and_not_more_often(office, change):
    row = revoke(office, Reason.certificate_hold)
    if change == "released":
        publish(office)
        release_certificate(actor=office.owner, certificate=Ref("pk", row.pk))
    last = scope_of(office).last_this_update
    assert not is_due(office, last + SHORTEST_CRL_INTERVAL - SECOND)
    assert is_due(office, last + SHORTEST_CRL_INTERVAL)
    assert SHORTEST_CRL_INTERVAL < MINUTE
    publish(office)
    assert not is_due(office, timezone.now() + MINUTE)


def test_locked_cas_wait_for_a_person():
    office = open_office(passphrase=PASSPHRASE)
    revoke_at = timezone.now() + MINUTE
    row = office.issue(passphrase=PASSPHRASE).certificate
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=Reason.superseded))
    assert not is_due(office, revoke_at)
    assert crl_scopes_due(at=revoke_at).filter(ca=office.issuing).exists()
    with refused(Unavailable, "ca-locked"):
        publish(office)
    assert serials(publish(office, passphrase=PASSPHRASE)) == {row.serial}
    assert not crl_scopes_due(at=revoke_at).filter(ca=office.issuing).exists()


@pytest.mark.parametrize("end", [disable_ca, retire_ca])
def test_a_ca_out_of_service_publishes_until_its_last_certificate_has_ended(office, end):
    row = office.issue().certificate
    end(actor=office.owner, ca=office.issuing)
    assert is_due(office, row.not_after - DAY)
    assert not is_due(office, row.not_after + DAY)


def test_nobody_publishes_for_a_ca_that_has_ended(office):
    ends = CaCertificate.objects.get(ca=office.issuing).not_after
    assert is_due(office, ends - SECOND)
    assert not is_due(office, ends)


# --- one at a time, and when it fails ---------------------------------------------------------------------------------


def test_a_scope_that_another_holds_is_left_alone(office):
    now = timezone.now()
    CrlScope.objects.filter(ca=office.issuing).update(lease=office.issuing.public_id, lease_until=now + MINUTE)
    assert publish_crl(actor=SYSTEM, scope=scope_of(office)) is None
    CrlScope.objects.filter(ca=office.issuing).update(next_due_at=now)
    assert not is_due(office, now)
    assert is_due(office, now + MINUTE)


def test_the_lease_of_who_died_ends(office):
    past = timezone.now() - SECOND
    CrlScope.objects.filter(ca=office.issuing).update(lease=office.issuing.public_id, lease_until=past)
    assert publish_crl(actor=SYSTEM, scope=scope_of(office)) is not None


def test_who_was_overtaken_throws_the_work_away(office, monkeypatch):
    real = keystore.open_signer

    def overtaken(*args: object, **kwargs: object):
        CrlScope.objects.filter(ca=office.issuing).update(lease=office.root.public_id)
        return real(*args, **kwargs)

    before = newest_crl(office.issuing.pk)
    monkeypatch.setattr(keystore, "open_signer", overtaken)
    assert publish_crl(actor=SYSTEM, scope=scope_of(office)) is None
    assert newest_crl(office.issuing.pk) == before


def test_a_failure_is_noted_and_waited_out_ever_longer(office, monkeypatch):
    def fail(*_args: object, **_kwargs: object) -> None:
        raise Unavailable("the module is on fire")

    monkeypatch.setattr(keystore, "open_signer", fail)
    waits = []
    for attempt in range(1, 9):
        with refused(Unavailable):
            publish(office)
        scope = scope_of(office)
        assert (scope.attempts, scope.last_error, scope.lease) == (attempt, "the module is on fire", None)
        waits.append(round((scope.lease_until - timezone.now()).total_seconds(), -1))
        assert not is_due(office, timezone.now() + SECOND)
    assert waits == sorted(waits)
    assert waits[-1] == 900
    monkeypatch.undo()
    publish(office)
    scope = scope_of(office)
    assert (scope.attempts, scope.last_error, scope.lease_until) == (0, "", None)


def test_an_error_of_any_length_is_noted(office, monkeypatch):
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("x" * 1000)

    monkeypatch.setattr(keystore, "open_signer", fail)
    with pytest.raises(OSError, match="xxx"):
        publish(office)
    assert scope_of(office).last_error == "x" * 500


@pytest.mark.parametrize("lie", ["revoked without a revocation", "a revocation without its state"])
def test_a_register_that_contradicts_itself_signs_nothing(office, lie):
    revoke(office)
    if lie == "revoked without a revocation":
        Revocation.objects.all().delete()
    else:
        Certificate.objects.update(state=Certificate.State.ISSUED)
    before = newest_crl(office.issuing.pk)
    with pytest.raises(RegisterDisagrees):
        publish(office)
    assert newest_crl(office.issuing.pk) == before
    assert "certificates revoked or held" in scope_of(office).last_error


def test_opening_twice_changes_nothing(office):
    before = list(CrlScope.objects.order_by("pk").values())
    open_publication(CertificateAuthority.objects.get(pk=office.issuing.pk))
    assert list(CrlScope.objects.order_by("pk").values()) == before
