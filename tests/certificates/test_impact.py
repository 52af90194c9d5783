"""What a change would break is what it does break: said before, found true afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from django.utils import timezone

from accounts.roles import OrganizationRole
from audit.models import AuditEvent
from cas.core.csr import read_csr
from cas.models import ProfileVersion
from cas.services import roles, templates
from certificates.models import Certificate
from certificates.orders import IssueOrder, RenewOrder, RevokeOrder
from certificates.services import impact
from certificates.services.impact import Impact, Judged, impact_of_role, impact_of_template
from certificates.services.issuance import issue_at_once
from certificates.services.renewal import renew_at_once
from certificates.services.revocation import revoke_certificate
from kernel.actor import Actor
from kernel.errors import Denied, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast, pki
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
DUE = ["*.acme.test", "*.old.acme.test", "csr.acme.test", "ip.acme.test", "www.acme.test"]


@pytest.fixture
def office() -> Office:
    """Of which a wildcard, an address, a name, one that lasts long, one by CSR, and others that do not count."""
    office = open_office()
    for name in ("*.acme.test", "www.acme.test"):
        office.issue(name)
    office.issue("ip.acme.test", "10.0.0.1")
    office.issue("long.acme.test", validity=200 * DAY)
    csr = pki.make_csr(pki.a_key(number=0), subject="CN=csr.acme.test", sans=("csr.acme.test",))
    issue_at_once(actor=office.owner, order=IssueOrder(template="web-tls", key=read_csr(csr)))
    revoked = office.issue("*.revoked.acme.test").certificate
    order = RevokeOrder(certificate=Ref("pk", revoked.pk), reason=x509.ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)
    old = office.issue("*.old.acme.test").certificate
    Certificate.objects.filter(pk=old.pk).update(created_at=timezone.now() - 91 * DAY)
    return office


def tightened_role(office: Office, actor: Actor | None = None, **changes: Any) -> Impact:
    order = replace(roles.order_of(office.role), **changes)
    return impact_of_role(actor=actor or office.owner, role=office.role, order=order)


def tightened_template(office: Office, actor: Actor | None = None, **changes: Any) -> Impact:
    order = replace(templates.order_of(office.template), **changes)
    return impact_of_template(actor=actor or office.owner, template=office.template, order=order)


def named(judged: Judged) -> list[str]:
    assert len(judged.first) == judged.refused
    return sorted(str(refusal.certificate) for refusal in judged.first)


def refused_renewals(office: Office) -> dict[str, set[str]]:
    """What is refused to whoever renews each of those that are due, and why."""
    found = {}
    soon = timezone.now() + impact.WINDOW
    for row in Certificate.objects.filter(state="issued", not_after__lte=soon, replaced_by=None):
        try:
            renew_at_once(actor=office.owner, order=RenewOrder(certificate=Ref("pk", row.pk)))
        except Invalid as refusal:
            found[str(row)] = {str(error.message) for error in refusal.errors}
    return found


def test_what_a_role_would_refuse_is_named_and_then_refused(office: Office):
    changes = {"allow_wildcards": False, "allow_ip_sans": False, "max_ttl": 100 * DAY}
    before = (AuditEvent.objects.count(), ProfileVersion.objects.count())
    foreseen = tightened_role(office, **changes)
    assert (AuditEvent.objects.count(), ProfileVersion.objects.count()) == before

    assert named(foreseen.issued) == ["*.acme.test", "*.revoked.acme.test", "ip.acme.test", "long.acme.test"]
    assert foreseen.issued.total.value == foreseen.issued.judged == 6
    due = {str(each.certificate): {str(reason.message) for reason in each.reasons} for each in foreseen.renewals.first}
    assert sorted(due) == ["*.acme.test", "*.old.acme.test", "ip.acme.test"]
    assert foreseen.renewals.judged == 5

    order = replace(roles.order_of(office.role), **changes)
    roles.update_role(actor=office.owner, role=office.role, order=order)
    # Who brings no CSR is refused as before.
    assert {name: why for name, why in refused_renewals(office).items() if name != "csr.acme.test"} == due


@pytest.mark.parametrize(
    ("changes", "renewals"),
    [
        ({"description": "as before"}, []),
        ({"validity": 30 * DAY}, []),
        ({"key_algorithm": "ECDSA_P384"}, DUE),
        ({"key_algorithm": "ECDSA_P384", "any_key_algorithm": True}, []),
    ],
)
def test_what_a_template_would_refuse(office: Office, changes: dict[str, Any], renewals: list[str]):
    foreseen = tightened_template(office, **changes)
    assert named(foreseen.renewals) == renewals
    assert foreseen.is_harmless is (not renewals)


def test_a_key_that_may_not_stay_is_a_reason(office: Office):
    order = replace(templates.order_of(office.template), renew_same_key=True)
    office.template.refresh_from_db()
    office = replace(
        office, template=templates.update_template(actor=office.owner, template=office.template, order=order)
    )
    assert named(tightened_template(office, renew_same_key=False).renewals) == ["csr.acme.test"]


def test_what_is_refused_already_is_no_consequence(office: Office):
    order = replace(roles.order_of(office.role), allow_wildcards=False)
    role = roles.update_role(actor=office.owner, role=office.role, order=order)
    assert named(tightened_role(replace(office, role=role), allow_ip_sans=False).renewals) == ["ip.acme.test"]


def test_a_change_that_makes_no_sense_is_refused_as_it_would_be(office: Office):
    with pytest.raises(Invalid) as refusal:
        tightened_role(office, max_ttl=DAY)
    assert [error.field for error in refusal.value.errors] == ["validity"]


@pytest.mark.parametrize(("bound", "value"), [("MOST_JUDGED", 2), ("_PATIENCE", -1.0)])
def test_it_ends_in_time_and_says_how_far_it_came(office: Office, monkeypatch: Any, bound: str, value: Any):
    monkeypatch.setattr(impact, bound, value)
    issued = tightened_role(office, allow_wildcards=False).issued
    assert (issued.total.value, issued.judged) == (6, max(0, value))
    assert not issued.is_all


def test_strangers_and_who_may_not_read_certificates_learn_nothing(office: Office):
    auditor = cast.member(office.organization, OrganizationRole.AUDITOR, "au@acme.example").actor
    blind = replace(auditor, permissions=auditor.permissions - {Permission.CERTIFICATES_READ})
    assert tightened_template(office, auditor).is_harmless
    for actor in (cast.stranger().actor, blind):
        for ask in (tightened_role, tightened_template):
            with pytest.raises(Denied):
                ask(office, actor)
