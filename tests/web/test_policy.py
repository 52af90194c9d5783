"""Roles and templates in the browser: found, read in words, made, changed, put away."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django import forms

from accounts.roles import OrganizationRole
from cas.models import Role, Template
from cas.services.templates import create_template, order_of
from tests import cast
from tests.office import open_office
from tests.web.people import browser_of

WORDS = "90 days, at most 397 days · acme.test, names below acme.test, wildcards, IP addresses"


def page_of(row) -> str:
    return f"/{'templates' if isinstance(row, Template) else 'roles'}/{row.public_id}/"


def listed(client, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.findall(r'<a class="break" href="/(?:templates|roles)/[0-9a-f-]{36}/">([^<]+)<', answer.content.decode())


def make_template(office, code: str, **changes) -> Template:
    order = replace(order_of(office.template), code=code, name=code, **changes)
    return create_template(actor=office.owner, order=order)


def filled(answer) -> dict[str, object]:
    """What the form on this page would send, were nothing typed."""
    form = answer.context["form"]
    sent = {name: field.prepare_value(form[name].value()) for name, field in form.fields.items()}
    for name, field in form.fields.items():
        if sent[name] is None and type(field) is forms.ChoiceField:
            sent[name] = field.choices[0][0]
    return {name: value for name, value in sent.items() if value is not None and value is not False}


def made(answer) -> str:
    """Where it leads."""
    assert answer.status_code == 302, answer.context["form"].errors
    return str(answer["Location"])


class TestLists:
    def test_templates_by_their_codes_with_their_rules_in_words(self, owner, office, django_assert_max_num_queries):
        for code in ("a", "z"):
            make_template(office, code)
        owner.get("/templates/")
        with django_assert_max_num_queries(15):
            answer = owner.get("/templates/")
        assert listed(owner, "/templates/") == ["a", "web-tls", "z"]
        assert WORDS in answer.content.decode()

    def test_roles_with_how_many_stand_on_them(self, owner, office):
        make_template(office, "a")
        page = owner.get("/roles/").content.decode()
        assert "acme.test, names below acme.test" in page
        assert '<td class="num">2</td>' in page

    @pytest.mark.parametrize("query", ["?q=WEB", "?ca={ca}", "?q=&ca=", "?after=x", "?after=[1,2]", "?status=x"])
    def test_narrowed(self, owner, office, query):
        assert listed(owner, f"/templates/{query.format(ca=office.issuing.slug)}") == ["web-tls"]

    @pytest.mark.parametrize("query", ["?q=nothing", "?ca=nowhere", "?status=retired"])
    def test_nothing_found_says_so(self, owner, office, query):
        for place in ("/templates/", "/roles/"):
            assert listed(owner, place + query) == []

    def test_pages_follow_each_other(self, owner, office, monkeypatch):
        monkeypatch.setattr("web.policy.listing.LENGTH", 2)
        for code in ("a", "b", "c", "d"):
            make_template(office, code)
        address, seen = "?ca=" + office.issuing.slug, []
        for _page in range(3):
            seen += listed(owner, f"/templates/{address}")
            following = re.search(r'href="(\?[^"]+)" rel="next"', owner.get(f"/templates/{address}").content.decode())
            address = following[1].replace("&amp;", "&") if following else ""
        assert (seen, address) == (["a", "b", "c", "d", "web-tls"], "")


class TestTheirLife:
    def test_made_changed_and_put_away(self, owner, office):
        form = {**filled(owner.get("/roles/create/")), "name": "narrow", "allowed_domains": "n.acme.test"}
        form["ca"] = office.issuing.pk
        role_page = made(owner.post("/roles/create/", form))
        role = Role.objects.get(name="narrow")
        assert role_page == page_of(role)
        assert (role.ca, role.allowed_domains) == (office.issuing, ["n.acme.test"])

        form = {**filled(owner.get("/templates/create/")), "role": role.pk, "code": "narrow-tls", "name": "Narrow"}
        template_page = made(owner.post("/templates/create/", form))
        template = Template.objects.get(code="narrow-tls")
        assert template_page == page_of(template)
        assert "n.acme.test" in owner.get(template_page).content.decode()

        change = f"{template_page}change-recipe/"
        assert owner.post(change, {**filled(owner.get(change)), "validity": 10})["Location"] == template_page
        template.refresh_from_db()
        assert (template.version, template.validity) == (2, timedelta(days=10))

        assert owner.post(f"{role_page}retire/").status_code == 422
        for page in (template_page, role_page):
            assert owner.post(f"{page}retire/")["Location"] == page
            assert "Retired" in owner.get(page).content.decode()
            assert owner.get(f"{page}retire/").status_code == 409
        assert listed(owner, "/templates/?status=retired") == ["narrow-tls"]
        assert listed(owner, "/roles/?status=retired") == ["narrow"]

    def test_what_makes_no_sense_stands_beside_its_field(self, owner, office):
        change = f"{page_of(office.template)}change-recipe/"
        answer = owner.post(change, {**filled(owner.get(change)), "validity": 500})
        assert answer.status_code == 422
        assert "validity" in answer.context["form"].errors


def test_a_read_only_person_is_offered_nothing_that_would_be_refused(office):
    client = browser_of(cast.member(office.organization, OrganizationRole.AUDITOR, "au@acme.example").user)
    for page, change in ((page_of(office.template), "change-recipe/"), (page_of(office.role), "change-rules/")):
        answer = client.get(page)
        assert answer.status_code == 200
        assert change not in answer.content.decode()
        assert client.post(page + change, {}).status_code == 403


def test_strangers_find_nothing(office):
    client = browser_of(open_office("Umbrella").person.user)
    for page, doors in (
        (page_of(office.template), ("change-recipe/", "retire/")),
        (page_of(office.role), ("change-rules/", "retire/")),
    ):
        assert "ACME" not in client.get(page.split("/")[1].join("//")).content.decode()
        for door in ("", *doors):
            assert client.get(page + door).status_code == 404
            assert client.post(page + door, {}).status_code in (404, 405)
    answer = client.get("/templates/create/")
    assert "ACME" not in answer.content.decode()
    office.template.refresh_from_db()
    assert (office.template.version, office.template.retired_at) == (1, None)
