"""Signing in through an organization's OpenID Connect provider: the whole flow, and every lie that it must notice."""

from __future__ import annotations

import hmac
import json
import socket
import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from jwt.utils import base64url_encode

from accounts.models import Membership, SignInProvider, User
from accounts.oidc_models import PrivateRange
from accounts.services.external_identities import bind_identity
from accounts.services.organizations import add_member
from accounts.services.private_ranges import allow_private_range
from accounts.services.sign_in_providers import (
    ProviderOrder,
    create_sign_in_provider,
    delete_sign_in_provider,
    update_sign_in_provider,
)
from audit.models import AuditEvent
from kernel.secret import Secret
from tests import cast
from tests.architecture.people import code_of
from tests.identity_provider import CLIENT_ID, CLIENT_SECRET, KEY, OTHER_KEY, identity_provider
from tests.web.people import browser_of, give_app, is_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider():
    with identity_provider() as running:
        yield running


@pytest.fixture
def owner():
    return cast.owner(cast.organization())


@pytest.fixture
def row(owner, provider) -> SignInProvider:
    allow_private_range(actor=cast.SUPERUSER, organization=owner.organization, network="127.0.0.1")
    return create_sign_in_provider(
        actor=owner.actor,
        organization=owner.organization,
        issuer=provider.address,
        client_id=CLIENT_ID,
        client_secret=Secret(CLIENT_SECRET),
        order=ProviderOrder(name="Example ID", default_role="operator", makes_members=True),
    )


def begin(client: Client, row: SignInProvider, query: str = "") -> str:
    """The address at the provider that the browser is sent to."""
    response = client.get(f"/sign-in/with/{row.public_id}/{query}")
    assert response.status_code == 302, response.content
    return response["Location"]


def come_back(address: str) -> str:
    """The path by which the provider sends the browser back."""
    answer = requests.get(address, allow_redirects=False, timeout=240)
    assert answer.status_code == 302
    parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}" == "http://localhost:8000"
    return f"{parts.path}?{parts.query}"


def walk(client: Client, row: SignInProvider, query: str = ""):
    return client.get(come_back(begin(client, row, query)))


class TestTheWay:
    def test_somebody_new_becomes_a_member_and_is_in(self, client, row, provider):
        provider.info = {"name": "Jane Doe"}
        response = walk(client, row, "?next=/developers/")
        assert response["Location"] == "/developers/"
        assert is_in(client)
        user = User.objects.get(email="jane@elsewhere.example")
        assert (user.name, Membership.objects.get(user=user).role) == ("Jane Doe", "operator")
        started = AuditEvent.objects.get(name="session.started")
        assert started.document["metadata"]["methods"] == ["Example ID"]

    def test_it_is_asked_with_pkce_state_and_nonce_and_for_nothing_that_the_address_says(self, client, row):
        address = begin(client, row, "?scope=admin&auth_params=prompt%3Dnone%26redirect_uri%3Dhttps://evil.example")
        asked = parse_qs(urlsplit(address).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"] == [f"http://localhost:8000/sign-in/with/{row.public_id}/callback/"]
        assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
        assert {"state", "nonce", "code_challenge"} <= set(asked)
        assert "prompt" not in asked

    def test_a_host_header_leads_the_answer_nowhere_else(self, client, row, settings):
        settings.ALLOWED_HOSTS = ["*"]
        response = client.get(f"/sign-in/with/{row.public_id}/", headers={"host": "evil.example"})
        assert "evil.example" not in response["Location"]

    def test_who_has_a_second_factor_here_is_asked_for_it(self, client, row, owner, provider):
        person = cast.member(owner.organization, "member")
        bind_identity(
            actor=owner.actor,
            membership=Membership.objects.get(user=person.user),
            issuer=provider.address,
            subject=provider.claims["sub"],
        )
        secret = give_app(person.user)
        assert walk(client, row)["Location"] == "/sign-in/code/"
        client.post("/sign-in/code/", {"code": code_of(secret)})
        assert is_in(client)

    def test_a_listed_one_stands_on_the_sign_in_page_and_another_does_not(self, client, row):
        assert "Example ID" not in client.get("/sign-in/").content.decode()
        SignInProvider.objects.update(is_listed=True)
        assert f"/sign-in/with/{row.public_id}/?next=/" in client.get("/sign-in/").content.decode()

    @pytest.mark.parametrize("path", ["", "callback/"])
    def test_one_that_is_not_there_or_out_of_use_is_no_page(self, client, row, path):
        SignInProvider.objects.update(is_active=False)
        for number in (row.public_id, "00000000-0000-4000-8000-000000000000"):
            assert client.get(f"/sign-in/with/{number}/{path}").status_code == 404

    def test_one_that_does_not_answer_is_said_to(self, client, row):
        SignInProvider.objects.update(issuer="http://localhost:1")
        assert client.get(f"/sign-in/with/{row.public_id}/").status_code == 502

    def test_what_stands_behind_us_is_never_asked(self, client, row, provider):
        PrivateRange.objects.all().delete()
        assert client.get(f"/sign-in/with/{row.public_id}/").status_code == 502
        assert provider.asked == []

    @pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
    def test_nor_where_the_provider_says_so_later(self, client, row, provider, endpoint):
        with socket.create_server(("127.0.0.2", 0)) as behind:
            behind.settimeout(0)
            provider.discovery = {endpoint: f"https://127.0.0.2:{behind.getsockname()[1]}/"}
            assert walk(client, row).status_code == 403
            with pytest.raises(BlockingIOError):
                behind.accept()
        assert not is_in(client)

    def test_nobody_is_sent_to_another_site_afterwards(self, client, row):
        assert walk(client, row, "?next=https://evil.example/")["Location"] == "/"


def with_public_key_as_hmac_key(claims):
    """What a verifier falls for that believes the token's own `alg`. No library makes one: it is made by hand."""
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT", "kid": "1"}, claims)]
    signed = b".".join(base64url_encode(part) for part in parts)
    return (signed + b"." + base64url_encode(hmac.digest(pem, signed, "sha256"))).decode()


EC_KEY = ec.generate_private_key(ec.SECP256R1())
LIES = {
    "another issuer": {"changes": {"iss": "https://evil.example"}},
    "no issuer": {"changes": {"iss": None}},
    "another audience": {"changes": {"aud": "other"}},
    "another authorized party": {"changes": {"aud": [CLIENT_ID, "other"], "azp": "other"}},
    "no subject": {"changes": {"sub": None}},
    "expired": {"changes": {"exp": int(time.time()) - 3600, "iat": int(time.time()) - 7200}},
    "without an end": {"changes": {"exp": None}},
    "from the future": {"changes": {"nbf": int(time.time()) + 3600}},
    "another nonce": {"changes": {"nonce": "x"}},
    "no nonce": {"changes": {"nonce": None}},
    "signed by another key": {"sign": lambda c: jwt.encode(c, OTHER_KEY, algorithm="RS256", headers={"kid": "1"})},
    "a key that is not published": {"sign": lambda c: jwt.encode(c, KEY, algorithm="RS256", headers={"kid": "2"})},
    "unsigned": {"sign": lambda c: jwt.encode(c, None, algorithm="none", headers={"kid": "1"})},
    "signed with the client's secret": {
        "sign": lambda c: jwt.encode(c, CLIENT_SECRET.ljust(32), algorithm="HS256", headers={"kid": "1"})
    },
    "signed with the public key as a secret": {"sign": with_public_key_as_hmac_key},
    "signed by a key of another kind than it says": {
        "sign": lambda c: jwt.encode(c, EC_KEY, algorithm="ES256", headers={"kid": "1"})
    },
    "a subject that no row can hold": {"changes": {"sub": "a\0b"}, "info": {"sub": "a\0b"}},
    "a subject of half a sign": {"changes": {"sub": "a\ud800"}, "info": {"sub": "a\ud800"}},
    "no token at all": {"sign": lambda c: ""},
    "nonsense": {"sign": lambda c: "a.b.c"},
    "user info about somebody else": {"info": {"sub": "another"}},
    "another issuer's configuration": {"discovery": {"issuer": "https://evil.example"}},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lie_lets_nobody_in(client, row, provider, lie):
    address = begin(client, row) if "discovery" not in lie else None
    for name, value in lie.items():
        setattr(provider, name, value)
    if address is None:
        assert client.get(f"/sign-in/with/{row.public_id}/").status_code == 502
    else:
        assert client.get(come_back(address)).status_code == 403
        assert AuditEvent.objects.filter(name="session.refused").count() == 1
    assert not is_in(client)
    assert not User.objects.filter(email="jane@elsewhere.example").exists()


class TestOfAnotherBrowser:
    def test_an_answer_belongs_to_the_browser_that_asked(self, client, row):
        back = come_back(begin(client, row))
        other = Client()
        assert other.get(back).status_code == 403
        assert not is_in(other)

    def test_an_answer_is_good_once(self, client, row):
        back = come_back(begin(client, row))
        client.get(back)
        client.post("/sign-out/")
        assert client.get(back).status_code == 403
        assert not is_in(client)

    def test_an_answer_to_one_provider_is_none_to_another(self, client, row, owner, provider):
        second = create_sign_in_provider(
            actor=owner.actor,
            organization=owner.organization,
            issuer=provider.address,
            client_id="second",
            client_secret=None,
            order=ProviderOrder(name="Second", default_role="operator", makes_members=True),
        )
        back = come_back(begin(client, row)).replace(str(row.public_id), str(second.public_id))
        assert client.get(back).status_code == 403

    @pytest.mark.parametrize("query", ["", "?state=x&code=y", "?error=access_denied", "?code=y"])
    def test_an_answer_that_nobody_asked_for(self, client, row, query):
        assert client.get(f"/sign-in/with/{row.public_id}/callback/{query}").status_code == 403


class TestWhatSuchASessionMay:
    @pytest.fixture
    def person(self, owner, row, provider):
        """Owner of another organization too, and bound here: a key to that one must not be forged here."""
        stranger = cast.stranger()
        membership = add_member(actor=owner.actor, organization=owner.organization, user=stranger.user, role="operator")
        bind_identity(actor=owner.actor, membership=membership, issuer=provider.address, subject=provider.claims["sub"])
        return stranger

    def test_it_acts_in_that_organization_and_in_no_other(self, client, row, person, owner):
        walk(client, row)
        assert "ACME" in client.get("/").content.decode()
        client.post("/account/organization/", {"organization": person.organization.slug})
        assert "ACME" in client.get("/").content.decode()
        assert client.get("/organization/sign-in/").status_code == 403
        seen = client.get("/api/v2/organizations").json()["data"]
        assert [each["name"] for each in seen] == ["ACME"]

    def test_it_leaves_no_way_in_behind(self, client, row, person):
        walk(client, row)
        for path in ("/account/security/app/", "/account/security/passkey/", "/account/security/recovery-codes/"):
            assert client.get(path).status_code == 403, path
            assert client.post(path).status_code == 403, path

    def test_a_password_opens_everything_again(self, client, row, person):
        walk(client, row)
        own = browser_of(person.user)
        own.post("/account/organization/", {"organization": person.organization.slug})
        assert own.get("/organization/sign-in/").status_code == 200

    @pytest.mark.parametrize("end", ["switch it off", "delete it"])
    def test_it_ends_with_the_provider(self, client, row, person, owner, end):
        walk(client, row)
        assert is_in(client)
        others = browser_of(owner.user)
        if end == "delete it":
            delete_sign_in_provider(actor=owner.actor, provider=row)
        else:
            order = ProviderOrder(name="Example ID", default_role="operator", makes_members=True, is_active=False)
            update_sign_in_provider(actor=owner.actor, provider=row, order=order)
        assert not is_in(client)
        assert is_in(others)

    def test_an_unfinished_one_does_not_narrow_a_later_sign_in(self, client, row, person):
        secret = give_app(person.user)
        walk(client, row)
        client.post("/sign-in/", {"username": person.user.email, "password": cast.PASSWORD})
        client.post("/sign-in/code/", {"code": code_of(secret)})
        client.post("/account/organization/", {"organization": person.organization.slug})
        assert client.get("/organization/sign-in/").status_code == 200
