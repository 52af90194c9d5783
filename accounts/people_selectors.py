"""What an actor may see of people, and of what their programs show."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts import policy
from accounts.models import IssuancePolicy, Membership, Organization, ServiceAccount, ServiceAccountToken, User
from accounts.selectors import of_whole_organization, organizations, service_accounts
from kernel.actor import Actor, ActorKind
from kernel.errors import Denied, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _


def people(*, visible_to: Actor) -> QuerySet[User]:
    """Oneself, or whoever answers for the credential; the members of one's organization for whoever may see them, and
    those who have their password from it for whoever may change them; everybody for a superuser above all
    organizations. Without those who are gone for good.
    """
    rows = User.objects.filter(closed_at=None).prefetch_related("memberships__custom_role").order_by("id")
    if visible_to.organization_id is None and visible_to.is_superuser:
        return rows
    seen = Q(pk__in=()) if visible_to.kind is ActorKind.SERVICE_ACCOUNT else Q(pk=visible_to.person_id or 0)
    if policy.holds(visible_to, Permission.MEMBERS_READ) and visible_to.organization_id is not None:
        seen |= Q(memberships__organization_id=visible_to.organization_id)
    if policy.holds(visible_to, Permission.MEMBERS_WRITE) and visible_to.organization_id is not None:
        seen |= Q(sponsored_by_id=visible_to.organization_id, memberships=None)
    return rows.filter(seen).distinct()


def everybody(*, visible_to: Actor) -> QuerySet[User]:
    """All people of all organizations. Raises Denied: superusers only."""
    if not visible_to.is_superuser:
        raise Denied(_("Only a superuser can do this."))
    return people(visible_to=visible_to)


def get_person(ref: Ref, *, visible_to: Actor) -> User:
    """Raises NotFound."""
    found = people(visible_to=visible_to).filter(**{ref.by: ref.value}).first()
    if found is None:
        raise NotFound(_("User not found"), code="user-not-found")
    return found


def home_of_person(user: User, *, seen_by: Actor) -> Membership | None:
    """The membership that counts where a person has one only: in the organization of whoever looks, else in the
    person's default one, else the oldest.
    """
    rows = {row.organization_id: row for row in user.memberships.all()}
    if seen_by.organization_id is not None:
        return rows.get(seen_by.organization_id)
    return rows.get(user.default_organization_id or 0) or min(rows.values(), key=lambda row: row.pk, default=None)


def open_organizations(*, visible_to: Actor) -> QuerySet[Organization]:
    """Without those that are closed."""
    return organizations(visible_to=visible_to).filter(closed_at=None)


def get_open_organization(ref: Ref, *, visible_to: Actor) -> Organization:
    """Raises NotFound."""
    found = open_organizations(visible_to=visible_to).filter(**{ref.by: ref.value}).first()
    if found is None:
        raise NotFound(_("Organization not found"), code="organization-not-found")
    return found


def open_service_accounts(*, visible_to: Actor) -> QuerySet[ServiceAccount]:
    """Without those that are closed; the oldest first."""
    return service_accounts(visible_to=visible_to).filter(closed_at=None).order_by("id")


def get_open_service_account(ref: Ref, *, visible_to: Actor) -> ServiceAccount:
    """Raises NotFound."""
    found = open_service_accounts(visible_to=visible_to).filter(**{ref.by: ref.value}).first()
    if found is None:
        raise NotFound(_("There is no such service account."), code="service-account-not-found")
    return found


def service_tokens(*, visible_to: Actor) -> QuerySet[ServiceAccountToken]:
    return of_whole_organization(
        ServiceAccountToken.objects.select_related("service_account").order_by("id"), visible_to
    )


def get_service_token(account: ServiceAccount, ref: Ref, *, visible_to: Actor) -> ServiceAccountToken:
    """Raises NotFound."""
    rows = service_tokens(visible_to=visible_to).filter(service_account=account)
    found = rows.filter(**{ref.by: ref.value}).first()
    if found is None:
        raise NotFound(_("Token not found"), code="service-token-not-found")
    return found


def get_issuance_policy(account: ServiceAccount, *, visible_to: Actor) -> IssuancePolicy:
    """Raises NotFound."""
    rows = of_whole_organization(IssuancePolicy.objects.select_related("service_account"), visible_to)
    found = rows.filter(service_account=account).first()
    if found is None:
        raise NotFound(_("Service account has no issuance policy"), code="issuance-policy-not-found")
    return found
