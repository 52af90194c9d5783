"""A certificate that a client has shown, and proved to have the key of, turned into a service account.

The proof is the TLS handshake's; everything else is judged here, by the register as it is now, not by a CRL: whoever
revokes a certificate has locked the door with it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Final

from django.utils import timezone

from accounts.services.service_logins import signed_in
from cas.chains import chain_of
from cas.core.chain import is_issued_by
from cas.models import CertificateAuthority
from certificates.client_models import ClientCertificateBinding
from certificates.models import Certificate, Revocation
from certificates.services.client_bindings import is_for_clients
from kernel.actor import Actor
from kernel.errors import Unauthenticated, Unavailable
from kernel.text import _

# A year of daily renewals and more; nobody walks further back than that.
_LONGEST_LINE: Final = 400
_LAST_USE_RESOLUTION: Final = timedelta(minutes=1)
_SUPERSEDED: Final = "superseded"


def authenticate_certificate(der: bytes, *, ip: str | None, trace_id: str = "") -> Actor:
    """The service account that this certificate is bound to.

    Raises Unauthenticated, always with the same words: not issued here, not bound, revoked, on hold, expired, not for
    clients, under a CA that is revoked, or of an account that is not active.
    """
    refused = Unauthenticated(_("The client certificate is not valid."), code="invalid-token")
    now = timezone.now()
    rows = Certificate.objects.select_related("ca", "body").filter(source=Certificate.Source.INTERNAL)
    # The same bytes may have been imported elsewhere: issued here they are once.
    row = rows.filter(fingerprint=sha256(der).hexdigest(), ca__isnull=False).first()
    if row is None or bytes(row.body.der) != der or not _is_standing(row, now):
        raise refused
    binding = _binding_of(row)
    if binding is None or not is_for_clients(row.body.x509) or not _is_under_good_cas(row, now):
        raise refused
    try:
        actor = signed_in(binding.service_account_id, maker_id=binding.maker_id, ip=ip, trace_id=trace_id)
    except Unauthenticated as error:
        raise refused from error
    _note_use(binding, now)
    return replace(actor, expires_at=row.not_after)


def _is_standing(row: Certificate, now: datetime) -> bool:
    return (
        row.state == Certificate.State.ISSUED
        and row.not_before <= now <= row.not_after
        and not Revocation.objects.filter(ca_id=row.ca_id, serial=row.serial, lifted_at=None).exists()
    )


def _binding_of(row: Certificate) -> ClientCertificateBinding | None:
    """Its own, else that of the certificate it renews, as long as the names stay and nothing in between was revoked."""
    binding = ClientCertificateBinding.objects.filter(certificate=row).first()
    before = row
    for _step in range(_LONGEST_LINE):
        if binding is not None or before.replaces is None:
            break
        before = before.replaces
        if not _hands_on(before, row):
            return None
        binding = ClientCertificateBinding.objects.filter(certificate=before, follows_renewal=True).first()
    return binding


def _hands_on(before: Certificate, row: Certificate) -> bool:
    """Whether a renewal of this may take its place. Revoked for having been renewed is no reason against it."""
    revocation = before.open_revocation
    same = (before.ca_id, before.subject, sorted(before.sans)) == (row.ca_id, row.subject, sorted(row.sans))
    return same and (revocation is None or revocation.reason == _SUPERSEDED)


def _is_under_good_cas(row: Certificate, now: datetime) -> bool:
    """Signed by its CA, that one by the next, each valid now and none revoked."""
    try:
        chain = chain_of(row.ca) if row.ca else None
    except Unavailable:
        chain = None
    if chain is None:
        return False
    if any(ca.status == CertificateAuthority.Status.REVOKED for ca in chain.authorities):
        return False
    line = (row.body.x509, *chain.certificates)
    in_time = all(each.not_valid_before_utc <= now <= each.not_valid_after_utc for each in line)
    return in_time and all(is_issued_by(*pair) for pair in pairwise(line))


def _note_use(binding: ClientCertificateBinding, now: datetime) -> None:
    if binding.last_used_at is None or now - binding.last_used_at > _LAST_USE_RESOLUTION:
        ClientCertificateBinding.objects.filter(pk=binding.pk).update(last_used_at=now)
