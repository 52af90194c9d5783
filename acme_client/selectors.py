"""What an actor may see of accounts at public CAs and of what is ordered there.

None of it stands under a CA of ours, so whoever is let to single CAs alone sees nothing.
"""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from accounts.selectors import of_whole_organization
from acme_client.models import AcmeAccount, AcmeAuthorization, AcmeChallenge, AcmeOrder
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ref import Ref
from kernel.text import _


def visible_accounts(*, visible_to: Actor) -> QuerySet[AcmeAccount]:
    return of_whole_organization(AcmeAccount.objects.select_related("organization").order_by("name", "id"), visible_to)


def get_account(ref: Ref, *, visible_to: Actor) -> AcmeAccount:
    """Raises NotFound."""
    try:
        return visible_accounts(visible_to=visible_to).get(**{ref.by: ref.value})
    except (AcmeAccount.DoesNotExist, AcmeAccount.MultipleObjectsReturned) as error:
        raise NotFound(_("There is no such ACME account."), code="acme-account-not-found") from error


def visible_orders(*, visible_to: Actor, status: str = "", account: Ref | None = None) -> QuerySet[AcmeOrder]:
    """Newest first, each with its authorizations and their challenges; those in this state, and by this account.

    Raises NotFound (the account).
    """
    challenges = AcmeAuthorization.objects.select_related("challenge").order_by("id")
    rows = AcmeOrder.objects.select_related("organization", "account", "certificate", "request")
    rows = rows.prefetch_related(Prefetch("authorizations", challenges)).order_by("-id")
    if status:
        rows = rows.filter(status=status)
    if account is not None:
        rows = rows.filter(account=get_account(account, visible_to=visible_to))
    return of_whole_organization(rows, visible_to)


def get_order(ref: Ref, *, visible_to: Actor) -> AcmeOrder:
    """Raises NotFound."""
    try:
        return visible_orders(visible_to=visible_to).get(**{ref.by: ref.value})
    except AcmeOrder.DoesNotExist as error:
        raise NotFound(_("There is no such ACME order."), code="acme-order-not-found") from error


def get_challenge(ref: Ref, *, visible_to: Actor) -> AcmeChallenge:
    """With its order. Raises NotFound."""
    rows = AcmeChallenge.objects.select_related("authorization__order__account", "dns_provider")
    try:
        return of_whole_organization(rows, visible_to).get(**{ref.by: ref.value})
    except AcmeChallenge.DoesNotExist as error:
        raise NotFound(_("There is no such challenge."), code="acme-challenge-not-found") from error
