"""How people come to belong: roles of an organization's own, invitations, and providers elsewhere that know them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User


class CustomRole(models.Model):
    """A role that an organization made for itself, of permissions. Its slug is what templates ask approvers for."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="custom_roles", verbose_name=_("organization"), db_index=False
    )
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("slug"), max_length=80, db_index=False)
    permissions = models.JSONField(_("permissions"), default=list)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("custom role")
        verbose_name_plural = _("custom roles")
        ordering = ["organization", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="accounts_customrole_slug"),
            models.UniqueConstraint(fields=["id", "organization"], name="accounts_customrole_target"),
        ]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """An e-mail address that may join once. The link in the mail is signed and stands nowhere here."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="invitations", verbose_name=_("organization"), db_index=False
    )
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=80)
    # The person who answers for it: what they may no longer give, it no longer gives.
    inviter = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("invited by"), db_index=False)
    # Of the mail, which nobody who reads it has chosen yet.
    language = models.CharField(_("language"), max_length=10, default="en")
    # Only the link of the last mail is good.
    mailing = models.PositiveSmallIntegerField(_("mailing"), default=1)
    expires_at = models.DateTimeField(_("expires at"))
    # When a mail is due to go out; null once it has.
    mail_due_at = models.DateTimeField(_("mail due at"), null=True, blank=True)
    mail_attempts = models.PositiveSmallIntegerField(_("failed attempts"), default=0)
    mail_error = models.CharField(_("last error"), max_length=200, blank=True)
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("accepted by"), db_index=False
    )
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                condition=models.Q(accepted_at=None, cancelled_at=None),
                name="accounts_invitation_one_open",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "id"], name="accounts_invitation_list"),
            models.Index(
                fields=["mail_due_at"], condition=models.Q(mail_due_at__isnull=False), name="accounts_invitation_due"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_open(self) -> bool:
        """Neither accepted nor cancelled; it may have expired."""
        return self.accepted_at is None and self.cancelled_at is None

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class SignInProvider(models.Model):
    """An OpenID Connect provider whose people may sign in to one organization, and to no other."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="sign_in_providers", verbose_name=_("organization"), db_index=False
    )
    name = models.CharField(_("name"), max_length=80)
    # Never changed: identities are what this issuer says they are.
    issuer = models.CharField(_("issuer"), max_length=300)
    client_id = models.CharField(_("client id"), max_length=200)
    sealed_secret = models.BinaryField(null=True, editable=False)
    # Which claim names the role, and which of its values stands for which role.
    role_claim = models.CharField(_("claim of the role"), max_length=100, blank=True)
    role_map = models.JSONField(_("roles"), default=dict, blank=True)
    # What somebody gets whose claim says nothing; empty: they do not get in.
    default_role = models.CharField(_("role otherwise"), max_length=80, blank=True)
    makes_members = models.BooleanField(_("makes members"), default=False)
    is_listed = models.BooleanField(_("on the sign-in page"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("sign-in provider")
        verbose_name_plural = _("sign-in providers")
        ordering = ["organization", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "issuer", "client_id"], name="accounts_signinprovider_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ExternalIdentity(models.Model):
    """Who somebody is to an issuer elsewhere, in one organization: (issuer, subject), never an e-mail address."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="external_identities", verbose_name=_("organization"), db_index=False
    )
    issuer = models.CharField(_("issuer"), max_length=300)
    subject = models.CharField(_("subject"), max_length=255)
    user = models.ForeignKey(User, models.PROTECT, related_name="external_identities", verbose_name=_("person"))
    # By an owner: only such an identity may be an owner or an approver.
    is_bound_by_hand = models.BooleanField(_("bound by hand"), default=False)
    # Who bound it, where that was another one: whoever chooses the subject could be the one behind it.
    maker = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("bound by"), db_index=False
    )
    # When the claims were made that the role follows: what was said before that is not news.
    claims_at = models.DateTimeField(_("claims made at"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("external identity")
        verbose_name_plural = _("external identities")
        ordering = ["organization", "issuer", "subject"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "issuer", "subject"], name="accounts_externalidentity_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} · {self.issuer}"
