"""The half of an account's life that is lived at the server: registered there, and its key changed.

Both can be cut off at any moment and done again: a key has one account, however often it registers, and of two keys
the server says itself which one it has.
"""

from __future__ import annotations

from django.db import transaction

from accounts import queue
from acme_client.models import AcmeAccount
from acme_client.services.upstream import binding_of, client_of, open_next_key, sealed
from acme_client.wire import AcmeError
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict
from kernel.text import _

Status = AcmeAccount.Status


def advance_account(actor: Actor, row: AcmeAccount) -> None:
    """A step of a worker that has claimed the row: do what is due. Raises AcmeError (not its last word), Lost."""
    if row.status == Status.PENDING:
        _register(actor, row)
    elif row.sealed_next_key is not None:
        change_key(actor, row)
    else:
        with transaction.atomic():
            queue.settle(queue.still_held(row))


def change_key(actor: Actor, row: AcmeAccount) -> AcmeAccount:
    """A step for who has claimed the row: the server takes the next key in place of the key. Raises AcmeError, Lost."""
    new = open_next_key(row)
    if new is None:
        return row
    try:
        client_of(row).change_key(new)
    except AcmeError as error:
        if not _has_account(row):
            if error.is_final:
                _forget_next_key(row)
            raise
    with transaction.atomic():
        row = queue.still_held(row)
        queue.settle(row, sealed_key=sealed(row, "sealed_key", new), sealed_next_key=None)
        record(actor, EventName.ACME_ACCOUNT_KEY_CHANGED, row)
    return row


def record(actor: Actor, event: EventName, row: AcmeAccount, event_id: str | None = None, **facts: object) -> None:
    """A step of every service of accounts."""
    audit.record(
        actor,
        event,
        Resource("acme_account", row.pk, row.name, public_id=row.public_id),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )


def not_now(row: AcmeAccount) -> Conflict:
    """What to say of an account with which this cannot be done as it is; it names the state that it is in."""
    return Conflict(_("The account is %(status)s."), code="acme-account-state", status=str(row.status))


def _register(actor: Actor, row: AcmeAccount) -> None:
    try:
        url = _found_or_made(row)
    except AcmeError as error:
        if not error.is_final:
            raise
        _refuse(actor, row, error)
        return
    with transaction.atomic():
        row = queue.still_held(row)
        queue.settle(row, status=Status.VALID, account_url=url, sealed_eab_key=None)
        record(actor, EventName.ACME_ACCOUNT_REGISTERED, row, account=url)


def _found_or_made(row: AcmeAccount) -> str:
    """The account's URL: the answer to an earlier attempt may have been lost, and a binding is good once."""
    client = client_of(row)
    try:
        return client.find()
    except AcmeError as error:
        if error.kind != "accountDoesNotExist":
            raise
    return client.register(row.email, binding_of(row))


@transaction.atomic
def _refuse(actor: Actor, row: AcmeAccount, error: AcmeError) -> None:
    row = queue.still_held(row)
    queue.settle(row, status=Status.FAILED, last_error=str(error))
    record(actor, EventName.ACME_ACCOUNT_REFUSED, row, reason=str(error))


def _has_account(row: AcmeAccount) -> bool:
    """Whether the next key is the account's key at the server already: an answer was lost. Raises AcmeError."""
    try:
        return client_of(row, key=open_next_key(row)).find() == row.account_url
    except AcmeError as error:
        if not error.is_final:
            raise
        return False


@transaction.atomic
def _forget_next_key(row: AcmeAccount) -> None:
    queue.settle(queue.still_held(row), sealed_next_key=None)
