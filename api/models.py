"""What the wire itself has to remember."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization


class IdempotencyRecord(models.Model):
    """What was answered under an `Idempotency-Key`. The key and the body stand here as keyed hashes.

    The answer is sealed under a key that nobody has who has not been sent the raw `Idempotency-Key`: a private key may
    stand in it.
    """

    # Null: a superuser without an organization asked.
    organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, related_name="+", verbose_name=_("organization"), db_index=False
    )
    principal = models.CharField(_("asked by"), max_length=100)
    method = models.CharField(_("method"), max_length=10)
    path = models.CharField(_("address"), max_length=500)
    # HMAC-SHA256 of principal, method, path and key; and of the body.
    lookup = models.BinaryField(max_length=32, unique=True)
    body_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(_("status"))
    sealed = models.BinaryField()
    created_at = models.DateTimeField(_("answered at"))
    expires_at = models.DateTimeField(_("forgotten at"))

    class Meta:
        verbose_name = _("remembered answer")
        verbose_name_plural = _("remembered answers")
        ordering = ["-id"]
        indexes = [models.Index(fields=["expires_at"], name="api_idempotency_expiry")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
