"""The first step of an order at its CA: newOrder (RFC 8555 section 7.4)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import queue
from accounts.selectors import private_ranges_of
from acme_client import wire
from acme_client.client import Client, certificate_id
from acme_client.dns import caa
from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.providers import caa_names_of
from acme_client.services import names as public_names
from acme_client.services.ordering import record
from acme_client.services.registering import not_now
from acme_client.services.upstream import client_of
from acme_client.wire import AcmeError, Lie
from audit.events import EventName
from certificates.models import Certificate
from kernel.actor import Actor
from kernel.errors import Conflict, Unavailable
from kernel.text import _

# An order that is new can be nothing else (RFC 8555 section 7.1.6).
_NEW = frozenset({"pending", "ready"})


def place(actor: Actor, row: AcmeOrder) -> None:
    """A step: place the order, whose names are still the organization's, and for which CAA allows this CA.

    An answer that was lost leaves an order at the server that nobody finalizes; it ends there by itself. Raises
    AcmeError, Invalid (names that are not its own any more), Conflict (CAA; the account is not active), Unavailable
    (the account is being registered), Lost.
    """
    _require_active(row.account)
    public_names.require_own(row.organization, row.names)
    client = client_of(row.account)
    _require_allowed(row, client)
    with transaction.atomic():
        locked = queue.still_held(row)
        locked.placing_since = timezone.now()
        locked.save(update_fields=["placing_since"])
    remote = _placed(client, row)
    if remote.names != frozenset(row.names):
        raise Lie("the server has made an order for other names")
    if remote.status not in _NEW:
        raise Lie(f"the server calls a new order {remote.status}")
    with transaction.atomic():
        row = queue.still_held(row)
        queue.settle(
            row,
            due_at=timezone.now(),
            status=AcmeOrder.Status.AUTHORIZING,
            order_url=remote.url,
            finalize_url=remote.finalize_url,
        )
        record(actor, EventName.ACME_ORDER_PLACED, row, order=remote.url)


def _require_active(account: AcmeAccount) -> None:
    if account.status == AcmeAccount.Status.PENDING:
        raise Unavailable(_("The account is not registered yet."), code="acme-account-pending")
    if account.status != AcmeAccount.Status.VALID:
        raise not_now(account)


def _require_allowed(row: AcmeOrder, client: Client) -> None:
    issuers = caa_names_of(row.account.provider) or client.directory.caa_names
    against = caa.check(row.names, issuers, private_ranges=private_ranges_of(row.organization_id))
    if against:
        reasons = " ".join(map(str, against))
        raise Conflict(_("The CA may not issue: %(reasons)s"), code="caa-forbids", reasons=reasons)


def _placed(client: Client, row: AcmeOrder) -> wire.RemoteOrder:
    replaces = _replaced(row)
    try:
        return client.place(row.names, replaces=replaces)
    except AcmeError as error:
        # RFC 9773 section 5: the server may not know the predecessor, or have seen its successor.
        if not replaces or error.kind not in ("alreadyReplaced", "malformed"):
            raise
        return client.place(row.names)


def _replaced(row: AcmeOrder) -> str:
    """The predecessor as RFC 9773 names it, where it came from the same server."""
    old: Certificate | None = row.replaces
    before = AcmeOrder.objects.select_related("account").filter(certificate=old).first() if old else None
    if old is None or before is None or before.account.directory_url != row.account.directory_url:
        return ""
    return certificate_id(old.body.x509)
