"""The overview tells the truth, and says so where it does not know it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.x509 import ReasonFlags
from django.core.cache import cache
from django.utils import timezone

from accounts.roles import OrganizationRole
from accounts.services.custom_roles import create_custom_role
from audit.models import AuditEvent
from cas.models import CaCertificate
from certificates import summary
from certificates.models import Certificate, Request
from certificates.orders import Managed, RevokeOrder
from certificates.services.fulfilment import fulfil_request
from certificates.services.issuance import issue_at_once
from certificates.services.keys import collect_private_key
from certificates.services.revocation import revoke_certificate
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast
from tests.certificates.asking import named, open_desk
from tests.office import Office, open_office, order_for
from tests.security.whole import speaks_of_acme
from tests.web.people import browser_of

DAY = timedelta(days=1)


def panel(client, name: str):
    """What a part of the page shows."""
    (found,) = [each for each in client.get("/").context["panels"] if each.template.endswith(f"_{name}.html")]
    assert not found.fault
    return found.content


def concerns(client) -> list[str]:
    return [concern.text for concern in panel(client, "attention")]


def listed(client, address: str) -> int:
    """How many rows the list behind an address says that it has."""
    if address.startswith("/authorities/"):
        return len(client.get(address).context["rows"])
    if address.startswith("/requests/"):
        return len(client.get(address).context["rows"])
    return client.get(address).context["total"].value


@pytest.fixture
def filled(office) -> Office:
    """Good, ending in 3, 12 and 60 days, expired, on hold, and revoked."""
    rows = [office.issue(f"n{number}.acme.test").certificate for number in range(7)]
    for row, days in zip(rows[1:5], (3, 12, 60, -1), strict=True):
        Certificate.objects.filter(pk=row.pk).update(not_after=timezone.now() + days * DAY)
    Certificate.objects.filter(pk=rows[0].pk).update(not_after=timezone.now() + 300 * DAY)
    Certificate.objects.filter(pk=rows[3].pk).update(created_at=timezone.now() - 9 * DAY)
    for row, reason in ((rows[5], "certificate_hold"), (rows[6], "superseded")):
        revoke_certificate(
            actor=office.owner,
            order=RevokeOrder(certificate=Ref("pk", row.pk), reason=getattr(ReasonFlags, reason)),
        )
    return office


class TestFigures:
    def test_each_equals_the_list_behind_it(self, owner, filled):
        figures = panel(owner, "headline")
        assert [figure.number for figure in figures] == [2, 2, 1, 2]
        for figure in figures:
            assert figure.url, figure.label
            assert listed(owner, figure.url) == figure.number, figure.label

    def test_each_bar_and_slice_equals_the_list_behind_it(self, owner, filled):
        charts = panel(owner, "register")
        assert (charts.total, charts.counted_at) == (7, None)
        assert [part.count for part in charts.slices] == [2, 2, 1, 1, 1]
        bars = [*charts.ending, *charts.issued, *charts.by_ca, *charts.by_key, *charts.slices]
        assert [bar.count for bar in charts.ending] == [1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
        assert [bar.tone for bar in charts.ending[:5]] == ["bad", "warn", "warn", "warn", "plain"]
        assert [bar.count for bar in charts.issued if bar.count] == [1, 6]
        for bar in bars:
            assert listed(owner, bar.url) == bar.count, bar

    def test_every_bar_is_a_link_that_says_what_it_is(self, owner, filled):
        page = owner.get("/").content.decode()
        for bar in panel(owner, "register").ending:
            if bar.count:
                assert f'aria-label="{bar.said}"' in page
        assert page.count("Show as table") == 2

    def test_they_can_be_taken_along(self, owner, filled):
        answer = owner.get("/overview.csv")
        rows = list(csv.reader(io.StringIO(answer.content.decode())))
        assert answer["Content-Disposition"].startswith("attachment")
        assert rows[0] == ["figure", "of", "number"]
        assert ["status", "active", "2"] in rows
        assert ["ca", "ACME Issuing CA", "4"] in rows
        assert len([row for row in rows if row[0] == "issued"]) == summary.DAYS

    def test_a_name_is_no_formula(self, owner, filled):
        filled.issuing.name = "=1+1"
        filled.issuing.save(update_fields=["name"])
        assert "ca,'=1+1,4" in owner.get("/overview.csv").content.decode()

    def test_a_large_register_is_not_counted_for_each_look(self, owner, filled, monkeypatch):
        monkeypatch.setattr(summary, "COUNTED_AT_ONCE", 2)
        cache.add(f"{summary._key(filled.owner)}:counting", True, 60)
        page = owner.get("/")
        faults = {each.template: each.fault for each in page.context["panels"]}
        assert "being counted" in faults["web/dashboard/_register.html"]
        assert not faults["web/dashboard/_hierarchy.html"]
        assert "All clear" not in page.content.decode()
        assert owner.get("/overview.csv").status_code == 503


class TestAttention:
    def test_all_clear_only_where_everything_was_looked_at(self, owner, office, monkeypatch):
        assert concerns(owner) == []
        assert re.search(r"All clear\..*checked at \d\d:\d\d UTC", owner.get("/").content.decode(), re.DOTALL)
        monkeypatch.setattr("web.dashboard.attention.visible_events", lambda _actor: 1 / 0)
        assert concerns(owner) == ["Could not be checked: the seal of the audit log."]
        assert "All clear" not in owner.get("/").content.decode()

    def test_what_waits_ends_or_has_failed(self, db):
        desk = open_desk()
        now, fulfilled = timezone.now(), desk.approved()
        certificate = fulfil_request(actor=desk.asker.actor, request=named(fulfilled)).certificate
        desk.ask()
        Request.objects.filter(pk=desk.ask().pk).update(status="failed", closed_at=now)
        Certificate.objects.filter(pk=certificate.pk).update(not_after=now + 3 * DAY)
        CaCertificate.objects.filter(ca=desk.office.issuing).update(not_after=now + 40 * DAY)
        for_all = ["1 certificate ends within 7 days.", "The authority ACME Issuing CA ends in 39 days."]
        failed, waiting = "1 request has failed in the last 7 days.", "1 request waits for your word."
        approver = browser_of(desk.approver.user)
        assert concerns(approver) == [failed, waiting, *for_all]
        for concern in panel(approver, "attention")[:3]:
            assert listed(approver, concern.url) == 1, concern
        assert [figure.number for figure in panel(approver, "headline") if "/requests/" in figure.url] == [1]
        assert concerns(browser_of(desk.asker.user)) == [
            failed,
            "1 private key waits to be collected by you.",
            *for_all,
        ]

    def test_the_private_keys_that_wait_for_who_looks_and_for_nobody_else(self, office):
        """Neither those that wait for others, nor those of certificates that are good for nothing any more."""
        asker = cast.member(office.organization, OrganizationRole.OPERATOR, "a*b|c@acme.example")
        order = replace(order_for(office.template), key=Managed(collect_later=True))
        rows = [issue_at_once(actor=asker.actor, order=order).certificate for _number in range(4)]
        office.issue(key=Managed(collect_later=True))
        revoke = RevokeOrder(certificate=Ref("pk", rows[0].pk), reason=ReasonFlags.superseded)
        revoke_certificate(actor=office.owner, order=revoke)
        Certificate.objects.filter(pk=rows[1].pk).update(not_after=timezone.now() - DAY)
        client = browser_of(asker.user)
        (concern,) = panel(client, "attention")
        assert concern.text == "2 private keys wait to be collected by you."
        assert listed(client, concern.url) == 2
        for row in rows[2:]:
            collect_private_key(actor=asker.actor, certificate=Ref("pk", row.pk))
        assert concerns(client) == []

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda past, scope: scope.crls.update(next_update=past), "The CRL of ACME Issuing CA has expired."),
            (lambda past, scope: scope.crls.all().delete(), "ACME Issuing CA has not published its first CRL yet."),
            (
                lambda past, scope: type(scope).objects.filter(pk=scope.pk).update(next_due_at=past),
                "A new CRL of ACME Issuing CA is due and has not come.",
            ),
        ],
        ids=["expired", "missing", "late"],
    )
    def test_a_crl_that_is_not_fresh(self, owner, office, change, said):
        change(timezone.now() - timedelta(hours=1), office.issuing.crl_scopes.get())
        assert concerns(owner) == [said]
        (node,) = [node for node in panel(owner, "hierarchy")["nodes"] if node.name == office.issuing.name]
        assert "CRL" in node.label
        assert "fresh" not in node.label

    def test_a_log_that_nobody_seals(self, owner, office, monkeypatch):
        monkeypatch.setattr("web.dashboard.attention.UNSEALED_TOO_LONG", timedelta(0))
        assert AuditEvent.objects.filter(position=None).exists()
        assert "is not being sealed" in concerns(owner)[0]


def test_one_part_that_fails_leaves_the_others(owner, filled, monkeypatch):
    monkeypatch.setattr("web.dashboard.pages.register", lambda _board: 1 / 0)
    page = owner.get("/").content.decode()
    assert "This part could not be loaded" in page
    assert "certificate.issued" in page
    assert filled.root.name in page


def test_it_asks_little_where_there_is_much(owner, filled, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(summary, "COUNTED_AT_ONCE", 2)
    owner.get("/")
    with django_assert_max_num_queries(15):
        owner.get("/")


def test_who_may_read_nothing_is_shown_nothing(filled):
    CaCertificate.objects.filter(ca=filled.issuing).update(not_after=timezone.now() + 40 * DAY)
    filled.issuing.crl_scopes.get().crls.all().delete()
    role = create_custom_role(
        actor=filled.owner, organization=filled.organization, name="Publisher", permissions=[Permission.CRLS_PUBLISH]
    )
    client = browser_of(cast.member(filled.organization, role.slug, "p@acme.example").user)
    answer = client.get("/")
    # Not even that all is clear: who says so has looked.
    assert {each.template: each.content for each in answer.context["panels"]} == {"web/dashboard/_headline.html": []}
    for hidden in (filled.root.name, filled.issuing.name, "acme.test", "certificate.issued"):
        assert hidden not in answer.content.decode()
    assert client.get("/overview.csv").content.decode().splitlines() == ["figure,of,number"]


def test_a_stranger_sees_nothing_of_it(filled):
    client = browser_of(open_office("Umbrella").person.user)
    assert not speaks_of_acme(client.get("/").content + client.get("/overview.csv").content)
    assert [figure.number for figure in panel(client, "headline")][:3] == [0, 0, 0]
