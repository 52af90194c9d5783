"""Who: organizations, people, and the credentials that speak for them."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.roles import ORGANIZATION_PERMISSIONS, PERMISSIONS, OrganizationRole
from kernel.permissions import Permission


class Organization(models.Model):
    """A tenant: everything it owns is invisible to every other."""

    class SecondFactor(models.TextChoices):
        OPTIONAL = "optional", _("whoever wants one")
        OWNERS = "owners", _("owners")
        EVERYONE = "everyone", _("everyone")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    # The features that the licence covers; using one outside it is refused. Null: those of the installation.
    features = models.JSONField(_("features"), null=True, blank=True)
    # Who sees nothing of the pages before they have one.
    second_factor = models.CharField(
        _("second factor"), max_length=10, choices=SecondFactor, default=SecondFactor.OPTIONAL
    )
    description = models.TextField(_("description"), blank=True)
    # Nobody belongs to it any more, and nobody will.
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person. Rights come from memberships; a superuser stands above organizations."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    # Whoever is given no other name signs in by the address, so it must hold one.
    username = models.CharField(_("username"), max_length=254)
    name = models.CharField(_("name"), max_length=150, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_superuser = models.BooleanField(_("superuser"), default=False)
    # The organization of credentials that name none.
    default_organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("default organization")
    )
    # The organization whose identity provider made this person; such a person belongs there and nowhere else.
    managed_by = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("managed by")
    )
    # The organization whose owner has chosen the password, and may know it. Until the person has shown that the e-mail
    # address is theirs, by a link to it, they belong there and nowhere else.
    sponsored_by = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sponsored by")
    )
    # A part of what every session is checked against: a higher number ends them all.
    session_generation = models.PositiveIntegerField(_("generation of sessions"), default=0, editable=False)
    must_change_password = models.BooleanField(_("must change the password"), default=False)
    password_expires_at = models.DateTimeField(_("password expires at"), null=True, blank=True)
    # Disabled for good: who it was belongs nowhere, and is not enabled again.
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="accounts_user_email"),
            models.UniqueConstraint(Lower("username"), name="accounts_user_username"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        """The Django admin is for superusers only."""
        return self.is_superuser

    def get_session_auth_hash(self) -> str:
        return self._get_session_auth_hash()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django asks it of every session, also for keys that are on their way out."""
        content = f"{self.session_generation}:{self.password}"
        return salted_hmac("accounts.models.User.session", content, secret=secret, algorithm="sha256").hexdigest()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Asked by the Django admin alone; everyone else asks `accounts.policy`."""
        return self.is_active and self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_superuser


class Membership(models.Model):
    """What a person may do in one organization."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="memberships", verbose_name=_("organization")
    )
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships", verbose_name=_("person"))
    # One of ours, or the slug of the custom role beside it.
    role = models.CharField(_("role"), max_length=80)
    custom_role = models.ForeignKey(
        "accounts.CustomRole",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="memberships",
        verbose_name=_("custom role"),
    )
    # Capability flags of single memberships, beside the role.
    capabilities = models.JSONField(_("capabilities"), default=list, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["organization", "user"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="accounts_membership_once"),
            models.CheckConstraint(
                condition=models.Q(custom_role=None, role__in=OrganizationRole.values)
                | (models.Q(custom_role__isnull=False) & ~models.Q(role__in=OrganizationRole.values)),
                name="accounts_membership_one_role",
            ),
            SameOrganization(field="custom_role", name="accounts_membership_own_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.organization} · {self.role}"

    @property
    def role_name(self) -> str | Promise:
        return self.custom_role.name if self.custom_role else OrganizationRole(self.role).label

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role and the capabilities allow together. One that no longer exists allows nothing."""
        role = self.custom_role.permissions if self.custom_role else PERMISSIONS[self.role]
        wanted = {*role, *self.capabilities}
        return frozenset(permission for permission in ORGANIZATION_PERMISSIONS if permission in wanted)


class ApiKey(models.Model):
    """A credential for programs. The token is shown once; what stays is a keyed hash of it."""

    class Kind(models.TextChoices):
        ORGANIZATION = "pkf", _("organization-wide")
        PER_CA = "cm", _("listed CAs only")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="api_keys", verbose_name=_("organization")
    )
    # The person who answers for what the key does; the key never has more rights than its owner.
    owner = models.ForeignKey(User, models.PROTECT, related_name="api_keys", verbose_name=_("owner"))
    # Who saw the token when it was made: the owner, or somebody who made it for them; null where nobody answers for it
    # (the console). Only a key that its owner has made in person speaks with the owner's voice alone.
    maker = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by"), db_index=False
    )
    kind = models.CharField(_("kind"), max_length=3, choices=Kind, default=Kind.ORGANIZATION)
    name = models.CharField(_("name"), max_length=120)
    prefix = models.CharField(_("prefix"), max_length=16, unique=True)
    digest = models.BinaryField(max_length=32)
    permissions = models.JSONField(_("permissions"), default=list)
    allowed_cidrs = models.JSONField(_("allowed address ranges"), default=list, blank=True)
    # The key whose place it took; that one may go on working for a while beside it.
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="successor", verbose_name=_("replaces")
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(_("last used from"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "id"], name="accounts_apikey_list")]
        constraints = [
            models.UniqueConstraint(fields=["id", "organization"], name="accounts_apikey_target"),
            SameOrganization(field="replaces", name="accounts_apikey_own_predecessor"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_made_by_owner(self) -> bool:
        return self.maker_id == self.owner_id


class WrappingKey(models.Model):
    """An organization's key for one purpose, sealed under the master key; it wraps data keys."""

    class Purpose(models.TextChoices):
        CA_KEY = "ca-key", _("CA keys")
        SECRET = "secret", _("other secrets")

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("wrapping key")
        verbose_name_plural = _("wrapping keys")
        ordering = ["organization", "purpose"]
        constraints = [models.UniqueConstraint(fields=["organization", "purpose"], name="accounts_wrappingkey_once")]

    def __str__(self) -> str:
        return f"{self.organization} · {self.purpose}"


class ServerSecret(models.Model):
    """A secret of the installation itself, sealed under the master key.

    A process that holds another master key cannot open it, and is stopped by that at its start.
    """

    class Purpose(models.TextChoices):
        TOKEN_DIGEST = "token-digest", _("keyed hashes of tokens")
        SECOND_FACTOR = "second-factor", _("second factors")
        IDEMPOTENCY = "idempotency", _("answers that are remembered")

    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose, primary_key=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("server secret")
        verbose_name_plural = _("server secrets")

    def __str__(self) -> str:
        return self.purpose


from accounts.grant_models import Grant  # noqa: E402
from accounts.login_models import IssuancePolicy, ServiceAccountToken, SignInToken  # noqa: E402
from accounts.machine_models import ServiceAccount  # noqa: E402
from accounts.oauth_models import (  # noqa: E402
    OAuthClient,
    OAuthConsent,
    OAuthConsentCa,
    OAuthDevice,
    OAuthToken,
)
from accounts.oidc_models import MachineIdentity, OidcIssuer, PrivateRange  # noqa: E402
from accounts.people_models import (  # noqa: E402
    CustomRole,
    ExternalIdentity,
    Invitation,
    SignInProvider,
)

__all__ = [
    "ApiKey",
    "CustomRole",
    "ExternalIdentity",
    "Grant",
    "Invitation",
    "IssuancePolicy",
    "MachineIdentity",
    "Membership",
    "OAuthClient",
    "OAuthConsent",
    "OAuthConsentCa",
    "OAuthDevice",
    "OAuthToken",
    "OidcIssuer",
    "Organization",
    "PrivateRange",
    "ServerSecret",
    "ServiceAccount",
    "ServiceAccountToken",
    "SignInProvider",
    "SignInToken",
    "User",
    "UserManager",
    "WrappingKey",
]
