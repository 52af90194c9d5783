"""What came with certificates that were issued elsewhere."""

from __future__ import annotations

from functools import cached_property

from cryptography import x509
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization
from cas.core.formats import read_certificates


class ImportedChain(models.Model):
    """The CAs above an imported certificate, its issuer first, as far as they were handed over with it."""

    certificate = models.OneToOneField(
        "certificates.Certificate",
        models.PROTECT,
        primary_key=True,
        related_name="imported_chain",
        verbose_name=_("certificate"),
    )
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    pem = models.TextField()

    class Meta:
        verbose_name = _("imported chain")
        verbose_name_plural = _("imported chains")
        constraints = [SameOrganization(field="certificate", name="certificates_importedchain_tenant")]

    def __str__(self) -> str:
        return str(self.certificate_id)

    @cached_property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        return read_certificates(self.pem)
