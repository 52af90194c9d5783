"""The same for many certificates: each is judged and told for itself, and what is foreseen is what happens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.x509 import ReasonFlags

from cas.core.keys import KeyAlgorithm
from cas.services.templates import order_of, update_template
from certificates.models import Certificate, Request
from certificates.orders import Managed, RevokeOrder
from certificates.services import many
from certificates.services.revocation import revoke_certificate
from kernel.errors import Invalid
from kernel.ref import Ref
from tests import cast
from tests.happened import happenings
from tests.office import Office, open_office

SUPERSEDED, HOLD = ReasonFlags.superseded, ReasonFlags.certificate_hold


@pytest.fixture
def office(db) -> Office:
    return open_office(any_key_algorithm=True)


@pytest.fixture
def rows(office) -> list[Certificate]:
    """One that is good, one on hold, one revoked."""
    found = [office.issue(f"{name}.acme.test").certificate for name in ("good", "held", "gone")]
    for row, reason in zip(found[1:], (HOLD, SUPERSEDED), strict=True):
        revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))
        row.refresh_from_db()
    return found


def refused(outcomes: list[many.Outcome]) -> list[bool]:
    return [each.is_refused for each in outcomes]


def test_one_that_is_refused_takes_no_other_with_it(office, rows):
    foreseen = many.foresee_revocations(rows, visible_to=office.owner)
    heard: list[many.Outcome] = []
    with happenings() as names:
        done = many.revoke_many(
            actor=office.owner, certificates=rows[::-1], reason=SUPERSEDED, comment="moved", report=heard.append
        )
    assert heard == done
    assert refused(foreseen) == refused(done[::-1]) == [False, False, True]
    assert "revoked already" in str(done[0].refusals[0])
    assert names == ["certificate.revoked"] * 2
    assert not Certificate.objects.exclude(state="revoked").exists()


def test_renewals_are_foreseen_without_a_signature(office, rows):
    rows.append(office.issue("rsa.acme.test", key=Managed(KeyAlgorithm.RSA_2048)).certificate)
    before = Certificate.objects.count()
    foreseen = many.foresee_renewals(rows, visible_to=office.owner)
    assert Certificate.objects.count() == before
    done = many.renew_many(actor=office.owner, certificates=rows)
    assert refused(foreseen) == refused(done) == [False, True, True, False]
    successor = done[0].successor
    assert (successor.replaces, successor.key_custody) == (rows[0], "waiting")
    assert done[3].successor.key_algorithm == "RSA_2048"
    assert refused(many.foresee_renewals(rows, visible_to=office.owner)) == [True] * 4


def test_slow_keys_are_few(office, monkeypatch):
    monkeypatch.setattr(many, "_MOST_SLOW_KEYS", 1)
    rows = [office.issue(f"{name}.acme.test", key=Managed(KeyAlgorithm.RSA_2048)).certificate for name in "ab"]
    rows.append(office.issue("c.acme.test").certificate)
    assert refused(many.foresee_renewals(rows, visible_to=office.owner)) == [False, True, False]


def test_a_renewal_that_others_must_agree_to_is_asked_for(office, rows):
    order = replace(order_of(office.template), requires_approval=True)
    update_template(actor=office.owner, template=office.template, order=order)
    (foreseen,) = many.foresee_renewals(rows[:1], visible_to=office.owner)
    (done,) = many.renew_many(actor=office.owner, certificates=rows[:1])
    assert foreseen.waits
    assert done.waits
    assert done.request == Request.objects.get()


def test_tags_come_and_go_and_what_is_so_already_is_left_alone(office, rows):
    many.tag_many(actor=office.owner, certificates=rows, add=["web", "web", "old"])
    with happenings() as names:
        done = many.tag_many(actor=office.owner, certificates=rows[:2], add=["web"], remove=["old"])
        again = many.tag_many(actor=office.owner, certificates=rows[:2], add=["web"], remove=["old"])
    assert names == ["certificate.updated"] * 2
    assert [each.certificate.tags for each in done] == [["web"], ["web"]]
    assert not any(each.is_changed for each in again)
    assert Certificate.objects.get(pk=rows[2].pk).tags == ["web", "old"]


@pytest.mark.parametrize("wrong", [{"add": ["a b"]}, {"add": ["x" * 65]}, {}])
def test_tags_that_are_none_touch_nothing(office, rows, wrong):
    with pytest.raises(Invalid) as refusal:
        many.tag_many(actor=office.owner, certificates=rows, **wrong)
    assert {error.field for error in refusal.value.errors} == {"add"}


def test_strangers_are_told_that_there_is_nothing(office, rows):
    stranger = open_office("Umbrella").owner
    teammate = cast.member(office.organization, "auditor").actor
    for actor in (stranger, teammate):
        for outcomes in (
            many.revoke_many(actor=actor, certificates=rows, reason=SUPERSEDED),
            many.renew_many(actor=actor, certificates=rows),
            many.tag_many(actor=actor, certificates=rows, add=["x"]),
            many.foresee_revocations(rows, visible_to=actor),
            many.foresee_renewals(rows, visible_to=actor),
            many.foresee_tags(rows, visible_to=actor),
        ):
            assert refused(outcomes) == [True] * 3
    assert Certificate.objects.filter(state="revoked").count() == 1


def test_it_is_never_more_than_five_hundred(office, rows):
    for several in ([], rows * 167):
        with pytest.raises(Invalid):
            many.revoke_many(actor=office.owner, certificates=several, reason=SUPERSEDED)


def test_what_goes_wrong_here_is_said_and_the_others_are_done(office, rows, monkeypatch):
    def fail(*, actor, order):
        if order.certificate == Ref("pk", rows[0].pk):
            raise RuntimeError
        return revoke_certificate(actor=actor, order=order)

    monkeypatch.setattr(many, "revoke_certificate", fail)
    assert refused(many.revoke_many(actor=office.owner, certificates=rows[:2], reason=SUPERSEDED)) == [True, False]
