"""The way from a row to the server that it stands at: sealed keys are opened here, and nowhere else in this room."""

from __future__ import annotations

from accounts import vault
from accounts.selectors import private_ranges_of
from acme_client.client import Binding, Client, Server
from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.wire import AcmeError
from kernel.errors import Conflict, DomainError, Unavailable
from kernel.secret import Secret
from kernel.text import _


def client_of(account: AcmeAccount, *, key: Secret | None = None) -> Client:
    """A client for this account, with its key or, while that is being changed, with another one."""
    ranges = private_ranges_of(account.organization_id)
    server = Server(account.directory_url, account.server_roots, ranges, account.organization_id)
    return Client(server, key or open_key(account), account_url=account.account_url)


def binding_of(account: AcmeAccount) -> Binding | None:
    if account.sealed_eab_key is None:
        return None
    return Binding(account.eab_key_id, _open(account, "sealed_eab_key"))


def open_key(account: AcmeAccount) -> Secret:
    return _open(account, "sealed_key")


def open_next_key(account: AcmeAccount) -> Secret | None:
    """The key that is to follow, where a rollover is under way."""
    return _open(account, "sealed_next_key") if account.sealed_next_key is not None else None


def open_order_key(order: AcmeOrder) -> Secret | None:
    """The key of the certificate, where it was made here and is not the certificate's own yet."""
    return _open(order, "sealed_key") if order.sealed_key is not None else None


def sealed(row: AcmeAccount | AcmeOrder, column: str, secret: Secret) -> bytes:
    """The secret, sealed for this column of this row."""
    place = _place(row, column)
    return vault.seal_secret(secret, organization_id=row.organization_id, table=place, row=row.public_id)


def refused(error: AcmeError) -> DomainError:
    """What a person is told of it: Conflict where the server has said its last word, else Unavailable."""
    if error.is_final:
        return Conflict(_("The ACME server refuses: %(detail)s"), code="acme-refused", detail=str(error))
    return Unavailable(_("The ACME server cannot be asked: %(detail)s"), code="acme-unavailable", detail=str(error))


def _open(row: AcmeAccount | AcmeOrder, column: str) -> Secret:
    blob = bytes(getattr(row, column))
    return vault.open_secret(blob, organization_id=row.organization_id, table=_place(row, column), row=row.public_id)


def _place(row: AcmeAccount | AcmeOrder, column: str) -> str:
    """Each secret of a row has a place of its own: none opens as another one."""
    return f"{row._meta.db_table}.{column}"
