"""Asking for a certificate in a real browser: what would be issued while one types, and a key that never leaves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.cache import cache
from playwright.sync_api import Page, expect

from cas.models import Role, Template
from certificates.models import Certificate
from tests import cast
from tests.office import open_office
from tests.processes import PATIENCE_SECONDS
from tests.web.test_browser import Watched, _axe, browser

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.needs("openssl"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.any_database,
]

__all__ = ["browser"]


@pytest.fixture
def watched(browser, live_server) -> Watched:
    """The page of an owner whose template takes every kind of key and name."""
    cache.clear()
    office = open_office()
    Template.objects.filter(pk=office.template.pk).update(any_key_algorithm=True)
    Role.objects.filter(pk=office.role.pk).update(allow_email_sans=True)
    watched = Watched.open(browser, live_server.url, accept_downloads=True)
    page = watched.page
    page.goto(f"{live_server.url}/sign-in/")
    page.fill("[name=username]", office.person.user.email)
    page.fill("[name=password]", cast.PASSWORD)
    page.click("main button.primary")
    page.goto(f"{live_server.url}/certificates/new/")
    return watched


def says(page: Page, place: str, text: str) -> None:
    """What is typed is judged a moment later."""
    expect(page.locator(place).last).to_contain_text(text, timeout=PATIENCE_SECONDS * 1000)


def make_key(page: Page, folder: Path) -> bytes:
    """The file that the browser saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Make the key and save it").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path.read_bytes()


def second_opinion(pem: str) -> str:
    """What OpenSSL reads in a request whose signature it has verified."""
    command = ["openssl", "req", "-verify", "-noout", "-text", "-nameopt", "utf8"]
    done = subprocess.run(command, input=pem, capture_output=True, text=True, check=True, timeout=240)
    assert "verify OK" in done.stderr
    return done.stdout


def test_a_key_is_made_here_and_what_comes_of_it_is_seen_before(watched, live_server, tmp_path):
    page, sent = watched.page, []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.fill("[name=common_name]", "bücher.acme.test")
    page.fill("[name=names]", "*.acme.test\n10.0.0.5\n2001:db8::1:0\nowner@acme.test\nwww.bank.test")
    says(page, "#preview .finding", "www.bank.test")
    page.check("[value=browser]")
    for kind, words in (("ECDSA_P384", "secp384r1"), ("RSA_2048", "2048 bit"), ("", "prime256v1")):
        page.select_option("[name=key_algorithm]", kind)
        key = load_pem_private_key(make_key(page, tmp_path), None)
        says(page, "[data-key-state]", "Nobody else has it")
        pem = page.input_value("[name=made_csr]")
        assert words in second_opinion(pem)
        request = x509.load_pem_x509_csr(pem.encode())
        assert request.public_key() == key.public_key()
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert [str(name.value) for name in names] == [
            "*.acme.test", "10.0.0.5", "2001:db8::1:0", "owner@acme.test", "www.bank.test"
        ]  # fmt: skip
    page.check("[value=csr]")
    expect(page.locator("[name=common_name]")).to_be_hidden(timeout=PATIENCE_SECONDS * 1000)
    page.fill("[name=names]", "")
    page.fill("[name=csr]", pem)
    says(page, "#preview .finding", "www.bank.test")
    page.check("[value=browser]")
    page.fill("[name=common_name]", "www.acme.test")
    page.fill("[name=names]", "*.acme.test\n10.0.0.5")
    says(page, "#preview", "Nothing against it")
    assert not watched.complaints
    assert not _axe(page)
    page.get_by_role("button", name="Issue the certificate").click()
    page.wait_for_url("**/certificates/*-*/")
    row = Certificate.objects.get()
    assert row.body.x509.public_key() == key.public_key()
    assert row.sans == ["www.acme.test", "*.acme.test", "10.0.0.5"]
    assert row.key_custody == Certificate.KeyCustody.SUBSCRIBER
    assert not any("PRIVATE KEY" in body for body in sent)
