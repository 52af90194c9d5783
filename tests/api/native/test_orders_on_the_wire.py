"""What a role or a template can be told is what the API and the admin can say and show: not a field less."""

from __future__ import annotations

from dataclasses import fields

import pytest

from api.native.inputs import RoleChangeIn, RoleIn, TemplateChangeIn, TemplateIn
from api.native.outputs import RoleOut, TemplateOut
from cas.admin.roles import RoleForm
from cas.admin.templates import TemplateForm
from cas.orders import RoleOrder, TemplateOrder
from tests.api.wire import Wire

ROLE = {each.name for each in fields(RoleOrder)}
TEMPLATE = {each.name for each in fields(TemplateOrder)}

# What a field of an order is called on the wire.
WIRE_NAMES = {"ca": "pki_id", "role": "pki_role"}
# What only rows have.
OF_ROWS = {"id", "organization_id", "version", "created_at", "updated_at"}


def on_the_wire(order: set[str]) -> set[str]:
    return {WIRE_NAMES.get(name, name) for name in order}


def test_a_role_is_told_and_shown_whole():
    assert set(RoleIn().fields) == on_the_wire(ROLE) | {"organization_id"}
    assert set(RoleChangeIn().fields) == on_the_wire(ROLE) - {"pki_id"}
    assert set(RoleOut().fields) == on_the_wire(ROLE) | OF_ROWS


def test_a_template_is_told_and_shown_whole():
    told = on_the_wire(TEMPLATE) | {"validity_days"}
    assert set(TemplateIn().fields) == told | {"organization_id"}
    assert set(TemplateChangeIn().fields) == told - {"pki_id"}
    assert set(TemplateOut().fields) == told | OF_ROWS


def test_the_forms_of_the_admin_ask_for_everything():
    assert set(RoleForm.base_fields) == ROLE
    # A template is told its CA by its role, and its purposes in two fields: by name and by number.
    purposes = {"purposes", "other_purposes"}
    assert set(TemplateForm.base_fields) == TEMPLATE - {"ca", "extended_key_usage"} | purposes
    for form in (RoleForm, TemplateForm):
        assert {name for section in form.sections for name in section.fields} == set(form.base_fields)


@pytest.fixture
def role(office) -> str:
    return f"/api/v2/roles/{office.role.public_id}"


@pytest.fixture
def template(office) -> str:
    return f"/api/v2/templates/{office.template.public_id}"


def test_a_role_without_dns_names_lets_none_into_the_alternative_names(api: Wire, role):
    assert api.get(role).json()["allow_dns_sans"] is True
    assert api.patch(role, {"allow_dns_sans": False}).json()["allow_dns_sans"] is False
    body = {"template_code": "web-tls", "common_name": "www.acme.test", "sans": ["www.acme.test"]}
    answer = api.post("/api/v2/certificates", body)
    assert [error["field"] for error in answer.json()["errors"]] == ["sans[0]"]


def test_a_template_says_whether_an_approval_covers_renewals(api: Wire, template):
    assert api.get(template).json()["approval_covers_renewal"] is False
    assert api.patch(template, {"approval_covers_renewal": True}).json()["approval_covers_renewal"] is True
