"""The register: what was issued, what was revoked, and what says so in public."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import cached_property
from hashlib import sha1

from cryptography import x509
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization
from cas.models import ALGORITHMS, CertificateAuthority, ProfileVersion, Template

# They have a file of their own; Django looks for models here.
from certificates.client_models import ClientCertificateBinding as ClientCertificateBinding
from certificates.csr_models import SigningRequest as SigningRequest
from certificates.import_models import ImportedChain as ImportedChain
from certificates.placement_models import Placement as Placement
from certificates.publication_models import Crl as Crl
from certificates.publication_models import CrlScope as CrlScope
from certificates.publication_models import OcspResponder as OcspResponder
from certificates.publication_models import PublicPath as PublicPath
from certificates.renewal_models import Renewal as Renewal
from certificates.request_models import Decision as Decision
from certificates.request_models import Request as Request
from certificates.saved_models import SavedFilter as SavedFilter
from certificates.tally_models import CertificateTally as CertificateTally


class Certificate(models.Model):
    """An end-entity certificate. Its bytes stand in `CertificateBody`, so that lists stay narrow."""

    class State(models.TextChoices):
        ISSUED = "issued", _("Issued")
        HELD = "held", _("On hold")
        REVOKED = "revoked", _("Revoked")

    class Source(models.TextChoices):
        INTERNAL = "internal", _("issued here")
        IMPORTED = "imported", _("imported")
        ACME = "acme", _("ACME")

    class KeyCustody(models.TextChoices):
        SUBSCRIBER = "subscriber", _("never here")
        RETURNED = "returned", _("handed out once")
        WAITING = "waiting", _("waits to be collected")
        STORED = "stored", _("kept sealed")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    # This table is written to more than any other. What a constraint of two columns says needs no second one of its
    # first column alone, and what an index of several columns begins with needs no index of its own.
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="certificates", verbose_name=_("organization"), db_index=False
    )
    ca = models.ForeignKey(
        CertificateAuthority,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="issued",
        verbose_name=_("authority"),
        db_index=False,
        db_constraint=False,
    )
    template = models.ForeignKey(
        Template,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="certificates",
        verbose_name=_("template"),
        db_index=False,
        db_constraint=False,
    )
    # The rules it was made under, as they stood then. A version is never deleted, and nobody asks for all of one.
    profile = models.ForeignKey(
        ProfileVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="certificates",
        verbose_name=_("profile"),
        db_index=False,
    )
    serial = models.CharField(_("serial number"), max_length=40)
    # A name that a dialect gives it, unique in the organization.
    identifier = models.CharField(_("identifier"), max_length=120, null=True, blank=True)
    subject = models.TextField(_("subject"), blank=True)
    subject_attributes = models.JSONField(_("subject attributes"), default=dict)
    common_name = models.CharField(_("common name"), max_length=64, blank=True)
    # As they stand in the certificate, in its order; `CertificateName` has them folded, to search by.
    sans = models.JSONField(_("subject alternative names"), default=list)
    issuer_name = models.TextField(_("issuer"))
    key_algorithm = models.CharField(_("key algorithm"), max_length=12, choices=ALGORITHMS)
    key_hash = models.CharField(_("key hash"), max_length=64)
    not_before = models.DateTimeField(_("not before"))
    not_after = models.DateTimeField(_("not after"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.ISSUED)
    fingerprint = models.CharField(_("SHA-256 fingerprint"), max_length=64)
    usage = models.CharField(_("usage"), max_length=80, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.INTERNAL)
    key_custody = models.CharField(_("private key"), max_length=10, choices=KeyCustody)
    requester_kind = models.CharField(_("requester kind"), max_length=20)
    requester_id = models.BigIntegerField(_("requester id"))
    requester_label = models.CharField(_("requester"), max_length=254)
    # The person who answers for it.
    owner = models.ForeignKey(
        "accounts.User",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
        db_index=False,
    )
    replaces = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced_by",
        verbose_name=_("replaces"),
        db_index=False,
        db_constraint=False,
    )
    # To be shown; `CertificateTag` has them to search by.
    tags = models.JSONField(_("tags"), default=list, blank=True)
    description = models.CharField(_("description"), max_length=1000, blank=True)
    auto_renew = models.BooleanField(_("renews by itself"), default=False)
    renew_at = models.DateTimeField(_("renew at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["ca", "serial"], name="certificates_certificate_serial"),
            models.UniqueConstraint(fields=["organization", "fingerprint"], name="certificates_certificate_once"),
            models.UniqueConstraint(fields=["organization", "identifier"], name="certificates_certificate_identifier"),
            models.UniqueConstraint(fields=["id", "organization"], name="certificates_certificate_target"),
            SameOrganization(field="ca", name="certificates_certificate_ca_tenant"),
            SameOrganization(field="template", name="certificates_certificate_template_tenant"),
            SameOrganization(field="replaces", name="certificates_certificate_replaces_tenant"),
        ]
        indexes = [
            models.Index(fields=["organization", "id"], name="certificates_list"),
            models.Index(fields=["organization", "state", "id"], name="certificates_by_state"),
            models.Index(fields=["organization", "ca", "id"], name="certificates_by_ca"),
            models.Index(fields=["organization", "not_after", "id"], name="certificates_by_expiry"),
            models.Index(fields=["organization", "common_name", "id"], name="certificates_by_cn"),
            models.Index(fields=["organization", "serial", "id"], name="certificates_by_serial"),
            models.Index(fields=["organization", "key_hash", "id"], name="certificates_by_key"),
            models.Index(fields=["organization", "template", "id"], name="certificates_by_template"),
            models.Index(fields=["organization", "owner", "id"], name="certificates_by_owner"),
            models.Index(
                fields=["organization", "owner", "id"],
                condition=models.Q(key_custody="waiting"),
                name="certificates_key_waits",
            ),
            models.Index(
                fields=["replaces"], condition=models.Q(replaces__isnull=False), name="certificates_successors"
            ),
            models.Index(fields=["renew_at"], condition=models.Q(renew_at__isnull=False), name="certificates_due"),
            models.Index(
                fields=["organization", "id"],
                condition=models.Q(identifier__isnull=False),
                name="certificates_identified",
            ),
        ]

    def __str__(self) -> str:
        return self.common_name or self.subject or self.serial

    @property
    def open_revocation(self) -> Revocation | None:
        """Why it is revoked or on hold now; lists prefetch `revocations`."""
        if self.state == self.State.ISSUED:
            return None
        return next((row for row in self.revocations.all() if row.lifted_at is None), None)

    @property
    def successors(self) -> list[Certificate]:
        """The certificates that renew this one, newest first; of very many the newest hundred, with their ids alone."""
        return list(self.replaced_by.order_by("-id").only("public_id", "replaces")[:100])

    def status(self, at: datetime) -> str:
        """`revoked`, `held`, `expired` or `issued`, in this order: expiry is computed, never stored."""
        if self.state == self.State.ISSUED and self.not_after < at:
            return "expired"
        return self.state


class CertificateBody(models.Model):
    """The DER bytes of a certificate."""

    certificate = models.OneToOneField(
        Certificate, models.PROTECT, primary_key=True, related_name="body", verbose_name=_("certificate")
    )
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    der = models.BinaryField()
    # To be found by, where that is what somebody else's program shows; nothing is decided by it.
    sha1 = models.CharField(_("SHA-1 fingerprint"), max_length=40, editable=False)

    class Meta:
        verbose_name = _("certificate body")
        verbose_name_plural = _("certificate bodies")
        constraints = [SameOrganization(field="certificate", name="certificates_body_tenant")]
        indexes = [models.Index(fields=["organization", "sha1"], name="certificates_body_sha1")]

    def __str__(self) -> str:
        return str(self.certificate_id)

    @classmethod
    def of(cls, certificate: Certificate, der: bytes) -> CertificateBody:
        """The body of a certificate whose row there is."""
        digest = sha1(der, usedforsecurity=False).hexdigest()
        return cls(certificate=certificate, organization_id=certificate.organization_id, der=der, sha1=digest)

    @cached_property
    def x509(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(bytes(self.der))


# PostgreSQL finds the beginnings of texts by an index only where it compares them byte by byte.
BEGINNINGS = ["int8_ops", "varchar_pattern_ops", "int8_ops"]


class CertificateName(models.Model):
    """One name of a certificate, forward and reversed, so that `x*` and `*.x` both find it by index."""

    class Type(models.TextChoices):
        COMMON_NAME = "cn", _("common name")
        DNS = "dns", _("DNS name")
        IP = "ip", _("IP address")
        EMAIL = "email", _("e-mail address")
        URI = "uri", _("URI")

    certificate = models.ForeignKey(
        Certificate, models.PROTECT, related_name="names", verbose_name=_("certificate"), db_constraint=False
    )
    organization = models.ForeignKey(
        Organization,
        models.PROTECT,
        related_name="+",
        verbose_name=_("organization"),
        db_index=False,
        db_constraint=False,
    )
    type = models.CharField(_("type"), max_length=6, choices=Type)
    value = models.CharField(_("value"), max_length=512)
    reversed = models.CharField(max_length=512, editable=False)

    class Meta:
        verbose_name = _("certificate name")
        verbose_name_plural = _("certificate names")
        ordering = ["id"]
        constraints = [SameOrganization(field="certificate", name="certificates_name_tenant")]
        indexes = [
            models.Index(
                fields=["organization", "value", "certificate"], name="certificates_name_forward", opclasses=BEGINNINGS
            ),
            models.Index(
                fields=["organization", "reversed", "certificate"],
                name="certificates_name_reversed",
                opclasses=BEGINNINGS,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type}:{self.value}"


class CertificateTag(models.Model):
    """One tag of a certificate, to be found by on every database: an index into JSON exists on one of them only."""

    certificate = models.ForeignKey(
        Certificate,
        models.PROTECT,
        related_name="tag_rows",
        verbose_name=_("certificate"),
        db_index=False,
        db_constraint=False,
    )
    organization = models.ForeignKey(
        Organization,
        models.PROTECT,
        related_name="+",
        verbose_name=_("organization"),
        db_index=False,
        db_constraint=False,
    )
    value = models.CharField(_("value"), max_length=64)

    class Meta:
        verbose_name = _("certificate tag")
        verbose_name_plural = _("certificate tags")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["certificate", "value"], name="certificates_tag_once"),
            SameOrganization(field="certificate", name="certificates_tag_tenant"),
        ]
        indexes = [models.Index(fields=["organization", "value", "certificate"], name="certificates_tag_value")]

    def __str__(self) -> str:
        return self.value


class SubscriberKey(models.Model):
    """A managed private key, sealed: it waits to be collected once, or is kept because the role says so."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    certificate = models.OneToOneField(
        Certificate, models.PROTECT, related_name="subscriber_key", verbose_name=_("certificate")
    )
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    sealed = models.BinaryField(null=True, editable=False)
    collected_at = models.DateTimeField(_("collected at"), null=True, blank=True)
    collected_by = models.CharField(_("collected by"), max_length=254, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("subscriber key")
        verbose_name_plural = _("subscriber keys")
        constraints = [SameOrganization(field="certificate", name="certificates_subscriberkey_tenant")]

    def __str__(self) -> str:
        return str(self.certificate_id)


class Revocation(models.Model):
    """A history of revocations: at most one is open for each (ca, serial). CRL and OCSP read nothing else."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    # Null: of a certificate that its own CA, elsewhere, has revoked because we asked for it.
    ca = models.ForeignKey(
        CertificateAuthority,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="revocations",
        verbose_name=_("authority"),
    )
    serial = models.CharField(_("serial number"), max_length=40)
    # Null: an intermediate, a responder, or a certificate that is not in the register.
    certificate = models.ForeignKey(
        Certificate, models.PROTECT, null=True, blank=True, related_name="revocations", verbose_name=_("certificate")
    )
    at = models.DateTimeField(_("revoked at"))
    reason = models.CharField(_("reason"), max_length=24)
    comment = models.CharField(_("comment"), max_length=1000, blank=True)
    invalidity = models.DateTimeField(_("invalid since"), null=True, blank=True)
    not_after = models.DateTimeField(_("not after"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    # The DER revokedCertificates entry, a pure function of this row: a CRL is a join of these.
    entry_der = models.BinaryField(editable=False)
    shard = models.PositiveSmallIntegerField(_("CRL shard"), default=0)
    # The first CRL (full, and of its shard) that carried it, or that left it out after it was lifted.
    first_crl = models.BigIntegerField(_("first CRL"), null=True, blank=True)
    first_shard_crl = models.BigIntegerField(_("first CRL of the shard"), null=True, blank=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("revocation")
        verbose_name_plural = _("revocations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["ca", "serial"],
                condition=models.Q(lifted_at__isnull=True),
                name="certificates_revocation_one_open",
            ),
            SameOrganization(field="ca", name="certificates_revocation_tenant"),
            SameOrganization(field="certificate", name="certificates_revocation_certificate_tenant"),
        ]
        indexes = [
            models.Index(fields=["ca", "serial", "id"], name="certificates_revocation_status"),
            models.Index(
                fields=["ca", "id"],
                condition=models.Q(first_crl__isnull=True),
                name="certificates_revocation_new",
            ),
            models.Index(
                fields=["ca", "shard", "id"],
                condition=models.Q(first_shard_crl__isnull=True, shard__gt=0),
                name="certificates_revocation_new_s",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.serial} · {self.reason}"
