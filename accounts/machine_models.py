"""Machines that act for an organization under a name of their own."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User


class ServiceAccount(models.Model):
    """An identity that no person signs in with: certificates and tokens are bound to it. It never has more rights
    than its owner has.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="service_accounts", verbose_name=_("organization"), db_index=False
    )
    # The person who answers for what it does.
    owner = models.ForeignKey(User, models.PROTECT, related_name="service_accounts", verbose_name=_("owner"))
    # Who made it and may hold what it signs in with: as for API keys.
    maker = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by"), db_index=False
    )
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    # Where it is let to single CAs, its grants say what it may do, and this is empty.
    permissions = models.JSONField(_("permissions"), default=list, blank=True)
    is_per_ca = models.BooleanField(_("listed CAs only"), default=False)
    # It issues nothing but what its issuance policy allows: without one, nothing.
    needs_policy = models.BooleanField(_("needs an issuance policy"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    # Disabled for good.
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("service account")
        verbose_name_plural = _("service accounts")
        ordering = ["organization", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="accounts_serviceaccount_name"),
            models.UniqueConstraint(fields=["id", "organization"], name="accounts_serviceaccount_target"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_made_by_owner(self) -> bool:
        return self.maker_id == self.owner_id
