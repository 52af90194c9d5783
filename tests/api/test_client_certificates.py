"""Certificates of ours as credentials: which sign in, which do not, and who is believed about them."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from accounts.services.credentials import authenticate_token
from accounts.services.organizations import change_member_role, remove_member
from accounts.services.service_accounts import create_service_account, disable_service_account
from audit.events import EventName
from audit.models import AuditEvent
from cas.services.authorities import disable_ca
from certificates.models import Certificate
from certificates.orders import Managed, RenewOrder, RevokeAuthorityOrder, RevokeOrder
from certificates.services.client_auth import authenticate_certificate
from certificates.services.client_bindings import unbind_client_certificate
from certificates.services.renewal import renew_at_once
from certificates.services.revocation import release_certificate, revoke_authority, revoke_certificate
from kernel.errors import Conflict, Denied, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.clients import bound, client_certificate
from tests.office import open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

CERTIFICATES = "/api/v2/certificates"
PROXY, SECRET = "10.9.8.7", "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _proxy(settings):
    settings.CLIENT_CERTIFICATE_PROXIES = [ip_network("10.9.8.0/24")]
    settings.PROXY_SECRET = Secret(SECRET)


@pytest.fixture
def office():
    return open_office()


@pytest.fixture
def account(office):
    return create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="build server",
        permissions=[Permission.CERTIFICATES_READ, Permission.CERTIFICATES_ISSUE],
    )


@pytest.fixture
def issued(office):
    return client_certificate(office)


@pytest.fixture
def binding(office, account, issued):
    return bound(office, account, issued)


def byte_sequence(issued: Any) -> str:
    return f":{base64.b64encode(issued.x509.public_bytes(Encoding.DER)).decode()}:"


def escaped(issued: Any) -> str:
    return quote(issued.x509.public_bytes(Encoding.PEM))


def ask(headers: dict[str, str], *, peer: str = PROXY, secret: str | None = SECRET, **more: Any) -> Any:
    """As a proxy would ask, in the spelling of WSGI."""
    extra: dict[str, Any] = dict(headers)
    if secret is not None:
        extra["HTTP_X_PROXY_SECRET"] = secret
    return Client().get(CERTIFICATES, REMOTE_ADDR=peer, **extra, **more)


def show(issued: Any, **how: Any) -> int:
    return int(ask({"HTTP_CLIENT_CERT": byte_sequence(issued)}, **how).status_code)


def revoke(office: Any, certificate: Certificate, reason: ReasonFlags = ReasonFlags.key_compromise) -> None:
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", certificate.pk), reason=reason))


def renew(office: Any, certificate: Certificate) -> Any:
    order = RenewOrder(certificate=Ref("pk", certificate.pk), key=Managed(), again=True)
    return renew_at_once(actor=office.owner, order=order)


class TestWhoIsIn:
    @pytest.mark.row("P33")
    @pytest.mark.parametrize("header", ["HTTP_CLIENT_CERT", "HTTP_X_SSL_CLIENT_CERT"])
    def test_a_bound_certificate_is_the_service_account(self, office, issued, binding, header):
        value = byte_sequence(issued) if header == "HTTP_CLIENT_CERT" else escaped(issued)
        headers = {header: value, "HTTP_X_PROXY_SECRET": SECRET}
        wish = {"template_code": "web-tls", "common_name": "www.acme.test"}
        answer = Client().post(CERTIFICATES, wish, "application/json", REMOTE_ADDR=PROXY, **headers)
        assert answer.status_code == 201, answer.content
        row = Certificate.objects.get(common_name="www.acme.test")
        assert (row.requester_kind, row.requester_label) == ("service_account", "build server")
        assert Client().get("/api/v2/audit", REMOTE_ADDR=PROXY, **headers).status_code == 403
        binding.refresh_from_db()
        assert binding.last_used_at is not None

    def test_a_certificate_that_nobody_has_bound_is_nobody(self, office, issued):
        assert show(issued) == 401
        assert AuditEvent.objects.filter(name=EventName.CREDENTIAL_REFUSED).count() == 1

    def test_another_certificate_of_the_same_name_is_nobody(self, office, binding):
        assert show(client_certificate(office)) == 401

    def test_a_certificate_of_another_office_is_nobody_here(self, office, binding):
        elsewhere = open_office("Umbrella")
        assert show(client_certificate(elsewhere)) == 401

    def test_a_revoked_certificate_is_out_with_the_answer(self, office, issued, binding):
        assert show(issued) == 200
        revoke(office, issued.certificate)
        assert show(issued) == 401

    def test_a_certificate_on_hold_is_out_until_it_is_released(self, office, issued, binding):
        revoke(office, issued.certificate, ReasonFlags.certificate_hold)
        assert show(issued) == 401
        release_certificate(actor=office.owner, certificate=Ref("pk", issued.certificate.pk))
        assert show(issued) == 200

    @pytest.mark.parametrize("days", [-2, 91])
    def test_a_certificate_signs_in_only_while_it_is_valid(self, issued, binding, monkeypatch, days):
        moment = timezone.now() + timedelta(days=days)
        monkeypatch.setattr("certificates.services.client_auth.timezone.now", lambda: moment)
        assert show(issued) == 401

    def test_nothing_under_a_revoked_ca_is_good(self, office, issued, binding):
        disable_ca(actor=office.owner, ca=office.issuing)
        assert show(issued) == 200
        order = RevokeAuthorityOrder(ca=Ref("pk", office.root.pk), reason=ReasonFlags.ca_compromise)
        revoke_authority(actor=office.owner, order=order)
        assert show(issued) == 401

    def test_a_disabled_account_is_out(self, office, account, issued, binding):
        disable_service_account(actor=office.owner, account=account)
        assert show(issued) == 401

    def test_an_account_whose_owner_has_left_is_out(self, office, account, issued, binding):
        cast.member(office.organization, "owner", "second@acme.example")
        remove_member(actor=cast.SUPERUSER, membership=Membership.objects.get(user=office.person.user))
        assert show(issued) == 401

    def test_an_unbound_certificate_is_out_at_once(self, office, issued, binding):
        assert show(issued) == 200
        unbind_client_certificate(actor=office.owner, binding=binding)
        assert show(issued) == 401

    def test_a_token_beside_it_counts_alone(self, office, issued, binding):
        assert show(issued, HTTP_AUTHORIZATION="Bearer pkf_" + "a" * 32) == 401

    @pytest.mark.parametrize(
        "sign",
        [{"HTTP_ORIGIN": "https://evil.example"}, {"HTTP_SEC_FETCH_SITE": "cross-site"}, {"HTTP_ORIGIN": "null"}],
    )
    def test_no_page_uses_the_certificate_of_a_browser(self, issued, binding, sign):
        assert show(issued, **sign) == 403


class TestRenewals:
    def test_a_renewal_is_no_credential_of_itself(self, office, issued, binding):
        assert show(renew(office, issued.certificate)) == 401

    def test_renewals_sign_in_where_the_binding_says_so(self, office, account, issued):
        bound(office, account, issued, follows_renewal=True)
        second = renew(office, issued.certificate)
        third = renew(office, second.certificate)
        assert [show(each) for each in (issued, second, third)] == [200] * 3
        revoke(office, issued.certificate, ReasonFlags.superseded)
        assert [show(each) for each in (issued, second, third)] == [401, 200, 200]

    def test_nothing_comes_after_a_certificate_whose_key_was_stolen(self, office, account, issued):
        bound(office, account, issued, follows_renewal=True)
        second = renew(office, issued.certificate)
        third = renew(office, second.certificate)
        revoke(office, second.certificate)
        assert [show(each) for each in (issued, second, third)] == [200, 401, 401]


class TestWhoIsBelieved:
    def test_nobody_without_the_secret(self, issued, binding):
        assert show(issued, secret=None) == 401
        assert show(issued, secret="") == 401
        assert show(issued, secret="0" * 32) == 401
        assert show(issued, secret="ÿ" * 32) == 401

    @pytest.mark.parametrize("peer", ["10.9.9.7", "127.0.0.1", "", "2001:db8::1", "unknown"])
    def test_nobody_at_another_address(self, issued, binding, peer):
        assert show(issued, peer=peer) == 401

    @pytest.mark.parametrize("peer", ["10.9.8.1", "::ffff:10.9.8.1"])
    def test_every_proxy_that_is_configured(self, issued, binding, peer):
        assert show(issued, peer=peer) == 200

    def test_nobody_where_nothing_is_configured(self, settings, issued, binding):
        settings.CLIENT_CERTIFICATE_PROXIES, settings.PROXY_SECRET = [], None
        assert show(issued, secret="") == 401

    def test_the_address_of_the_proxy_counts_and_not_what_it_forwards(self, settings, issued, binding):
        settings.TRUSTED_PROXIES = 1
        assert show(issued, HTTP_X_FORWARDED_FOR="203.0.113.9") == 200
        assert show(issued, peer="203.0.113.9", HTTP_X_FORWARDED_FOR=PROXY) == 401

    def test_an_api_key_goes_by_the_clients_address_beside_it(self, office):
        _row, token = cast.api_key(office.person)
        assert authenticate_token(Secret(token), ip="192.0.2.1").organization_id == office.organization.pk

    def test_somebody_who_is_not_believed_is_not_heard_at_all(self, office, issued, binding):
        _row, token = cast.api_key(office.person)
        assert show(issued, peer="203.0.113.9", HTTP_AUTHORIZATION=f"Bearer {token}") == 200

    @pytest.mark.parametrize(
        "name",
        [
            "HTTP_CLIENT_CERT",
            "HTTP_X_SSL_CLIENT_CERT",
            "HTTP_SSL_CLIENT_CERT",
            "HTTP_X_CLIENT_CERT",
            "HTTP_X_FORWARDED_CLIENT_CERT",
            "HTTP_CLIENT_CERT_CHAIN",
            "HTTP_X_SSL_CLIENT_VERIFY",
            "HTTP_SSL_CLIENT_S_DN",
            "HTTP_CLIENT-CERT",
            "HTTP_client_cert",
            "HTTP_X_PROXY_SECRET",
        ],
    )
    @pytest.mark.parametrize("peer", [PROXY, "203.0.113.9"])
    def test_no_view_ever_sees_such_a_header(self, issued, name, peer):
        answer = ask({name: byte_sequence(issued)}, peer=peer)
        assert name not in answer.wsgi_request.META
        assert not [each for each in answer.wsgi_request.headers if "client" in each.lower()]

    @pytest.mark.parametrize("make", ["two_values", "two_headers", "two_certificates", "long", "empty", "garbage"])
    def test_a_header_that_is_not_one_certificate_is_a_bad_credential(self, issued, binding, make):
        value, pem = byte_sequence(issued), escaped(issued)
        headers = {
            "two_values": {"HTTP_CLIENT_CERT": f"{value},{value}"},
            "two_headers": {"HTTP_CLIENT_CERT": value, "HTTP_X_SSL_CLIENT_CERT": pem},
            "two_certificates": {"HTTP_X_SSL_CLIENT_CERT": pem + pem},
            "long": {"HTTP_CLIENT_CERT": ":" + "A" * 40_000 + ":"},
            "empty": {"HTTP_CLIENT_CERT": "::"},
            "garbage": {"HTTP_X_SSL_CLIENT_CERT": "%00%ff"},
        }
        assert ask(headers[make]).status_code == 401

    def test_bytes_behind_the_certificate_are_not_a_certificate(self, issued, binding):
        der = issued.x509.public_bytes(Encoding.DER) + b"\0"
        assert ask({"HTTP_CLIENT_CERT": f":{base64.b64encode(der).decode()}:"}).status_code == 401


class TestBinding:
    def test_a_server_certificate_is_not_for_clients(self, office, account):
        with invalid(("certificate_id", "not-for-clients")):
            bound(office, account, office.issue())

    def test_a_certificate_is_bound_once(self, office, account, issued, binding):
        with refused(Conflict, "client-certificate-exists"):
            bound(office, account, issued)

    def test_a_program_binds_nothing(self, office, account, issued):
        robot = cast.robot(office.person)
        with refused(Denied, "not-with-this-credential"):
            bound(replace(office, person=replace(office.person, actor=robot)), account, issued)

    @pytest.mark.parametrize("role", ["operator", "approver", "auditor", "member"])
    def test_only_owners_bind(self, office, account, issued, role):
        person = cast.member(office.organization, role)
        with refused(Denied):
            bound(replace(office, person=person), account, issued)

    def test_nobody_binds_to_an_account_that_can_do_more_than_they_but_every_owner_lets_go(self, office, issued):
        everything = replace(office.owner, permissions=office.owner.permissions | {Permission.REQUESTS_DECIDE})
        member = Membership.objects.get(user=office.person.user)
        change_member_role(
            actor=cast.SUPERUSER, membership=member, role="owner", capabilities=[Permission.REQUESTS_DECIDE]
        )
        decider = create_service_account(
            actor=everything,
            organization=office.organization,
            owner=office.person.user,
            name="decider",
            permissions=[Permission.REQUESTS_DECIDE],
        )
        with refused(Denied):
            bound(office, decider, issued)
        row = bound(replace(office, person=replace(office.person, actor=everything)), decider, issued)
        unbind_client_certificate(actor=office.owner, binding=row)

    def test_whoever_binds_for_another_is_not_heard_as_an_approver(self, office, issued):
        """The binder chose the certificate, and could have its key."""
        second = cast.member(office.organization, "owner", "second@acme.example")
        everything = replace(second.actor, permissions=second.actor.permissions | {Permission.REQUESTS_DECIDE})
        change_member_role(
            actor=cast.SUPERUSER,
            membership=Membership.objects.get(user=office.person.user),
            role="owner",
            capabilities=[Permission.REQUESTS_DECIDE],
        )
        decider = create_service_account(
            actor=replace(office.owner, permissions=everything.permissions),
            organization=office.organization,
            owner=office.person.user,
            name="decider",
            permissions=[Permission.REQUESTS_DECIDE, Permission.CERTIFICATES_READ],
        )
        bound(replace(office, person=replace(second, actor=everything)), decider, issued)
        actor = authenticate_certificate(issued.x509.public_bytes(Encoding.DER), ip=None)
        assert actor.permissions == {Permission.CERTIFICATES_READ}
        assert (actor.person_id, actor.maker_id) == (office.person.user.pk, second.user.pk)

    def test_a_certificate_of_another_office_is_not_bound(self, office, account):
        elsewhere = open_office("Umbrella")
        with refused(Denied):
            bound(office, account, client_certificate(elsewhere))

    def test_an_imported_certificate_is_not_ours(self, office, account, issued):
        Certificate.objects.filter(pk=issued.certificate.pk).update(source="imported")
        issued.certificate.refresh_from_db()
        with pytest.raises(Invalid):
            bound(office, account, issued)
