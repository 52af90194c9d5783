"""A CA is opened for the clients of another system."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.roles import OrganizationRole
from audit.models import AuditEvent
from cas import selectors
from cas.models import Template
from cas.orders import Dialect
from cas.services.standing import enable_dialect
from cas.services.templates import order_of, retire_template, update_template
from cas.standing import Slot, slots_of
from certificates.services.authorities import establish_authority
from kernel.errors import Conflict, Denied, NotFound
from kernel.ref import Ref
from tests import cast
from tests.office import authority_order, open_office

pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    return open_office()


def opened(office, dialect: Dialect, ca=None) -> list[str]:
    row = enable_dialect(actor=office.owner, ca=Ref("pk", (ca or office.issuing).pk), dialect=dialect)
    return sorted(
        Template.objects.filter(ca=row, code__startswith=dialect, retired_at=None).values_list("code", flat=True)
    )


@pytest.mark.parametrize("dialect", Dialect)
def test_every_slot_of_a_dialect_gets_a_template_and_a_role_of_its_own(office, dialect):
    codes = opened(office, dialect)
    assert codes == sorted(slot.code(office.issuing.pk) for slot in slots_of(dialect))
    for slot in slots_of(dialect):
        found = selectors.standing_template(Ref("pk", office.issuing.pk), slot, visible_to=office.owner)
        assert found.role.name == found.code == slot.code(office.issuing.pk)


def test_each_is_told_in_the_log(office):
    opened(office, Dialect.FASTPKI)
    told = AuditEvent.objects.filter(name="template.created", resource_label__startswith="fastpki.")
    assert told.count() == 3


def test_a_second_time_changes_nothing_that_was_edited(office):
    opened(office, Dialect.CERTMAN)
    slot, ca = Slot.CERTMAN_MANAGED, Ref("pk", office.issuing.pk)
    template = selectors.standing_template(ca, slot, visible_to=office.owner)
    update_template(
        actor=office.owner, template=template, order=replace(order_of(template), validity=timedelta(days=30))
    )
    assert len(opened(office, Dialect.CERTMAN)) == 2
    assert selectors.standing_template(ca, slot, visible_to=office.owner).validity == timedelta(days=30)


def test_a_template_that_was_retired_is_made_again_on_the_role_that_is_left(office):
    opened(office, Dialect.FASTPKI)
    ca = Ref("pk", office.issuing.pk)
    retire_template(
        actor=office.owner, template=selectors.standing_template(ca, Slot.FASTPKI_CLIENT, visible_to=office.owner)
    )
    with pytest.raises(Denied):
        selectors.standing_template(ca, Slot.FASTPKI_CLIENT, visible_to=office.owner)
    assert len(opened(office, Dialect.FASTPKI)) == 3


def test_a_ca_may_begin_with_them(office):
    order = replace(authority_order(office.organization, "ACME Other CA"), dialect=Dialect.FASTPKI)
    ca = establish_authority(actor=office.owner, order=order)
    assert selectors.standing_template(Ref("pk", ca.pk), Slot.FASTPKI_SERVER, visible_to=office.owner).ca == ca


def test_certmate_knows_one_ca_in_an_organization(office):
    assert selectors.client_ca(visible_to=office.owner) is None
    opened(office, Dialect.CERTMATE)
    assert selectors.client_ca(visible_to=office.owner) == office.issuing
    with pytest.raises(Conflict):
        opened(office, Dialect.CERTMATE, office.root)


def test_another_organization_has_a_client_ca_of_its_own(office):
    other = open_office("Other")
    opened(office, Dialect.CERTMATE)
    assert selectors.client_ca(visible_to=other.owner) is None
    opened(other, Dialect.CERTMATE)
    assert selectors.client_ca(visible_to=other.owner) == other.issuing


def test_a_ca_that_is_not_open_says_so(office):
    with pytest.raises(Denied) as refusal:
        selectors.standing_template(Ref("pk", office.issuing.pk), Slot.FASTPKI_CLIENT, visible_to=office.owner)
    assert refusal.value.error_code == "dialect-not-enabled"


def test_strangers_open_nothing(office):
    with pytest.raises(NotFound):
        enable_dialect(actor=open_office("Other").owner, ca=Ref("pk", office.issuing.pk), dialect=Dialect.FASTPKI)
    operator = cast.member(office.organization, OrganizationRole.OPERATOR)
    with pytest.raises(Denied):
        enable_dialect(actor=operator.actor, ca=Ref("pk", office.issuing.pk), dialect=Dialect.FASTPKI)
    assert not Template.objects.filter(code__startswith="fastpki").exists()
