"""Where certificates are used, and what is seen there."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization
from accounts.queue import Queued
from accounts.said import SaidField


class Placement(Queued):
    """A server that is to show a certificate, or whatever has renewed it. The row is the queue of looks at it."""

    class Outcome(models.TextChoices):
        UNKNOWN = "unknown", _("not looked at yet")
        SERVED = "served", _("is being served")
        # Of the same line: it has been renewed, and nobody has put the successor there.
        OLDER = "older", _("a predecessor is being served")
        STRANGER = "stranger", _("another certificate is being served")
        UNREACHABLE = "unreachable", _("does not answer")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="placements", verbose_name=_("organization"), db_index=False
    )
    # Where the line began that is meant.
    certificate = models.ForeignKey(
        "certificates.Certificate",
        models.PROTECT,
        related_name="placements",
        verbose_name=_("certificate"),
        db_index=False,
    )
    host = models.CharField(_("host"), max_length=253)
    port = models.PositiveIntegerField(_("port"), default=443)
    outcome = models.CharField(_("status"), max_length=12, choices=Outcome, default=Outcome.UNKNOWN)
    # SHA-256 of what was seen last; empty where nothing was.
    served_fingerprint = models.CharField(_("SHA-256 fingerprint"), max_length=64, blank=True)
    is_chain_complete = models.BooleanField(_("complete chain"), null=True, blank=True)
    checked_at = models.DateTimeField(_("looked at"), null=True, blank=True)
    # Since when the newest certificate of the line has not been seen there.
    wrong_since = models.DateTimeField(_("wrong since"), null=True, blank=True)
    last_error = SaidField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("place of use")
        verbose_name_plural = _("places of use")
        ordering = ["host", "port", "id"]
        constraints = [
            models.UniqueConstraint(fields=["certificate", "host", "port"], name="certificates_placement_once"),
            SameOrganization(field="certificate", name="certificates_placement_tenant"),
        ]
        indexes = [
            models.Index(fields=["organization", "id"], name="certificates_placement_list"),
            models.Index(
                fields=["due_at"], condition=models.Q(due_at__isnull=False), name="certificates_placement_due"
            ),
        ]

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
