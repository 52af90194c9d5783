"""Applications that act for people: who they are, what a person let them do, and what they show for it (OAuth 2.1).

Of secrets, codes and tokens only keyed hashes stand here.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization, User


class OAuthClient(models.Model):
    """An application. An organization makes its own, which have a secret; all others have registered themselves, have
    none, and nobody has seen who is behind them.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    client_id = models.CharField(_("client id"), max_length=48, unique=True)
    organization = models.ForeignKey(
        Organization,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="oauth_clients",
        verbose_name=_("organization"),
    )
    # The person who answers for it, where an organization made it.
    owner = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner"), db_index=False
    )
    name = models.CharField(_("name"), max_length=120)
    secret_digest = models.BinaryField(max_length=32, null=True)
    redirect_uris = models.JSONField(_("redirect addresses"), default=list)
    registered_from = models.GenericIPAddressField(_("registered from"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True, db_index=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("OAuth client")
        verbose_name_plural = _("OAuth clients")
        ordering = ["-id"]
        constraints = [
            # A secret is what an organization was shown; who registers themselves gets none (RFC 9700 2.1.1).
            models.CheckConstraint(
                condition=models.Q(organization=None, owner=None, secret_digest=None)
                | models.Q(organization__isnull=False, owner__isnull=False, secret_digest__isnull=False),
                name="accounts_oauthclient_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_confidential(self) -> bool:
        return self.secret_digest is not None

    @property
    def is_verified(self) -> bool:
        """Whether an organization answers for it."""
        return self.organization_id is not None


class OAuthConsent(models.Model):
    """What one person let one application do in one organization. All that it is given stands and falls with this."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    client = models.ForeignKey(OAuthClient, models.PROTECT, related_name="consents", verbose_name=_("application"))
    user = models.ForeignKey(User, models.PROTECT, related_name="oauth_consents", verbose_name=_("person"))
    # Whose doing it may be as well: of who has bound the identity by which the person was here.
    maker = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by"), db_index=False
    )
    scopes = models.JSONField(_("scopes"), default=list)
    # Let to the CAs of its rows alone, or to all that the scopes allow in the organization.
    is_per_ca = models.BooleanField(_("listed CAs only"), default=True)
    # The part of our API that tokens are for (RFC 8707).
    resource = models.CharField(_("resource"), max_length=300)
    # When its last refresh token ends; each new one moves it.
    expires_at = models.DateTimeField(_("expires at"))
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(_("last used from"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("OAuth consent")
        verbose_name_plural = _("OAuth consents")
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "id"], name="accounts_oauthconsent_list")]
        constraints = [models.UniqueConstraint(fields=["id", "organization"], name="accounts_oauthconsent_target")]

    def __str__(self) -> str:
        return f"{self.client} · {self.user}"

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()


class OAuthConsentCa(models.Model):
    """One CA that a consent is about, and what for."""

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    consent = models.ForeignKey(
        OAuthConsent, models.PROTECT, related_name="cas", verbose_name=_("consent"), db_index=False
    )
    ca = models.ForeignKey(
        "cas.CertificateAuthority", models.PROTECT, related_name="+", verbose_name=_("CA"), db_index=False
    )
    can_read = models.BooleanField(_("read"), default=True)
    can_issue = models.BooleanField(_("issue"), default=False)
    can_revoke = models.BooleanField(_("revoke"), default=False)

    class Meta:
        verbose_name = _("CA of a consent")
        verbose_name_plural = _("CAs of consents")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["consent", "ca"], name="accounts_oauthconsentca_once"),
            SameOrganization(field="consent", name="accounts_oauthconsentca_own_consent"),
            SameOrganization(field="ca", name="accounts_oauthconsentca_own_ca"),
        ]

    def __str__(self) -> str:
        return f"{self.consent} · {self.ca}"

    @property
    def can_export(self) -> bool:
        """Stored private keys are not handed to applications."""
        return False


class OAuthToken(models.Model):
    """What an application shows: a code once, an access token for an hour, a refresh token once.

    One that was used, or given back, stays until it would have ended, so that a second use of it is seen.
    """

    class Kind(models.TextChoices):
        CODE = "code", _("authorization code")
        ACCESS = "access", _("access token")
        REFRESH = "refresh", _("refresh token")

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    consent = models.ForeignKey(OAuthConsent, models.PROTECT, related_name="tokens", verbose_name=_("consent"))
    kind = models.CharField(_("kind"), max_length=7, choices=Kind)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    resource = models.CharField(_("resource"), max_length=300)
    # Of a code: where it was sent, and the challenge of whoever may use it (RFC 7636).
    redirect_uri = models.CharField(_("redirect address"), max_length=500, blank=True)
    challenge = models.CharField(_("challenge"), max_length=43, blank=True)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("OAuth token")
        verbose_name_plural = _("OAuth tokens")
        ordering = ["-id"]
        constraints = [SameOrganization(field="consent", name="accounts_oauthtoken_own_consent")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.consent}"

    @property
    def is_good(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()


class OAuthDevice(models.Model):
    """A device without a browser that waits for a person to enter its code elsewhere (RFC 8628)."""

    client = models.ForeignKey(
        OAuthClient, models.PROTECT, related_name="devices", verbose_name=_("application"), db_index=False
    )
    device_digest = models.BinaryField(max_length=32, unique=True)
    user_digest = models.BinaryField(max_length=32, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    resource = models.CharField(_("resource"), max_length=300)
    # The address, or the network of IPv6, that it began from.
    begun_from = models.CharField(_("begun from"), max_length=43, blank=True)
    # What the person said: a consent, or no.
    consent = models.ForeignKey(
        OAuthConsent, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("consent"), db_index=False
    )
    denied_at = models.DateTimeField(_("denied at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    polled_at = models.DateTimeField(_("polled at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("OAuth device")
        verbose_name_plural = _("OAuth devices")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.client} · {self.created_at:%Y-%m-%d %H:%M}"
