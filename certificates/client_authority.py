"""The CA that answers CertMate's clients, and what it says of its certificates to whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone

from cas.core.ocsp import CertStatus, Unknown
from cas.models import CertificateAuthority, Template
from cas.selectors import client_ca
from cas.standing import Slot
from certificates.models import Crl
from certificates.services.ocsp import status_of
from kernel.actor import Actor
from kernel.errors import Unauthenticated, Unavailable
from kernel.text import _


@dataclass(frozen=True, slots=True)
class SerialStatus:
    """What a CA knows of one of its serial numbers."""

    serial: int
    status: CertStatus


def client_authority(*, visible_to: Actor | None) -> CertificateAuthority:
    """The CA of the organization where the actor works; for nobody the one of the only organization that has one.

    Raises Unavailable (there is none), Unauthenticated (nobody asks, and more than one organization has one).
    """
    found = _only_one() if visible_to is None else client_ca(visible_to=visible_to)
    if found is None:
        text = _("No CA of this organization issues client certificates: none has the template %(template)s.")
        raise Unavailable(text, code="no-client-ca", template=Slot.CERTMATE_CLIENT.value)
    return found


def serial_status(serial: int, *, visible_to: Actor | None) -> SerialStatus:
    """The status of a serial number of the client CA, or of one that it has succeeded. It is what OCSP answers.

    Raises what `client_authority` does.
    """
    for ca in _line(client_authority(visible_to=visible_to)):
        status, _since = status_of(ca.pk, serial)
        if not isinstance(status, Unknown):
            return SerialStatus(serial, status)
    return SerialStatus(serial, Unknown())


def current_crl(*, visible_to: Actor | None) -> Crl:
    """The CRL of the client CA that is good now, with its bytes.

    Raises what `client_authority` does, Unavailable (none is published, or the last one has ended).
    """
    ca = client_authority(visible_to=visible_to)
    newest = Crl.objects.filter(scope__ca_id=ca.pk, scope__scope=0).order_by("-number").first()
    if newest is None or newest.next_update < timezone.now():
        raise Unavailable(_("There is no current CRL of %(ca)s."), code="no-current-crl", ca=ca.name)
    return newest


def _only_one() -> CertificateAuthority | None:
    found = Template.objects.select_related("ca").filter(code=Slot.CERTMATE_CLIENT.value, retired_at__isnull=True)[:2]
    if len(found) > 1:
        text = _("Several organizations have client certificates here: a credential says which is meant.")
        raise Unauthenticated(text)
    return found[0].ca if found else None


def _line(ca: CertificateAuthority | None) -> Iterator[CertificateAuthority]:
    """The CA, and those that it has come after, one after the other."""
    seen: set[int] = set()
    while ca is not None and ca.pk not in seen:
        seen.add(ca.pk)
        yield ca
        ca = ca.predecessor
