"""To whom mail may go, and in which language."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from accounts.models import Invitation, Membership


def members_among(addresses: Iterable[str], organization_id: int) -> frozenset[str]:
    """Those of these addresses, in lower case, that are an active member's."""
    lowered = {each.lower() for each in addresses}
    members = Membership.objects.filter(organization_id=organization_id, user__is_active=True)
    return frozenset(email.lower() for email in members.values_list("user__email", flat=True)) & lowered


def language_of(address: str, organization_id: int) -> str:
    """That in which somebody was invited; of whom that is not known, the installation's."""
    rows = Invitation.objects.filter(organization_id=organization_id, email__iexact=address)
    language = rows.order_by("-pk").values_list("language", flat=True).first()
    return language or settings.LANGUAGE_CODE
