"""What tells the public of revocations: CRLs, OCSP responders, and the addresses where they are found."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization
from accounts.said import SaidField
from cas.models import CertificateAuthority


class CrlScope(models.Model):
    """One sequence of CRLs: a CA's full CRL (scope 0) or one shard. Its lease keeps publishers apart."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    ca = models.ForeignKey(CertificateAuthority, models.PROTECT, related_name="crl_scopes", verbose_name=_("authority"))
    scope = models.PositiveSmallIntegerField(_("scope"), default=0)
    last_number = models.BigIntegerField(_("last number"), default=0)
    last_this_update = models.DateTimeField(_("last CRL from"), null=True, blank=True)
    next_due_at = models.DateTimeField(_("due at"))
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("failed attempts"), default=0)
    last_error = SaidField(_("last error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("CRL scope")
        verbose_name_plural = _("CRL scopes")
        ordering = ["ca", "scope"]
        constraints = [
            models.UniqueConstraint(fields=["ca", "scope"], name="certificates_crlscope_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="certificates_crlscope_target"),
            SameOrganization(field="ca", name="certificates_crlscope_tenant"),
        ]
        indexes = [models.Index(fields=["next_due_at"], name="certificates_crlscope_due")]

    def __str__(self) -> str:
        return f"{self.ca} · {self.scope}"


class Crl(models.Model):
    """A certificate revocation list as it was signed (RFC 5280, section 5)."""

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    scope = models.ForeignKey(CrlScope, models.PROTECT, related_name="crls", verbose_name=_("CRL scope"))
    number = models.BigIntegerField(_("CRL number"))
    this_update = models.DateTimeField(_("this update"))
    next_update = models.DateTimeField(_("next update"))
    entries = models.PositiveIntegerField(_("entries"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    body = models.BinaryField(editable=False)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("CRL")
        verbose_name_plural = _("CRLs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "number"], name="certificates_crl_number"),
            SameOrganization(field="scope", name="certificates_crl_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} · {self.number}"


class OcspResponder(models.Model):
    """A delegated OCSP responder (RFC 6960, section 4.2.2.2): its certificate and its sealed key."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    ca = models.ForeignKey(CertificateAuthority, models.PROTECT, related_name="responders", verbose_name=_("authority"))
    serial = models.CharField(_("serial number"), max_length=40)
    der = models.BinaryField(editable=False)
    sealed_key = models.BinaryField(editable=False)
    not_before = models.DateTimeField(_("not before"))
    not_after = models.DateTimeField(_("not after"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("OCSP responder")
        verbose_name_plural = _("OCSP responders")
        ordering = ["-id"]
        constraints = [SameOrganization(field="ca", name="certificates_responder_tenant")]
        indexes = [models.Index(fields=["ca", "not_after"], name="certificates_responder_newest")]

    def __str__(self) -> str:
        return f"{self.ca} · {self.serial}"


class PublicPath(models.Model):
    """A public address that stands in certificates. It is never given to anything else."""

    class Kind(models.TextChoices):
        CA = "ca", _("CA certificate")
        CRL = "crl", _("CRL")
        OCSP = "ocsp", _("OCSP")

    path = models.CharField(_("path"), max_length=250, unique=True)
    kind = models.CharField(_("kind"), max_length=4, choices=Kind)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    ca = models.ForeignKey(
        CertificateAuthority, models.PROTECT, related_name="public_paths", verbose_name=_("authority")
    )
    scope = models.PositiveSmallIntegerField(_("CRL scope"), default=0)

    class Meta:
        verbose_name = _("public path")
        verbose_name_plural = _("public paths")
        ordering = ["path"]
        constraints = [SameOrganization(field="ca", name="certificates_publicpath_tenant")]

    def __str__(self) -> str:
        return self.path
