"""Certificates handed out as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from django.db import transaction

from accounts import policy
from audit import services as audit
from audit.events import EventName
from certificates import selectors
from certificates.bundles import Download, Format, bundle, zip_file
from certificates.identified import newest_with_key
from certificates.import_selectors import chain_above
from certificates.models import Certificate, SigningRequest
from certificates.services.issuance import reference
from certificates.services.keys import export_private_key
from kernel.actor import Actor
from kernel.errors import Invalid, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _

MOST_IN_ARCHIVE: Final = 500


@dataclass(frozen=True, slots=True)
class HostFiles:
    """What a server needs to speak TLS under a name: its certificate, the chain (issuer first), and the key, PKCS#8
    DER, where that was asked for.
    """

    row: Certificate
    chain: tuple[x509.Certificate, ...]
    private_key: Secret | None


@transaction.atomic
def download_certificate(*, actor: Actor, certificate: Ref, fmt: Format) -> Download:
    """The certificate, or its chain, as a file. One that was issued elsewhere has the chain that came with it.

    Raises NotFound, Denied.
    """
    row = _permitted(actor, certificate)
    file = bundle(row.body.x509, chain_above(row), fmt, name=str(row))
    _record(actor, row, fmt)
    return file


@transaction.atomic
def download_many(*, actor: Actor, certificates: Sequence[Certificate]) -> Download:
    """Each with its chain, as one PEM file, all in one archive. Raises Invalid (none, or more than 500), NotFound,
    Denied.
    """
    if not 0 < len(certificates) <= MOST_IN_ARCHIVE:
        text = _("From 1 to %(most)s certificates.")
        raise Invalid.of("certificates", "out-of-range", text, most=MOST_IN_ARCHIVE)
    rows = [_permitted(actor, Ref("pk", each.pk)) for each in certificates]
    # Those of one CA have one chain.
    chains = {ca: chain_above(row) for ca, row in {row.ca_id: row for row in rows}.items() if ca is not None}
    files = {}
    for row in rows:
        chain = chain_above(row) if row.ca_id is None else chains[row.ca_id]
        file = bundle(row.body.x509, chain, Format.FULLCHAIN, name=str(row))
        files[f"{row.serial}-{file.filename}"] = file.content
        _record(actor, row, Format.FULLCHAIN)
    return zip_file(files, name="certificates")


@transaction.atomic
def download_signing_request(*, actor: Actor, certificate: Ref) -> SigningRequest:
    """The CSR that it was issued for. Raises NotFound (of the certificate; no CSR was kept), Denied."""
    row = _permitted(actor, certificate)
    kept = SigningRequest.objects.filter(certificate=row).first()
    if kept is None:
        raise NotFound(_("There is no signing request of this certificate here."), code="no-signing-request")
    _record(actor, row, "csr")
    return kept


@transaction.atomic
def download_for_host(*, actor: Actor, name: str, with_key: bool) -> HostFiles:
    """The newest certificate for exactly this name, `*.` included, that is good now and whose key is kept here.

    Only among those whose key the actor may export, where that is asked for. Raises NotFound, Denied.
    """
    needed = Permission.CERTIFICATES_EXPORT_KEY if with_key else Permission.CERTIFICATES_DOWNLOAD
    row = newest_with_key(name, visible_to=policy.narrowed(actor, {needed}))
    policy.require(actor, needed, organization_id=row.organization_id, ca_id=row.ca_id)
    if not with_key:
        _record(actor, row, Format.FULLCHAIN)
        return HostFiles(row, chain_above(row), None)
    _row, key = export_private_key(actor=actor, certificate=Ref("pk", row.pk))
    return HostFiles(row, chain_above(row), key)


def _permitted(actor: Actor, certificate: Ref) -> Certificate:
    row = selectors.get_certificate(certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_DOWNLOAD, organization_id=row.organization_id, ca_id=row.ca_id)
    return row


def _record(actor: Actor, row: Certificate, fmt: str) -> None:
    audit.record(
        actor, EventName.CERTIFICATE_DOWNLOADED, reference(row), organization_id=row.organization_id, format=fmt
    )
