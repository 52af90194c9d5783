"""Revoking what a public CA has issued: at that CA first, then in the register."""

from __future__ import annotations

from typing import Final

from cryptography import x509

from acme_client.models import AcmeOrder
from acme_client.services.upstream import client_of, refused
from acme_client.wire import AcmeError
from cas.core.reasons import CODES
from certificates.models import Certificate
from certificates.orders import RevokeOrder
from certificates.services.public_revocations import record_public_revocation, require_publicly_revocable
from kernel.actor import Actor
from kernel.errors import Conflict
from kernel.ref import Ref
from kernel.text import _

_ALREADY_REVOKED: Final = "alreadyRevoked"


def revoke_public_certificate(
    *, actor: Actor, certificate: Ref, reason: x509.ReasonFlags = x509.ReasonFlags.unspecified, comment: str = ""
) -> Certificate:
    """Revoked by its CA (RFC 8555 section 7.6), with the key of the account that has ordered it, and then here. What
    the CA has revoked already counts as done, so that an answer that was lost is asked for again.

    Network: never call it in a transaction. Raises NotFound, Denied, Invalid (the reason, the comment), AlreadyRevoked,
    Conflict (it is no public CA's; the CA refuses), Unavailable (the CA cannot be asked: nothing is revoked).
    """
    order = RevokeOrder(certificate=certificate, reason=reason, comment=comment)
    row = require_publicly_revocable(actor, order)
    account = _order_of(row).account
    try:
        client_of(account).revoke(bytes(row.body.der), CODES[reason])
    except AcmeError as error:
        if error.kind != _ALREADY_REVOKED:
            raise refused(error) from error
    return record_public_revocation(actor=actor, order=order)


def _order_of(row: Certificate) -> AcmeOrder:
    order = AcmeOrder.objects.select_related("account").filter(certificate=row).first()
    if order is None:
        raise Conflict(_("Nobody knows by which account this certificate was ordered."), code="no-acme-order")
    return order
