"""Whether an organization's licence covers what it is about to do."""

from __future__ import annotations

from django.conf import settings

from accounts.models import Organization
from kernel.errors import Unlicensed
from kernel.features import Feature
from kernel.text import _


def features_of(organization: Organization) -> frozenset[Feature]:
    """Those of its own list, or where it has none, those of the installation. A name of no feature covers nothing."""
    named = settings.LICENSED_FEATURES if organization.features is None else organization.features
    return frozenset(feature for feature in Feature if feature in named)


def require_feature(organization: Organization, feature: Feature) -> None:
    """Raises Unlicensed, which says what is missing and whom to ask. Whoever may not do it at all is told that first:
    ask for the permission before this.
    """
    if feature in features_of(organization):
        return
    text = _("The licence of %(organization)s does not cover %(feature)s. Ask %(contact)s.")
    contact = settings.LICENCE_CONTACT or settings.FIRST_ADMINISTRATOR
    raise Unlicensed(text, organization=organization.name, feature=feature.value, contact=contact)
