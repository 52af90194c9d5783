"""Whom an organization trusts besides its own CAs."""

from __future__ import annotations

import uuid
from functools import cached_property

from cryptography import x509
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from cas.authority_models import ALGORITHMS


class TrustAnchor(models.Model):
    """The certificate of a CA elsewhere that chains may end in (RFC 5280 section 6.1.1 d)."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="trust_anchors", verbose_name=_("organization")
    )
    name = models.CharField(_("name"), max_length=120)
    subject = models.TextField(_("subject"))
    issuer_name = models.TextField(_("issuer"))
    serial = models.CharField(_("serial number"), max_length=40)
    key_algorithm = models.CharField(_("key algorithm"), max_length=12, choices=ALGORITHMS)
    fingerprint = models.CharField(_("SHA-256 fingerprint"), max_length=64)
    not_before = models.DateTimeField(_("not before"))
    not_after = models.DateTimeField(_("not after"))
    der = models.BinaryField()
    # Trusted no more. The row stays, since the log tells of it.
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("trust anchor")
        verbose_name_plural = _("trust anchors")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "fingerprint"],
                condition=models.Q(retired_at__isnull=True),
                name="cas_trustanchor_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def certificate(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(bytes(self.der))
