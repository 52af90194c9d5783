"""Signing requests that certificates were made from, for those who want them back."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_csr
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization


class SigningRequest(models.Model):
    """The DER bytes of the CSR that a certificate was issued for, where its order said that it is to be kept."""

    certificate = models.OneToOneField(
        "certificates.Certificate",
        models.PROTECT,
        primary_key=True,
        related_name="signing_request",
        verbose_name=_("certificate"),
    )
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    der = models.BinaryField()

    class Meta:
        verbose_name = _("signing request")
        verbose_name_plural = _("signing requests")
        constraints = [SameOrganization(field="certificate", name="certificates_csr_tenant")]

    def __str__(self) -> str:
        return str(self.certificate_id)

    @property
    def pem(self) -> bytes:
        return load_der_x509_csr(bytes(self.der)).public_bytes(Encoding.PEM)
