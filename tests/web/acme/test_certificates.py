"""Certificates of public CAs in the register: where they come from, how they are renewed, and revoked at their CA."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from cryptography import x509
from django.utils import timezone

from acme_client.models import AcmeOrder
from acme_client.wire import AcmeError
from cas.core.general_names import general_name
from cas.core.names import parse_name
from certificates.models import Certificate
from certificates.services.public_certificates import PublicArrival, store_public_certificate
from tests import elsewhere, pki
from tests.office import open_office
from tests.security.whole_acme import SUFFIX, account_of, order_of, public_name_of
from tests.web.people import browser_of

HOST = f"www.{SUFFIX}"


def words_of(answer) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", answer.content.decode())


@pytest.fixture
def public(office) -> Certificate:
    """As it is when its order has been carried out."""
    public_name_of(office)
    order = order_of(office, account_of(office))
    ca = elsewhere.root("CN=Public Root,O=Elsewhere")
    sans = x509.SubjectAlternativeName([general_name(HOST)])
    leaf = ca.sign(parse_name(f"CN={HOST}"), pki.a_key().public_key(), days=90, is_ca=False, extra=[(sans, False)])
    arrival = PublicArrival(
        organization_id=office.organization.pk,
        certificate=leaf,
        chain=ca.chain,
        private_key=None,
        replaces=None,
        tags=(),
        description="",
        renew_at=timezone.now() + timedelta(days=60),
    )
    row = store_public_certificate(actor=office.owner, requester=office.owner, arrival=arrival)
    AcmeOrder.objects.filter(pk=order.pk).update(
        status="valid", certificate=row, closed_at=timezone.now(), due_at=None, sealed_key=None
    )
    return row


def test_strangers_renew_and_revoke_nothing(public):
    stranger = browser_of(open_office("Umbrella").person.user)
    for part in ("renew-public/", "revoke-public/"):
        assert stranger.get(f"/certificates/{public.public_id}/{part}").status_code == 404
        assert stranger.post(f"/certificates/{public.public_id}/{part}", {"reason": "superseded"}).status_code == 404
    public.refresh_from_db()
    assert (public.state, AcmeOrder.objects.count()) == (Certificate.State.ISSUED, 1)


def test_it_says_where_it_comes_from_and_renews_by_an_order(owner, public):
    page = f"/certificates/{public.public_id}/"
    order = AcmeOrder.objects.get()
    shown = owner.get(page).content.decode()
    for address in (f"/acme/orders/{order.public_id}/", f"/acme/accounts/{order.account.public_id}/"):
        assert address in shown
    titles = re.findall(r'class="btn[^"]*" href="[^"]*/(renew|revoke|renew-public|revoke-public)/"', shown)
    assert sorted(titles) == ["renew-public", "revoke-public"]
    assert str(public) in words_of(owner.get(f"/acme/orders/{order.public_id}/"))

    assert HOST in words_of(owner.get(f"{page}renew-public/"))
    successor = owner.post(f"{page}renew-public/")["Location"]
    following = AcmeOrder.objects.get(replaces=public)
    assert successor == f"/acme/orders/{following.public_id}/"
    assert successor in owner.get(page).content.decode()
    again = owner.post(f"{page}renew-public/")
    assert (again.status_code, AcmeOrder.objects.count()) == (422, 2)


def test_it_is_revoked_at_its_ca_first(owner, public, monkeypatch):
    page = f"/certificates/{public.public_id}/"
    told: list[tuple[bytes, int]] = []

    class Server:
        refusal: AcmeError | None = AcmeError("the server is busy")

        def revoke(self, der: bytes, reason: int) -> None:
            if self.refusal is not None:
                raise self.refusal
            told.append((der, reason))

    server = Server()
    monkeypatch.setattr("acme_client.services.revoking.client_of", lambda _account: server)
    assert "certificateHold" not in owner.get(f"{page}revoke-public/").content.decode()
    refused = owner.post(f"{page}revoke-public/", {"reason": "superseded"})
    assert refused.status_code == 422
    assert "the server is busy" in words_of(refused)
    public.refresh_from_db()
    assert public.state == Certificate.State.ISSUED

    server.refusal = None
    assert owner.post(f"{page}revoke-public/", {"reason": "superseded"})["Location"] == page
    public.refresh_from_db()
    assert (public.state, told) == (Certificate.State.REVOKED, [(bytes(public.body.der), 4)])
    for part in ("renew-public/", "revoke-public/"):
        assert owner.get(page + part).status_code == 409


def test_our_own_are_revoked_by_us(owner, certificate):
    page = f"/certificates/{certificate.public_id}/"
    assert "revoke-public" not in owner.get(page).content.decode()
    for part in ("renew-public/", "revoke-public/"):
        assert owner.get(page + part).status_code == 409
