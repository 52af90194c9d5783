"""What else rules look for: renewals, orders, places of use, and the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import Model
from django.utils import timezone

from acme_client.models import AcmeAccount, AcmeOrder
from audit.models import AuditCheck
from certificates.models import Placement, Renewal
from notices.models import Delivery, Notice
from notices.sentences import sentence_of
from notices.services.telling import close_what_is_over, tell_due
from notices.subjects import Subject
from tests.notices.making import Clock, rule
from tests.office import Office

pytestmark = pytest.mark.django_db


def broken_log(office: Office) -> Model:
    return AuditCheck.objects.create(
        log=office.organization.pk,
        at=timezone.now(),
        size=7,
        unsealed=0,
        root=b"",
        findings=[{"fault": "event-missing", "position": 3, "subject": ""}],
    )


def failed_renewal(office: Office, standing: str = Renewal.Standing.FAILED) -> Model:
    return Renewal.objects.create(
        certificate=office.issue().certificate,
        organization=office.organization,
        standing=standing,
        due_at=timezone.now(),
        last_error="The CA is locked.",
    )


def needed_renewal(office: Office) -> Model:
    return failed_renewal(office, Renewal.Standing.NEEDED)


def _account(office: Office) -> AcmeAccount:
    return AcmeAccount.objects.create(
        organization=office.organization,
        name="Let’s Encrypt",
        provider="letsencrypt",
        directory_url="https://acme.example/directory",
        email="pki@acme.example",
        sealed_key=b"",
        terms_agreed_at=timezone.now(),
    )


def order(office: Office, account: AcmeAccount, status: str) -> AcmeOrder:
    return AcmeOrder.objects.create(
        organization=office.organization,
        account=account,
        status=status,
        names=["www.acme.test"],
        challenge_type="http-01",
        csr=b"",
        expires_at=timezone.now(),
        requester_kind="user",
        requester_id=1,
        requester_label="somebody",
        owner=office.person.user,
        closed_at=timezone.now() if status == "invalid" else None,
        last_error="The name is not ours.",
    )


def failed_order(office: Office) -> Model:
    return order(office, _account(office), "invalid")


def place_without_it(office: Office) -> Model:
    return Placement.objects.create(
        organization=office.organization,
        certificate=office.issue().certificate,
        host="www.acme.test",
        outcome=Placement.Outcome.OLDER,
        wrong_since=timezone.now() - timedelta(days=2),
    )


def sound_log(row: Model) -> None:
    AuditCheck.objects.create(log=row.log, at=timezone.now(), size=8, unsealed=0, root=b"", findings=[])


def ordered_again(row: Model) -> None:
    AcmeOrder.objects.create(
        organization=row.organization,
        account=row.account,
        names=row.names,
        challenge_type="http-01",
        csr=b"",
        expires_at=timezone.now(),
        requester_kind="user",
        requester_id=1,
        requester_label="somebody",
    )


def served(row: Model) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(wrong_since=None, outcome="served")


def gone(row: Model) -> None:
    row.delete()


CONDITIONS: dict[str, tuple[Callable[[Office], Model], Callable[[Model], None], str]] = {
    Subject.AUDIT_BROKEN: (broken_log, sound_log, "The audit log does not verify. Findings: 1."),
    Subject.RENEWAL_FAILED: (
        failed_renewal,
        gone,
        "The certificate www.acme.test could not be renewed: The CA is locked.",
    ),
    Subject.RENEWAL_NEEDED: (needed_renewal, gone, "The certificate www.acme.test has to be renewed by whoever"),
    Subject.ORDER_FAILED: (
        failed_order,
        ordered_again,
        "The order for www.acme.test by the account Let’s Encrypt has failed: The name is not ours.",
    ),
    Subject.NOT_SERVED: (
        place_without_it,
        served,
        "The certificate www.acme.test is not being served at www.acme.test:443.",
    ),
}


@pytest.mark.parametrize(("subject", "case"), CONDITIONS.items(), ids=CONDITIONS)
def test_it_is_told_once_and_closed_when_it_is_over(office: Office, clock: Clock, subject: str, case: tuple):
    begin, end, says = case
    rule(office, subject=subject)
    tell_due()
    assert not Notice.objects.exists()
    clock.go(minutes=2)
    row = begin(office)
    for _look in range(3):
        close_what_is_over()
        tell_due()
        clock.go(minutes=2)
    notice = Notice.objects.get()
    assert notice.closed_at is None
    assert says in str(sentence_of(notice))
    end(row)
    close_what_is_over()
    assert Notice.objects.get().closed_at is not None


def test_what_had_failed_before_there_was_a_rule_is_not_told(office: Office, clock: Clock):
    failed_order(office)
    clock.go(minutes=2)
    rule(office, subject=Subject.ORDER_FAILED)
    tell_due()
    assert not Notice.objects.exists()


def test_a_failed_order_is_told_to_nobody_by_mail_unless_a_rule_says_so(office: Office, clock: Clock):
    rule(office, subject=Subject.ORDER_FAILED)
    clock.go(minutes=2)
    failed_order(office)
    tell_due()
    assert not Delivery.objects.exists()
