"""Certificates fetched by the machines that use them, again and again, and handed out only where they have changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from django.db import transaction

from accounts import policy
from audit import services as audit
from audit.events import EventName
from certificates.bundles import Download, Format, bundle
from certificates.import_selectors import chain_above
from certificates.lineage import current
from certificates.models import Certificate
from certificates.selectors import get_certificate
from certificates.services.issuance import reference
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref


@dataclass(frozen=True, slots=True)
class Pulled:
    """The certificate, what its file is known by, and the file; none where the asker has it."""

    certificate: Certificate
    digest: str
    file: Download | None


@transaction.atomic
def pull_certificate(
    *, actor: Actor, certificate: Ref, fmt: Format, known: Collection[str] = (), newest: bool = False
) -> Pulled:
    """The certificate, or its chain, as a file, unless its digest (SHA-256, hex) is among those that are known.

    `newest`: of it and of everything that has renewed it, what was made last and is good. Only what is handed out is
    told to the log. Raises NotFound, Denied, Invalid (a format that cannot hold it).
    """
    row = get_certificate(certificate, visible_to=actor)
    if newest:
        row = current(row, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_DOWNLOAD, organization_id=row.organization_id, ca_id=row.ca_id)
    file = bundle(row.body.x509, chain_above(row), fmt, name=str(row))
    digest = sha256(file.content).hexdigest()
    if digest in known:
        return Pulled(row, digest, None)
    audit.record(
        actor, EventName.CERTIFICATE_DOWNLOADED, reference(row), organization_id=row.organization_id, format=fmt
    )
    return Pulled(row, digest, file)
