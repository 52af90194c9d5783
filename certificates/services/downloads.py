"""Certificates handed out as files."""

from __future__ import annotations

from django.db import transaction

from accounts import policy
from audit import services as audit
from audit.events import EventName
from cas.selectors import chain_of
from certificates import selectors
from certificates.bundles import Download, Format, bundle
from certificates.services.issuance import reference
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref


@transaction.atomic
def download_certificate(*, actor: Actor, certificate: Ref, fmt: Format) -> Download:
    """The certificate, or its chain, as a file. One that was issued elsewhere comes without a chain.

    Raises NotFound, Denied.
    """
    row = selectors.get_certificate(certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_DOWNLOAD, organization_id=row.organization_id, ca_id=row.ca_id)
    chain = chain_of(row.ca).certificates if row.ca else ()
    file = bundle(row.body.x509, chain, fmt, name=str(row))
    audit.record(
        actor, EventName.CERTIFICATE_DOWNLOADED, reference(row), organization_id=row.organization_id, format=fmt
    )
    return file
