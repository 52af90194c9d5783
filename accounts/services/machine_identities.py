"""Which subjects of a token issuer are service accounts here."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction

from accounts import policy
from accounts.models import ExternalIdentity, ServiceAccount
from accounts.oidc_models import MachineIdentity, OidcIssuer
from accounts.services.service_logins import require_binder
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.text import _

_LONGEST_SUBJECT: Final = 255


@transaction.atomic
def bind_machine_identity(
    *, actor: Actor, issuer: OidcIssuer, subject: str, account: ServiceAccount
) -> MachineIdentity:
    """From now on tokens of this issuer with this `sub` speak for the service account.

    Raises Denied (also for actors that are no persons, and where the account can do more than the actor), Invalid,
    Conflict (the subject is a person, or a machine, already).
    """
    require_binder(actor, account)
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=issuer.organization_id)
    subject = subject.strip()
    if errors := text_errors("subject", subject, longest=_LONGEST_SUBJECT, required=True):
        raise Invalid(errors=errors)
    people = ExternalIdentity.objects.filter(organization_id=issuer.organization_id, issuer=issuer.issuer)
    if people.filter(subject=subject).exists():
        raise _taken()
    row = MachineIdentity(
        organization_id=issuer.organization_id,
        issuer=issuer,
        subject=subject,
        service_account=account,
        maker_id=actor.doer_id,
        event=audit.new_event_id(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise _taken() from error
    _record(actor, EventName.MACHINE_IDENTITY_BOUND, row, event_id=row.event)
    return row


@transaction.atomic
def delete_machine_identity(*, actor: Actor, identity: MachineIdentity) -> None:
    """Its tokens speak for nobody any more. Raises Denied."""
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=identity.organization_id)
    _record(actor, EventName.MACHINE_IDENTITY_DELETED, identity)
    identity.delete()


def _taken() -> Conflict:
    return Conflict(_("This subject is somebody already."), code="machine-identity-exists")


def _record(actor: Actor, event: EventName, row: MachineIdentity, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("machine_identity", row.pk, row.subject),
        organization_id=row.organization_id,
        event_id=event_id,
        issuer=row.issuer.issuer,
        service_account=row.service_account.name,
    )
