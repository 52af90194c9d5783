"""When a CA would like its certificates to be renewed (RFC 9773): it may have to revoke them, or spread the load."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from acme_client.models import AcmeOrder
from acme_client.services.upstream import client_of
from acme_client.wire import AcmeError, RenewalInfo
from certificates.models import Certificate

# RFC 9773 section 4.3: what to do where the server names no time, or an odd one.
_PAUSE: Final = timedelta(hours=6)
_SHORTEST_PAUSE: Final = timedelta(minutes=5)


def look_for_window(row: AcmeOrder) -> datetime | None:
    """A step, outside a transaction: the certificate is to be renewed when its CA says; when to ask it again.

    None: never, as it is not renewed by itself, or the CA says no such things. A CA that cannot be asked changes
    nothing: the certificate is renewed when it would be without it.
    """
    certificate = row.certificate
    if certificate is None or not _is_waiting(certificate):
        return None
    try:
        said = client_of(row.account).renewal_info(certificate.body.x509)
    except AcmeError:
        return timezone.now() + _PAUSE
    if said is None:
        return None
    renew_at = moment_within(said, timezone.now())
    Certificate.objects.filter(pk=certificate.pk, auto_renew=True).update(renew_at=renew_at)
    return timezone.now() + max(said.retry_after or _PAUSE, _SHORTEST_PAUSE)


def moment_within(said: RenewalInfo, now: datetime) -> datetime:
    """Some moment in the window, so that not everybody comes at once; now, where that has gone by (section 4.2)."""
    moment = said.start + (said.end - said.start) * random.random()  # noqa: S311  nobody gains by guessing it
    return max(moment, now)


def _is_waiting(certificate: Certificate) -> bool:
    """Whether it is still to be renewed by itself, and that has not begun."""
    if not certificate.auto_renew or certificate.state != Certificate.State.ISSUED:
        return False
    has_begun = certificate.acme_renewals.filter(status__in=AcmeOrder.OPEN).exists()
    return certificate.not_after > timezone.now() and not has_begun and not certificate.replaced_by.exists()
