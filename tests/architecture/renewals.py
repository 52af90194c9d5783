"""The calls and the events of services about renewal by itself, and what is brought in, fetched and looked at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography import x509
from django.utils import timezone

from cas.core.formats import to_der
from cas.core.names import parse_name
from certificates.bundles import Format
from certificates.import_orders import InventoryOrder
from certificates.models import Certificate, Renewal
from certificates.services.inventory import import_file
from certificates.services.placements import (
    add_placement,
    check_due_placements,
    check_placement,
    remove_placement,
)
from certificates.services.pulling import pull_certificate
from certificates.services.renewing import renew_due_certificates
from certificates.services.scheduling import schedule_renewal, unschedule_renewal
from kernel.actor import SYSTEM
from kernel.ref import Ref
from kernel.secret import Secret
from tests import elsewhere, pki


def _schedule(s: Any) -> Ref:
    return Ref("pk", schedule_renewal(actor=s.owner, certificate=Ref("pk", s.certificate.pk)).pk)


def _renew(s: Any) -> None:
    row = _schedule(s)
    Certificate.objects.filter(pk=row.value).update(renew_at=timezone.now() - timedelta(hours=1))
    renew_due_certificates(actor=SYSTEM)
    Renewal.objects.update(due_at=timezone.now())
    renew_due_certificates(actor=SYSTEM)


def _place(s: Any) -> Ref:
    return Ref("pk", add_placement(actor=s.owner, certificate=Ref("pk", s.certificate.pk), host="127.0.0.1").pk)


def _look_where_due(s: Any) -> None:
    _place(s)
    check_due_placements(actor=SYSTEM)


def _import(s: Any) -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("shop.old.test")])
    key = pki.a_key().public_key()
    leaf = elsewhere.root().sign(parse_name("CN=shop.old.test"), key, is_ca=False, extra=[(names, False)])
    order = InventoryOrder(organization=Ref("pk", s.office.organization.pk), file=Secret(to_der(leaf)))
    import_file(actor=s.owner, order=order)


RENEWAL_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "certificates.schedule_renewal": (_schedule, ["renewal.scheduled"]),
    "certificates.unschedule_renewal": (
        lambda s: unschedule_renewal(actor=s.owner, certificate=_schedule(s)),
        ["renewal.scheduled", "renewal.unscheduled"],
    ),
    "certificates.renew_due_certificates": (_renew, ["renewal.scheduled", "certificate.issued"]),
    "certificates.add_placement": (_place, ["placement.added"]),
    "certificates.remove_placement": (
        lambda s: remove_placement(actor=s.owner, placement=_place(s)),
        ["placement.added", "placement.removed"],
    ),
    "certificates.check_placement": (
        lambda s: check_placement(actor=s.owner, placement=_place(s)),
        ["placement.added", "placement.checked"],
    ),
    "certificates.check_due_placements": (_look_where_due, ["placement.added", "placement.checked"]),
    "certificates.import_file": (_import, ["certificate.imported"]),
    "certificates.pull_certificate": (
        lambda s: pull_certificate(actor=s.owner, certificate=Ref("pk", s.certificate.pk), fmt=Format.PEM),
        ["certificate.downloaded"],
    ),
}
