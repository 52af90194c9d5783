"""Roles and templates in the browser: found, read in words, made, changed, put away."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django import forms

from accounts.roles import OrganizationRole
from cas.models import Role, Template
from cas.presets import PRESETS
from cas.services.roles import order_of as role_order
from cas.services.roles import update_role
from cas.services.templates import create_template, order_of, update_template
from certificates.models import Certificate
from tests import cast, pki
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


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


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


class TestBeforeAChange:
    """The two steps: what it would break, and then whether it shall be saved nevertheless."""

    @pytest.fixture
    def page(self, office) -> str:
        for name in ("*.acme.test", "www.acme.test"):
            office.issue(name)
        return f"{page_of(office.role)}change-rules/"

    def test_what_it_would_break_is_shown_before_it_is_saved(self, owner, office, page):
        form = {**filled(owner.get(page)), "allow_wildcards": ""}
        for pressed in ({"check": "1"}, {}, {"confirmed": "yes"}):
            answer = owner.post(page, {**form, **pressed})
            text = answer.content.decode()
            assert (answer.status_code, Role.objects.get(pk=office.role.pk).version) == (200, 1)
            assert "1 renewal due in the next 90 days would be refused" in text
            assert "the role allows no wildcards" in text
            assert ("Save nevertheless" in text) is ("check" not in pressed)
        word = answer.context["warning"]
        # Another change is another question.
        assert owner.post(page, {**form, "allow_ip_sans": "", "confirmed": word}).status_code == 200
        assert Role.objects.get(pk=office.role.pk).version == 1
        assert made(owner.post(page, {**form, "confirmed": word})) == page_of(office.role)
        assert Role.objects.get(pk=office.role.pk).version == 2

    def test_what_breaks_nothing_is_saved_at_once(self, owner, office, page):
        form = {**filled(owner.get(page)), "description": "Shops"}
        text = owner.post(page, {**form, "check": "1"}).content.decode()
        assert "Nothing: what was issued in the last 90 days would be issued again" in text
        assert made(owner.post(page, form)) == page_of(office.role)

    def test_the_admin_asks_the_same(self, root, office, page):
        page = f"/admin/cas/role/{office.role.pk}/change-rules/"
        answer = root.post(page, {**filled(root.get(page)), "allow_wildcards": ""})
        assert "Save nevertheless" in answer.content.decode()
        assert Role.objects.get(pk=office.role.pk).version == 1


class TestATemplate:
    def test_its_versions_and_what_changed_from_one_to_the_next(self, owner, office, django_assert_max_num_queries):
        office.issue("www.acme.test")
        role_change = replace(role_order(office.role), allowed_domains=("acme.test", "shop.test"))
        update_role(actor=office.owner, role=office.role, order=role_change)
        change = replace(order_of(office.template), validity=timedelta(days=30), name="Shops")
        update_template(actor=office.owner, template=office.template, order=change)
        owner.get(page_of(office.template))
        with django_assert_max_num_queries(20):
            text = owner.get(page_of(office.template)).content.decode()
        words = words_of(text)
        assert "Validity template 90 days 30 days" in words
        assert "Allowed domains role acme.test acme.test, shop.test" in words
        assert "The first one." in words
        assert f"Members who may ask by it {office.person.user} " in words
        assert "template.updated" in text
        assert '<a href="/certificates/?template=web-tls">1</a>' in text
        question = owner.get(f"{page_of(office.template)}retire/").content.decode()
        assert "Good certificates that could not be renewed any more 1" in words_of(question)

    @pytest.mark.parametrize("chosen", PRESETS, ids=lambda chosen: chosen.name)
    def test_from_nothing_but_what_it_is_for(self, owner, office, chosen):
        assert chosen.label in owner.get("/roles/").content.decode()
        form = filled(owner.get(f"/roles/create/?preset={chosen.name}"))
        form |= {"ca": office.issuing.pk, "allowed_domains": "acme.test", "name": f"{chosen.name}-role"}
        made(owner.post("/roles/create/", form))
        role = Role.objects.get(name=f"{chosen.name}-role")
        form = filled(owner.get(f"/templates/create/?preset={chosen.name}"))
        made(owner.post("/templates/create/", form | {"role": role.pk, "code": chosen.name}))
        template = Template.objects.get(code=chosen.name)
        assert template.validity == chosen.template["validity"]
        assert tuple(template.extended_key_usage) == chosen.template["extended_key_usage"]

    def test_another_like_it(self, owner, office):
        make_template(office, "other")
        for row, new in ((office.template, {"code": "web-2"}), (office.role, {"name": "web-2"})):
            page = f"{page_of(row)}clone/"
            made(owner.post(page, filled(owner.get(page)) | new))
        assert Template.objects.get(code="web-2").to_document() == office.template.to_document()
        assert Role.objects.get(name="web-2").to_document() == office.role.to_document()

    def test_a_csr_is_judged_and_nothing_is_issued(self, owner, office):
        page = f"{page_of(office.template)}try/"
        key = pki.a_key(number=0)
        good = pki.make_csr(key, subject="CN=www.acme.test", sans=("www.acme.test", "api.acme.test"))
        text = owner.post(page, {"csr": good}).content.decode()
        for word in ("www.acme.test, api.acme.test", "ECDSA P-256", "no approval"):
            assert word in text
        answer = owner.post(page, {"csr": pki.make_csr(key, subject="CN=www.evil.test", sans=("www.evil.test",))})
        assert answer.status_code == 422
        errors = answer.context["form"].errors
        assert set(errors) == {"csr"}
        assert "the role does not allow 'www.evil.test'" in errors["csr"]
        assert owner.post(page, {"csr": "nonsense"}).status_code == 422
        assert not Certificate.objects.exists()


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
        (page_of(office.template), ("change-recipe/", "try/", "clone/", "retire/")),
        (page_of(office.role), ("change-rules/", "clone/", "retire/")),
    ):
        assert "ACME" not in client.get(page.split("/")[1].join("//")).content.decode()
        for door in ("", *doors):
            assert client.get(page + door).status_code == 404
            assert client.post(page + door, {}).status_code in (404, 405)
    answer = client.get("/templates/create/")
    assert "ACME" not in answer.content.decode()
    office.template.refresh_from_db()
    assert (office.template.version, office.template.retired_at) == (1, None)
