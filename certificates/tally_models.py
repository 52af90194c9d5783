"""How many there are, without counting them again."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization


class CertificateTally(models.Model):
    """How many certificates an organization has up to one of them. Rows are added, and never change: no certificate is
    ever deleted, and a tally is taken only of what no transaction can add to any more.
    """

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    # The number of the last certificate that is counted.
    through = models.BigIntegerField(_("up to number"))
    count = models.BigIntegerField(_("count"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("tally of certificates")
        verbose_name_plural = _("tallies of certificates")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "through"], name="certificates_tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.count} ≤ {self.through}"
