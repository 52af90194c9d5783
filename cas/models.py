"""Authority: what may sign, with which key, under which rules, and every serial it has used."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization

# They have files of their own; Django looks for models here.
from cas.anchor_models import TrustAnchor as TrustAnchor
from cas.authority_models import ALGORITHMS as ALGORITHMS
from cas.authority_models import BlockedKey as BlockedKey
from cas.authority_models import CaCertificate as CaCertificate
from cas.authority_models import CaKey as CaKey
from cas.authority_models import CertificateAuthority as CertificateAuthority
from cas.authority_models import IssuedSerial as IssuedSerial


class Role(models.Model):
    """The guard rails of issuance under one CA."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="pki_roles", verbose_name=_("organization")
    )
    ca = models.ForeignKey(CertificateAuthority, models.PROTECT, related_name="roles", verbose_name=_("authority"))
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=500, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    allowed_domains = models.JSONField(_("allowed domains"), default=list, blank=True)
    allow_any_name = models.BooleanField(_("allow any name"), default=False)
    allow_bare_domains = models.BooleanField(_("allow the domains themselves"), default=True)
    allow_subdomains = models.BooleanField(_("allow subdomains"), default=False)
    allow_wildcards = models.BooleanField(_("allow wildcards"), default=False)
    allow_dns_sans = models.BooleanField(_("allow DNS names"), default=True)
    allow_ip_sans = models.BooleanField(_("allow IP addresses"), default=False)
    allowed_ip_ranges = models.JSONField(_("allowed IP ranges"), default=list, blank=True)
    allow_email_sans = models.BooleanField(_("allow e-mail addresses"), default=False)
    allowed_email_domains = models.JSONField(_("allowed e-mail domains"), default=list, blank=True)
    allow_uri_sans = models.BooleanField(_("allow URIs"), default=False)
    allowed_uri_prefixes = models.JSONField(_("allowed URI prefixes"), default=list, blank=True)
    max_ttl = models.DurationField(_("longest validity"))
    key_algorithms = models.JSONField(_("key algorithms"), default=list, blank=True)
    common_name = models.CharField(_("common name"), max_length=10, default="optional")
    subject_attributes = models.JSONField(_("subject attributes"), default=list, blank=True)
    store_private_keys = models.BooleanField(_("store private keys"), default=False)
    requires_approval = models.BooleanField(_("requires approval"), default=False)
    approver_role = models.CharField(_("approver role"), max_length=80, blank=True)
    approvals_needed = models.PositiveSmallIntegerField(_("approvals needed"), default=1)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["organization", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=models.Q(retired_at__isnull=True), name="cas_role_name"
            ),
            models.UniqueConstraint(fields=["id", "organization"], name="cas_role_tenant_target"),
            SameOrganization(field="ca", name="cas_role_tenant"),
        ]

    def __str__(self) -> str:
        return self.name

    def to_document(self) -> dict[str, object]:
        """The role's part of a profile document (`cas.core.profile`)."""
        return {
            "allowed_domains": self.allowed_domains,
            "allow_any_name": self.allow_any_name,
            "allow_bare_domains": self.allow_bare_domains,
            "allow_subdomains": self.allow_subdomains,
            "allow_wildcards": self.allow_wildcards,
            "allow_dns_sans": self.allow_dns_sans,
            "allow_ip_sans": self.allow_ip_sans,
            "allowed_ip_ranges": self.allowed_ip_ranges,
            "allow_email_sans": self.allow_email_sans,
            "allowed_email_domains": self.allowed_email_domains,
            "allow_uri_sans": self.allow_uri_sans,
            "allowed_uri_prefixes": self.allowed_uri_prefixes,
            "max_ttl": int(self.max_ttl.total_seconds()),
            "key_algorithms": self.key_algorithms,
            "common_name": self.common_name,
            "subject_attributes": self.subject_attributes,
            "store_private_keys": self.store_private_keys,
        }


class Template(models.Model):
    """The recipe on offer: which CA, under which role, makes what."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="templates", verbose_name=_("organization")
    )
    ca = models.ForeignKey(CertificateAuthority, models.PROTECT, related_name="templates", verbose_name=_("authority"))
    role = models.ForeignKey(Role, models.PROTECT, related_name="templates", verbose_name=_("role"))
    name = models.CharField(_("name"), max_length=120)
    code = models.CharField(_("code"), max_length=80)
    description = models.CharField(_("description"), max_length=500, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    key_algorithm = models.CharField(_("key algorithm"), max_length=12, choices=ALGORITHMS)
    any_key_algorithm = models.BooleanField(_("CSRs may bring another kind of key"), default=False)
    validity = models.DurationField(_("validity"))
    backdate = models.DurationField(_("backdate"), default=timedelta)
    key_usage = models.JSONField(_("key usage"), default=list)
    extended_key_usage = models.JSONField(_("extended key usage"), default=list, blank=True)
    certificate_policies = models.JSONField(_("certificate policies"), default=list, blank=True)
    lint = models.CharField(
        _("lint"), max_length=5, choices=[("block", _("block")), ("off", _("off"))], default="block"
    )
    add_common_name_to_sans = models.BooleanField(_("add the common name to the SANs"), default=True)
    include_cdp = models.BooleanField(_("name the CRL"), default=True)
    include_aia = models.BooleanField(_("name OCSP and the issuer's certificate"), default=True)
    renew_same_key = models.BooleanField(_("renewal may keep the key"), default=False)
    # Where nothing of it changes but the key, for another of its kind.
    approval_covers_renewal = models.BooleanField(_("an approval covers renewals"), default=False)
    requires_approval = models.BooleanField(_("requires approval"), default=False)
    approver_role = models.CharField(_("approver role"), max_length=80, blank=True)
    approvals_needed = models.PositiveSmallIntegerField(_("approvals needed"), default=1)
    # The version that is issued under now. Null only while the first one is being written.
    profile = models.ForeignKey(
        "ProfileVersion", models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("profile")
    )
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["organization", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], condition=models.Q(retired_at__isnull=True), name="cas_template_code"
            ),
            models.UniqueConstraint(fields=["id", "organization"], name="cas_template_tenant_target"),
            SameOrganization(field="ca", name="cas_template_tenant"),
            SameOrganization(field="role", name="cas_template_role_tenant"),
        ]

    def __str__(self) -> str:
        return self.code

    def to_document(self) -> dict[str, object]:
        """The template's part of a profile document (`cas.core.profile`)."""
        return {
            "key_algorithm": self.key_algorithm,
            "any_key_algorithm": self.any_key_algorithm,
            "validity": int(self.validity.total_seconds()),
            "backdate": int(self.backdate.total_seconds()),
            "key_usage": self.key_usage,
            "extended_key_usage": self.extended_key_usage,
            "certificate_policies": self.certificate_policies,
            "lint": self.lint,
            "add_common_name_to_sans": self.add_common_name_to_sans,
            "include_cdp": self.include_cdp,
            "include_aia": self.include_aia,
            "renew_same_key": self.renew_same_key,
        }


class ProfileVersion(models.Model):
    """Role and template as they stood together at one time. Never changed: certificates keep theirs."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    template = models.ForeignKey(Template, models.PROTECT, related_name="versions", verbose_name=_("template"))
    template_version = models.PositiveIntegerField(_("template version"))
    role_version = models.PositiveIntegerField(_("role version"))
    document = models.JSONField(_("document"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("profile version")
        verbose_name_plural = _("profile versions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "template_version", "role_version"], name="cas_profileversion_once"
            ),
            SameOrganization(field="template", name="cas_profileversion_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.template_version}.{self.role_version}"
