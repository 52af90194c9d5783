"""A CA moves in from other software with everything that it has issued: all of it, or nothing."""

from __future__ import annotations

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
from certificates.services.takeover import take_over
from kernel.actor import SYSTEM, Actor
from kernel.errors import Conflict, DomainError, Invalid
from kernel.ref import Ref


def move_authority(*, actor: Actor, order: MovingOrder, dry_run: bool = False) -> Moved:
    """The CA with its key, the certificates that it has issued, its revocations, CRL number and addresses; published
    at once. In a dry run everything is done and taken back.

    Done again, it adds what has come since: a CA that is here with its key stays as it is. A certificate that cannot
    be taken is reported, and its serial number and its revocation are kept. Raises what `import_authority` raises.
    """
    file = imports.open_key_file(actor, order.authority)
    with transaction.atomic():
        ca, is_new = _settle(actor, order, file)
        revocations = take_over(ca, order.authority)
        arrived, known, skipped = _take_in(actor, ca, order)
        moved = Moved(
            name=ca.name,
            subject=ca.subject,
            is_new=is_new,
            certificates=arrived,
            known=known,
            revocations=revocations,
            crl_number=CrlScope.objects.get(ca=ca, scope=0).last_number,
            skipped=tuple(skipped),
        )
        if dry_run:
            transaction.set_rollback(True)
    if not dry_run and (order.authority.passphrase is not None or not ca.passphrase_protected):
        publish_everything(actor=SYSTEM, ca=ca, passphrase=order.authority.passphrase)
    return moved


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
