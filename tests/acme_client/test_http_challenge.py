"""http-01: the answer is given to its own host about its own token, while it is asked for; everything else is 404."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from acme_client.models import AcmeAccount, AcmeAuthorization, AcmeChallenge, AcmeOrder
from tests.office import Office, open_office

PATH = "/.well-known/acme-challenge/"
TOKEN, ANSWER = "tOkEn-1", "tOkEn-1.thumbprint"


def challenge_of(
    office: Office,
    host: str = "www.example.com",
    *,
    kind: str = "http-01",
    status: str = AcmeChallenge.Status.PRESENTED,
    token: str = TOKEN,
    order_status: str = AcmeOrder.Status.AUTHORIZING,
) -> AcmeChallenge:
    """A row as an order at a public CA leaves it."""
    account, _is_new = AcmeAccount.objects.get_or_create(
        organization=office.organization,
        name="public",
        defaults={
            "provider": "custom",
            "directory_url": "https://ca.example/",
            "email": "a@example.com",
            "sealed_key": b"x",
            "terms_agreed_at": timezone.now(),
        },
    )
    order = AcmeOrder.objects.create(
        organization=office.organization,
        account=account,
        status=order_status,
        names=[host],
        challenge_type=kind,
        csr=b"x",
        requester_kind="user",
        requester_id=1,
        requester_label="somebody",
        expires_at=timezone.now() + timedelta(days=1),
    )
    authorization = AcmeAuthorization.objects.create(
        organization=office.organization, order=order, url="https://ca.example/1", name=host
    )
    return AcmeChallenge.objects.create(
        organization=office.organization,
        authorization=authorization,
        type=kind,
        url="https://ca.example/2",
        token=token,
        key_authorization=f"{token}.thumbprint",
        status=status,
        host=host,
    )


@pytest.fixture
def office(db) -> Office:
    return open_office()


def ask(host: str, token: str = TOKEN, method: str = "get"):
    return getattr(Client(), method)(PATH + token, HTTP_HOST=host)


@pytest.mark.parametrize(
    "host", ["www.example.com", "WWW.Example.COM", "www.example.com:80", "www.example.com:8080", "www.example.com."]
)
def test_its_own_host_answers_whatever_its_spelling(office, host):
    challenge_of(office)
    answer = ask(host)
    assert (answer.status_code, answer.content) == (200, ANSWER.encode())
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies


@pytest.mark.parametrize(
    ("name", "host"),
    [("192.0.2.7", "192.0.2.7:80"), ("2001:db8::7", "[2001:DB8:0::7]"), ("2001:db8::7", "[2001:db8::7]:80")],
)
def test_an_address_answers_too(office, name, host):
    challenge_of(office, name)
    assert ask(host).content == ANSWER.encode()


@pytest.mark.parametrize(
    ("host", "token"),
    [
        ("other.example.com", TOKEN),
        ("example.com", TOKEN),
        ("testserver", TOKEN),
        ("", TOKEN),
        ("www.example.com:x", TOKEN),
        ("www.example.com@other", TOKEN),
        ("[::1", TOKEN),
        ("www.example.com", "other"),
        ("www.example.com", TOKEN.lower()),
        ("www.example.com", ""),
        ("www.example.com", "%00"),
        ("www.example.com", "a/b"),
        ("www.example.com", "a" * 200),
    ],
)
def test_nobody_else_is_told_anything(office, host, token):
    challenge_of(office)
    answer = ask(host, token)
    assert (answer.status_code, answer.content) == (404, b"There is nothing here.\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": AcmeChallenge.Status.VALID},
        {"status": AcmeChallenge.Status.INVALID},
        {"order_status": AcmeOrder.Status.CANCELLED},
        {"order_status": AcmeOrder.Status.INVALID},
        {"kind": "dns-01"},
        {"kind": "tls-alpn-01"},
    ],
)
def test_what_is_over_or_proven_in_another_way_is_not_answered(office, changes):
    challenge_of(office, **changes)
    assert ask("www.example.com").status_code == 404


def test_it_is_only_read(office):
    challenge_of(office)
    assert ask("www.example.com", method="head").content == b""
    assert ask("www.example.com", method="post").status_code == 405


def test_it_is_answered_over_plain_http_where_all_else_is_redirected(office, settings):
    settings.SECURE_SSL_REDIRECT = True
    challenge_of(office)
    assert ask("www.example.com").status_code == 200
    assert Client().get("/").status_code == 301


def test_two_organizations_answer_each_for_their_own_host(office):
    challenge_of(office, "a.example.com")
    challenge_of(open_office("Umbrella"), "b.example.com", token="other")
    assert ask("a.example.com").status_code == 200
    assert ask("a.example.com", "other").status_code == 404
    assert ask("b.example.com", "other").content == b"other.thumbprint"
