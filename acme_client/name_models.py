"""Which public names an organization may order certificates for, and by whom it changes its DNS."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.said import SaidField


class PublicName(models.Model):
    """A domain, with everything below it, or an address, for which an organization may order certificates.

    It belongs to one organization from the moment it is proven: by a TXT record, or by the word of a superuser.
    """

    class Proof(models.TextChoices):
        DNS = "dns", _("a TXT record")
        GRANT = "grant", _("a superuser")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="public_names", verbose_name=_("organization"), db_index=False
    )
    # Lower-case A-labels without a dot at either end, or an address in its canonical form.
    suffix = models.CharField(_("name"), max_length=253)
    # What the TXT record holds.
    token = models.CharField(_("token"), max_length=64, editable=False)
    proven_by = models.CharField(_("proven by"), max_length=6, choices=Proof, blank=True)
    proven_at = models.DateTimeField(_("proven at"), null=True, blank=True)
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)
    last_error = SaidField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("public name")
        verbose_name_plural = _("public names")
        ordering = ["organization", "suffix"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "suffix"], name="acme_client_publicname_once"),
            models.UniqueConstraint(
                fields=["suffix"],
                condition=models.Q(proven_at__isnull=False),
                name="acme_client_publicname_proven_once",
            ),
        ]
        indexes = [models.Index(fields=["organization", "id"], name="acme_client_publicname_list")]

    def __str__(self) -> str:
        return self.suffix


class DnsProvider(models.Model):
    """Somebody who changes DNS for us, by an interface of their own or by RFC 2136."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="dns_providers", verbose_name=_("organization"), db_index=False
    )
    name = models.CharField(_("name"), max_length=80)
    type = models.CharField(_("type"), max_length=40)
    # What of the configuration may be seen; credentials stand in `sealed_config`, as JSON, and are never shown.
    config = models.JSONField(_("configuration"), default=dict, blank=True)
    sealed_config = models.BinaryField(null=True, editable=False)
    # The zones that it is asked for: the longest that fits decides between several. Empty: all that no other has.
    zones = models.JSONField(_("zones"), default=list, blank=True)
    # How long after a change its authoritative servers are given to show it.
    propagation_seconds = models.PositiveIntegerField(_("patience in seconds"), default=120)
    tested_at = models.DateTimeField(_("tested at"), null=True, blank=True)
    # Of the last test; empty where it succeeded.
    last_error = SaidField(_("last error"), max_length=1000, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("DNS provider")
        verbose_name_plural = _("DNS providers")
        ordering = ["organization", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="acme_client_dnsprovider_name"),
            models.UniqueConstraint(fields=["id", "organization"], name="acme_client_dnsprovider_target"),
        ]
        indexes = [models.Index(fields=["organization", "id"], name="acme_client_dnsprovider_list")]

    def __str__(self) -> str:
        return self.name
