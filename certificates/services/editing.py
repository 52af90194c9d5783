"""What may be changed about a certificate after it was issued: what people say about it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts import policy
from accounts.models import User
from audit import services as audit
from audit.events import EventName
from certificates import selectors
from certificates.models import Certificate, CertificateTag
from certificates.services.issuance import reference
from certificates.services.keys import is_awaited
from certificates.services.labels import label_errors
from certificates.services.minting import tag_rows
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _


@transaction.atomic
def update_certificate(
    *,
    actor: Actor,
    certificate: Ref,
    tags: Sequence[str] | None = None,
    description: str | None = None,
    owner: str | None = None,
) -> Certificate:
    """Tags, description, and who answers for it (the e-mail address of a member); None leaves one as it is.

    Raises NotFound, Denied (also to whoever hands on what is another's, and could not renew it), Invalid, Conflict (a
    private key waits for the owner of before).
    """
    row = selectors.lock_certificate(certificate, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=row.organization_id, ca_id=row.ca_id)
    person = active_member(row.organization_id, owner) if owner is not None else None
    errors = label_errors(tags or (), description or "")
    if owner is not None and person is None:
        errors += no_such_member().errors
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
    if person is not None and person.pk != row.owner_id:
        require_hand_over(actor, row)
        row.owner = person
        changed.append("owner")
    row.save(update_fields=changed)
    audit.record(
        actor,
        EventName.CERTIFICATE_UPDATED,
        reference(row),
        organization_id=row.organization_id,
        fields=changed,
        **({"owner": person.email} if person is not None and "owner" in changed else {}),
    )
    return row


def require_hand_over(actor: Actor, row: Certificate) -> None:
    """A step. What renews a certificate by itself is its owner's, with its key: so of another's only who might renew it
    says whose it is to be. Raises Denied, Conflict (a private key waits for the owner of now).
    """
    is_own = row.owner_id == actor.person_id == actor.doer_id
    if not is_own and row.source != Certificate.Source.IMPORTED:
        policy.require(actor, Permission.CERTIFICATES_RENEW, organization_id=row.organization_id, ca_id=row.ca_id)
    if is_awaited(row):
        raise Conflict(_("A private key waits here for the owner: it is collected first."), code="key-waits")


def active_member(organization_id: int, email: str) -> User | None:
    """Who can answer for a certificate of the organization."""
    people = User.objects.filter(is_active=True, memberships__organization_id=organization_id)
    return people.filter(email__iexact=email.strip()).first()


def no_such_member() -> Invalid:
    """What to say where `active_member` finds nobody."""
    return Invalid.of("owner", "unknown-user", _("No active member of the organization has this address."))
