"""Templates: a recipe within its role, versioned, one code at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.roles import OrganizationRole
from cas.core.profile import Profile
from cas.models import Role, Template
from cas.selectors import find_issuer, get_template, templates
from cas.services.roles import create_role, retire_role
from cas.services.roles import order_of as role_order
from cas.services.templates import create_template, order_of, retire_template, update_template
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


def create(office: Office, code: str = "mail", **wishes: Any) -> Template:
    order = replace(order_of(office.template), code=code)
    return create_template(actor=office.owner, order=replace(order, **wishes))


def update(office: Office, template: Template, **wishes: Any) -> Template:
    return update_template(actor=office.owner, template=template, order=replace(order_of(template), **wishes))


def second_role(office: Office, **wishes: Any) -> Role:
    return create_role(actor=office.owner, order=replace(role_order(office.role), name="second", **wishes))


# --- the stranger -----------------------------------------------------------------------------------------------------


def test_a_stranger_sees_no_template_and_makes_none(office):
    stranger = open_office("Umbrella")
    assert list(templates(visible_to=stranger.owner)) == [stranger.template]
    with refused(NotFound, "template-not-found"):
        get_template(Ref("pk", office.template.pk), visible_to=stranger.owner)
    with refused(NotFound, "ca-not-found"):
        create_template(actor=stranger.owner, order=order_of(office.template))
    with refused(NotFound, "role-not-found"):
        create(stranger, role=Ref("pk", office.role.pk))
    with refused(Denied):
        update_template(actor=stranger.owner, template=office.template, order=order_of(stranger.template))
    with refused(Denied):
        retire_template(actor=stranger.owner, template=office.template)


@pytest.mark.parametrize("role", [role for role in OrganizationRole.values if role != OrganizationRole.OWNER])
def test_only_owners_write_templates(office, role):
    member = cast.member(office.organization, role)
    with refused(Denied):
        create_template(actor=member.actor, order=replace(order_of(office.template), code="other"))


# --- making one -------------------------------------------------------------------------------------------------------


def test_a_template_and_its_role_make_a_profile(office):
    template = create(office, validity=10 * DAY, extended_key_usage=("server_auth", "client_auth"))
    profile = Profile.from_document(template.profile.document)
    assert profile.template.validity == 10 * DAY
    assert profile.role.max_ttl == office.role.max_ttl
    assert (template.profile.template_version, template.profile.role_version) == (1, 1)


def test_a_template_keeps_what_was_ordered(office):
    wishes = {
        "name": "Mail gateway",
        "description": "for gateways",
        "any_key_algorithm": True,
        "backdate": timedelta(minutes=10),
        "certificate_policies": ("1.3.6.1.4.1.55555.1",),
        "lint": "off",
        "include_cdp": False,
        "include_aia": False,
        "renew_same_key": True,
        "requires_approval": True,
        "approver_role": "security",
        "approvals_needed": 3,
    }
    template = create(office, **wishes)
    template.refresh_from_db()
    order = order_of(template)
    assert {name: getattr(order, name) for name in wishes} == wishes


def test_every_wrong_field_of_the_row_is_listed(office):
    with invalid(
        ("name", "required"),
        ("code", "invalid"),
        ("description", "unprintable"),
        ("approvals_needed", "out-of-range"),
        ("approver_role", "too-long"),
    ):
        create(office, "a b", name=" ", description="\0", approvals_needed=0, approver_role="r" * 81)


def test_every_broken_promise_is_listed(office):
    with invalid(
        ("validity", "too-long"),
        ("backdate", "out-of-range"),
        ("key_usage", "authority-usage"),
        ("key_usage", "contradiction"),
        ("extended_key_usage", "forbidden-purpose"),
        ("certificate_policies", "bad-oid"),
        ("lint", "unknown-value"),
    ):
        create(
            office,
            validity=398 * DAY,
            backdate=2 * DAY,
            key_usage=("key_cert_sign",),
            extended_key_usage=("ocsp_signing",),
            certificate_policies=("one.two",),
            lint="loose",
        )
    assert list(Template.objects.all()) == [office.template]


WISHES = {
    "a name too long": {"name": "n" * 121},
    "a name with a NUL": {"name": "Ma\0il"},
    "no code": {"code": ""},
    "a code too long": {"code": "c" * 81},
    "a code with a colon": {"code": "a:b"},
    "a code of another script": {"code": "почта"},
    "a description too long": {"description": "d" * 501},
    "negative approvals": {"approvals_needed": -1},
    "a life beyond the role": {"validity": 398 * DAY},
    "no life at all": {"validity": timedelta(0)},
    "a key that does not exist": {"key_algorithm": "RSA_1024"},
    "a usage that nobody knows": {"key_usage": ("digital_signature", "everything")},
}


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
def test_a_wish_that_cannot_be_granted_changes_nothing_either(office, wish):
    (field,) = wish
    with pytest.raises(Invalid) as creation:
        create(office, **wish)
    with pytest.raises(Invalid) as change:
        update(office, office.template, **wish)
    assert {error.field for error in creation.value.errors} == {error.field for error in change.value.errors} == {field}
    office.template.refresh_from_db()
    assert (office.template.code, office.template.version) == ("web-tls", 1)


def test_a_code_is_given_once_in_an_organization(office):
    other = create(office)
    with refused(Conflict, "template-exists"):
        create(office, "web-tls")
    with refused(Conflict, "template-exists"):
        update(office, other, code="web-tls")
    assert open_office("Umbrella").template.code == "web-tls"


def test_a_template_takes_a_role_of_its_own_ca(office):
    role = create_role(
        actor=office.owner, order=replace(role_order(office.role), ca=Ref("pk", office.root.pk), name="rooted")
    )
    with refused(NotFound, "role-not-found"):
        create(office, role=Ref("pk", role.pk))
    with refused(NotFound, "role-not-found"):
        update(office, office.template, role=Ref("pk", role.pk))


# --- changing one -----------------------------------------------------------------------------------------------------


def test_a_change_is_the_next_version(office):
    before = office.issue().certificate
    changed = update(office, office.template, validity=10 * DAY)
    after = office.issue().certificate
    before.refresh_from_db()
    assert changed.version == 2
    assert (before.profile.template_version, after.profile.template_version) == (1, 2)
    assert before.profile.document["template"]["validity"] == int((90 * DAY).total_seconds())
    assert after.not_after - after.not_before == 10 * DAY - timedelta(seconds=1)


def test_another_role_is_a_new_version_too(office):
    role = second_role(office, allowed_domains=("acme.example",))
    changed = update(office, office.template, role=Ref("pk", role.pk))
    changed.refresh_from_db()
    assert changed.role == role
    assert (changed.profile.template_version, changed.profile.role_version) == (2, 1)
    assert office.issue("www.acme.example").certificate.profile == changed.profile


def test_a_template_stays_with_its_ca(office):
    role = create_role(
        actor=office.owner, order=replace(role_order(office.role), ca=Ref("pk", office.root.pk), name="rooted")
    )
    with invalid(("ca", "immutable")):
        update(office, office.template, ca=Ref("pk", office.root.pk), role=Ref("pk", role.pk))


def test_a_retired_role_is_no_role(office):
    role = second_role(office)
    retire_role(actor=office.owner, role=role)
    with refused(NotFound, "role-not-found"):
        create(office, role=Ref("pk", role.pk))


# --- retiring one -----------------------------------------------------------------------------------------------------


def test_nothing_is_issued_by_a_retired_template(office):
    retire_template(actor=office.owner, template=office.template)
    with refused(NotFound, "template-not-found"):
        office.issue()
    assert list(templates(visible_to=office.owner)) == []


def test_the_code_of_a_retired_template_is_free_again(office):
    retire_template(actor=office.owner, template=office.template)
    again = create(office, "web-tls")
    assert find_issuer(None, "web-tls", visible_to=office.owner) == again


def test_a_retired_template_neither_retires_nor_changes_again(office):
    retire_template(actor=office.owner, template=office.template)
    with refused(NotFound, "already-retired"):
        retire_template(actor=office.owner, template=office.template)
    with refused(NotFound, "already-retired"):
        update(office, office.template, name="Back again")


# --- finding one ------------------------------------------------------------------------------------------------------


def test_an_order_finds_its_template_by_code_and_ca(office):
    assert find_issuer(Ref("pk", office.issuing.pk), "web-tls", visible_to=office.owner) == office.template
    with refused(NotFound, "template-not-found"):
        find_issuer(Ref("pk", office.root.pk), "web-tls", visible_to=office.owner)
    with refused(NotFound, "ca-not-found"):
        find_issuer(Ref("pk", 0), "web-tls", visible_to=office.owner)


def test_a_code_that_two_organizations_have_is_nobodys_above_them(office):
    open_office("Umbrella")
    with refused(NotFound, "template-not-found"):
        find_issuer(None, "web-tls", visible_to=cast.SUPERUSER)


def test_what_is_not_found_says_where_it_was_looked_for(office):
    with pytest.raises(NotFound, match="Template with code 'nothing' does not exist in organization 'ACME'"):
        find_issuer(None, "nothing", visible_to=office.owner)
