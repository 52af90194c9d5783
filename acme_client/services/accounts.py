"""Accounts at public CAs: wished for here, registered there by `registering`, changed and given up in both places."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import policy, queue
from accounts.models import Organization
from accounts.quotas import require_room
from accounts.selectors import get_organization
from accounts.services.people import email_errors
from acme_client.client import is_mac_key, new_account_key
from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.orders import AccountChange, AccountOrder
from acme_client.providers import KNOWN, directory_of
from acme_client.selectors import get_account
from acme_client.services.registering import change_key, not_now, record
from acme_client.services.upstream import client_of, refused, sealed
from acme_client.wire import AcmeError
from audit import services as audit
from audit.events import EventName
from cas.core.formats import read_certificates, to_pem
from cas.services.approvals import approval_errors
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

Status = AcmeAccount.Status

# As long as a person waits for a server at most; a worker goes on where that one stopped.
_MOST_ACCOUNTS: Final = 100
_LEASE: Final = timedelta(minutes=2)
_LONGEST: Final = {"name": 80, "preferred_chain": 200, "eab_key_id": 200}
_LONGEST_ADDRESS: Final = 500
# What a server says of an account that is not there any more, or not active.
_GONE: Final = frozenset({"accountDoesNotExist", "unauthorized"})


@transaction.atomic
def register_account(*, actor: Actor, order: AccountOrder) -> AcmeAccount:
    """An account that a worker registers within seconds; until then it is pending.

    Raises NotFound (organization), Denied, Invalid with everything that is wrong, Conflict (the name is
    used; there are too many).
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.ACME_WRITE, organization_id=organization.pk)
    errors = [*_order_errors(order), *_server_errors(order), *_binding_errors(order)]
    if errors:
        raise Invalid(errors=errors)
    ended = (Status.DEACTIVATED, Status.FAILED)
    require_room(organization.pk, organization.acme_accounts.exclude(status__in=ended), _MOST_ACCOUNTS)
    row = _row(organization, order)
    _save_once(row, force_insert=True)
    record(actor, EventName.ACME_ACCOUNT_CREATED, row, event_id=row.event, directory=row.directory_url)
    return row


def update_account(*, actor: Actor, account: Ref, change: AccountChange) -> AcmeAccount:
    """Name, rules and contact; the contact first at the server. Network: never call it in a transaction.

    Raises NotFound, Denied, Invalid, Conflict (the name is used; the account is not active; the server refuses the
    contact), Unavailable (the server cannot be asked).
    """
    row = _permitted(actor, account)
    if errors := _change_errors(row, change):
        raise Invalid(errors=errors)
    if row.status in (Status.DEACTIVATED, Status.FAILED):
        raise not_now(row)
    if change.email not in (None, row.email) and row.status == Status.VALID:
        try:
            client_of(row).set_contact(str(change.email))
        except AcmeError as error:
            raise refused(error) from error
    with transaction.atomic():
        row = AcmeAccount.objects.select_for_update().order_by("pk").get(pk=row.pk)
        changes = {name: value for name in _CHANGEABLE if (value := getattr(change, name)) is not None}
        for name, value in changes.items():
            setattr(row, name, value)
        _save_once(row, update_fields=list(changes))
        record(actor, EventName.ACME_ACCOUNT_UPDATED, row, fields=sorted(changes))
    return row


def roll_account_key(*, actor: Actor, account: Ref) -> AcmeAccount:
    """A new key for the account, there and here (RFC 8555 section 7.3.5). What is lost halfway, a worker completes.

    Network: never call it in a transaction. Raises NotFound, Denied, Conflict (it is not active, or in hand; names are
    being proven, which is done with the key; the server refuses), Unavailable.
    """
    row = _permitted(actor, account)
    if row.orders.filter(status=AcmeOrder.Status.AUTHORIZING).exists():
        text = _("Orders are proving names with this key: wait for them, or cancel them.")
        raise Conflict(text, code="acme-account-busy")
    row = _claimed(row)
    try:
        with transaction.atomic():
            row = queue.still_held(row)
            if row.sealed_next_key is None:
                row.sealed_next_key = sealed(row, "sealed_next_key", new_account_key())
            # Should this process die: when the lease is over, a worker finds it.
            row.due_at = timezone.now()
            row.save(update_fields=["sealed_next_key", "due_at"])
        return change_key(actor, row)
    except AcmeError as error:
        raise refused(error) from error
    finally:
        queue.release(row)


def deactivate_account(*, actor: Actor, account: Ref, here_only: bool = False) -> AcmeAccount:
    """Given up at the server, for good (RFC 8555 section 7.3.6), then here. Orders that are open fail.

    Args:
        here_only: of a server that is gone; it is not asked, and if it is there after all, the account lives on there.

    Network: never call it in a transaction. Raises NotFound, Denied, Conflict (it is so already, or in hand; the server
    refuses), Unavailable.
    """
    row = _permitted(actor, account)
    if row.status == Status.DEACTIVATED:
        raise not_now(row)
    row = _claimed(row, active=False)
    try:
        if row.account_url and not here_only:
            _deactivate_there(row)
        with transaction.atomic():
            row = queue.still_held(row)
            queue.settle(row, status=Status.DEACTIVATED, sealed_eab_key=None, sealed_next_key=None)
            record(actor, EventName.ACME_ACCOUNT_DEACTIVATED, row, here_only=here_only)
    finally:
        queue.release(row)
    return row


@transaction.atomic
def retry_account(*, actor: Actor, account: Ref) -> AcmeAccount:
    """Have a registration tried again that was refused, or is waiting for its next attempt.

    Raises NotFound, Denied, Conflict (it is registered already, or deactivated).
    """
    row = _permitted(actor, account)
    row = AcmeAccount.objects.select_for_update().order_by("pk").get(pk=row.pk)
    if row.status not in (Status.PENDING, Status.FAILED):
        raise not_now(row)
    row.status, row.due_at, row.attempts = Status.PENDING, timezone.now(), 0
    row.save(update_fields=["status", "due_at", "attempts"])
    record(actor, EventName.ACME_ACCOUNT_UPDATED, row, fields=["status"])
    return row


_CHANGEABLE: Final = ("email", "name", "preferred_chain", "approvals_needed", "approver_role")


def _row(organization: Organization, order: AccountOrder) -> AcmeAccount:
    row = AcmeAccount(
        organization=organization,
        name=order.name.strip(),
        provider=order.provider,
        environment=order.environment,
        directory_url=directory_of(order.provider, order.environment) or order.directory_url,
        server_roots=to_pem(*read_certificates(order.server_roots)) if order.server_roots else "",
        email=order.email,
        eab_key_id=order.eab_key_id.strip(),
        terms_agreed_at=timezone.now(),
        preferred_chain=order.preferred_chain.strip(),
        approvals_needed=order.approvals_needed,
        approver_role=order.approver_role,
        due_at=timezone.now(),
        event=audit.new_event_id(),
    )
    row.sealed_key = sealed(row, "sealed_key", new_account_key())
    if order.eab_key is not None:
        row.sealed_eab_key = sealed(row, "sealed_eab_key", order.eab_key)
    return row


def _permitted(actor: Actor, account: Ref) -> AcmeAccount:
    row = get_account(account, visible_to=actor)
    policy.require(actor, Permission.ACME_WRITE, organization_id=row.organization_id)
    return row


def _claimed(row: AcmeAccount, *, active: bool = True) -> AcmeAccount:
    """The row with a lease. Raises Conflict: it is not active, or somebody else is at it."""
    if active and row.status != Status.VALID:
        raise not_now(row)
    claimed = queue.claim(AcmeAccount.objects.all(), row.pk, lasting=_LEASE, at_once=True)
    if claimed is None:
        raise Conflict(_("Something else is being done with this account: try again soon."), code="acme-account-busy")
    return claimed


def _deactivate_there(row: AcmeAccount) -> None:
    try:
        client_of(row).deactivate()
    except AcmeError as error:
        if error.kind not in _GONE:
            raise refused(error) from error


def _save_once(row: AcmeAccount, *, force_insert: bool = False, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=force_insert, update_fields=update_fields)
    except IntegrityError as error:
        text = _("An account with this name is there already.")
        raise Conflict(text, code="acme-account-exists") from error


def _order_errors(order: AccountOrder) -> list[FieldError]:
    errors = email_errors(order.email)
    for name, longest in _LONGEST.items():
        errors += text_errors(name, getattr(order, name), longest=longest, required=name == "name")
    errors += _approval_errors(order.approvals_needed, order.approver_role)
    if not order.agrees_to_terms:
        text = _("Without agreeing to its terms nobody has an account at a public CA.")
        errors.append(field_error("agrees_to_terms", "required", text))
    return errors


def _server_errors(order: AccountOrder) -> list[FieldError]:
    if order.provider not in KNOWN:
        known = ", ".join(KNOWN)
        return [field_error("provider", "unknown", _("Known providers are %(known)s."), known=known)]
    if order.environment not in AcmeAccount.Environment.values:
        return [field_error("environment", "unknown", _("It is production or staging."))]
    if KNOWN[order.provider].has_ended:
        return [field_error("provider", "provider-ended", _("This provider has ended its ACME service."))]
    if order.provider == AcmeAccount.Provider.CUSTOM:
        return [*_address_errors(order.directory_url), *_roots_errors(order.server_roots)]
    errors = []
    if directory_of(order.provider, order.environment) is None:
        errors.append(field_error("environment", "unknown", _("This provider has no such environment.")))
    text = _("This is known of the provider: leave it out.")
    given = [name for name in ("directory_url", "server_roots") if getattr(order, name)]
    return [*errors, *(field_error(name, "contradiction", text) for name in given)]


def _address_errors(url: str) -> list[FieldError]:
    field = "directory_url"
    if errors := text_errors(field, url, longest=_LONGEST_ADDRESS, required=True):
        return errors
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme == "https" and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_sound = False
    if not is_sound or "@" in parts.netloc or parts.fragment or any(sign.isspace() for sign in url):
        text = _("A directory is an address such as https://acme.example.com/directory.")
        return [field_error(field, "invalid", text)]
    return []


def _roots_errors(roots: str) -> list[FieldError]:
    try:
        if roots:
            read_certificates(roots, field="server_roots")
    except Invalid as error:
        return list(error.errors)
    return []


def _binding_errors(order: AccountOrder) -> list[FieldError]:
    is_needed = order.provider in KNOWN and KNOWN[order.provider].needs_binding
    errors = []
    if not order.eab_key_id.strip() and (is_needed or order.eab_key):
        text = _("This takes the key id of an account at the provider.")
        errors.append(field_error("eab_key_id", "required", text))
    if not order.eab_key and (is_needed or order.eab_key_id.strip()):
        text = _("This takes the key of an account at the provider.")
        errors.append(field_error("eab_key", "required", text))
    if order.eab_key and not is_mac_key(order.eab_key):
        errors.append(field_error("eab_key", "invalid", _("The key is base64url, as the provider shows it.")))
    return errors


def _change_errors(row: AcmeAccount, change: AccountChange) -> list[FieldError]:
    errors = email_errors(change.email) if change.email is not None else []
    for name in ("name", "preferred_chain"):
        value = getattr(change, name)
        if value is not None:
            errors += text_errors(name, value, longest=_LONGEST[name], required=name == "name")
    needed = row.approvals_needed if change.approvals_needed is None else change.approvals_needed
    role = row.approver_role if change.approver_role is None else change.approver_role
    return errors + _approval_errors(needed, role)


def _approval_errors(approvals_needed: int, approver_role: str) -> list[FieldError]:
    """Of none there is nothing to say."""
    return approval_errors(approvals_needed or 1, approver_role)
