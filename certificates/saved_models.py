"""Filters of the register that people keep under a name."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User


class SavedFilter(models.Model):
    """What somebody asks of the list of certificates again and again, for themselves or for the organization."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    owner = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("owner"), db_index=False)
    name = models.CharField(_("name"), max_length=80)
    # As the address of the list has it, without the page that somebody was on.
    query = models.TextField(_("query"), blank=True)
    is_shared = models.BooleanField(_("for the whole organization"), default=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        ordering = ["organization", "name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "owner", "name"], name="certificates_savedfilter_name"),
        ]

    def __str__(self) -> str:
        return self.name
