"""Managed private keys, handed out: once where they wait, again only where the role keeps them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts import policy, vault
from audit import services as audit
from audit.events import EventName
from cas.core.keys import KeyAlgorithm
from certificates import selectors
from certificates.delivery import PLAIN, Delivery
from certificates.models import Certificate, Request, SubscriberKey
from certificates.request_selectors import get_request
from certificates.services.fulfilment import fulfil_request
from certificates.services.issuance import reference
from certificates.services.minting import SUBSCRIBER_KEY_TABLE
from certificates.services.requests import not_now
from kernel.actor import Actor, ActorKind
from kernel.errors import Denied, Gone, Invalid, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _


@transaction.atomic
def collect_private_key(*, actor: Actor, certificate: Ref, delivery: Delivery = PLAIN) -> tuple[Certificate, Secret]:
    """The certificate and its private key (PKCS#8 DER). A key that waits is gone after this.

    The requester may collect the key that waits there, and once a stored one that was made after an approval; anyone
    else, and whoever wants a stored one again, needs `certificates:export-key`. Raises NotFound (no key here), Denied,
    Gone (collected already), Invalid (it could not be delivered as asked for; nothing is lost).
    """
    row = selectors.get_certificate(certificate, visible_to=actor)
    kept = SubscriberKey.objects.select_for_update().filter(certificate=row).first()
    policy.require(actor, _needed(actor, row, kept), organization_id=row.organization_id, ca_id=row.ca_id)
    if kept is None:
        raise NotFound(_("There is no private key of this certificate here."), code="no-private-key")
    if kept.sealed is None:
        text = _("The private key was collected by %(by)s at %(at)s.")
        at = kept.collected_at.isoformat(timespec="seconds") if kept.collected_at else ""
        raise Gone(text, code="key-collected", by=kept.collected_by, at=at)
    delivery.require_possible(KeyAlgorithm(row.key_algorithm))
    secret = _open(row, kept, bytes(kept.sealed))
    kept.collected_at, kept.collected_by = timezone.now(), actor.label
    if row.key_custody == Certificate.KeyCustody.WAITING:
        kept.sealed = None
        row.key_custody = Certificate.KeyCustody.RETURNED
        row.save(update_fields=["key_custody"])
    kept.save(update_fields=["sealed", "collected_at", "collected_by"])
    audit.record(actor, EventName.CERTIFICATE_KEY_COLLECTED, reference(row), organization_id=row.organization_id)
    return row, secret


@transaction.atomic
def export_private_key(*, actor: Actor, certificate: Ref) -> tuple[Certificate, Secret]:
    """The certificate and its private key (PKCS#8 DER), where the role keeps it: as often as somebody asks who has
    `certificates:export-key`. Raises NotFound (none is kept here; one that waits to be collected is not), Denied.
    """
    row = selectors.get_certificate(certificate, visible_to=actor)
    needed = Permission.CERTIFICATES_EXPORT_KEY
    policy.require(actor, needed, organization_id=row.organization_id, ca_id=row.ca_id)
    kept = SubscriberKey.objects.select_for_update().filter(certificate=row).first()
    if kept is None or kept.sealed is None or row.key_custody != Certificate.KeyCustody.STORED:
        raise NotFound(_("There is no private key of this certificate here."), code="no-private-key")
    secret = _open(row, kept, bytes(kept.sealed))
    kept.collected_at, kept.collected_by = timezone.now(), actor.label
    kept.save(update_fields=["collected_at", "collected_by"])
    audit.record(actor, EventName.CERTIFICATE_KEY_COLLECTED, reference(row), organization_id=row.organization_id)
    return row, secret


def collect_requested_key(*, actor: Actor, request: Ref, delivery: Delivery = PLAIN) -> tuple[Certificate, Secret]:
    """The certificate that a request has become, and its private key: what `collect_private_key` does and raises.

    Raises Conflict too: the request is not fulfilled.
    """
    row = get_request(request, visible_to=actor)
    if row.certificate_id is None:
        raise not_now(row)
    return collect_private_key(actor=actor, certificate=Ref("pk", row.certificate_id), delivery=delivery)


def fulfil_and_collect(
    *, actor: Actor, request: Ref, passphrase: Secret | None = None, delivery: Delivery = PLAIN
) -> tuple[Request, Secret | None]:
    """`fulfil_request`, and the key at once, for who asked and is here now; no key where the request has failed.

    Who may have it, and whether it can be delivered so, is judged before anything is signed. Raises what
    `fulfil_request` and `collect_private_key` do, Denied (it is somebody else's), Invalid (no key is made for it).
    """
    row = get_request(request, visible_to=actor)
    if actor.person_id != row.person_id:
        raise Denied(_("Only who made the request gets its private key."), code="not-own-request")
    if not _has_asked(actor, row.person_id, (row.requester_kind, row.requester_id)):
        needed = Permission.CERTIFICATES_EXPORT_KEY
        policy.require(actor, needed, organization_id=row.organization_id, ca_id=row.ca_id)
    if not row.is_key_made_here:
        raise Invalid.of("key_delivery", "contradiction", _("No key is made for this request."))
    delivery.require_possible(KeyAlgorithm(row.key_algorithm))
    row = fulfil_request(actor=actor, request=request, passphrase=passphrase)
    if row.certificate_id is None:
        return row, None
    _certificate, key = collect_private_key(actor=actor, certificate=Ref("pk", row.certificate_id), delivery=delivery)
    return row, key


def _open(row: Certificate, kept: SubscriberKey, sealed: bytes) -> Secret:
    return vault.open_secret(
        sealed, organization_id=row.organization_id, table=SUBSCRIBER_KEY_TABLE, row=kept.public_id
    )


def _needed(actor: Actor, row: Certificate, kept: SubscriberKey | None) -> Permission:
    if _has_asked(actor, row.owner_id, (row.requester_kind, row.requester_id)) and (
        row.key_custody != Certificate.KeyCustody.STORED or _was_never_handed_out(row, kept)
    ):
        return Permission.CERTIFICATES_ISSUE
    return Permission.CERTIFICATES_EXPORT_KEY


def _has_asked(actor: Actor, person_id: int | None, requester: tuple[str, int]) -> bool:
    """By person. An application, and a credential that somebody else has made, is that only where it has asked itself:
    what its person waits for is not its own.
    """
    if person_id is None or person_id != actor.person_id:
        return False
    speaks_for_its_person = actor.kind is not ActorKind.OAUTH_CLIENT and actor.maker_id is None
    return speaks_for_its_person or requester == (actor.kind, actor.id)


def may_collect(actor: Actor, row: Certificate) -> bool:
    """A step: whether `collect_private_key` would let the actor have the key that is here."""
    kept = SubscriberKey.objects.filter(certificate=row).first()
    try:
        policy.require(actor, _needed(actor, row, kept), organization_id=row.organization_id, ca_id=row.ca_id)
    except Denied:
        return False
    return True


def is_awaited(row: Certificate) -> bool:
    """Whether a private key is here that the owner of the certificate may have for the asking, and has not had."""
    kept = SubscriberKey.objects.filter(certificate=row).first()
    return row.key_custody == Certificate.KeyCustody.WAITING or _was_never_handed_out(row, kept)


def _was_never_handed_out(row: Certificate, kept: SubscriberKey | None) -> bool:
    """Whether a stored key was made after an approval, when its requester was not there to be given it.

    The predecessor's key, which a renewal has kept, was not made for whoever asked for the renewal.
    """
    made_later = Request.objects.filter(certificate=row, same_key=False)
    return kept is not None and kept.collected_at is None and made_later.exists()
