"""A CA comes into service: created, and able to say what is revoked from its first minute on."""

from __future__ import annotations

from django.utils import timezone

from cas.models import CertificateAuthority
from cas.orders import AuthorityOrder
from cas.services.authorities import create_authority
from certificates.models import CrlScope
from certificates.selectors import authorities_in_need_of_responder
from certificates.services.crl import open_publication, publish_crl
from certificates.services.responders import rotate_responder
from kernel.actor import SYSTEM, Actor
from kernel.secret import Secret


def establish_authority(*, actor: Actor, order: AuthorityOrder) -> CertificateAuthority:
    """Create the CA, then publish its first CRL and make its responder while the passphrase, if any, is in hand.

    The CA is committed first; if this stops in between, the sweepers finish what needs no passphrase. Raises what
    `create_authority` raises.
    """
    ca = create_authority(actor=actor, order=order)
    publish_everything(actor=SYSTEM, ca=ca, passphrase=order.passphrase)
    return ca


def publish_everything(*, actor: Actor, ca: CertificateAuthority, passphrase: Secret | None = None) -> None:
    """A new responder where the present one ends soon, then the next CRL of every scope of this CA.

    Raises Denied (permission, wrong passphrase), Unavailable (the CA is locked and no passphrase was given).
    """
    open_publication(ca)
    if authorities_in_need_of_responder(at=timezone.now()).filter(pk=ca.pk).exists():
        rotate_responder(actor=actor, ca=ca, passphrase=passphrase)
    for scope in CrlScope.objects.select_related("ca", "ca__key").filter(ca=ca).order_by("scope"):
        publish_crl(actor=actor, scope=scope, passphrase=passphrase)
