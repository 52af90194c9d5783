"""What an organization is licensed for."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.models import Organization
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Denied, Invalid, field_error
from kernel.features import Feature
from kernel.text import _


@transaction.atomic
def set_features(*, actor: Actor, organization: Organization, features: Sequence[str] | None) -> Organization:
    """From now on these are covered; None: those of the installation. What is there already stays and works on.

    Superusers only. Raises Denied, Invalid (unknown features).
    """
    if not actor.is_superuser:
        raise Denied(_("Only a superuser can say what an organization is licensed for."))
    known = ", ".join(Feature)
    errors = [
        field_error(f"features[{index}]", "unknown-feature", _("Known are %(known)s."), known=known)
        for index, feature in enumerate(features or ())
        if feature not in set(Feature)
    ]
    if errors:
        raise Invalid(errors=errors)
    row = Organization.objects.select_for_update().get(pk=organization.pk)
    row.features = None if features is None else sorted(set(features))
    row.save(update_fields=["features"])
    resource = Resource("organization", row.pk, row.name)
    audit.record(actor, EventName.ORGANIZATION_UPDATED, resource, organization_id=row.pk, features=row.features)
    return row
