"""CAs: their keys and certificates, every serial number they have used, and keys that must not be certified."""

from __future__ import annotations

import uuid
from functools import cached_property, lru_cache

from cryptography import x509
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization, WrappingKey
from cas.core.keys import KeyAlgorithm

ALGORITHMS = [(algorithm.value, algorithm.value) for algorithm in KeyAlgorithm]


class CaKey(models.Model):
    """A CA's private key: sealed in this row, or a reference to where it is kept. Opened by `cas.keystore` only."""

    class Backend(models.TextChoices):
        SEALED = "sealed", _("sealed in the database")
        PKCS11 = "pkcs11", _("PKCS#11 module")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    backend = models.CharField(_("backend"), max_length=10, choices=Backend, default=Backend.SEALED)
    algorithm = models.CharField(_("algorithm"), max_length=12, choices=ALGORITHMS)
    public_key = models.BinaryField()
    key_hash = models.CharField(_("key hash"), max_length=64, unique=True)
    sealed = models.BinaryField(null=True, editable=False)
    reference = models.CharField(_("reference"), max_length=500, blank=True)
    passphrase_protected = models.BooleanField(_("protected by a passphrase"), default=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    # What its organization's CA keys are sealed under, where it came along with this row.
    wrapping_key: WrappingKey | None = None

    class Meta:
        verbose_name = _("CA key")
        verbose_name_plural = _("CA keys")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(backend="sealed", sealed__isnull=False)
                | models.Q(backend="pkcs11", sealed__isnull=True),
                name="cas_cakey_sealed_or_referenced",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} · {self.key_hash[:16]}"

    @property
    def signs_outside(self) -> bool:
        """Whether its signatures are made where no transaction of ours reaches."""
        return self.backend != self.Backend.SEALED


class CertificateAuthority(models.Model):
    """A CA is a subject name and a public key; `CaCertificate` holds its one or many certificates."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Disabled")
        RETIRED = "retired", _("Retired")
        REVOKED = "revoked", _("Revoked")
        CANCELLED = "cancelled", _("Cancelled")

    class Kind(models.TextChoices):
        """Where a CA stands: it is never stored, and `cas.search` says the same of many at once."""

        ROOT = "root", _("Root")
        INTERMEDIATE = "intermediate", _("Intermediate")
        PENDING = "pending", _("Without a certificate")
        FOREIGN = "foreign", _("From outside")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="authorities", verbose_name=_("organization")
    )
    name = models.CharField(_("name"), max_length=120)
    # Part of public addresses that stand in certificates, so it is never changed and never used again.
    slug = models.SlugField(_("slug"), max_length=160, unique=True)
    description = models.CharField(_("description"), max_length=500, blank=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )
    # It goes on where another CA ends: the two overlap, and both answer for what they signed.
    predecessor = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="successors", verbose_name=_("successor of")
    )
    key = models.OneToOneField(
        CaKey, models.PROTECT, null=True, blank=True, related_name="authority", verbose_name=_("key")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    subject = models.TextField(_("subject"))
    subject_hash = models.CharField(max_length=64, editable=False)
    key_hash = models.CharField(_("key hash"), max_length=64)
    key_algorithm = models.CharField(_("key algorithm"), max_length=12, choices=ALGORITHMS)
    path_length = models.PositiveSmallIntegerField(_("path length"), null=True, blank=True)
    passphrase_protected = models.BooleanField(_("protected by a passphrase"), default=False)
    base_url = models.URLField(_("base URL"), max_length=200)
    allow_leaf_certificates = models.BooleanField(_("issues end-entity certificates"), default=True)
    requires_approval = models.BooleanField(_("requires approval"), default=False)
    approver_role = models.CharField(_("approver role"), max_length=80, blank=True)
    approvals_needed = models.PositiveSmallIntegerField(_("approvals needed"), default=1)
    crl_lifetime = models.DurationField(_("CRL lifetime"))
    crl_shards = models.PositiveSmallIntegerField(_("CRL shards"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)
    # Its preferred certificate, where that came along with this row: as it was then.
    fetched_certificate: CaCertificate | None = None

    class Meta:
        verbose_name = _("certificate authority")
        verbose_name_plural = _("certificate authorities")
        ordering = ["organization", "id"]
        constraints = [
            models.UniqueConstraint(fields=["id", "organization"], name="cas_ca_tenant"),
            models.UniqueConstraint(fields=["organization", "name"], name="cas_ca_name"),
            models.UniqueConstraint(
                fields=["subject_hash", "key_hash"], condition=models.Q(key__isnull=False), name="cas_ca_identity"
            ),
            models.UniqueConstraint(fields=["organization", "subject_hash", "key_hash"], name="cas_ca_identity_here"),
            SameOrganization(field="parent", name="cas_ca_parent_tenant"),
            SameOrganization(field="predecessor", name="cas_ca_predecessor_tenant"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> CertificateAuthority.Kind:
        """A CA from outside is one that has a certificate and no key here, wherever it stands."""
        if not self.was_certified:
            return self.Kind.PENDING
        if not self.has_key:
            return self.Kind.FOREIGN
        return self.Kind.ROOT if self.parent_id is None else self.Kind.INTERMEDIATE

    @property
    def was_certified(self) -> bool:
        """Whether it has, or had, a certificate: not while it waits for the first one, nor if it waited in vain."""
        return self.status not in (self.Status.PENDING, self.Status.CANCELLED)

    @property
    def is_root(self) -> bool:
        return self.parent_id is None and self.was_certified

    @property
    def has_key(self) -> bool:
        """Whether its key is kept here; a CA from outside has only certificates."""
        return self.key_id is not None

    @property
    def preferred_certificate(self) -> CaCertificate | None:
        """The one of its certificates that it is shown by; lists prefetch `certificates`."""
        return next((row for row in self.certificates.all() if row.preferred), None)


@lru_cache(maxsize=256)
def _read_certificate(der: bytes) -> x509.Certificate:
    """The same few certificates are asked for with each one that is issued; what was read of them once, stays read."""
    return x509.load_der_x509_certificate(der)


class CaCertificate(models.Model):
    """One certificate of a CA. The preferred one is copied into what the CA signs and hands out.

    The CA's `parent` is the issuer of its preferred certificate.
    """

    class Kind(models.TextChoices):
        SELF_SIGNED = "self-signed", _("self-signed")
        ISSUED = "issued", _("issued by its parent")
        CROSS = "cross", _("cross-certificate")
        EXTERNAL = "external", _("issued outside")

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    ca = models.ForeignKey(
        CertificateAuthority, models.PROTECT, related_name="certificates", verbose_name=_("authority")
    )
    issuer = models.ForeignKey(
        CertificateAuthority, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("issuer")
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    serial = models.CharField(_("serial number"), max_length=40)
    der = models.BinaryField()
    fingerprint = models.CharField(_("SHA-256 fingerprint"), max_length=64)
    not_before = models.DateTimeField(_("not before"))
    not_after = models.DateTimeField(_("not after"))
    preferred = models.BooleanField(_("preferred"), default=True)
    # Copied from its `Revocation`, which this room does not know.
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("CA certificate")
        verbose_name_plural = _("CA certificates")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["ca"], condition=models.Q(preferred=True), name="cas_cacertificate_one_preferred"
            ),
            models.UniqueConstraint(fields=["organization", "fingerprint"], name="cas_cacertificate_once"),
            SameOrganization(field="ca", name="cas_cacertificate_tenant"),
            SameOrganization(field="issuer", name="cas_cacertificate_issuer_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.ca} · {self.serial}"

    @cached_property
    def certificate(self) -> x509.Certificate:
        return _read_certificate(bytes(self.der))


class IssuedSerial(models.Model):
    """The only place where a serial number is reserved, for everything that a CA key signs."""

    class Kind(models.TextChoices):
        LEAF = "leaf", _("end entity")
        CA = "ca", _("CA")
        CROSS = "cross", _("cross-certificate")
        RESPONDER = "responder", _("OCSP responder")
        IMPORTED = "imported", _("imported")

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("organization"))
    ca = models.ForeignKey(
        CertificateAuthority, models.PROTECT, related_name="issued_serials", verbose_name=_("authority")
    )
    serial = models.CharField(_("serial number"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    not_after = models.DateTimeField(_("not after"))
    # 0: the certificate points to the full CRL; above: to that shard.
    shard = models.PositiveSmallIntegerField(_("CRL shard"), default=0)
    # The serial is reserved for exactly these bytes; an imported certificate was signed elsewhere.
    tbs_sha256 = models.CharField(max_length=64, blank=True)
    # Committed before a key outside this process signed, and what it signed has not been stored (yet).
    is_intent = models.BooleanField(_("intent"), default=False, db_default=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("issued serial number")
        verbose_name_plural = _("issued serial numbers")
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=models.Q(is_intent=True), name="cas_issuedserial_intents")]
        constraints = [
            models.UniqueConstraint(fields=["ca", "serial"], name="cas_issuedserial_once"),
            SameOrganization(field="ca", name="cas_issuedserial_tenant"),
        ]

    def __str__(self) -> str:
        return self.serial


class BlockedKey(models.Model):
    """A key that must not be certified again, in one organization or (with proof of possession) in all."""

    organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("organization")
    )
    key_hash = models.CharField(_("key hash"), max_length=64)
    reason = models.CharField(_("reason"), max_length=200)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("blocked key")
        verbose_name_plural = _("blocked keys")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["key_hash", "organization"], name="cas_blockedkey_once"),
            models.UniqueConstraint(
                fields=["key_hash"], condition=models.Q(organization__isnull=True), name="cas_blockedkey_once_for_all"
            ),
        ]

    def __str__(self) -> str:
        return self.key_hash
