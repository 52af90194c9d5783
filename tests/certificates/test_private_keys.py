"""Managed private keys: returned, waiting or stored; collected once, by whoever may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.roles import OrganizationRole
from cas.core.csr import read_csr
from cas.core.keys import load_private_key, same_key
from cas.services.roles import order_of, update_role
from certificates.models import Certificate, SubscriberKey
from certificates.orders import Managed
from certificates.services.issuance import issue_certificate
from certificates.services.keys import collect_private_key
from certificates.services.minting import Issued
from kernel.actor import Actor
from kernel.errors import Denied, Gone, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast, pki
from tests.certificates.asking import robot_made_by, with_capability
from tests.happened import happenings
from tests.office import Office, order_for
from tests.refusals import refused

pytestmark = pytest.mark.django_db

Custody = Certificate.KeyCustody
LATER = Managed(collect_later=True)


@pytest.fixture
def operator(office) -> cast.Person:
    return cast.member(office.organization, OrganizationRole.OPERATOR)


@pytest.fixture
def keeping(office) -> Office:
    """An office whose role keeps private keys."""
    order = replace(order_of(office.role), store_private_keys=True)
    update_role(actor=office.owner, role=office.role, order=order)
    return office


def issue(office: Office, actor: Actor, key: Managed = LATER) -> Issued:
    return issue_certificate(actor=actor, order=replace(order_for(office.template), key=key))


def collect(actor: Actor, issued: Issued) -> Secret:
    row, secret = collect_private_key(actor=actor, certificate=Ref("pk", issued.certificate.pk))
    assert row == issued.certificate
    return secret


def fits(secret: Secret, issued: Issued) -> bool:
    return same_key(load_private_key(secret, trusted=False).public_key(), issued.x509.public_key())


def custody(issued: Issued) -> str:
    return Certificate.objects.get(pk=issued.certificate.pk).key_custody


def test_a_waiting_key_is_not_in_the_answer(office):
    issued = office.issue(key=LATER)
    assert issued.private_key is None
    assert custody(issued) == Custody.WAITING


def test_a_waiting_key_is_collected_once(office, operator):
    issued = issue(office, operator.actor)
    with happenings() as names:
        assert fits(collect(operator.actor, issued), issued)
    assert names == ["certificate.key_collected"]
    assert custody(issued) == Custody.RETURNED
    assert SubscriberKey.objects.get().sealed is None
    with pytest.raises(Gone, match=f"collected by {operator.user.email}"):
        collect(operator.actor, issued)


def test_a_stranger_is_not_told_that_there_is_a_key(office):
    issued = office.issue(key=LATER)
    with refused(NotFound, "certificate-not-found"):
        collect(cast.stranger().actor, issued)
    assert custody(issued) == Custody.WAITING


def test_a_colleague_collects_only_by_the_right_to_export(office, operator):
    issued = issue(office, operator.actor)
    colleague = cast.member(office.organization, OrganizationRole.OPERATOR, "colleague@acme.example")
    with refused(Denied):
        collect(colleague.actor, issued)
    assert custody(issued) == Custody.WAITING
    assert fits(collect(office.owner, issued), issued)


def test_a_robot_collects_what_waits_for_its_person(office):
    issued = issue(office, office.owner)
    reader = cast.robot(office.person, {Permission.CERTIFICATES_READ, Permission.CERTIFICATES_DOWNLOAD})
    issuer = cast.robot(office.person, {Permission.CERTIFICATES_ISSUE})
    with refused(Denied):
        collect(reader, issued)
    assert fits(collect(issuer, issued), issued)


def test_a_key_made_by_another_collects_what_it_has_asked_for_and_no_more(office, operator):
    colleague = cast.member(office.organization, OrganizationRole.OPERATOR, "colleague@acme.example")
    maker = with_capability(colleague, Permission.API_KEYS_WRITE)
    robot = robot_made_by(maker, operator, Permission.CERTIFICATES_ISSUE)
    of_its_person, of_its_own = issue(office, operator.actor), issue(office, robot)
    with refused(Denied):
        collect(robot, of_its_person)
    assert custody(of_its_person) == Custody.WAITING
    assert fits(collect(robot, of_its_own), of_its_own)
    assert fits(collect(operator.actor, of_its_person), of_its_person)


def test_a_stored_key_is_handed_out_each_time_to_whoever_may_export(keeping, operator):
    issued = issue(keeping, operator.actor, Managed())
    assert custody(issued) == Custody.STORED
    assert fits(issued.private_key, issued)
    with refused(Denied):
        collect(operator.actor, issued)
    with happenings() as names:
        assert collect(keeping.owner, issued) == collect(keeping.owner, issued) == issued.private_key
    assert names == ["certificate.key_collected"] * 2
    assert custody(issued) == Custody.STORED


def test_who_collects_is_noted(keeping):
    issued = issue(keeping, keeping.owner)
    collect(keeping.owner, issued)
    kept = SubscriberKey.objects.get()
    assert kept.collected_by == keeping.owner.label
    assert kept.collected_at is not None


@pytest.mark.parametrize("by_csr", [False, True], ids=["handed out at once", "brought by a CSR"])
def test_a_key_that_was_never_kept_cannot_be_collected(office, by_csr):
    key = read_csr(pki.make_csr(subject="CN=www.acme.test")) if by_csr else Managed()
    issued = office.issue(key=key)
    with refused(NotFound, "no-private-key"):
        collect(office.owner, issued)
    assert not SubscriberKey.objects.exists()


def test_a_role_that_begins_to_keep_keys_keeps_no_older_one(office):
    issued = issue(office, office.owner, Managed())
    update_role(actor=office.owner, role=office.role, order=replace(order_of(office.role), store_private_keys=True))
    with refused(NotFound, "no-private-key"):
        collect(office.owner, issued)
