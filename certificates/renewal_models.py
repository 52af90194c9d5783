"""Certificates whose time to be renewed has come."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization
from accounts.queue import Queued
from accounts.said import SaidField


class Renewal(Queued):
    """A certificate that is to be renewed by itself, from when it is due until it has a successor: a row of the queue.

    What made it wait stands in it; when the successor is there, the row is gone.
    """

    class Standing(models.TextChoices):
        DUE = "due", _("to be renewed")
        # It is tried again, later each time.
        FAILED = "failed", _("could not be renewed")
        # Its key is not here, and the template wants a new one.
        NEEDED = "needed", _("waits for a CSR")
        ASKED = "asked", _("waits for an approval")
        HELD = "held", _("waits for the end of the hold")

    certificate = models.OneToOneField(
        "certificates.Certificate",
        models.PROTECT,
        primary_key=True,
        related_name="renewal",
        verbose_name=_("certificate"),
    )
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    standing = models.CharField(_("status"), max_length=8, choices=Standing, default=Standing.DUE)
    due_at = models.DateTimeField(_("due at"))
    last_error = SaidField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("renewal")
        verbose_name_plural = _("renewals")
        ordering = ["due_at", "certificate"]
        constraints = [SameOrganization(field="certificate", name="certificates_renewal_tenant")]
        indexes = [
            models.Index(fields=["due_at"], name="certificates_renewal_due"),
            models.Index(fields=["organization", "standing"], name="certificates_renewal_standing"),
        ]

    def __str__(self) -> str:
        return f"{self.certificate_id}: {self.standing}"
