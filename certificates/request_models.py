"""What waits for approvers, and what they said."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization
from accounts.queue import Queued
from accounts.said import SaidField
from cas.core.names import common_name, name_to_mapping, parse_name
from cas.models import ALGORITHMS, CertificateAuthority, ProfileVersion, Template


class Request(Queued):
    """Something that is done only after others agreed to it. It is never changed: another wish is another request.

    `subject` and `sans` are those of the certificate as it will be, not as they were wished for. A CSR is accepted
    before anybody has chosen who signs it, so such a request has no CA and no template; nor has one for a certificate
    of a public CA, which is carried out by its order there. It is due to no worker where its CA waits for a passphrase.
    """

    class Kind(models.TextChoices):
        ISSUE = "issue", _("issue a certificate")
        RENEW = "renew", _("renew a certificate")
        CSR = "csr", _("accept a CSR")
        ACME = "acme", _("order a public certificate")

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        FULFILLED = "fulfilled", _("Fulfilled")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="requests", verbose_name=_("organization"), db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.ISSUE)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    ca = models.ForeignKey(
        CertificateAuthority, models.PROTECT, null=True, related_name="requests", verbose_name=_("authority")
    )
    template = models.ForeignKey(
        Template, models.PROTECT, null=True, related_name="requests", verbose_name=_("template")
    )
    # The rules as they were when it was asked for: approvers say yes under these, and under no others.
    profile = models.ForeignKey(
        ProfileVersion, models.PROTECT, null=True, related_name="requests", verbose_name=_("profile")
    )
    subject = models.TextField(_("subject"), blank=True)
    # Pairs of kind and text.
    sans = models.JSONField(_("subject alternative names"), default=list, blank=True)
    # Null: the key is made here, after the approval.
    csr = models.BinaryField(_("CSR"), null=True, editable=False)
    # The private key of a CSR that was made here. It leaves this row for the certificate's, or is destroyed.
    sealed_key = models.BinaryField(null=True, editable=False)
    key_algorithm = models.CharField(_("key algorithm"), max_length=12, choices=ALGORITHMS, blank=True)
    # What a renewal follows, and how: with its predecessor's key, and although there is a successor already.
    replaces = models.ForeignKey(
        "certificates.Certificate",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="renewal_requests",
        verbose_name=_("predecessor"),
    )
    same_key = models.BooleanField(_("with the same key"), default=False)
    again = models.BooleanField(_("although it has a successor"), default=False)
    validity = models.DurationField(_("validity"), null=True, blank=True)
    identifier = models.CharField(_("identifier"), max_length=120, null=True, blank=True)
    usage = models.CharField(_("usage"), max_length=80, blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    description = models.CharField(_("description"), max_length=1000, blank=True)
    # What would be signed, as facts, and SHA-256 (hex) over their canonical JSON: that is what people agree to.
    facts = models.JSONField(_("what would be signed"), default=dict)
    digest = models.CharField(_("digest"), max_length=64)
    # The same without saying which key it is, as a renewal has another.
    renewal_digest = models.CharField(_("digest for renewals"), max_length=64, blank=True)
    # The most that one of CA, role and template asks for; `demands` has what each of them asks for.
    approvals_needed = models.PositiveSmallIntegerField(_("approvals needed"))
    demands = models.JSONField(_("demands"), default=list)
    requester_kind = models.CharField(_("requester kind"), max_length=20)
    requester_id = models.BigIntegerField(_("requester id"))
    requester_label = models.CharField(_("requester"), max_length=254)
    # Who answers for it, and can therefore not approve it.
    person = models.ForeignKey(
        "accounts.User", models.PROTECT, related_name="+", verbose_name=_("responsible person"), db_index=False
    )
    # Who made the credential that asked, where that was another: they may have used it, and cannot approve either.
    maker = models.ForeignKey(
        "accounts.User",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("maker of the credential"),
        db_index=False,
    )
    expires_at = models.DateTimeField(_("expires at"))
    certificate = models.OneToOneField(
        "certificates.Certificate",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="request",
        verbose_name=_("certificate"),
    )
    last_error = SaidField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["id", "organization"], name="certificates_request_target"),
            models.UniqueConstraint(
                fields=["organization", "identifier"],
                condition=models.Q(status__in=["pending", "approved"]),
                name="certificates_request_identifier",
            ),
            models.CheckConstraint(
                condition=models.Q(status="fulfilled", certificate__isnull=False)
                | (~models.Q(status="fulfilled") & models.Q(certificate__isnull=True)),
                name="certificates_request_outcome",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="renew", replaces__isnull=False)
                | (~models.Q(kind="renew") & models.Q(replaces__isnull=True, same_key=False, again=False)),
                name="certificates_request_predecessor",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    kind="csr", csr__isnull=False, ca__isnull=True, template__isnull=True, profile__isnull=True
                )
                | (~models.Q(kind="csr") & models.Q(sealed_key__isnull=True)),
                name="certificates_request_csr",
            ),
            SameOrganization(field="ca", name="certificates_request_ca_tenant"),
            SameOrganization(field="template", name="certificates_request_template_tenant"),
            SameOrganization(field="certificate", name="certificates_request_certificate_tenant"),
            SameOrganization(field="replaces", name="certificates_request_replaces_tenant"),
        ]
        indexes = [
            models.Index(fields=["organization", "id"], name="certificates_request_list"),
            models.Index(fields=["organization", "status", "id"], name="certificates_request_by_status"),
            models.Index(fields=["organization", "person", "id"], name="certificates_request_by_person"),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="certificates_request_due"),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(status__in=["pending", "approved"]),
                name="certificates_request_expiry",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or (self.sans[0][1] if self.sans else str(self.public_id))

    @property
    def name(self) -> str:
        """What people call it: the common name, else the first alternative name."""
        return common_name(parse_name(self.subject)) or (self.sans[0][1] if self.sans else str(self))

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.PENDING, self.Status.APPROVED)

    @property
    def is_key_made_here(self) -> bool:
        """Whether a key is made when it is fulfilled, for whoever asked to collect."""
        return self.csr is None and not self.same_key

    @property
    def asked_by(self) -> frozenset[int]:
        """The people who may have asked, and can therefore not decide."""
        return frozenset(pk for pk in (self.person_id, self.maker_id) if pk is not None)

    @property
    def subject_attributes(self) -> dict[str, Any]:
        return name_to_mapping(parse_name(self.subject))

    @property
    def approvals_given(self) -> int:
        """How many have agreed to exactly this."""
        agreed = (each for each in self.decisions.all() if each.verdict == Decision.Verdict.APPROVED)
        return sum(each.digest == self.digest for each in agreed)


class Decision(models.Model):
    """What one person said to one request: once, and about exactly what was seen."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    request = models.ForeignKey(
        Request, models.PROTECT, related_name="decisions", verbose_name=_("request"), db_index=False
    )
    approver = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", verbose_name=_("approver"))
    # The person's own name, or that of the credential that decided.
    approver_label = models.CharField(_("decided by"), max_length=254)
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict)
    reason = models.CharField(_("reason"), max_length=1000, blank=True)
    digest = models.CharField(_("digest"), max_length=64)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["request", "approver"], name="certificates_decision_once"),
            SameOrganization(field="request", name="certificates_decision_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.approver_label} · {self.verdict}"
