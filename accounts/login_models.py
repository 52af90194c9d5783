"""What programs show that speak in the words of other systems: tokens of people and of machines, and their limits."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.machine_models import ServiceAccount
from accounts.models import Organization, User


class SignInToken(models.Model):
    """What a person's program has got for the password: an access token for minutes, a refresh token once.

    One that was used, or given back, stays until it would have ended, so that a second use of it is seen.
    """

    class Kind(models.TextChoices):
        ACCESS = "access", _("access token")
        REFRESH = "refresh", _("refresh token")

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("person"))
    kind = models.CharField(_("kind"), max_length=7, choices=Kind)
    # All that came of one sign-in.
    family = models.UUIDField(_("family"), default=uuid.uuid4, editable=False)
    digest = models.BinaryField(max_length=32, unique=True)
    # The person's when it was made: what ends the sessions ends these.
    session_generation = models.PositiveIntegerField(_("generation of sessions"), editable=False)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("sign-in token")
        verbose_name_plural = _("sign-in tokens")
        ordering = ["-id"]
        indexes = [models.Index(fields=["family"], name="accounts_signintoken_family")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.user}"

    @property
    def is_good(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()


class ServiceAccountToken(models.Model):
    """A token that a service account signs in with. It is shown once; what stays is a keyed hash of it."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    service_account = models.ForeignKey(
        ServiceAccount, models.PROTECT, related_name="tokens", verbose_name=_("service account")
    )
    # Who has seen it: as for API keys.
    maker = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by"), db_index=False
    )
    name = models.CharField(_("name"), max_length=120, blank=True)
    # The part of it that finds the row.
    prefix = models.CharField(_("prefix"), max_length=16, unique=True)
    digest = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(_("last used from"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("token of a service account")
        verbose_name_plural = _("tokens of service accounts")
        ordering = ["-id"]
        constraints = [SameOrganization(field="service_account", name="accounts_servicetoken_own_account")]

    def __str__(self) -> str:
        return f"{self.service_account} ({self.prefix}…)"

    @property
    def is_good(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class IssuancePolicy(models.Model):
    """What a service account may have issued, whatever its permissions and the templates say. An empty list allows
    nothing of its kind.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    service_account = models.OneToOneField(
        ServiceAccount, models.PROTECT, related_name="policy", verbose_name=_("service account")
    )
    cn_patterns = models.JSONField(_("common names"), default=list, blank=True)
    san_dns_patterns = models.JSONField(_("DNS names"), default=list, blank=True)
    san_ip_cidrs = models.JSONField(_("address ranges"), default=list, blank=True)
    san_email_domains = models.JSONField(_("domains of e-mail addresses"), default=list, blank=True)
    # Numbers of CAs: those of other organizations, or of none, allow nothing.
    allowed_ca_ids = models.JSONField(_("CAs"), default=list, blank=True)
    allowed_certificate_types = models.JSONField(_("types of certificates"), default=list, blank=True)
    max_validity_days = models.PositiveIntegerField(_("longest validity in days"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("issuance policy")
        verbose_name_plural = _("issuance policies")
        ordering = ["organization", "service_account"]
        constraints = [SameOrganization(field="service_account", name="accounts_issuancepolicy_own_account")]

    def __str__(self) -> str:
        return str(self.service_account)
