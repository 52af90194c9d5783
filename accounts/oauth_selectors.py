"""What an actor may see of applications, and of what people let them do."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from accounts import policy
from accounts.models import OAuthClient, OAuthConsent
from accounts.selectors import of_whole_organization
from kernel.actor import Actor, ActorKind
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _


def oauth_clients(*, visible_to: Actor) -> QuerySet[OAuthClient]:
    """The organization's own; those that registered themselves are nobody's."""
    return of_whole_organization(OAuthClient.objects.select_related("owner").order_by("-id"), visible_to)


def get_oauth_client(ref: Ref, *, visible_to: Actor) -> OAuthClient:
    """Raises NotFound."""
    try:
        return oauth_clients(visible_to=visible_to).get(**{ref.by: ref.value})
    except OAuthClient.DoesNotExist as error:
        raise NotFound(_("There is no such application."), code="oauth-client-not-found") from error


def oauth_consents(*, visible_to: Actor) -> QuerySet[OAuthConsent]:
    rows = OAuthConsent.objects.select_related("client", "user", "organization").order_by("-id")
    return of_whole_organization(rows, visible_to)


def consents_in_force(*, visible_to: Actor) -> QuerySet[OAuthConsent]:
    """One's own, in person, in the organization where one works; everybody's there for who may read API keys."""
    rows = in_force(oauth_consents(visible_to=visible_to)).prefetch_related("cas__ca")
    if policy.holds(visible_to, Permission.API_KEYS_READ):
        return rows
    return rows.filter(user_id=visible_to.id) if visible_to.kind is ActorKind.USER else rows.none()


def get_oauth_consent(ref: Ref, *, visible_to: Actor) -> OAuthConsent:
    """One of these. Raises NotFound."""
    try:
        return consents_in_force(visible_to=visible_to).get(**{ref.by: ref.value})
    except OAuthConsent.DoesNotExist as error:
        raise NotFound(_("There is no such consent."), code="oauth-consent-not-found") from error


def in_force(rows: QuerySet[OAuthConsent]) -> QuerySet[OAuthConsent]:
    """Those of the rows by which an application can still do something."""
    return rows.filter(revoked_at=None, client__revoked_at=None, expires_at__gt=timezone.now())
