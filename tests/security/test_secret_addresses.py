"""Addresses that open something to whoever has them are written into no log, however the request ends."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.services.invitations import invite, link_of
from accounts.services.passwords import _tokens
from pkiproject.logs import LineFormatter, TraceFilter
from tests import cast

pytestmark = pytest.mark.django_db


def reset_link(person: cast.Person) -> tuple[str, str]:
    token = _tokens.make_token(person.user)
    return f"/password/new/{urlsafe_base64_encode(force_bytes(str(person.user.public_id)))}/{token}/", token


def invitation_link(person: cast.Person) -> tuple[str, str]:
    row = invite(actor=person.actor, organization=person.organization, email="new@acme.example", role="member")
    path = link_of(row)
    return path, path.split("/")[2]


ENDINGS = {
    "a weak password": lambda path: Client().post(path, {"new_password": "x", "repeated": "x", "name": "x"}),
    "another method": lambda path: Client().put(path),
    "a form of another site": lambda path: Client(enforce_csrf_checks=True).post(path, {}),
    "an address below it": lambda path: Client().get(path + "more"),
}


@pytest.mark.parametrize("link", [reset_link, invitation_link])
@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
def test_a_link_is_not_found_in_the_log(link, end, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    path, token = link(cast.owner(cast.organization()))
    assert end(path).status_code >= 400
    told = [record for record in caplog.records if TraceFilter().filter(record)]
    lines = "\n".join(LineFormatter().format(record) for record in told)
    assert token not in lines
    assert path.split("/")[1] in lines, "a request that failed is told of"
