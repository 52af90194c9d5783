"""A CA comes into service: created, completed, succeeding or imported, and able to say what is revoked from its first
minute on.

The CA is committed first, then its CRL and its responder are made while the passphrase, if any, is in hand; if this
stops in between, the sweepers finish what needs no passphrase.
"""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from cas.models import CertificateAuthority
from cas.orders import AuthorityImportOrder, AuthorityOrder, SuccessorOrder
from cas.services import imports, pending
from cas.services.authorities import create_authority
from cas.services.successors import create_successor
from certificates.models import CrlScope
from certificates.selectors import authorities_in_need_of_responder
from certificates.services.crl import open_publication, publish_crl
from certificates.services.responders import rotate_responder
from certificates.services.takeover import take_over
from kernel.actor import SYSTEM, Actor
from kernel.secret import Secret

# Seconds: how long another publisher is waited for, and between two looks.
_PATIENCE: Final = 10.0
_PAUSE: Final = 0.1


def establish_authority(*, actor: Actor, order: AuthorityOrder) -> CertificateAuthority:
    """Create the CA and publish. Raises what `create_authority` raises."""
    ca = create_authority(actor=actor, order=order)
    publish_everything(actor=SYSTEM, ca=ca, passphrase=order.passphrase)
    return ca


def complete_authority(
    *, actor: Actor, ca: CertificateAuthority, certificates: bytes, passphrase: Secret | None = None
) -> CertificateAuthority:
    """A pending CA has its certificate. Without its passphrase a locked one is in service, its CRL visibly due.

    Raises what `cas.services.pending.complete_authority` raises, and WrongPassphrase, after it is completed.
    """
    completed = pending.complete_authority(actor=actor, ca=ca, certificates=certificates)
    if passphrase is not None or not completed.passphrase_protected:
        publish_everything(actor=SYSTEM, ca=completed, passphrase=passphrase)
    return completed


def establish_successor(*, actor: Actor, ca: CertificateAuthority, order: SuccessorOrder) -> CertificateAuthority:
    """A CA that goes on where this one ends. Raises what `create_successor` raises."""
    successor = create_successor(actor=actor, ca=ca, order=order)
    if successor.status != CertificateAuthority.Status.PENDING:
        publish_everything(actor=SYSTEM, ca=successor, passphrase=order.passphrase)
    return successor


def import_authority(*, actor: Actor, order: AuthorityImportOrder) -> CertificateAuthority:
    """A CA moves in with its key, what it has revoked, its CRL number and its old addresses.

    Raises what `open_key_file` and `import_authority` of `cas.services.imports` raise, Invalid on `last_crl`,
    `last_crl_number` and `public_paths[n]`, Conflict (an address belongs to another CA).
    """
    file = imports.open_key_file(actor, order)
    with transaction.atomic():
        ca = imports.import_authority(actor=actor, order=order, file=file)
        open_publication(ca)
        take_over(ca, order)
    publish_everything(actor=SYSTEM, ca=ca, passphrase=order.passphrase)
    return ca


def publish_everything(*, actor: Actor, ca: CertificateAuthority, passphrase: Secret | None = None) -> None:
    """A new responder where the present one ends soon, then the next CRL of every scope of this CA.

    Where another publisher has a CRL in hand, that one may have read the register before the revocation that this one
    is asked for: it is waited for, ten seconds at most, and the next one is signed after it.

    Raises Denied (permission, wrong passphrase), Unavailable (the CA is locked and no passphrase was given).
    """
    open_publication(ca)
    if authorities_in_need_of_responder(at=timezone.now()).filter(pk=ca.pk).exists():
        rotate_responder(actor=actor, ca=ca, passphrase=passphrase)
    for scope in CrlScope.objects.select_related("ca", "ca__key").filter(ca=ca).order_by("scope"):
        given_up_at = monotonic() + _PATIENCE
        while publish_crl(actor=actor, scope=scope, passphrase=passphrase) is None:
            # Inside a transaction nobody's end can be seen.
            if connection.in_atomic_block or monotonic() > given_up_at:
                break
            sleep(_PAUSE)
