"""Roles that issue by their own name: a template comes, follows and goes with each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.roles import OrganizationRole
from audit.models import AuditEvent
from cas.models import Role, Template
from cas.orders import RoleOrder
from cas.selectors import issuing_template
from cas.services.issuing_roles import create_issuing_role, retire_issuing_role, update_issuing_role
from cas.services.roles import create_role, order_of
from cas.services.templates import create_template
from cas.services.templates import order_of as template_order_of
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast
from tests.office import open_office

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def office():
    return open_office()


def order(office, **changes: object) -> RoleOrder:
    plain = RoleOrder(ca=Ref("pk", office.issuing.pk), name="servers", max_ttl=30 * DAY, allowed_domains=("acme.test",))
    return replace(plain, **changes)


def made(office, **changes: object) -> Role:
    return create_issuing_role(actor=office.owner, order=order(office, **changes))


def own(office, name: str = "servers") -> Template:
    return issuing_template(Ref("name", name), visible_to=office.owner)


def test_a_stranger_makes_changes_and_retires_nothing(office):
    role, stranger = made(office), cast.stranger().actor
    with pytest.raises(NotFound):
        create_issuing_role(actor=stranger, order=order(office, name="others"))
    with pytest.raises(Denied):
        update_issuing_role(actor=stranger, role=role, order=order(office, max_ttl=DAY))
    with pytest.raises(Denied):
        retire_issuing_role(actor=stranger, role=role)
    with pytest.raises(NotFound):
        issuing_template(Ref("name", "servers"), visible_to=stranger)
    role.refresh_from_db()
    assert (role.max_ttl, role.retired_at) == (30 * DAY, None)


def test_both_permissions_are_needed(office):
    for missing in (Permission.ROLES_WRITE, Permission.TEMPLATES_WRITE):
        robot = cast.robot(office.person, office.owner.permissions - {missing})
        with pytest.raises(Denied):
            create_issuing_role(actor=robot, order=order(office))
    operator = cast.member(office.organization, OrganizationRole.OPERATOR)
    with pytest.raises(Denied):
        create_issuing_role(actor=operator.actor, order=order(office))
    assert not Role.objects.filter(name="servers").exists()


def test_a_template_is_made_with_the_role_and_issues_within_it(office):
    role = made(office)
    template = own(office)
    assert (template.code, template.role, template.ca) == ("scaivault.servers", role, office.issuing)
    assert (template.validity, template.key_algorithm) == (30 * DAY, "RSA_2048")
    assert template.key_usage == ["digital_signature", "key_encipherment"]
    told = AuditEvent.objects.filter(resource_label__endswith="servers").order_by("pk")
    assert list(told.values_list("name", flat=True)) == ["role.created", "template.created"]


@pytest.mark.parametrize(
    ("algorithms", "made_of", "usage"),
    [
        (("RSA_4096",), "RSA_4096", ["digital_signature", "key_encipherment"]),
        (("ECDSA_P384",), "ECDSA_P384", ["digital_signature"]),
    ],
)
def test_keys_are_made_as_the_role_wants_them(office, algorithms, made_of, usage):
    made(office, key_algorithms=algorithms)
    assert (own(office).key_algorithm, own(office).key_usage) == (made_of, usage)


def test_what_the_role_says_no_longer_the_template_does_not_say_either(office):
    role = made(office, max_ttl=300 * DAY)
    assert own(office).validity == 90 * DAY
    shorter = replace(order_of(role), max_ttl=7 * DAY, key_algorithms=("ECDSA_P256",))
    update_issuing_role(actor=office.owner, role=role, order=shorter)
    template = own(office)
    assert (template.validity, template.key_algorithm, template.key_usage) == (
        7 * DAY,
        "ECDSA_P256",
        ["digital_signature"],
    )
    assert template.profile.document["role"]["max_ttl"] == 7 * 86400


def test_a_change_of_names_leaves_the_template_as_it_is(office):
    role = made(office)
    before = own(office).version
    update_issuing_role(actor=office.owner, role=role, order=replace(order_of(role), allow_subdomains=True))
    template = own(office)
    assert template.version == before
    assert template.profile.document["role"]["allow_subdomains"] is True


def test_a_role_goes_with_its_template_and_both_names_are_free_again(office):
    role = made(office)
    retire_issuing_role(actor=office.owner, role=role)
    assert not Template.objects.filter(code="scaivault.servers", retired_at=None).exists()
    made(office)
    assert own(office).code == "scaivault.servers"


def test_a_role_that_others_stand_on_stays_with_its_template(office):
    role = made(office)
    other = replace(template_order_of(own(office)), code="other", name="Other")
    create_template(actor=office.owner, order=other)
    with pytest.raises(Conflict) as refusal:
        retire_issuing_role(actor=office.owner, role=role)
    assert refusal.value.error_code == "role-in-use"
    assert own(office).code == "scaivault.servers"


def test_a_role_made_otherwise_issues_by_its_only_template(office):
    assert own(office, "web") == office.template
    create_template(actor=office.owner, order=replace(template_order_of(office.template), code="second", name="Second"))
    with pytest.raises(Conflict) as refusal:
        own(office, "web")
    assert refusal.value.error_code == "role-with-templates"
    assert "second" in str(refusal.value)
    create_role(actor=office.owner, order=order(office, name="bare"))
    with pytest.raises(Conflict) as refusal:
        own(office, "bare")
    assert refusal.value.error_code == "role-without-template"


def test_a_name_must_leave_room_for_the_code(office):
    for name in ("x" * 71, "with space", ""):
        with pytest.raises(Invalid) as refusal:
            made(office, name=name)
        assert [error.field for error in refusal.value.errors] == ["name"]
    with pytest.raises(Conflict):
        made(office, name="web")
