"""Renewal: what the successor has of its predecessor, who may have one, and which certificate has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from accounts.roles import OrganizationRole
from cas.core.csr import read_csr
from cas.core.keys import KeyAlgorithm, load_private_key, same_key
from cas.models import BlockedKey, IssuedSerial
from cas.services.roles import order_of as role_order
from cas.services.roles import update_role
from cas.services.templates import order_of as template_order
from cas.services.templates import retire_template, update_template
from certificates.models import Certificate, SubscriberKey
from certificates.orders import IssueOrder, Managed, RenewOrder, RevokeOrder, SameKey
from certificates.services.issuance import issue_certificate
from certificates.services.keys import collect_private_key
from certificates.services.minting import Issued
from certificates.services.renewal import renew_certificate
from certificates.services.revocation import Reason, revoke_certificate
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, NotFound
from kernel.ref import Ref
from tests import cast, pki
from tests.happened import happenings, last_event
from tests.office import Office, open_office
from tests.refusals import invalid, refused

pytestmark = [pytest.mark.django_db, pytest.mark.row("P46")]

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def renew(office: Office, issued: Issued, actor: Actor | None = None, **wishes: Any) -> Issued:
    order = RenewOrder(certificate=Ref("pk", issued.certificate.pk), **wishes)
    return renew_certificate(actor=actor or office.owner, order=order)


def issue_from_csr(office: Office, number: int = 0) -> Issued:
    csr = pki.make_csr(pki.a_key(number=number), subject="CN=www.acme.test", sans=("www.acme.test", "10.0.0.1"))
    return issue_certificate(actor=office.owner, order=IssueOrder(template=office.template.code, key=read_csr(csr)))


def csr_of(number: int) -> Any:
    return read_csr(pki.make_csr(pki.a_key(number=number), subject="CN=something.else"))


def change_template(office: Office, **changes: object) -> None:
    order = replace(template_order(office.template), **changes)
    office.template.refresh_from_db()
    update_template(actor=office.owner, template=office.template, order=order)


def test_a_stranger_finds_nothing_to_renew(office):
    issued = office.issue()
    with refused(NotFound, "certificate-not-found"):
        renew(office, issued, cast.stranger().actor)


def test_reading_is_not_renewing(office):
    issued = office.issue()
    auditor = cast.member(office.organization, OrganizationRole.AUDITOR)
    with refused(Denied):
        renew(office, issued, auditor.actor)


# --- the successor ----------------------------------------------------------------------------------------------------


def test_the_successor_has_subject_and_names_of_its_predecessor(office):
    old = office.issue(
        "www.acme.test", "api.acme.test", "10.0.0.1", tags=("prod",), description="The site", usage="web"
    )
    new = renew(office, old)
    assert new.x509.subject == old.x509.subject
    assert pki.sans_of(new.x509) == pki.sans_of(old.x509)
    row = new.certificate
    assert row.replaces == old.certificate
    assert (row.tags, row.description, row.usage) == (["prod"], "The site", "web")
    assert row.serial != old.certificate.serial
    assert not same_key(new.x509.public_key(), old.x509.public_key())
    assert same_key(load_private_key(new.private_key, trusted=False).public_key(), new.x509.public_key())


def test_what_an_order_says_is_not_inherited(office):
    old = office.issue(tags=("prod",), identifier="site-1")
    row = renew(
        office, old, tags=("test",), description="new", identifier="site-2", validity=timedelta(days=7)
    ).certificate
    assert (row.tags, row.description, row.identifier) == (["test"], "new", "site-2")
    assert row.not_after - row.not_before == timedelta(days=7) - timedelta(seconds=1)
    with refused(Conflict, "identifier-used"):
        renew(office, old, identifier="site-1", again=True)


def test_it_is_an_issuance_that_names_its_predecessor(office):
    old = office.issue()
    with happenings() as names:
        new = renew(office, old)
    assert names == ["certificate.issued"]
    document = last_event().document
    assert document["id"] == new.certificate.event
    assert document["metadata"]["replaces"] == str(old.certificate.public_id)


def test_the_rules_are_those_of_today(office):
    old = office.issue("www.acme.test")
    change_template(office, validity=timedelta(days=30))
    new = renew(office, old)
    assert new.certificate.profile != old.certificate.profile
    assert new.x509.not_valid_after_utc - new.x509.not_valid_before_utc < timedelta(days=30)
    update_role(
        actor=office.owner, role=office.role, order=replace(role_order(office.role), allowed_domains=("acme.example",))
    )
    with invalid(("subject.common_name", "name-not-allowed"), ("sans[0]", "name-not-allowed")):
        renew(office, old, again=True)


def test_an_expired_one_is_renewed(office):
    old = office.issue()
    Certificate.objects.filter(pk=old.certificate.pk).update(not_before=LONG_AGO, not_after=LONG_AGO)
    assert renew(office, old).certificate.replaces == old.certificate


# --- keys -------------------------------------------------------------------------------------------------------------


def test_of_a_csr_only_the_key_is_read(office):
    old = issue_from_csr(office)
    new = renew(office, old, key=csr_of(1))
    assert same_key(new.x509.public_key(), pki.a_key(number=1).public_key())
    assert new.x509.subject == old.x509.subject
    assert new.certificate.key_custody == Certificate.KeyCustody.SUBSCRIBER
    assert new.private_key is None


def test_a_managed_key_may_become_the_subscribers_own(office):
    new = renew(office, office.issue(), key=csr_of(1))
    assert new.certificate.key_custody == Certificate.KeyCustody.SUBSCRIBER


@pytest.mark.parametrize("key", [None, Managed()], ids=["nothing said", "a managed key asked for"])
def test_a_key_that_was_never_here_comes_with_a_csr(office, key):
    with invalid(("csr", "required")):
        renew(office, issue_from_csr(office), key=key)


def test_the_same_key_needs_the_templates_leave(office):
    for old in (office.issue(), issue_from_csr(office)):
        with invalid(("key", "same-key-not-allowed")):
            renew(office, old, key=SameKey())


@pytest.mark.parametrize("key", [None, SameKey()], ids=["nothing said", "asked for"])
def test_the_same_key_where_the_template_lets_it(key):
    office = open_office(renew_same_key=True)
    old = issue_from_csr(office)
    new = renew(office, old, key=key)
    assert same_key(new.x509.public_key(), old.x509.public_key())
    assert new.certificate.key_custody == Certificate.KeyCustody.SUBSCRIBER


def test_a_managed_key_that_is_kept_is_not_handed_out_again():
    office = open_office(renew_same_key=True)
    old = office.issue()
    new = renew(office, old, key=SameKey())
    assert same_key(new.x509.public_key(), old.x509.public_key())
    assert new.private_key is None
    assert new.certificate.key_custody == Certificate.KeyCustody.RETURNED
    assert not SubscriberKey.objects.exists()


def test_a_stored_key_is_stored_with_its_successor():
    office = open_office(renew_same_key=True)
    update_role(actor=office.owner, role=office.role, order=replace(role_order(office.role), store_private_keys=True))
    old = office.issue()
    new = renew(office, old, key=SameKey())
    assert new.private_key is None
    assert new.certificate.key_custody == Certificate.KeyCustody.STORED
    _row, secret = collect_private_key(actor=office.owner, certificate=Ref("pk", new.certificate.pk))
    assert secret.reveal() == old.private_key.reveal()
    assert SubscriberKey.objects.count() == 2


def test_a_blocked_key_is_not_kept():
    office = open_office(renew_same_key=True)
    old = office.issue()
    BlockedKey.objects.create(organization=office.organization, key_hash=old.certificate.key_hash, reason="lost")
    with invalid(("public_key", "forbidden-key")):
        renew(office, old, key=SameKey())


def test_a_key_that_was_lost_with_another_certificate_is_not_kept():
    office = open_office(renew_same_key=True)
    old, twin = issue_from_csr(office), issue_from_csr(office)
    lost = RevokeOrder(certificate=Ref("pk", twin.certificate.pk), reason=Reason.key_compromise)
    revoke_certificate(actor=office.owner, order=lost)
    with invalid(("public_key", "forbidden-key")):
        renew(office, old, key=SameKey())
    assert renew(office, old, key=csr_of(1)).certificate.replaces == old.certificate


def test_a_new_key_is_of_the_old_kind():
    office = open_office(any_key_algorithm=True)
    old = office.issue(key=Managed(KeyAlgorithm.ED25519))
    assert renew(office, old).certificate.key_algorithm == KeyAlgorithm.ED25519


def test_only_a_renewal_can_keep_a_key(office):
    with invalid(("key", "no-predecessor")):
        office.issue(key=SameKey())


# --- which have no successor ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "code"),
    [(Reason.superseded, "certificate-revoked"), (Reason.certificate_hold, "certificate-on-hold")],
    ids=["revoked", "on hold"],
)
def test_what_is_not_in_force_has_no_successor(office, reason, code):
    old = office.issue()
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", old.certificate.pk), reason=reason))
    serials = IssuedSerial.objects.count()
    with refused(Conflict, code):
        renew(office, old)
    assert IssuedSerial.objects.count() == serials


def test_one_successor_unless_another_is_asked_for(office):
    old = office.issue()
    first = renew(office, old)
    with refused(Conflict, "already-renewed"):
        renew(office, old)
    second = renew(office, old, again=True)
    assert {row.pk for row in old.certificate.replaced_by.all()} == {first.certificate.pk, second.certificate.pk}


def test_a_revoked_successor_does_not_count(office):
    old = office.issue()
    first = renew(office, old).certificate
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", first.pk), reason=Reason.superseded))
    assert renew(office, old).certificate.replaces == old.certificate


def test_a_retired_template_renews_nothing(office):
    old = office.issue()
    retire_template(actor=office.owner, template=office.template)
    with refused(Conflict, "template-retired"):
        renew(office, old)


def test_what_was_issued_elsewhere_is_renewed_there(office):
    old = office.issue()
    Certificate.objects.filter(pk=old.certificate.pk).update(ca=None, template=None, profile=None, source="imported")
    with refused(Conflict, "foreign-issuer"):
        renew(office, old)


def test_the_subject_is_copied_as_it_stands(office):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "www.acme.test")])
    old = office.issue(subject=subject, sans=())
    assert renew(office, old).x509.subject.public_bytes() == old.x509.subject.public_bytes()
