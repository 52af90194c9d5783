"""Revoking by somebody who has the passphrase of a locked CA in hand: what is revoked is published with it."""

from __future__ import annotations

import logging

from accounts import policy
from cas import keystore
from certificates import selectors
from certificates.models import Certificate
from certificates.orders import RevokeOrder
from certificates.services.authorities import publish_everything
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM, Actor
from kernel.errors import DomainError
from kernel.permissions import Permission
from kernel.secret import Secret

log = logging.getLogger(__name__)


def revoke_and_publish(*, actor: Actor, order: RevokeOrder, passphrase: Secret | None) -> Certificate:
    """Revoke a certificate; where its CA is locked and this opens it, its next CRL is published before the answer.

    Revoking itself never needs a passphrase: without one, OCSP says so at once, and the CRL is visibly due until
    somebody brings it. A wrong one revokes nothing. Other CAs publish by themselves, within a minute. Raises what
    `revoke_certificate` raises, WrongPassphrase, TooMany.
    """
    row = selectors.get_certificate(order.certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_REVOKE, organization_id=row.organization_id, ca_id=row.ca_id)
    ca = row.ca
    if ca is None or passphrase is None or not ca.passphrase_protected:
        return revoke_certificate(actor=actor, order=order)
    with keystore.open_signer(ca, passphrase=passphrase):
        revoked = revoke_certificate(actor=actor, order=order)
    try:
        publish_everything(actor=SYSTEM, ca=ca, passphrase=passphrase)
    except DomainError as error:
        # What is revoked stays revoked, and its CRL is due: it is no failure of what was asked for.
        log.warning("revoked, but not published: ca %s: %s", ca.pk, error.error_code)
    return revoked
