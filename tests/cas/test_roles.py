"""Roles: checked as they are made, versioned as they change, kept while something stands on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.roles import OrganizationRole
from cas.models import ProfileVersion, Role, Template
from cas.orders import RoleOrder
from cas.selectors import get_role, roles
from cas.services.roles import create_role, order_of, retire_role, update_role
from cas.services.templates import create_template, retire_template
from cas.services.templates import order_of as template_order
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.ref import Ref
from tests import cast
from tests.office import Office, open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def office() -> Office:
    return open_office()


def create(office: Office, name: str = "mail", **wishes: Any) -> Role:
    order = RoleOrder(ca=Ref("pk", office.issuing.pk), name=name, max_ttl=30 * DAY, allowed_domains=("acme.test",))
    return create_role(actor=office.owner, order=replace(order, **wishes))


def update(office: Office, role: Role, **wishes: Any) -> Role:
    return update_role(actor=office.owner, role=role, order=replace(order_of(role), **wishes))


# --- the stranger -----------------------------------------------------------------------------------------------------


def test_a_stranger_sees_no_role_and_makes_none(office):
    stranger = open_office("Umbrella")
    assert list(roles(visible_to=stranger.owner)) == [stranger.role]
    with refused(NotFound, "role-not-found"):
        get_role(Ref("pk", office.role.pk), visible_to=stranger.owner)
    with refused(NotFound, "ca-not-found"):
        create_role(actor=stranger.owner, order=order_of(office.role))
    with refused(Denied):
        update_role(actor=stranger.owner, role=office.role, order=order_of(office.role))
    with refused(Denied):
        retire_role(actor=stranger.owner, role=office.role)


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OrganizationRole.OWNER])
def test_only_owners_write_roles(office, role):
    member = cast.member(office.organization, role)
    with refused(Denied):
        create_role(actor=member.actor, order=replace(order_of(office.role), name="other"))


# --- making one -------------------------------------------------------------------------------------------------------


def test_a_role_keeps_what_was_ordered(office):
    wishes = {
        "description": "Servers\nof the office",
        "allowed_domains": ("acme.test", "acme.example"),
        "allow_ip_sans": True,
        "allowed_ip_ranges": ("10.0.0.0/8",),
        "key_algorithms": ("ECDSA_P256", "ED25519"),
        "common_name": "required",
        "store_private_keys": True,
        "requires_approval": True,
        "approver_role": "security",
        "approvals_needed": 2,
    }
    role = create(office, **wishes)
    role.refresh_from_db()
    order = order_of(role)
    assert {name: getattr(order, name) for name in wishes} == wishes
    assert (role.version, role.ca, role.organization) == (1, office.issuing, office.organization)


def test_every_wrong_field_is_listed(office):
    with invalid(
        ("name", "invalid"),
        ("description", "too-long"),
        ("max_ttl", "out-of-range"),
        ("key_algorithms", "unknown-value"),
        ("common_name", "unknown-value"),
        ("subject_attributes", "unknown-attribute"),
        ("approvals_needed", "out-of-range"),
        ("approver_role", "too-long"),
    ):
        create(
            office,
            "two words",
            description="d" * 501,
            max_ttl=timedelta(0),
            key_algorithms=("DSA_1024",),
            common_name="maybe",
            subject_attributes=("shoe_size",),
            approvals_needed=11,
            approver_role="r" * 81,
        )
    assert list(Role.objects.all()) == [office.role]


WISHES = {
    "no name": ({"name": ""}, "name"),
    "a name too long": ({"name": "n" * 81}, "name"),
    "a name with a comma": ({"name": "a,b"}, "name"),
    "a domain that is none": ({"allowed_domains": ("acme test",)}, "allowed_domains"),
    "a domain with a NUL": ({"allowed_domains": ("acme\0.test",)}, "allowed_domains"),
    "a range that is none": ({"allow_ip_sans": True, "allowed_ip_ranges": ("10.0.0.0/99",)}, "allowed_ip_ranges"),
    "a mail domain that is none": (
        {"allow_email_sans": True, "allowed_email_domains": ("@",)},
        "allowed_email_domains",
    ),
    "a prefix with a NUL": (
        {"allow_uri_sans": True, "allowed_uri_prefixes": ("spiffe://acme\0",)},
        "allowed_uri_prefixes",
    ),
    "no approvals, where some are asked for": ({"requires_approval": True, "approvals_needed": 0}, "approvals_needed"),
    "a negative number of approvals": ({"approvals_needed": -1}, "approvals_needed"),
    "a common name that is required and not allowed": (
        {"common_name": "required", "subject_attributes": ("organization",)},
        "common_name",
    ),
    "a life of centuries": ({"max_ttl": timedelta(days=40_000)}, "max_ttl"),
    "half a second": ({"max_ttl": timedelta(seconds=0.5)}, "max_ttl"),
}


@pytest.mark.parametrize(("wish", "field"), WISHES.values(), ids=WISHES)
def test_a_wish_that_cannot_be_granted(office, wish, field):
    with pytest.raises(Invalid) as creation:
        create(office, **wish)
    assert {error.field for error in creation.value.errors} == {field}
    with pytest.raises(Invalid) as change:
        update(office, office.role, **wish)
    assert {error.field for error in change.value.errors} == {field}
    office.role.refresh_from_db()
    assert (office.role.name, office.role.version) == ("web", 1)


def test_a_name_is_given_once(office):
    other = create(office)
    with refused(Conflict, "role-exists"):
        create(office, "web")
    with refused(Conflict, "role-exists"):
        update(office, other, name="web")


# --- changing one -----------------------------------------------------------------------------------------------------


def test_a_change_makes_new_versions_of_all_templates_under_it(office):
    second = create_template(actor=office.owner, order=replace(template_order(office.template), code="other"))
    role = update(office, office.role, allowed_domains=("acme.test", "acme.example"))
    assert role.version == 2
    for template in Template.objects.all():
        assert (template.profile.template_version, template.profile.role_version) == (1, 2)
        assert "acme.example" in template.profile.document["role"]["allowed_domains"]
    assert ProfileVersion.objects.filter(template=second).count() == 2
    assert office.issue("www.acme.example").certificate.profile.role_version == 2


def test_what_was_issued_keeps_the_rules_it_was_issued_under(office):
    before = office.issue().certificate
    document = before.profile.document
    update(office, office.role, max_ttl=91 * DAY)
    after = office.issue().certificate
    before.refresh_from_db()
    assert before.profile.document == document
    assert (before.profile.role_version, after.profile.role_version) == (1, 2)


def test_a_change_that_a_template_has_promised_more_than_is_refused(office):
    with invalid(("validity", "too-long")):
        update(office, office.role, max_ttl=89 * DAY)
    with invalid(("key_algorithm", "contradiction")):
        update(office, office.role, key_algorithms=("ED25519",))
    office.role.refresh_from_db()
    assert (office.role.version, office.role.max_ttl) == (1, 397 * DAY)
    assert ProfileVersion.objects.count() == 1


def test_what_a_retired_template_promised_does_not_count(office):
    retire_template(actor=office.owner, template=office.template)
    assert update(office, office.role, max_ttl=DAY).max_ttl == DAY


def test_a_role_stays_with_its_ca(office):
    with invalid(("ca", "immutable")):
        update(office, office.role, ca=Ref("pk", office.root.pk))


# --- retiring one -----------------------------------------------------------------------------------------------------


def test_a_role_is_kept_while_a_template_stands_on_it(office):
    with refused(Conflict, "role-in-use"):
        retire_role(actor=office.owner, role=office.role)
    retire_template(actor=office.owner, template=office.template)
    retire_role(actor=office.owner, role=office.role)
    assert list(roles(visible_to=office.owner)) == []


def test_the_name_of_a_retired_role_is_free_again(office):
    role = create(office)
    retire_role(actor=office.owner, role=role)
    assert create(office).pk != role.pk


def test_a_retired_role_neither_retires_nor_changes_again(office):
    role = create(office)
    retire_role(actor=office.owner, role=role)
    with refused(NotFound, "already-retired"):
        retire_role(actor=office.owner, role=role)
    with refused(NotFound, "already-retired"):
        update(office, role, description="back again")
