"""What an actor may see of public names and of DNS providers."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.selectors import of_whole_organization
from acme_client.name_models import DnsProvider, PublicName
from acme_client.public_names import longest_covering
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ref import Ref
from kernel.text import _


def visible_names(*, visible_to: Actor) -> QuerySet[PublicName]:
    return of_whole_organization(PublicName.objects.select_related("organization").order_by("suffix"), visible_to)


def get_name(ref: Ref, *, visible_to: Actor) -> PublicName:
    """Raises NotFound."""
    try:
        return visible_names(visible_to=visible_to).get(**{ref.by: ref.value})
    except PublicName.DoesNotExist as error:
        raise NotFound(_("There is no such public name."), code="public-name-not-found") from error


def visible_providers(*, visible_to: Actor) -> QuerySet[DnsProvider]:
    return of_whole_organization(DnsProvider.objects.select_related("organization").order_by("name"), visible_to)


def get_provider(ref: Ref, *, visible_to: Actor) -> DnsProvider:
    """Raises NotFound."""
    try:
        return visible_providers(visible_to=visible_to).get(**{ref.by: ref.value})
    except DnsProvider.DoesNotExist as error:
        raise NotFound(_("There is no such DNS provider."), code="dns-provider-not-found") from error


def provider_for(organization_id: int, record: str) -> DnsProvider | None:
    """Who changes this record for the organization: the one with the longest zone above it, else one without zones.

    None: nobody does, and a person publishes it.
    """
    zones: dict[str, DnsProvider] = {}
    anywhere: DnsProvider | None = None
    for row in DnsProvider.objects.filter(organization_id=organization_id).order_by("id"):
        if not row.zones:
            anywhere = anywhere or row
        for zone in row.zones:
            zones.setdefault(zone, row)
    found = longest_covering(record, zones)
    return zones[found] if found is not None else anywhere
