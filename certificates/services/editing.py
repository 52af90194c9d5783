"""What may be changed about a certificate after it was issued: what people say about it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts import policy
from audit import services as audit
from audit.events import EventName
from certificates import selectors
from certificates.models import Certificate, CertificateTag
from certificates.services.issuance import reference
from certificates.services.labels import label_errors
from certificates.services.minting import tag_rows
from kernel.actor import Actor
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref


@transaction.atomic
def update_certificate(
    *, actor: Actor, certificate: Ref, tags: Sequence[str] | None = None, description: str | None = None
) -> Certificate:
    """Tags and description; None leaves one as it is. Raises NotFound, Denied, Invalid."""
    row = selectors.lock_certificate(certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=row.organization_id, ca_id=row.ca_id)
    errors = label_errors(tags or (), description or "")
    if errors:
        raise Invalid(errors=errors)
    changed = []
    if tags is not None:
        row.tags = list(dict.fromkeys(tags))
        CertificateTag.objects.filter(certificate=row).delete()
        CertificateTag.objects.bulk_create(tag_rows(row))
        changed.append("tags")
    if description is not None:
        row.description = description
        changed.append("description")
    row.save(update_fields=changed)
    audit.record(
        actor, EventName.CERTIFICATE_UPDATED, reference(row), organization_id=row.organization_id, fields=changed
    )
    return row
