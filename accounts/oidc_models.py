"""Issuers elsewhere whose access tokens an organization takes, and which of their subjects are machines of its own."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.machine_models import ServiceAccount
from accounts.models import Organization, User


class OidcIssuer(models.Model):
    """An OpenID Connect issuer whose tokens, made for one audience, are good for one organization."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="oidc_issuers", verbose_name=_("organization"), db_index=False
    )
    name = models.CharField(_("name"), max_length=80)
    # Never changed: identities are what this issuer says they are.
    issuer = models.CharField(_("issuer"), max_length=300)
    # Whom its tokens are for. No other organization takes tokens for the same, so that each has one organization.
    audience = models.CharField(_("audience"), max_length=300)
    # What a token may be signed with: its own word on that counts for nothing.
    algorithms = models.JSONField(_("signature algorithms"), default=list)
    # Which claim names the role, and which of its values stands for which role: as for sign-in providers.
    role_claim = models.CharField(_("claim of the role"), max_length=100, blank=True)
    role_map = models.JSONField(_("roles"), default=dict, blank=True)
    default_role = models.CharField(_("role otherwise"), max_length=80, blank=True)
    # Where the e-mail address of somebody new stands.
    email_claim = models.CharField(_("claim of the e-mail address"), max_length=100, default="email")
    makes_members = models.BooleanField(_("makes members"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    # Its public keys as they were fetched last (RFC 7517), so that every process has them, and an outage is survived.
    keys = models.JSONField(_("keys"), default=list, editable=False)
    keys_fetched_at = models.DateTimeField(_("keys fetched at"), null=True, blank=True, editable=False)
    keys_tried_at = models.DateTimeField(_("keys asked for at"), null=True, blank=True, editable=False)
    keys_error = models.CharField(_("last error"), max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("token issuer")
        verbose_name_plural = _("token issuers")
        ordering = ["organization", "name"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "audience"], name="accounts_oidcissuer_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="accounts_oidcissuer_target"),
        ]
        indexes = [models.Index(fields=["organization", "id"], name="accounts_oidcissuer_list")]

    def __str__(self) -> str:
        return self.name


class MachineIdentity(models.Model):
    """A subject of an issuer that is one of the organization's service accounts: bound by hand, always."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="machine_identities", verbose_name=_("organization"), db_index=False
    )
    issuer = models.ForeignKey(
        OidcIssuer, models.PROTECT, related_name="machine_identities", verbose_name=_("token issuer"), db_index=False
    )
    subject = models.CharField(_("subject"), max_length=255)
    service_account = models.ForeignKey(
        ServiceAccount, models.PROTECT, related_name="machine_identities", verbose_name=_("service account")
    )
    # Who bound it: whoever chooses the subject could be the one behind it.
    maker = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("bound by"), db_index=False
    )
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("machine identity")
        verbose_name_plural = _("machine identities")
        ordering = ["organization", "id"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="accounts_machineidentity_once"),
            SameOrganization(field="issuer", name="accounts_machineidentity_own_issuer"),
            SameOrganization(field="service_account", name="accounts_machineidentity_own_service"),
        ]
        indexes = [models.Index(fields=["organization", "id"], name="accounts_machineidentity_list")]

    def __str__(self) -> str:
        return self.subject


class PrivateRange(models.Model):
    """Addresses that are not public, which a superuser lets one organization name all the same."""

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="private_ranges", verbose_name=_("organization"), db_index=False
    )
    network = models.CharField(_("address range"), max_length=43)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("private address range")
        verbose_name_plural = _("private address ranges")
        ordering = ["organization", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "network"], name="accounts_privaterange_once"),
        ]

    def __str__(self) -> str:
        return self.network
