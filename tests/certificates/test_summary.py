"""The register in a few numbers: right, nobody else's, and not counted for each question where it is large."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from cryptography.x509 import ReasonFlags
from django.core.cache import cache, caches
from django.utils import timezone

from cas.core.keys import KeyAlgorithm
from certificates import summary as module
from certificates.models import Certificate
from certificates.orders import RevokeOrder
from certificates.services.revocation import revoke_certificate
from certificates.statistics import CertificateCounts
from certificates.summary import DAYS, DAYS_AHEAD, WINDOWS, Part, summarize
from kernel.actor import Actor
from kernel.errors import Unavailable
from kernel.permissions import Grant, Permission
from kernel.ref import Ref
from tests import cast
from tests.office import Office, open_office
from tests.refusals import refused

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    for each in caches.all():
        each.clear()


@pytest.fixture
def filled(office) -> Office:
    """Six certificates: good, two that end in 5 and 20 days, expired, held, revoked."""
    now = timezone.now()
    rows = [office.issue().certificate for _ in range(6)]
    for row, reason in ((rows[4], ReasonFlags.certificate_hold), (rows[5], ReasonFlags.superseded)):
        revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))
    for row, days in ((rows[1], 5), (rows[2], 20), (rows[3], -1)):
        Certificate.objects.filter(pk=row.pk).update(not_after=now + days * DAY)
    return office


def of(actor: Actor):
    return summarize(visible_to=actor, at=timezone.now())


@pytest.fixture
def large(monkeypatch) -> None:
    """Three certificates are many."""
    monkeypatch.setattr(module, "COUNTED_AT_ONCE", 2)


def test_everything_is_counted_once_in_each_way(filled):
    found = of(filled.owner)
    counts = CertificateCounts(active=1, expiring=2, expired=1, held=1, revoked=1)
    assert found.certificates == counts
    assert found.by_ca == (Part(filled.issuing.pk, counts),)
    assert found.by_key_algorithm == (Part(KeyAlgorithm.ECDSA_P256, counts),)
    assert dict(found.expiring) == {7: 1, 14: 1, 30: 2, 60: 2, 90: 3}
    assert tuple(days for days, _count in found.expiring) == WINDOWS


def test_the_largest_part_comes_first_and_what_has_no_ca_is_a_part(filled):
    rows = list(Certificate.objects.order_by("pk"))
    Certificate.objects.filter(pk=rows[0].pk).update(ca=None, key_algorithm="RSA_2048")
    found = of(filled.owner)
    assert [(part.of, part.counts.total) for part in found.by_ca] == [(filled.issuing.pk, 5), (None, 1)]
    assert [(part.of, part.counts.total) for part in found.by_key_algorithm] == [("ECDSA_P256", 5), ("RSA_2048", 1)]


def test_every_day_of_the_last_thirty_is_there(filled):
    now = timezone.now()
    rows = list(Certificate.objects.order_by("pk"))
    Certificate.objects.filter(pk=rows[0].pk).update(created_at=now - 3 * DAY)
    Certificate.objects.filter(pk=rows[1].pk).update(created_at=now - DAYS * DAY)
    issued = of(filled.owner).issued
    assert len(issued) == DAYS
    assert issued[-1] == (now.astimezone(UTC).date(), 4)
    assert issued[-4] == ((now - 3 * DAY).astimezone(UTC).date(), 1)
    assert sum(count for _day, count in issued) == 5


def test_what_ends_is_counted_by_its_day(filled):
    now = timezone.now()
    ending = dict(of(filled.owner).ending)
    assert len(ending) == DAYS_AHEAD
    assert min(ending) == now.astimezone(UTC).date()
    # The one that has expired, or is revoked or held, ends no more.
    assert sum(ending.values()) == 3
    for days in (5, 20):
        assert ending[(now + days * DAY).astimezone(UTC).date()] == 1


def test_a_stranger_counts_nothing_large_or_small(filled, monkeypatch):
    stranger = cast.stranger().actor
    assert of(stranger).certificates.total == 0
    monkeypatch.setattr(module, "COUNTED_AT_ONCE", -1)
    assert of(filled.owner).certificates.total == 6
    assert of(stranger).certificates.total == 0
    assert of(stranger).by_ca == ()


def test_what_is_remembered_is_for_those_who_see_the_same(filled, large):
    assert of(filled.owner).certificates.total == 6
    narrowed = replace(filled.owner, grants=(Grant(filled.root.pk, frozenset(Permission)),))
    assert of(narrowed).certificates.total == 0
    for _ in range(3):
        open_office(f"Umbrella {_}").issue()
    assert of(cast.SUPERUSER).certificates.total == 9
    assert of(filled.owner).certificates.total == 6
    nobody = replace(cast.SUPERUSER, is_superuser=False, organization_id=None)
    assert of(nobody).certificates.total == 0


def test_a_small_register_is_counted_each_time(filled):
    first = of(filled.owner)
    filled.issue()
    assert of(filled.owner).certificates.total == first.certificates.total + 1


def test_a_large_one_is_counted_once_and_its_time_is_told(filled, large, django_assert_num_queries):
    first = of(filled.owner)
    filled.issue()
    with django_assert_num_queries(0):
        assert of(filled.owner) == first


def test_a_large_one_is_counted_again_after_a_while(filled, large, monkeypatch):
    first = of(filled.owner)
    filled.issue()
    monkeypatch.setattr(module, "_SHORTEST_REST", 0)
    monkeypatch.setattr(module, "_REST", 0)
    second = of(filled.owner)
    assert second.certificates.total == first.certificates.total + 1
    assert second.at > first.at


def test_the_longer_counting_takes_the_longer_it_rests(filled, monkeypatch):
    now = 1_000_000.0
    monkeypatch.setattr(module.time, "time", lambda: now)
    summary = of(filled.owner)
    assert module._Kept(summary, now - 59, 0.01).is_fresh
    assert not module._Kept(summary, now - 61, 0.01).is_fresh
    assert module._Kept(summary, now - 590, 3.0).is_fresh
    assert not module._Kept(summary, now - 610, 3.0).is_fresh


def test_while_one_counts_the_others_get_the_last_or_wait(filled, large, monkeypatch):
    key = module._key(filled.owner)
    cache.add(f"{key}:counting", True, 60)
    with refused(Unavailable, "counting"):
        of(filled.owner)
    cache.delete(f"{key}:counting")
    first = of(filled.owner)
    monkeypatch.setattr(module, "_SHORTEST_REST", 0)
    monkeypatch.setattr(module, "_REST", 0)
    cache.add(f"{key}:counting", True, 60)
    assert of(filled.owner) == first


def test_a_count_that_fails_stands_in_nobodys_way(filled, large, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "_count", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            of(filled.owner)
    assert of(filled.owner).certificates.total == 6


def test_what_another_version_remembered_is_counted_anew(filled, large, monkeypatch):
    monkeypatch.setattr(module, "_last", lambda _key: None)
    assert of(filled.owner).certificates.total == 6


def test_without_a_cache_only_small_registers_are_counted(filled, settings, monkeypatch):
    settings.CACHES = {
        name: {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
        for name in settings.CACHES
    }
    assert of(filled.owner).certificates.total == 6
    monkeypatch.setattr(module, "COUNTED_AT_ONCE", 2)
    with refused(Unavailable, "counting"):
        of(filled.owner)
