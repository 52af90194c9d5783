"""Counts for people who look: every certificate once, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.x509 import ReasonFlags
from django.utils import timezone

from cas.services.authorities import disable_ca
from certificates.models import Certificate
from certificates.orders import RevokeOrder
from certificates.selectors import RegisterCounts, count_by_status
from certificates.services.revocation import revoke_certificate
from certificates.statistics import count_authorities, crl_scopes
from kernel.ref import Ref
from tests import cast
from tests.office import Office

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def filled(office) -> Office:
    """One certificate of each status; the one that is revoked has expired as well."""
    now = timezone.now()
    rows = [office.issue().certificate for _ in range(5)]
    for row, reason in ((rows[3], ReasonFlags.certificate_hold), (rows[4], ReasonFlags.superseded)):
        revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))
    ends = {rows[1].pk: now + 5 * DAY, rows[2].pk: now - DAY, rows[4].pk: now - DAY}
    for pk, not_after in ends.items():
        Certificate.objects.filter(pk=pk).update(not_after=not_after)
    return office


def test_every_certificate_is_counted_once(filled):
    now = timezone.now()
    assert count_by_status(visible_to=filled.owner, at=now) == RegisterCounts(issued=2, expired=1, held=1, revoked=1)


def test_a_count_and_a_row_agree_on_the_status(filled):
    now = timezone.now()
    statuses = sorted(row.status(now) for row in Certificate.objects.all())
    assert statuses == ["expired", "held", "issued", "issued", "revoked"]


def test_a_certificate_is_good_to_its_last_moment(office):
    row = office.issue().certificate
    assert row.status(row.not_after) == "issued"
    assert row.status(row.not_after + timedelta(microseconds=1)) == "expired"
    assert count_by_status(visible_to=office.owner, at=row.not_after).issued == 1


def test_a_stranger_counts_nothing(filled):
    stranger = cast.stranger().actor
    assert count_by_status(visible_to=stranger, at=timezone.now()).total == 0
    assert count_authorities(visible_to=stranger) == 0
    assert list(crl_scopes(visible_to=stranger)) == []


def test_cas_in_service_and_their_lists(office):
    assert count_authorities(visible_to=office.owner) == 2
    disable_ca(actor=office.owner, ca=office.issuing)
    assert count_authorities(visible_to=office.owner) == 1
    scopes = crl_scopes(visible_to=office.owner)
    assert [(scope.ca, scope.entries) for scope in scopes] == [(office.root, 0), (office.issuing, 0)]
    assert all(scope.expires_at > timezone.now() for scope in scopes)
