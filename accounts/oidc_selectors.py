"""What an actor may see of token issuers, and of the machines that sign in through them."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.oidc_models import MachineIdentity, OidcIssuer
from accounts.selectors import of_whole_organization
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ref import Ref
from kernel.text import _


def oidc_issuers(*, visible_to: Actor) -> QuerySet[OidcIssuer]:
    return of_whole_organization(OidcIssuer.objects.select_related("organization").order_by("id"), visible_to)


def get_oidc_issuer(ref: Ref, *, visible_to: Actor) -> OidcIssuer:
    """Raises NotFound."""
    try:
        return oidc_issuers(visible_to=visible_to).get(**{ref.by: ref.value})
    except OidcIssuer.DoesNotExist as error:
        raise NotFound(_("There is no such token issuer."), code="oidc-issuer-not-found") from error


def machine_identities(*, visible_to: Actor) -> QuerySet[MachineIdentity]:
    rows = MachineIdentity.objects.select_related("organization", "issuer", "service_account", "maker")
    return of_whole_organization(rows.order_by("id"), visible_to)


def get_machine_identity(ref: Ref, *, visible_to: Actor) -> MachineIdentity:
    """Raises NotFound."""
    try:
        return machine_identities(visible_to=visible_to).get(**{ref.by: ref.value})
    except MachineIdentity.DoesNotExist as error:
        raise NotFound(_("There is no such machine identity."), code="machine-identity-not-found") from error
