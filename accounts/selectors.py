"""What an actor may see of organizations, people and credentials."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar

from django.db.models import Model, QuerySet

from accounts.models import (
    ApiKey,
    CustomRole,
    ExternalIdentity,
    Invitation,
    Membership,
    Organization,
    PrivateRange,
    ServiceAccount,
    SignInProvider,
    User,
)
from kernel.actor import Actor, ActorKind
from kernel.errors import Denied, Invalid, NotFound
from kernel.ref import Ref
from kernel.text import _

M = TypeVar("M", bound=Model)


def within_reach(rows: QuerySet[M], actor: Actor, *, column: str = "organization_id") -> QuerySet[M]:
    """The rows of the actor's organization. Without an organization only superusers and the system see any."""
    if actor.organization_id is not None:
        return rows.filter(**{column: actor.organization_id})
    if actor.is_superuser or actor.kind is ActorKind.SYSTEM:
        return rows
    return rows.none()


def under_granted_cas(rows: QuerySet[M], actor: Actor, *, column: str = "ca_id") -> QuerySet[M]:
    """`within_reach`, and of the CAs that the actor is let to; without such a limit, of all."""
    rows = within_reach(rows, actor)
    if actor.grants is None:
        return rows
    return rows.filter(**{f"{column}__in": [grant.ca_id for grant in actor.grants]})


def of_whole_organization(rows: QuerySet[M], actor: Actor) -> QuerySet[M]:
    """`within_reach` of what is not about a CA: nothing for those who are let to single ones."""
    return within_reach(rows, actor) if actor.grants is None else rows.none()


def reach_sql(actor: Actor, column: str) -> tuple[str, list[int]]:
    """`within_reach` as a condition of SQL that is written by hand, with its parameters."""
    if actor.organization_id is not None:
        return f"{column} = %s", [actor.organization_id]
    return ("TRUE" if actor.is_superuser or actor.kind is ActorKind.SYSTEM else "FALSE"), []


def organizations(*, visible_to: Actor) -> QuerySet[Organization]:
    return within_reach(Organization.objects.order_by("id"), visible_to, column="id")


def get_organization(ref: Ref, *, visible_to: Actor) -> Organization:
    """Raises NotFound."""
    try:
        return organizations(visible_to=visible_to).get(**{ref.by: ref.value})
    except Organization.DoesNotExist as error:
        raise NotFound(_("There is no such organization."), code="organization-not-found") from error


def acting_in(actor: Actor, organization: Ref | None) -> Actor:
    """The actor, in this organization alone; None leaves it as it is.

    Raises Denied where there is no such organization and where the actor does not act in it, alike.
    """
    if organization is None:
        return actor
    try:
        row = get_organization(organization, visible_to=actor)
    except NotFound as error:
        raise Denied(_("You do not act in this organization.")) from error
    return replace(actor, organization_id=row.pk)


def home_of(actor: Actor) -> Organization:
    """Where the actor works. Of a superuser above all organizations: the one that the account names, else the only one,
    else the one of the oldest membership.

    Raises Invalid where that says nothing.
    """
    rows = organizations(visible_to=actor)
    if actor.organization_id is None and actor.person_id is not None:
        person = User.objects.filter(pk=actor.person_id).first()
        if person is not None and person.default_organization_id is not None:
            rows = rows.filter(pk=person.default_organization_id)
    found = list(rows[:2])
    if len(found) > 1:
        found = list(rows.filter(memberships__user_id=actor.person_id or 0).order_by("memberships__id")[:1])
    if not found:
        text = _("Work in an organization, or set a default one for yourself.")
        raise Invalid.of("organization_id", "required", text)
    return found[0]


def person_of(actor: Actor) -> User:
    """The person who answers for the actor. Raises Denied where nobody does."""
    person = User.objects.filter(pk=actor.person_id).first() if actor.person_id is not None else None
    if person is None:
        raise Denied(_("Only a person, or a credential of one, can do this."))
    return person


def other_maker(kind: str, credential_id: int) -> int | None:
    """Who has made the key that asked for something, where that was another one than its owner.

    What it has asked for may be the maker's doing, and so may what follows from it by itself.
    """
    if kind != ActorKind.API_KEY:
        return None
    key = ApiKey.objects.filter(pk=credential_id).first()
    return None if key is None or key.is_made_by_owner else key.maker_id


def memberships(*, visible_to: Actor) -> QuerySet[Membership]:
    rows = Membership.objects.select_related("user", "organization", "custom_role").order_by("id")
    return of_whole_organization(rows, visible_to)


def get_membership(ref: Ref, *, visible_to: Actor) -> Membership:
    """Raises NotFound."""
    try:
        return memberships(visible_to=visible_to).get(**{ref.by: ref.value})
    except Membership.DoesNotExist as error:
        raise NotFound(_("There is no such member."), code="member-not-found") from error


def api_keys(*, visible_to: Actor) -> QuerySet[ApiKey]:
    rows = ApiKey.objects.select_related("owner", "maker", "organization", "replaces", "successor")
    rows = rows.prefetch_related("grants__ca").order_by("-id")
    return of_whole_organization(rows, visible_to)


def get_api_key(ref: Ref, *, visible_to: Actor) -> ApiKey:
    """Raises NotFound."""
    try:
        return api_keys(visible_to=visible_to).get(**{ref.by: ref.value})
    except ApiKey.DoesNotExist as error:
        raise NotFound(_("There is no such API key."), code="api-key-not-found") from error


def service_accounts(*, visible_to: Actor) -> QuerySet[ServiceAccount]:
    rows = ServiceAccount.objects.select_related("owner", "maker", "organization").prefetch_related("grants__ca")
    return of_whole_organization(rows.order_by("-id"), visible_to)


def get_service_account(ref: Ref, *, visible_to: Actor) -> ServiceAccount:
    """Raises NotFound."""
    try:
        return service_accounts(visible_to=visible_to).get(**{ref.by: ref.value})
    except ServiceAccount.DoesNotExist as error:
        raise NotFound(_("There is no such service account."), code="service-account-not-found") from error


def find_member(organization: Organization, email: str) -> User | None:
    """The member of this organization with this e-mail address."""
    return User.objects.filter(email__iexact=email.strip(), memberships__organization=organization).first()


def custom_roles(*, visible_to: Actor) -> QuerySet[CustomRole]:
    return of_whole_organization(CustomRole.objects.select_related("organization").order_by("id"), visible_to)


def get_custom_role(ref: Ref, *, visible_to: Actor) -> CustomRole:
    """Raises NotFound."""
    try:
        return custom_roles(visible_to=visible_to).get(**{ref.by: ref.value})
    except CustomRole.DoesNotExist as error:
        raise NotFound(_("There is no such role."), code="custom-role-not-found") from error


def invitations(*, visible_to: Actor) -> QuerySet[Invitation]:
    rows = Invitation.objects.select_related("inviter", "organization").order_by("-id")
    return of_whole_organization(rows, visible_to)


def get_invitation(ref: Ref, *, visible_to: Actor) -> Invitation:
    """Raises NotFound."""
    try:
        return invitations(visible_to=visible_to).get(**{ref.by: ref.value})
    except Invitation.DoesNotExist as error:
        raise NotFound(_("There is no such invitation."), code="invitation-not-found") from error


def sign_in_providers(*, visible_to: Actor) -> QuerySet[SignInProvider]:
    return of_whole_organization(SignInProvider.objects.select_related("organization").order_by("id"), visible_to)


def get_sign_in_provider(ref: Ref, *, visible_to: Actor) -> SignInProvider:
    """Raises NotFound."""
    try:
        return sign_in_providers(visible_to=visible_to).get(**{ref.by: ref.value})
    except SignInProvider.DoesNotExist as error:
        raise NotFound(_("There is no such provider."), code="sign-in-provider-not-found") from error


def external_identities(*, visible_to: Actor) -> QuerySet[ExternalIdentity]:
    return of_whole_organization(ExternalIdentity.objects.select_related("user").order_by("id"), visible_to)


def get_external_identity(ref: Ref, *, visible_to: Actor) -> ExternalIdentity:
    """Raises NotFound."""
    try:
        return external_identities(visible_to=visible_to).get(**{ref.by: ref.value})
    except ExternalIdentity.DoesNotExist as error:
        raise NotFound(_("There is no such identity."), code="external-identity-not-found") from error


def find_user(email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip()).first()


def private_ranges_of(organization_id: int) -> list[IPv4Network | IPv6Network]:
    """The address ranges behind us that this organization may name, for `accounts.outbound`."""
    rows = PrivateRange.objects.filter(organization_id=organization_id)
    return [ip_network(network) for network in rows.values_list("network", flat=True)]
