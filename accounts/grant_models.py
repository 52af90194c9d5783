"""What a credential may do with single CAs."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.machine_models import ServiceAccount
from accounts.models import ApiKey, Organization

# The columns of what a grant can be given to. Each row names one of them.
_SUBJECTS: Final = ("api_key", "service_account")


def _exactly_one_subject() -> models.Q:
    condition = models.Q()
    for subject in _SUBJECTS:
        condition |= models.Q(**{f"{each}__isnull": each != subject for each in _SUBJECTS})
    return condition


class Grant(models.Model):
    """One CA that a credential is let to, and for what. Whoever is let to single CAs has no rights elsewhere."""

    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    api_key = models.ForeignKey(
        ApiKey,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="grants",
        verbose_name=_("API key"),
        db_index=False,
    )
    service_account = models.ForeignKey(
        ServiceAccount,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="grants",
        verbose_name=_("service account"),
        db_index=False,
    )
    ca = models.ForeignKey(
        "cas.CertificateAuthority", models.PROTECT, related_name="+", verbose_name=_("CA"), db_index=False
    )
    can_read = models.BooleanField(_("read"), default=True)
    can_issue = models.BooleanField(_("issue"), default=False)
    can_revoke = models.BooleanField(_("revoke"), default=False)
    # Private keys that are stored here; it goes with reading.
    can_export = models.BooleanField(_("export private keys"), default=False)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["api_key", "ca"], name="accounts_grant_key_once"),
            models.UniqueConstraint(fields=["service_account", "ca"], name="accounts_grant_service_once"),
            models.CheckConstraint(condition=_exactly_one_subject(), name="accounts_grant_one_subject"),
            models.CheckConstraint(
                condition=models.Q(can_read=True)
                | (models.Q(can_export=False, can_issue=True))
                | models.Q(can_export=False, can_revoke=True),
                name="accounts_grant_of_something",
            ),
            SameOrganization(field="ca", name="accounts_grant_own_ca"),
            SameOrganization(field="api_key", name="accounts_grant_own_key"),
            SameOrganization(field="service_account", name="accounts_grant_own_service"),
        ]

    def __str__(self) -> str:
        return f"{self.api_key or self.service_account} · {self.ca}"
