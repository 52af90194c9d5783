"""What people and programs are told, by which rules, where to, and what became of it.

A condition ("this certificate ends in 7 days") is told once for each rule and threshold, however often it is looked at.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization, User
from accounts.queue import Queued
from accounts.said import SaidField
from notices.subjects import Subject as Subject


class Channel(models.Model):
    """A place that messages go to. What its address or secret is, is sealed where it would let others speak there."""

    class Kind(models.TextChoices):
        MAIL = "mail", _("e-mail")
        WEBHOOK = "webhook", _("webhook")
        SLACK = "slack", _("Slack")
        TEAMS = "teams", _("Microsoft Teams")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="channels", verbose_name=_("organization"), db_index=False
    )
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    # Of mail: to whom. Who is no member gets it only where an owner has named them: these stand in `outsiders` as well.
    recipients = models.JSONField(_("recipients"), default=list, blank=True)
    outsiders = models.JSONField(default=list, blank=True, editable=False)
    # Where it goes, without what is secret in it: of Slack and Teams the whole address is the password.
    host = models.CharField(_("host"), max_length=253, blank=True)
    sealed_url = models.BinaryField(null=True, editable=False)
    # What a webhook's messages are signed with (HMAC-SHA-256), and while it is being changed, the one before.
    sealed_secret = models.BinaryField(null=True, editable=False)
    sealed_old_secret = models.BinaryField(null=True, editable=False)
    old_secret_ends_at = models.DateTimeField(_("old secret ends at"), null=True, blank=True)
    # Which subjects it is sent without any rule; empty: none.
    subjects = models.JSONField(_("events"), default=list, blank=True)
    # Up to which place in the audit log it has been told: the first event that it has not.
    next_position = models.PositiveBigIntegerField(default=0, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    tested_at = models.DateTimeField(_("tested at"), null=True, blank=True)
    # Of the last delivery; empty where it succeeded.
    last_error = SaidField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["organization", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="notices_channel_name"),
            models.UniqueConstraint(fields=["id", "organization"], name="notices_channel_target"),
        ]
        indexes = [models.Index(fields=["organization", "id"], name="notices_channel_list")]

    def __str__(self) -> str:
        return self.name


class Rule(Queued):
    """What is told, when, and over which channels; on the page it is told always."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="notice_rules", verbose_name=_("organization"), db_index=False
    )
    name = models.CharField(_("name"), max_length=80)
    subject = models.CharField(_("about"), max_length=24, choices=Subject)
    # Days before the end, largest first; of subjects that have an end.
    thresholds = models.JSONField(_("days before"), default=list, blank=True)
    # In the language of the lists of certificates; empty: every certificate.
    filter = models.CharField(_("filter"), max_length=1000, blank=True)
    # Also to the owner of the certificate, by mail.
    tells_owner = models.BooleanField(_("tells the owner"), default=False)
    channels = models.ManyToManyField(Channel, through="RuleChannel", related_name="rules", verbose_name=_("channels"))
    is_active = models.BooleanField(_("active"), default=True)
    # What lay before it is not told.
    since = models.DateTimeField(_("since"), auto_now_add=True)
    # What it has looked at: everything up to this time, every certificate up to this number, and when all of them.
    looked_at = models.DateTimeField(null=True, editable=False)
    looked_through = models.BigIntegerField(default=0, editable=False)
    looked_at_all = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(_("due at"), default=timezone.now, null=True, blank=True)
    last_error = SaidField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("notification rule")
        verbose_name_plural = _("notification rules")
        ordering = ["organization", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="notices_rule_name"),
            models.UniqueConstraint(fields=["id", "organization"], name="notices_rule_target"),
        ]
        indexes = [
            models.Index(fields=["organization", "id"], name="notices_rule_list"),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="notices_rule_due"),
        ]

    def __str__(self) -> str:
        return self.name


class FirstRules(models.Model):
    """An organization that has been given the rules that everyone begins with: once, also where it has deleted them."""

    organization = models.OneToOneField(
        Organization, models.PROTECT, primary_key=True, related_name="+", verbose_name=_("organization")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("first rules")
        verbose_name_plural = _("first rules")

    def __str__(self) -> str:
        return str(self.organization_id)


class RuleChannel(models.Model):
    """Over which channels a rule speaks."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="rule_channels", db_index=False)
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="rule_channels")

    class Meta:
        verbose_name = _("channel of a rule")
        verbose_name_plural = _("channels of rules")
        constraints = [
            models.UniqueConstraint(fields=["rule", "channel"], name="notices_rulechannel_once"),
            SameOrganization(field="rule", name="notices_rulechannel_rule_tenant"),
            SameOrganization(field="channel", name="notices_rulechannel_channel_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} → {self.channel_id}"


class Notice(models.Model):
    """Something that an organization was told, as it stands on its page. It closes itself when it is over."""

    class Level(models.TextChoices):
        INFO = "info", _("Note")
        WARNING = "warning", _("Warning")
        CRITICAL = "critical", _("Urgent")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="notices", verbose_name=_("organization"), db_index=False
    )
    rule = models.ForeignKey(
        Rule, models.SET_NULL, null=True, blank=True, related_name="notices", verbose_name=_("rule")
    )
    subject = models.CharField(_("about"), max_length=24, choices=Subject)
    level = models.CharField(_("level"), max_length=8, choices=Level)
    # What it is about: `certificate`, `ca`, `request`, `acme_order`, `audit_log`; its public id, and its name then.
    kind = models.CharField(_("kind"), max_length=20)
    object_id = models.UUIDField(_("object"), null=True, blank=True)
    label = models.CharField(_("name"), max_length=254)
    # Of an expiry: the threshold in days that was crossed.
    threshold = models.IntegerField(_("days before"), null=True, blank=True)
    # What the sentence is made of, in the reader's language: dates as ISO 8601, errors as text.
    facts = models.JSONField(_("facts"), default=dict)
    # Once per rule, object, threshold and occasion (the end of the certificate, the number of the CRL …).
    occasion = models.CharField(_("occasion"), max_length=120)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "rule", "occasion"], name="notices_notice_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="notices_notice_target"),
            SameOrganization(field="rule", name="notices_notice_rule_tenant"),
        ]
        indexes = [
            models.Index(fields=["organization", "id"], name="notices_notice_list"),
            models.Index(
                fields=["organization", "id"], condition=models.Q(closed_at__isnull=True), name="notices_notice_open"
            ),
            models.Index(fields=["organization", "object_id"], name="notices_notice_object"),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.label}"


class NoticeReading(models.Model):
    """Up to which notice somebody has read those of an organization."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    # The number of the newest notice there was.
    up_to = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("reading of notices")
        verbose_name_plural = _("readings of notices")
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="notices_reading_once")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.up_to}"


class Mute(models.Model):
    """An object of which an organization does not want to hear any more."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(_("kind"), max_length=20)
    object_id = models.UUIDField(_("object"))
    label = models.CharField(_("name"), max_length=254)
    muted_by = models.CharField(_("muted by"), max_length=254)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("muted object")
        verbose_name_plural = _("muted objects")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["organization", "object_id"], name="notices_mute_once")]

    def __str__(self) -> str:
        return self.label


class Delivery(Queued):
    """One message to one channel, or to one owner: the row is the queue, and what became of it stays."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("To be sent")
        DELIVERED = "delivered", _("Delivered")
        # Given up; somebody may send it again.
        DEAD = "dead", _("Given up")

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="deliveries", verbose_name=_("organization"), db_index=False
    )
    channel = models.ForeignKey(
        Channel, models.CASCADE, null=True, blank=True, related_name="deliveries", verbose_name=_("channel")
    )
    # Of a mail: to whom. A mail to an owner has no channel.
    recipient = models.CharField(_("recipient"), max_length=254, blank=True)
    notice = models.ForeignKey(
        Notice, models.CASCADE, null=True, blank=True, related_name="deliveries", verbose_name=_("notice")
    )
    # What is told, whole: to a program the same bytes at each attempt, so that it can know a repetition by its id.
    # A message to people may put several notices together; `notice` is the one of a message about one.
    subject = models.CharField(_("event"), max_length=24, choices=Subject)
    document = models.JSONField(_("message"), default=dict)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.WAITING)
    last_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    last_error = SaidField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [
            # A notice goes to each place once.
            models.UniqueConstraint(fields=["notice", "channel", "recipient"], name="notices_delivery_once"),
            models.UniqueConstraint(
                fields=["notice", "recipient"],
                condition=models.Q(channel__isnull=True),
                name="notices_delivery_owner_once",
            ),
            SameOrganization(field="channel", name="notices_delivery_channel_tenant"),
            SameOrganization(field="notice", name="notices_delivery_notice_tenant"),
        ]
        indexes = [
            models.Index(fields=["organization", "id"], name="notices_delivery_list"),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="notices_delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.public_id}"
