"""The calls and the events of services about accounts and orders at public CAs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography.x509 import ReasonFlags
from django.utils import timezone

from acme_client.models import AcmeAccount, AcmeChallenge, AcmeOrder
from acme_client.orders import AccountChange, PublicOrder
from acme_client.services import accounts, orders, renewing, revoking
from acme_client.services.advancing import advance_due
from acme_client.services.finishing import requester_of
from cas.core.names import parse_name
from certificates.models import Certificate
from certificates.orders import Managed, RevokeOrder
from certificates.services.public_certificates import PublicArrival, store_public_certificate
from certificates.services.public_revocations import record_public_revocation
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests import elsewhere, pki
from tests.acme_server import SUFFIX, account_at, fake_server


def _at_a_server(call: Callable[[Any], object]) -> Callable[[Any], object]:
    """Every call has a server of its own, and an account there."""

    def with_server(s: Any) -> object:
        with fake_server():
            return call(s)

    return with_server


def _account(s: Any) -> AcmeAccount:
    return account_at(s.office)


def _refused(s: Any) -> Ref:
    account = _account(s)
    AcmeAccount.objects.update(status=AcmeAccount.Status.FAILED)
    return Ref("pk", account.pk)


def _order(s: Any) -> AcmeOrder:
    account = _account(s)
    wanted = PublicOrder(
        account=Ref("pk", account.pk), names=(SUFFIX,), challenge_type="http-01", key=Managed(), auto_renew=True
    )
    return orders.start_order(actor=s.owner, order=wanted)


def _certificate(s: Any) -> Ref:
    order = _order(s)
    for _round in range(8):
        AcmeOrder.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        advance_due(actor=SYSTEM)
    order.refresh_from_db()
    return Ref("pk", order.certificate_id)


def _retry(s: Any) -> None:
    order = Ref("pk", _order(s).pk)
    orders.cancel_order(actor=s.owner, order=order)
    orders.retry_order(actor=s.owner, order=order)


def _complete(s: Any) -> None:
    order = _order(s)
    AcmeOrder.objects.update(due_at=timezone.now() + timedelta(hours=1))
    for _step in range(2):
        orders.refresh_order(actor=s.owner, order=Ref("pk", order.pk))
    AcmeChallenge.objects.update(status=AcmeChallenge.Status.PRESENTED)
    challenge = AcmeChallenge.objects.get()
    orders.complete_challenge(actor=s.owner, challenge=Ref("pk", challenge.pk))


def _renew_due(s: Any) -> None:
    row = _certificate(s)
    Certificate.objects.filter(pk=row.value).update(renew_at=timezone.now())
    renewing.renew_due_public_certificates(actor=SYSTEM)


def _record_revocation(s: Any) -> None:
    order = RevokeOrder(certificate=_certificate(s), reason=ReasonFlags.superseded)
    record_public_revocation(actor=s.owner, order=order)


def _store(s: Any) -> None:
    ca, order = elsewhere.root(), _order(s)
    arrival = PublicArrival(
        organization_id=order.organization_id,
        certificate=ca.sign(parse_name("CN=shop.test"), pki.a_key().public_key(), is_ca=False),
        chain=ca.chain,
        private_key=None,
        replaces=None,
        tags=(),
        description="",
        renew_at=None,
    )
    store_public_certificate(actor=SYSTEM, requester=requester_of(order), arrival=arrival)


MADE = ["public_name.granted", "acme_account.created", "acme_account.registered"]
ORDERED = [*MADE, "acme_order.created"]
ISSUED = [*ORDERED, "acme_order.placed", "certificate.issued", "acme_order.fulfilled"]
_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "acme_client.register_account": (_account, MADE),
    "acme_client.update_account": (
        lambda s: accounts.update_account(
            actor=s.owner, account=Ref("pk", _account(s).pk), change=AccountChange(email="new@acme.test")
        ),
        [*MADE, "acme_account.updated"],
    ),
    "acme_client.roll_account_key": (
        lambda s: accounts.roll_account_key(actor=s.owner, account=Ref("pk", _account(s).pk)),
        [*MADE, "acme_account.key_changed"],
    ),
    "acme_client.deactivate_account": (
        lambda s: accounts.deactivate_account(actor=s.owner, account=Ref("pk", _account(s).pk)),
        [*MADE, "acme_account.deactivated"],
    ),
    "acme_client.retry_account": (
        lambda s: accounts.retry_account(actor=s.owner, account=_refused(s)),
        [*MADE, "acme_account.updated"],
    ),
    "acme_client.start_order": (_order, ORDERED),
    "acme_client.refresh_order": (
        lambda s: orders.refresh_order(actor=s.owner, order=Ref("pk", _order(s).pk)),
        [*ORDERED, "acme_order.placed"],
    ),
    "acme_client.cancel_order": (
        lambda s: orders.cancel_order(actor=s.owner, order=Ref("pk", _order(s).pk)),
        [*ORDERED, "acme_order.cancelled"],
    ),
    "acme_client.retry_order": (_retry, [*ORDERED, "acme_order.cancelled", "acme_order.created"]),
    "acme_client.complete_challenge": (_complete, [*ORDERED, "acme_order.placed", "acme_challenge.completed"]),
    "acme_client.advance_due": (_certificate, ISSUED),
    "acme_client.renew_public_certificate": (
        lambda s: renewing.renew_public_certificate(actor=s.owner, certificate=_certificate(s)),
        [*ISSUED, "acme_order.created"],
    ),
    "acme_client.renew_due_public_certificates": (_renew_due, [*ISSUED, "acme_order.created"]),
    "acme_client.revoke_public_certificate": (
        lambda s: revoking.revoke_public_certificate(actor=s.owner, certificate=_certificate(s)),
        [*ISSUED, "certificate.revoked"],
    ),
    "certificates.record_public_revocation": (_record_revocation, [*ISSUED, "certificate.revoked"]),
    "certificates.store_public_certificate": (_store, [*ORDERED, "certificate.issued"]),
}
ACME_CALLS = {name: (_at_a_server(call), events) for name, (call, events) in _CALLS.items()}
