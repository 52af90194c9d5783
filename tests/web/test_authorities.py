"""The authorities in the browser: seen, founded, opened, and brought down."""

from __future__ import annotations

import re

import pytest

from accounts.roles import OrganizationRole
from cas.models import CertificateAuthority
from tests import cast
from tests.office import open_office
from tests.web.people import browser_of

LIST = "/authorities/"


def page_of(row) -> str:
    return f"{LIST}{row.public_id}/"


def words_of(answer) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", answer.content.decode())


def test_strangers_find_nothing(office):
    client = browser_of(open_office("Umbrella").person.user)
    assert office.root.name not in client.get(LIST).content.decode()
    certificate = f"{LIST}certificates/{office.root.certificates.get().fingerprint}/"
    for path in (page_of(office.root), f"{page_of(office.root)}revoke/", certificate, f"{certificate}revoke/"):
        assert client.get(path).status_code == 404
        assert client.post(path, {"typed_name": office.root.name}).status_code in (404, 405)
    assert set(CertificateAuthority.objects.filter(organization=office.organization).values_list("status")) == {
        ("active",)
    }


def test_the_list_says_what_is_below_what_and_how_it_fares(owner, office):
    answer = owner.get(LIST)
    assert answer.status_code == 200, answer
    print(words_of(answer))
    answer = owner.get(page_of(office.issuing))
    print(words_of(answer))
