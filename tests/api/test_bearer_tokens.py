"""Access tokens of an issuer elsewhere: what a good one may do, and every way in which one is not good (RFC 8725)."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils import timezone

from accounts import jwks
from accounts.models import ExternalIdentity, Membership, OidcIssuer, User
from accounts.services.external_identities import bind_identity
from accounts.services.machine_identities import bind_machine_identity
from accounts.services.oidc_issuers import IssuerOrder, update_oidc_issuer
from accounts.services.organizations import add_member, change_member_role
from accounts.services.people import disable_user
from accounts.services.service_accounts import create_service_account, disable_service_account
from audit.events import EventName
from audit.models import AuditEvent
from certificates.models import Certificate
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire
from tests.identity_provider import KEY, OTHER_KEY, new_key
from tests.office import open_office
from tests.token_issuer import AUDIENCE, token_issuer

pytestmark = pytest.mark.django_db

CERTIFICATES = "/api/v2/certificates"
WISH = {"template_code": "web-tls", "common_name": "www.acme.test"}


@pytest.fixture(scope="module")
def provider():
    with token_issuer() as issuer:
        yield issuer


@pytest.fixture
def elsewhere(provider):
    """The provider, honest again after whatever the last test had it do."""
    provider.subject, provider.groups = "248289761001", ("pki-operators",)
    provider.provider.keys, provider.provider.discovery = {"1": KEY}, {}
    provider.provider.asked.clear()
    return provider


@pytest.fixture
def office():
    return open_office()


@pytest.fixture
def issuer(office, elsewhere) -> OidcIssuer:
    return elsewhere.configured(office.organization, office.owner)


def status(token: str) -> int:
    return int(Wire(token).get(CERTIFICATES).status_code)


@pytest.mark.row("P34")
def test_a_token_issues_a_certificate_in_the_name_of_its_subject(elsewhere, issuer):
    answer = Wire(elsewhere.token()).post(CERTIFICATES, WISH)
    assert answer.status_code == 201, answer.content
    row = Certificate.objects.get()
    user = User.objects.get(email="248289761001@elsewhere.example")
    assert (row.organization, row.owner, row.requester_label) == (issuer.organization, user, user.email)
    assert Membership.objects.get(user=user).role == "operator"
    assert user.managed_by == issuer.organization


def signed_by(header: dict[str, Any], claims: dict[str, Any], signature: Any) -> str:
    """A token that no library would make; `signature` says what is put under the first two parts."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    content = b".".join(parts)
    return b".".join([content, base64.urlsafe_b64encode(signature(content)).rstrip(b"=")]).decode()


def hs256_with_the_public_key(elsewhere: Any) -> str:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": "1", "typ": "at+jwt"}
    return signed_by(header, elsewhere.claims(), lambda content: hmac.digest(pem, content, "sha256"))


def another_signature(elsewhere: Any) -> str:
    mine, other = elsewhere.token(), elsewhere.token(sub="somebody else")
    return ".".join([*other.split(".")[:2], mine.split(".")[2]])


def now(seconds: int = 0) -> int:
    return int(time.time()) + seconds


def nested(depth: int) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"RS256","typ":"at+jwt"}').rstrip(b"=").decode()
    claims = base64.urlsafe_b64encode(b'{"iss":' + b"[" * depth + b"]" * depth + b"}").rstrip(b"=").decode()
    return f"{header}.{claims}.AAAA"


BAD_TOKENS = {
    "alg none": lambda e: signed_by({"alg": "none", "typ": "at+jwt"}, e.claims(), lambda content: b""),
    "alg None": lambda e: signed_by({"alg": "None", "kid": "1"}, e.claims(), lambda content: b"x"),
    "no alg": lambda e: signed_by({"kid": "1"}, e.claims(), lambda content: b"x"),
    "HS256 with the public key": hs256_with_the_public_key,
    "HS256 with nothing": lambda e: jwt.encode(e.claims(), "x" * 40, algorithm="HS256", headers={"kid": "1"}),
    "a signature that is not configured": lambda e: e.token(algorithm="RS512"),
    "an elliptic key": lambda e: e.token(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "another key": lambda e: e.token(key=OTHER_KEY),
    "another key of a name that nobody knows": lambda e: e.token(key=OTHER_KEY, headers={"kid": "2"}),
    "another key that it brings along": lambda e: e.token(
        key=OTHER_KEY, headers={"jwk": json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OTHER_KEY.public_key()))}
    ),
    "the signature of another": another_signature,
    "no signature": lambda e: e.token().rpartition(".")[0] + ".",
    "another audience": lambda e: e.token(aud="https://pki.other.example/api"),
    "no audience": lambda e: e.token(aud=None),
    "an audience of no text": lambda e: e.token(aud=[["x"]]),
    "a hundred audiences": lambda e: e.token(aud=[AUDIENCE, *map(str, range(100))]),
    "another issuer": lambda e: e.token(iss="https://id.evil.example"),
    "an issuer that looks like it": lambda e: e.token(iss=e.address + "/"),
    "no issuer": lambda e: e.token(iss=None),
    "no subject": lambda e: e.token(sub=None),
    "an empty subject": lambda e: e.token(sub=" "),
    "a subject with a NUL": lambda e: e.token(sub="a\0b"),
    "half a surrogate pair": lambda e: e.token(sub="\ud800"),
    "a subject that is too long": lambda e: e.token(sub="x" * 256),
    "expired": lambda e: e.token(exp=now(-60), iat=now(-360)),
    "no expiry": lambda e: e.token(exp=None),
    "made in the future": lambda e: e.token(iat=now(120), exp=now(600)),
    "not yet good": lambda e: e.token(nbf=now(120)),
    "made never": lambda e: e.token(iat=None),
    "an expiry of no number": lambda e: e.token(exp="tomorrow"),
    "an endless expiry": lambda e: e.token(exp=float("inf")),
    "an expiry beyond all calendars": lambda e: e.token(exp=10**30),
    "made for signing out": lambda e: e.token(headers={"typ": "logout+jwt"}),
    "made for a proof": lambda e: e.token(headers={"typ": "dpop+jwt"}),
    "made for a list": lambda e: signed_by({"alg": "RS256", "kid": "1", "typ": []}, e.claims(), lambda content: b"x"),
    "made for nobody knows what": lambda e: signed_by({"alg": "RS256", "typ": {}}, e.claims(), lambda content: b"x"),
    "of a list of algorithms": lambda e: signed_by({"alg": ["RS256"], "kid": "1"}, e.claims(), lambda content: b"x"),
    "too deep a header": lambda e: f"{nested(4_000).split('.')[1]}.{nested(1).split('.')[1]}.AAAA",
    "a critical extension": lambda e: e.token(headers={"crit": ["exp"], "exp": 1}),
    "bound to a key": lambda e: e.token(cnf={"x5t#S256": "A" * 43}),
    "too long": lambda e: e.token(padding="x" * 20_000),
    "too deep": lambda e: nested(4_000),
    "no JSON": lambda e: "AAAA.BBBB.CCCC",
    "no group of ours": lambda e: e.token(groups=["staff"]),
    "no groups": lambda e: e.token(groups=None),
}


@pytest.mark.row("P34")
@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_bad_token_is_refused_and_makes_nobody_known(elsewhere, issuer, make):
    answer = Wire(make(elsewhere)).get(CERTIFICATES)
    assert answer.status_code == 401, answer.content
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]
    assert not ExternalIdentity.objects.exists()
    assert AuditEvent.objects.filter(name=EventName.CREDENTIAL_REFUSED).count() == 1


GOOD_TOKENS = {
    "an ID token": lambda e: e.token(headers={"typ": "JWT"}),
    "a token that does not say what it is": lambda e: e.token(headers={"typ": None}),
    "the long name of access tokens": lambda e: e.token(headers={"typ": "application/at+jwt"}),
    "a clock that is a little wrong": lambda e: e.token(iat=now(10), nbf=now(10)),
    "one of several audiences": lambda e: e.token(aud=[AUDIENCE, "https://other.example"]),
    "without the name of its key, of which there is one": lambda e: e.token(headers={"kid": None}),
}


@pytest.mark.parametrize("make", GOOD_TOKENS.values(), ids=GOOD_TOKENS)
def test_a_good_token_is_taken(elsewhere, issuer, make):
    assert status(make(elsewhere)) == 200


def test_every_refusal_says_the_same(elsewhere, issuer):
    answers = [Wire(make(elsewhere)).get(CERTIFICATES).json() for make in list(BAD_TOKENS.values())[::6]]
    assert len({(each["title"], each["detail"], each["type"]) for each in answers}) == 1


def test_an_issuer_that_is_switched_off_is_believed_no_more(office, elsewhere, issuer):
    assert status(elsewhere.token()) == 200
    update_oidc_issuer(
        actor=office.owner,
        issuer=issuer,
        order=IssuerOrder(name="Example", audience=AUDIENCE, is_active=False),
    )
    assert status(elsewhere.token()) == 401


class TestOrganizations:
    def test_a_token_of_another_organizations_issuer_reaches_that_one_alone(self, office, elsewhere, issuer):
        certificate = office.issue().certificate
        stranger = cast.stranger()
        elsewhere.configured(stranger.organization, stranger.actor, audience="https://pki.umbrella.example")
        theirs = Wire(
            elsewhere.token(aud="https://pki.umbrella.example", sub="wesker", email="wesker@umbrella.example")
        )
        assert theirs.get(CERTIFICATES).json()["data"] == []
        assert theirs.get(f"{CERTIFICATES}/{certificate.public_id}").status_code == 404
        ours = Wire(elsewhere.token())
        assert ours.get(f"{CERTIFICATES}/{certificate.public_id}").status_code == 200

    def test_a_token_for_two_organizations_is_for_neither(self, elsewhere, issuer):
        stranger = cast.stranger()
        elsewhere.configured(stranger.organization, stranger.actor, audience="https://pki.umbrella.example")
        assert status(elsewhere.token(aud=[AUDIENCE, "https://pki.umbrella.example"])) == 401


class TestRights:
    def test_a_role_follows_the_newest_token_and_no_older_one_brings_it_back(self, elsewhere, issuer):
        before, after = now(-60), now(-30)
        assert status(elsewhere.token(iat=before)) == 200
        assert status(elsewhere.token(iat=after, groups=["pki-auditors"])) == 200
        assert Membership.objects.get(user__managed_by=issuer.organization).role == "auditor"
        old = Wire(elsewhere.token(iat=before))
        assert old.get("/api/v2/audit").status_code == 403
        assert old.post(CERTIFICATES, WISH).status_code == 403
        assert Membership.objects.get(user__managed_by=issuer.organization).role == "auditor"

    def test_whoever_has_lost_the_group_has_lost_the_place(self, elsewhere, issuer):
        assert status(elsewhere.token(iat=now(-60))) == 200
        assert status(elsewhere.token(iat=now(-30), groups=[])) == 401
        assert status(elsewhere.token(iat=now(-60))) == 401
        assert not Membership.objects.filter(user__managed_by=issuer.organization).exists()

    def test_a_disabled_person_is_out_at_once(self, elsewhere, issuer):
        token = elsewhere.token()
        assert status(token) == 200
        disable_user(actor=cast.SUPERUSER, user=User.objects.get(managed_by=issuer.organization))
        assert status(token) == 401

    def test_no_address_makes_anybody_somebody_who_is_here(self, office, elsewhere, issuer):
        assert status(elsewhere.token(email=office.person.user.email)) == 401

    @pytest.mark.parametrize("role", ["owner", "approver"])
    def test_an_office_is_held_only_by_whom_an_owner_has_bound(self, office, elsewhere, issuer, role):
        assert status(elsewhere.token(iat=now(-60))) == 200
        member = Membership.objects.get(user__managed_by=issuer.organization)
        change_member_role(actor=office.owner, membership=member, role=role)
        assert status(elsewhere.token()) == 401
        bind_identity(actor=cast.SUPERUSER, membership=member, issuer=elsewhere.address, subject="248289761001")
        assert status(elsewhere.token()) == 200

    def test_a_superuser_never_comes_in_this_way(self, office, elsewhere, issuer):
        user = cast.superuser()
        add_member(actor=cast.SUPERUSER, organization=office.organization, user=user, role="operator")
        ExternalIdentity.objects.create(
            organization=office.organization,
            issuer=elsewhere.address,
            subject="root",
            user=user,
            is_bound_by_hand=True,
        )
        assert status(elsewhere.token(sub="root")) == 401

    def test_without_rules_a_member_keeps_the_role(self, office, elsewhere):
        elsewhere.configured(office.organization, office.owner, role_map={}, role_claim="", makes_members=False)
        assert status(elsewhere.token()) == 401
        auditor = cast.member(office.organization, "auditor")
        bind_identity(
            actor=office.owner,
            membership=Membership.objects.get(user=auditor.user),
            issuer=elsewhere.address,
            subject="248289761001",
        )
        wire = Wire(elsewhere.token())
        assert wire.get("/api/v2/audit").status_code == 200
        assert wire.post(CERTIFICATES, WISH).status_code == 403


class TestMachines:
    @pytest.fixture
    def account(self, office):
        return create_service_account(
            actor=office.owner,
            organization=office.organization,
            owner=office.person.user,
            name="build server",
            permissions=[Permission.CERTIFICATES_READ, Permission.CERTIFICATES_ISSUE],
        )

    @pytest.fixture
    def _bound(self, office, issuer, account):
        return bind_machine_identity(actor=office.owner, issuer=issuer, subject="ci@clients", account=account)

    @pytest.mark.usefixtures("_bound")
    def test_a_subject_that_is_bound_is_the_service_account(self, office, elsewhere):
        wire = Wire(elsewhere.token(sub="ci@clients", groups=None, email=None))
        assert wire.post(CERTIFICATES, WISH).status_code == 201
        assert wire.get("/api/v2/audit").status_code == 403
        row = Certificate.objects.get()
        assert (row.requester_kind, row.requester_label) == ("service_account", "build server")
        assert row.owner == office.person.user

    @pytest.mark.usefixtures("_bound")
    def test_no_claim_gives_a_machine_more(self, elsewhere):
        token = elsewhere.token(sub="ci@clients", groups=["pki-auditors"])
        assert Wire(token).get("/api/v2/audit").status_code == 403

    @pytest.mark.usefixtures("_bound")
    def test_a_disabled_account_is_out_at_once(self, office, elsewhere, account):
        token = elsewhere.token(sub="ci@clients")
        assert status(token) == 200
        disable_service_account(actor=office.owner, account=account)
        assert status(token) == 401

    @pytest.mark.usefixtures("_bound")
    def test_the_subject_of_another_issuer_is_another(self, office, elsewhere):
        stranger = cast.stranger()
        elsewhere.configured(
            stranger.organization, stranger.actor, audience="https://pki.umbrella.example", makes_members=False
        )
        assert status(elsewhere.token(sub="ci@clients", aud="https://pki.umbrella.example")) == 401


class TestKeys:
    def test_they_are_fetched_once(self, elsewhere, issuer):
        assert [status(elsewhere.token()) for _ in range(3)] == [200] * 3
        assert elsewhere.provider.asked == ["/.well-known/openid-configuration", "/jwks"]

    def test_a_new_key_is_found_when_it_signs(self, elsewhere, issuer):
        assert status(elsewhere.token()) == 200
        self.later(issuer, jwks.PAUSE)
        fresh = new_key()
        elsewhere.provider.keys = {"1": KEY, "2": fresh}
        assert status(elsewhere.token(key=fresh, headers={"kid": "2"})) == 200
        assert status(elsewhere.token()) == 200

    def test_a_key_that_was_taken_away_is_good_no_more(self, elsewhere, issuer):
        assert status(elsewhere.token()) == 200
        self.later(issuer, jwks.FRESH)
        elsewhere.provider.keys = {"2": OTHER_KEY}
        assert status(elsewhere.token()) == 401

    def test_unknown_names_of_keys_do_not_make_us_ask_and_ask(self, elsewhere, issuer):
        answers = [status(elsewhere.token(key=OTHER_KEY, headers={"kid": str(n)})) for n in range(2, 12)]
        assert answers == [401] * 10
        assert elsewhere.provider.asked.count("/jwks") == 1

    def test_an_outage_is_survived_for_a_day_and_no_longer(self, elsewhere, issuer):
        assert status(elsewhere.token()) == 200
        elsewhere.provider.discovery = {"issuer": "https://out.of.order"}
        self.later(issuer, jwks.LONGEST / 2)
        assert status(elsewhere.token()) == 200
        assert "another issuer" in OidcIssuer.objects.get().keys_error
        self.later(issuer, jwks.LONGEST / 2)
        assert status(elsewhere.token()) == 401

    def test_nothing_is_asked_for_somebody_who_is_not_configured(self, elsewhere, issuer):
        assert status(elsewhere.token(iss="http://127.0.0.1:1")) == 401
        assert elsewhere.provider.asked == []

    def later(self, issuer: OidcIssuer, by: Any) -> None:
        """As though the keys had been fetched so much earlier."""
        row = OidcIssuer.objects.get(pk=issuer.pk)
        row.keys_fetched_at -= by
        row.keys_tried_at = timezone.now() - max(by, jwks.PAUSE) - jwks.PAUSE
        row.save(update_fields=["keys_fetched_at", "keys_tried_at"])
