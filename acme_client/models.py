"""What is had from public CAs: accounts there, orders and their challenges, and by what we prove names.

The row is the queue: what is to be done next, and when, stands in `due_at`; who does it holds a lease.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization
from accounts.queue import Queued
from accounts.said import SaidField
from acme_client.name_models import DnsProvider as DnsProvider
from acme_client.name_models import PublicName as PublicName
from cas.models import ALGORITHMS


class AcmeAccount(Queued):
    """An account at an ACME server (RFC 8555 section 7.1.2), and under which rules certificates are ordered by it."""

    class Provider(models.TextChoices):
        LETS_ENCRYPT = "letsencrypt", "Let’s Encrypt"
        ZEROSSL = "zerossl", "ZeroSSL"
        BUYPASS = "buypass", "Buypass"
        GOOGLE = "google", "Google Trust Services"
        CUSTOM = "custom", _("another server")

    class Environment(models.TextChoices):
        PRODUCTION = "production", _("Production")
        STAGING = "staging", _("Staging")

    class Status(models.TextChoices):
        PENDING = "pending", _("Being registered")
        VALID = "valid", _("Active")
        FAILED = "failed", _("Refused")
        DEACTIVATED = "deactivated", _("Deactivated")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="acme_accounts", verbose_name=_("organization"), db_index=False
    )
    name = models.CharField(_("name"), max_length=80)
    provider = models.CharField(_("provider"), max_length=12, choices=Provider)
    environment = models.CharField(_("environment"), max_length=10, choices=Environment, default=Environment.PRODUCTION)
    directory_url = models.CharField(_("directory"), max_length=500)
    # PEM; of a server of one's own, whose certificate no public CA has issued.
    server_roots = models.TextField(_("roots of the server"), blank=True)
    email = models.CharField(_("contact"), max_length=254)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PENDING)
    # The account's URL there: its key id (RFC 8555 section 6.2). Empty until it is registered.
    account_url = models.CharField(_("account URL"), max_length=500, blank=True)
    sealed_key = models.BinaryField(editable=False)
    # The next key while a rollover is under way (RFC 8555 section 7.3.5): nobody knows yet which one the server has.
    sealed_next_key = models.BinaryField(null=True, editable=False)
    # External account binding (RFC 8555 section 7.3.4); the MAC key is forgotten once it has been used.
    eab_key_id = models.CharField(_("key id of the binding"), max_length=200, blank=True)
    sealed_eab_key = models.BinaryField(null=True, editable=False)
    terms_agreed_at = models.DateTimeField(_("terms agreed to at"))
    # The name that the root of the chain should have, where the server offers several (RFC 8555 section 7.4.2).
    preferred_chain = models.CharField(_("preferred chain"), max_length=200, blank=True)
    # As of a CA: what is ordered by this account waits for so many approvers, of this role.
    approvals_needed = models.PositiveSmallIntegerField(_("approvals needed"), default=0)
    approver_role = models.CharField(_("approver's role"), max_length=80, blank=True)
    last_error = SaidField(_("last error"), max_length=1000, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("ACME account")
        verbose_name_plural = _("ACME accounts")
        ordering = ["organization", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="acme_client_account_name"),
            models.UniqueConstraint(fields=["id", "organization"], name="acme_client_account_target"),
        ]
        indexes = [
            models.Index(fields=["organization", "id"], name="acme_client_account_list"),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="acme_client_account_due"),
        ]

    def __str__(self) -> str:
        return self.name


class AcmeOrder(Queued):
    """A certificate that is wished for from a public CA, on its way through RFC 8555 section 7.1.6."""

    class Status(models.TextChoices):
        # Approvers have not agreed yet.
        WAITING = "waiting", _("Waits for approval")
        # Not placed at the server yet.
        PENDING = "pending", _("To be placed")
        # Placed; names are being proven.
        AUTHORIZING = "authorizing", _("Proving names")
        # Proven; the CSR is to be sent, or was.
        FINALIZING = "finalizing", _("Being issued")
        VALID = "valid", _("Issued")
        INVALID = "invalid", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Challenge(models.TextChoices):
        HTTP = "http-01", "http-01"
        DNS = "dns-01", "dns-01"
        TLS_ALPN = "tls-alpn-01", "tls-alpn-01"

    OPEN = (Status.WAITING, Status.PENDING, Status.AUTHORIZING, Status.FINALIZING)

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="acme_orders", verbose_name=_("organization"), db_index=False
    )
    account = models.ForeignKey(
        AcmeAccount, models.PROTECT, related_name="orders", verbose_name=_("account"), db_index=False
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PENDING)
    # As they stand in the order: lower-case A-labels, `*.` before a wildcard; addresses in their canonical form.
    names = models.JSONField(_("names"))
    challenge_type = models.CharField(_("challenge"), max_length=12, choices=Challenge)
    key_algorithm = models.CharField(_("key algorithm"), max_length=12, choices=ALGORITHMS, blank=True)
    # DER. Made here, with its key beside it, or sent by the subscriber, who keeps the key.
    csr = models.BinaryField(_("CSR"), editable=False)
    sealed_key = models.BinaryField(null=True, editable=False)
    key_made_here = models.BooleanField(_("key made here"), default=False)
    auto_renew = models.BooleanField(_("renews by itself"), default=True)
    replaces = models.ForeignKey(
        "certificates.Certificate",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="acme_renewals",
        verbose_name=_("predecessor"),
        db_index=False,
    )
    request = models.OneToOneField(
        "certificates.Request",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="acme_order",
        verbose_name=_("request"),
    )
    # Where it stands at the server; each is empty until it is known.
    order_url = models.CharField(_("order URL"), max_length=500, blank=True)
    finalize_url = models.CharField(max_length=500, blank=True, editable=False)
    certificate_url = models.CharField(max_length=500, blank=True, editable=False)
    # When it was last about to be placed. Where `order_url` is empty still, the answer was lost, or is under way.
    placing_since = models.DateTimeField(null=True, editable=False)
    # By when it is given up, whatever the server says.
    expires_at = models.DateTimeField(_("expires at"))
    certificate = models.OneToOneField(
        "certificates.Certificate",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="acme_order",
        verbose_name=_("certificate"),
    )
    tags = models.JSONField(_("tags"), default=list, blank=True)
    description = models.CharField(_("description"), max_length=1000, blank=True)
    requester_kind = models.CharField(_("requester kind"), max_length=20)
    requester_id = models.BigIntegerField(_("requester id"))
    requester_label = models.CharField(_("requester"), max_length=254)
    owner = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    last_error = SaidField(_("last error"), max_length=1000, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("ACME order")
        verbose_name_plural = _("ACME orders")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["id", "organization"], name="acme_client_order_target"),
            models.CheckConstraint(
                condition=models.Q(status="valid", certificate__isnull=False)
                | (~models.Q(status="valid") & models.Q(certificate__isnull=True)),
                name="acme_client_order_outcome",
            ),
            # One renewal at a time of one certificate, whatever the number of workers.
            models.UniqueConstraint(
                fields=["replaces"],
                condition=models.Q(status__in=["waiting", "pending", "authorizing", "finalizing"]),
                name="acme_client_order_renews_once",
            ),
            SameOrganization(field="account", name="acme_client_order_account_tenant"),
            SameOrganization(field="certificate", name="acme_client_order_certificate_tenant"),
            SameOrganization(field="replaces", name="acme_client_order_replaces_tenant"),
            SameOrganization(field="request", name="acme_client_order_request_tenant"),
        ]
        indexes = [
            models.Index(fields=["organization", "id"], name="acme_client_order_list"),
            models.Index(fields=["organization", "status", "id"], name="acme_client_order_by_status"),
            models.Index(fields=["organization", "account", "id"], name="acme_client_order_by_acct"),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="acme_client_order_due"),
            models.Index(fields=["request"], condition=models.Q(status="waiting"), name="acme_client_order_waiting"),
        ]

    def __str__(self) -> str:
        return ", ".join(self.names[:3]) + (" …" if len(self.names) > 3 else "")

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN


class AcmeAuthorization(models.Model):
    """The server's question whether one name of an order is ours (RFC 8555 section 7.1.4)."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        VALID = "valid", _("Proven")
        INVALID = "invalid", _("Failed")
        DEACTIVATED = "deactivated", _("Deactivated")
        EXPIRED = "expired", _("Expired")
        REVOKED = "revoked", _("Revoked")

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    order = models.ForeignKey(
        AcmeOrder, models.CASCADE, related_name="authorizations", verbose_name=_("order"), db_index=False
    )
    url = models.CharField(_("address"), max_length=500)
    # Without `*.`: the server says in `is_wildcard` that it asks for one.
    name = models.CharField(_("name"), max_length=253)
    is_wildcard = models.BooleanField(_("wildcard"), default=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PENDING)

    class Meta:
        verbose_name = _("ACME authorization")
        verbose_name_plural = _("ACME authorizations")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "url"], name="acme_client_authorization_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="acme_client_authorization_target"),
            SameOrganization(field="order", name="acme_client_authorization_tenant"),
        ]

    def __str__(self) -> str:
        return f"*.{self.name}" if self.is_wildcard else self.name


class AcmeChallenge(models.Model):
    """How a name is proven: the one way of several that the order has chosen (RFC 8555 section 8)."""

    class Status(models.TextChoices):
        PENDING = "pending", _("To be answered")
        # The answer stands where the server will look, as far as we know.
        PRESENTED = "presented", _("Answer published")
        # The server was told to look.
        PROCESSING = "processing", _("Being checked")
        VALID = "valid", _("Proven")
        INVALID = "invalid", _("Failed")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    authorization = models.OneToOneField(
        AcmeAuthorization, models.CASCADE, related_name="challenge", verbose_name=_("authorization")
    )
    type = models.CharField(_("challenge"), max_length=12, choices=AcmeOrder.Challenge)
    url = models.CharField(_("address"), max_length=500)
    token = models.CharField(_("token"), max_length=128)
    # The token and the thumbprint of the account's key (RFC 8555 section 8.1): nothing secret.
    key_authorization = models.CharField(max_length=200, editable=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PENDING)
    # The host that is looked at, in lower case: an answer is given for it and for no other.
    host = models.CharField(_("host"), max_length=253)
    # Of dns-01: who publishes the record, where it stands after following CNAMEs, and whether it is still there.
    dns_provider = models.ForeignKey(
        DnsProvider,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("DNS provider"),
        db_constraint=False,
    )
    record_name = models.CharField(_("record"), max_length=255, blank=True)
    presented_at = models.DateTimeField(_("published at"), null=True, blank=True)
    # Null while something of it may still stand in public that is to be taken away.
    cleaned_at = models.DateTimeField(_("taken away at"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("ACME challenge")
        verbose_name_plural = _("ACME challenges")
        ordering = ["id"]
        constraints = [
            SameOrganization(field="authorization", name="acme_client_challenge_tenant"),
            SameOrganization(field="dns_provider", name="acme_client_challenge_dns_tenant"),
        ]
        indexes = [models.Index(fields=["host", "token"], name="acme_client_challenge_asked")]

    def __str__(self) -> str:
        return f"{self.type} {self.host}"
