"""A CA moves in from other software with everything that it has issued: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db import transaction

from accounts.selectors import get_organization
from cas.core.keyfiles import KeyFile
from cas.core.keys import public_key_sha256
from cas.models import CaCertificate, CertificateAuthority
from cas.services import imports
from certificates.import_orders import ImportOrder
from certificates.models import CrlScope
from certificates.moving.orders import Moved, MovingCertificate, MovingOrder, Skipped
from certificates.services.authorities import publish_everything
from certificates.services.crl import open_publication
from certificates.services.imports import import_certificate
from certificates.services.takeover import take_over, usable_paths
from kernel.actor import SYSTEM, Actor
from kernel.errors import Conflict, DomainError, Invalid
from kernel.ref import Ref


def move_authority(*, actor: Actor, order: MovingOrder) -> Moved:
    """The CA with its key, the certificates that it has issued, its revocations, CRL number and addresses; published
    at once.

    Done again, it adds what has come since: a CA that is here with its key stays as it is. A certificate that cannot
    be taken is reported, and its serial number and its revocation are kept. Raises what `import_authority` raises.
    """
    file = imports.open_key_file(actor, order.authority)
    ca, moved = _move(actor, order, file)
    if order.authority.passphrase is not None or not ca.passphrase_protected:
        publish_everything(actor=SYSTEM, ca=ca, passphrase=order.authority.passphrase)
    return moved


@transaction.atomic
def rehearse_moves(*, actor: Actor, orders: Iterable[MovingOrder]) -> list[Moved | DomainError]:
    """What `move_authority` would do with each, one after the other, or refuse; nothing of it is kept."""
    outcomes: list[Moved | DomainError] = []
    for order in orders:
        try:
            _ca, moved = _move(actor, order, imports.open_key_file(actor, order.authority))
            outcomes.append(moved)
        except DomainError as error:
            outcomes.append(error)
    transaction.set_rollback(True)
    return outcomes


@transaction.atomic
def _move(actor: Actor, order: MovingOrder, file: KeyFile) -> tuple[CertificateAuthority, Moved]:
    ca, is_new = _settle(actor, order, file)
    usable, left_behind = usable_paths(ca, order.addresses)
    paths = tuple(dict.fromkeys((*order.authority.public_paths, *usable)))
    revocations = take_over(ca, replace(order.authority, public_paths=paths))
    arrived, known, skipped = _take_in(actor, ca, order)
    return ca, Moved(
        ca=Ref("pk", ca.pk),
        name=ca.name,
        subject=ca.subject,
        is_new=is_new,
        certificates=arrived,
        known=known,
        revocations=revocations,
        crl_number=CrlScope.objects.get(ca=ca, scope=0).last_number,
        skipped=tuple(skipped),
        left_behind=tuple(left_behind),
    )


def _settle(actor: Actor, order: MovingOrder, file: KeyFile) -> tuple[CertificateAuthority, bool]:
    """The CA, and whether it is new."""
    organization = get_organization(order.authority.organization, visible_to=actor)
    here = CertificateAuthority.objects.select_related("organization", "key").filter(
        organization=organization, key_hash=public_key_sha256(file.key.public_key()), key__isnull=False
    )
    known = here.first()
    if known is None:
        ca = imports.import_authority(actor=actor, order=order.authority, file=file)
        open_publication(ca)
        return ca, True
    preferred = CaCertificate.objects.get(ca=known, preferred=True)
    imports.note_serials(known, order.authority.issued, preferred.not_after)
    return known, False


def _take_in(actor: Actor, ca: CertificateAuthority, order: MovingOrder) -> tuple[int, int, list[Skipped]]:
    arrived, known = 0, 0
    skipped: list[Skipped] = []
    for each in order.certificates:
        try:
            import_certificate(actor=actor, order=_order(ca, each))
            arrived += 1
        except Conflict as error:
            if error.error_code != "certificate-known":
                skipped.append(Skipped(each.label, error))
            else:
                known += 1
        except Invalid as error:
            skipped.append(Skipped(each.label, _first(error)))
    return arrived, known, skipped


def _order(ca: CertificateAuthority, moving: MovingCertificate) -> ImportOrder:
    return ImportOrder(
        organization=Ref("pk", ca.organization_id),
        certificate=moving.certificate,
        private_key=moving.private_key,
        password=moving.password,
        ca=Ref("pk", ca.pk),
        description=moving.description,
    )


def _first(error: Invalid) -> DomainError:
    """One reason is enough in a report."""
    return error if not error.errors else Invalid(errors=error.errors[:1])
