"""The log as rows. They are written by services alone and guarded by triggers; no foreign key leads out."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.document import LABEL_SIZE
from audit.signing import signature_text


class AuditEvent(models.Model):
    """One thing that happened: `canonical` is what was signed, the other columns are copies to search by.

    `id` is the order of writing, `position` the place in the Merkle tree of its log: None until it is sealed.
    """

    log = models.BigIntegerField(_("log"))
    event_id = models.CharField(_("event id"), max_length=26)
    position = models.PositiveBigIntegerField(_("position"), null=True)
    canonical = models.BinaryField(_("signed bytes"))
    signature = models.BinaryField(_("signature"))
    key_id = models.CharField(_("key"), max_length=16)
    name = models.CharField(_("event"), max_length=64)
    at = models.DateTimeField(_("time"))
    actor_kind = models.CharField(_("kind of actor"), max_length=32)
    actor_id = models.BigIntegerField(_("actor's number"))
    actor_label = models.CharField(_("actor"), max_length=LABEL_SIZE)
    resource_type = models.CharField(_("kind of object"), max_length=64)
    resource_id = models.BigIntegerField(_("object's number"), null=True)
    resource_label = models.CharField(_("object"), max_length=LABEL_SIZE)
    serial = models.CharField(_("serial number"), max_length=64)
    ip = models.CharField(_("address"), max_length=45)
    trace_id = models.CharField(_("request"), max_length=64)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["event_id"], name="audit_event_id"),
            models.UniqueConstraint(fields=["log", "position"], name="audit_event_position"),
        ]
        indexes = [
            models.Index(fields=["log", "id"], name="audit_event_unsealed", condition=models.Q(position__isnull=True)),
            models.Index(fields=["log", "id"], name="audit_event_log"),
            models.Index(fields=["log", "name", "id"], name="audit_event_name"),
            models.Index(fields=["log", "resource_type", "resource_id", "id"], name="audit_event_resource"),
            models.Index(fields=["log", "actor_kind", "actor_id", "id"], name="audit_event_actor"),
            models.Index(fields=["log", "serial", "id"], name="audit_event_serial"),
            models.Index(fields=["log", "trace_id", "id"], name="audit_event_trace"),
            models.Index(fields=["log", "at", "id"], name="audit_event_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.event_id}"

    @cached_property
    def document(self) -> dict[str, Any]:
        """What was signed, read back."""
        document: dict[str, Any] = json.loads(bytes(self.canonical))
        return document

    @property
    def signature_text(self) -> str:
        """`ed25519:…`, as the API shows it."""
        return signature_text(bytes(self.signature))

    @property
    def is_sealed(self) -> bool:
        return self.position is not None


class AuditTile(models.Model):
    """Up to 256 consecutive hashes of one level of a log's tree (C2SP tlog-tiles); it only grows, to its right."""

    log = models.BigIntegerField(_("log"))
    level = models.PositiveSmallIntegerField(_("level"))
    number = models.PositiveBigIntegerField(_("number"))
    hashes = models.BinaryField(_("hashes"))

    class Meta:
        verbose_name = _("audit tile")
        verbose_name_plural = _("audit tiles")
        ordering = ["log", "level", "number"]
        constraints = [models.UniqueConstraint(fields=["log", "level", "number"], name="audit_tile_place")]

    def __str__(self) -> str:
        return f"{self.log}/{self.level}/{self.number}"


class AuditCheckpoint(models.Model):
    """A signed statement of what a log's tree was at `size` events (C2SP tlog-checkpoint)."""

    log = models.BigIntegerField(_("log"))
    size = models.PositiveBigIntegerField(_("size"))
    root = models.BinaryField(_("root hash"))
    note = models.TextField(_("signed note"))
    at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("audit checkpoint")
        verbose_name_plural = _("audit checkpoints")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["log", "size"], name="audit_checkpoint_size")]
        indexes = [models.Index(fields=["log", "id"], name="audit_checkpoint_list")]

    def __str__(self) -> str:
        return f"{self.log}@{self.size}"


class AuditCheck(models.Model):
    """What a verification of one log came to: `size` sealed events under `root`, and at most 100 findings."""

    log = models.BigIntegerField(_("log"))
    at = models.DateTimeField(_("time"))
    size = models.PositiveBigIntegerField(_("size"))
    unsealed = models.PositiveBigIntegerField(_("not yet sealed"))
    root = models.BinaryField(_("root hash"))
    findings = models.JSONField(_("findings"))

    class Meta:
        verbose_name = _("audit check")
        verbose_name_plural = _("audit checks")
        ordering = ["-id"]
        indexes = [models.Index(fields=["log", "id"], name="audit_check_log")]

    def __str__(self) -> str:
        return f"{self.log}@{self.size}"

    @property
    def is_sound(self) -> bool:
        return not self.findings


class AuditKey(models.Model):
    """A signing key: public in clear, private sealed under the master key. At most one is active."""

    key_id = models.CharField(_("key"), max_length=16, unique=True)
    public_key = models.BinaryField(_("public key"))
    sealed_seed = models.BinaryField(_("sealed private key"))
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("audit key")
        verbose_name_plural = _("audit keys")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["is_active"], condition=models.Q(is_active=True), name="audit_key_active")
        ]

    def __str__(self) -> str:
        return self.key_id
