"""The first run: few clicks, left and resumed, and what it makes holds."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.models import Organization
from accounts.roles import OrganizationRole
from accounts.services.custom_roles import create_custom_role
from accounts.services.people import create_first_administrator
from cas.models import CertificateAuthority, Role, Template
from certificates.models import Certificate
from kernel.errors import Unavailable
from kernel.permissions import Permission
from tests import cast
from tests.office import open_office
from tests.web.people import browser_of, sign_in
from web.setup.making import make_missing
from web.setup.wishes import Wishes

MOST_CLICKS = 5
_FORM = re.compile(r"<form[^>]*method=\"post\".*?</form>", re.S)
_INPUT = re.compile(r'<input[^>]*?name="([^"]+)"[^>]*>')
_VALUE = re.compile(r'value="([^"]*)"')


class Visitor:
    """A browser without scripts: it sends the forms that it was shown, and counts every click."""

    def __init__(self, client: Client) -> None:
        self.client, self.clicks, self.page = client, 0, None

    def click(self, label: str, **filled: str) -> Any:
        """Press a button of the page; what the form holds goes along."""
        text = self.page.content.decode()
        form = next(each for each in _FORM.findall(text) if label in each)
        fields = {
            name: unescape(value[1])
            for name, value in ((each[1], _VALUE.search(each[0])) for each in _INPUT.finditer(form))
            if value is not None and name != "csrfmiddlewaretoken"
        }
        action = re.search(r'action="([^"]+)"', form.split(">", 1)[0])
        address = action[1] if action else self.page.request["PATH_INFO"]
        self.clicks += 1
        self.page = self.client.post(address, fields | filled, follow=True)
        return self.page


@pytest.fixture
def newcomer(db: None) -> Visitor:
    """Who has just signed in with the password that the first start has printed."""
    made = create_first_administrator(actor=cast.SUPERUSER, email="admin@localhost")
    assert made is not None
    visitor = Visitor(Client())
    password = made[1].reveal().decode()
    sign_in(visitor.client, "admin", password)
    visitor.page = visitor.client.get("/", follow=True)
    visitor.page = visitor.click(
        "old_password", old_password=password, new_password=cast.PASSWORD, repeated=cast.PASSWORD
    )
    return visitor


@pytest.mark.needs("openssl")
def test_from_the_first_password_to_a_certificate_in_five_clicks(newcomer, tmp_path: Path):
    assert newcomer.page.request["PATH_INFO"] == "/setup/"
    newcomer.click("Use defaults", organization="Example Ltd")
    page = newcomer.page.content.decode()
    assert "CN=Example Ltd Root CA,O=Example Ltd" in page
    assert page.count("for good") >= 8
    assert not Organization.objects.exists()
    newcomer.click("Create everything")
    assert newcomer.page.request["PATH_INFO"] == "/setup/done/", re.findall(
        r"<p>.*?</p>", newcomer.page.content.decode()
    )
    answer = newcomer.click("Download key and certificate")
    assert newcomer.clicks <= MOST_CLICKS

    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    root = newcomer.client.get(f"/ca/{CertificateAuthority.objects.get(parent=None).slug}.pem").content
    (tmp_path / "root.pem").write_bytes(root)
    openssl(
        tmp_path,
        "verify -x509_strict -purpose sslserver -verify_hostname localhost -CAfile root.pem "
        "-untrusted chain.pem localhost.pem",
    )
    assert openssl(tmp_path, "x509 -in localhost.pem -noout -pubkey") == openssl(
        tmp_path, "pkey -in localhost.key -pubout"
    )
    assert "handed out already" in newcomer.client.get("/setup/done/").content.decode()
    assert newcomer.client.get("/setup/")["Location"] == "/setup/done/"


@pytest.mark.parametrize("name", ["千代田認証局株式会社" * 4, "Заверитель" * 7, "Zürcher Überlandwerke " * 5])
def test_a_long_name_is_said_as_far_as_certificates_can(newcomer, name):
    newcomer.click("Use defaults", organization=name.strip()[:120])
    newcomer.click("Create everything")
    assert newcomer.page.request["PATH_INFO"] == "/setup/done/", newcomer.page.context["form"].errors
    assert Organization.objects.get().name == name.strip()[:120]
    for ca in CertificateAuthority.objects.all():
        assert name.startswith(ca.name.removesuffix(" Root CA").removesuffix(" Issuing CA"))


def test_a_name_that_no_certificate_can_have_is_refused_beside_its_field(newcomer):
    newcomer.click("Step by step", organization="Example", steps="1")
    newcomer.click("Next", root_name="ü" * 40, root_key="ECDSA_P256", root_years="20", steps="1")
    assert newcomer.page.status_code == 422
    assert set(newcomer.page.context["form"].errors) == {"root_name"}


def openssl(folder: Path, command: str) -> str:
    found = subprocess.run(
        ["openssl", *command.split()], cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


class TestAnOwner:
    """Of an organization in which there is nothing yet."""

    @pytest.fixture
    def owner(self, db: None) -> Visitor:
        visitor = Visitor(browser_of(cast.owner(cast.organization("Example")).user))
        visitor.page = visitor.client.get("/setup/")
        return visitor

    def test_answers_step_by_step(self, owner):
        owner.click("Step by step", common_name="www.example.test", steps="1")
        owner.click("Next", root_name="Our Root", root_key="ECDSA_P256", root_years="20", steps="1")
        owner.click("Next", issuing_name="Our Issuer", issuing_key="ECDSA_P256", issuing_years="3", steps="1")
        rules = {"domains": "example.test\nexample.internal", "allow_subdomains": "on", "days": "30"}
        owner.click("Next", **rules, role="servers", template="servers", steps="1")
        owner.click("Review", common_name="api.example.test")
        assert "Our Root" in owner.page.content.decode()
        owner.click("Create everything")
        root, issuing = CertificateAuthority.objects.order_by("pk")
        assert (root.name, root.subject, issuing.name) == ("Our Root", "CN=Our Root,O=Example", "Our Issuer")
        assert (issuing.parent, issuing.path_length) == (root, 0)
        template = Template.objects.get()
        assert (template.code, template.validity.days) == ("servers", 30)
        assert template.role.allowed_domains == ["example.test", "example.internal"]
        assert Certificate.objects.get().sans == ["api.example.test"]

    def test_goes_on_where_it_stopped(self, owner, monkeypatch):
        def locked(**_order: Any) -> None:
            raise Unavailable("The key of the template is out for lunch.")

        owner.click("Use defaults", common_name="www.example.test")
        with monkeypatch.context() as patch:
            patch.setattr("web.setup.making.create_template", locked)
            owner.click("Create everything")
        assert owner.page.status_code == 422
        assert "out for lunch" in owner.page.content.decode()
        assert [item.is_done for item in owner.page.context["items"]] == [True, True, True, False, False]
        assert not Role.objects.exists()
        # What was answered is still known.
        owner.page = owner.client.get("/setup/review/")
        owner.click("Create the rest")
        assert Certificate.objects.get().common_name == "www.example.test"
        assert CertificateAuthority.objects.count() == 2

    def test_is_told_what_a_service_refuses(self, owner):
        owner.click("Step by step", common_name="www.example.test", steps="1")
        owner.page = owner.client.get("/setup/rules/")
        owner.click("Review", domains="example.test", role="no name: for a role")
        owner.click("Create everything")
        assert owner.page.status_code == 422
        assert 'role="alert"' in owner.page.content.decode()

    @pytest.mark.parametrize("name", ["not a host", "192.0.2.7", "*.example.test", "me@example.test"])
    def test_is_told_of_a_name_that_is_no_host_before_anything_is_made(self, owner, name):
        owner.click("Use defaults", common_name=name)
        assert owner.page.status_code == 422
        assert owner.page.context["form"].errors == {"common_name": [f"{name!r} is not a host name"]}

    def test_is_told_of_domains_that_are_none_before_anything_is_made(self, owner):
        owner.page = owner.client.get("/setup/rules/")
        owner.click("Review", domains="example.test\nno domain!\n-.test")
        assert owner.page.context["form"].errors == {
            "domains": ["'no domain!' is not a domain pattern", "'-.test' is not a domain pattern"]
        }

    @pytest.mark.parametrize("address", ["http://192.0.2.7:8000", "https://[2001:db8::1]"])
    def test_where_the_server_has_only_an_address_the_defaults_still_lead_to_a_certificate(
        self, owner, settings, address
    ):
        settings.BASE_URL = address
        owner.page = owner.client.get("/setup/")
        owner.click("Use defaults")
        owner.click("Create everything")
        assert Certificate.objects.get().common_name == "localhost"

    @pytest.mark.parametrize("path", ["/setup/", "/setup/root/", "/setup/rules/", "/setup/review/", "/setup/done/"])
    def test_a_look_makes_nothing(self, owner, path):
        owner.client.get(path, follow=True)
        assert not CertificateAuthority.objects.exists()


def test_only_who_may_make_cas_is_let_in(db):
    client = browser_of(cast.member(cast.organization(), OrganizationRole.OPERATOR).user)
    assert client.get("/setup/").status_code == 403
    assert client.post("/setup/review/").status_code == 403
    assert not client.get("/").context["steps"]


def test_what_there_is_is_shown_to_whoever_may_read_it(db):
    """A role that makes CAs and reads nothing sees how far it is, and nothing of what was made."""
    office = open_office()
    office.issue("hidden.acme.test")
    order = {"actor": office.owner, "organization": office.organization}
    create_custom_role(**order, name="Founders", permissions=[Permission.CAS_CREATE])
    founder = browser_of(cast.member(office.organization, "founders").user)
    assert founder.get("/setup/")["Location"] == "/setup/done/"
    assert founder.get("/setup/done/")["Location"] == "/"
    # With something missing there is a review: of what is there it tells that it is there.
    Template.objects.update(retired_at=timezone.now())
    page = founder.get("/setup/", follow=True)
    told = page.content.decode()
    assert [item.is_done for item in page.context["items"]] == [True, True, True, False, True]
    for each in (office.issuing.name, office.issuing.subject, office.role.name, "hidden.acme.test"):
        assert each not in told
    assert page.context["hierarchy"] == []
    assert office.issuing.name in browser_of(office.person.user).get("/setup/review/", follow=True).content.decode()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_however_often_it_is_sent_at_once_there_is_one_of_each():
    person = cast.owner(cast.organization("Example"))
    wishes = Wishes.of({"common_name": "www.example.test"}, organization="Example")

    def send(_number: int) -> None:
        try:
            make_missing(person.actor, wishes)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    assert CertificateAuthority.objects.count() == 2
    assert (Role.objects.count(), Template.objects.count(), Certificate.objects.count()) == (1, 1, 1)
