"""Certificates that service accounts sign in with."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.constraints import SameOrganization
from accounts.models import Organization, ServiceAccount, User


class ClientCertificateBinding(models.Model):
    """A certificate of ours that is a credential of one service account: nothing but this row makes it one.

    Otherwise whoever may issue certificates could make a login of it.
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("organization"), db_index=False
    )
    certificate = models.OneToOneField(
        "certificates.Certificate",
        models.PROTECT,
        related_name="client_binding",
        verbose_name=_("certificate"),
    )
    service_account = models.ForeignKey(
        ServiceAccount, models.PROTECT, related_name="client_bindings", verbose_name=_("service account")
    )
    # Whether what renews the certificate is the credential then. Whoever may renew it makes that one.
    follows_renewal = models.BooleanField(_("renewals sign in, too"), default=False)
    # Who bound it: whoever chooses the certificate could have its key.
    maker = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("bound by"), db_index=False
    )
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    event = models.CharField(_("audit event"), max_length=26, editable=False)

    class Meta:
        verbose_name = _("client certificate")
        verbose_name_plural = _("client certificates")
        ordering = ["organization", "id"]
        constraints = [
            SameOrganization(field="certificate", name="certificates_binding_own_certificate"),
            SameOrganization(field="service_account", name="certificates_binding_own_service"),
        ]
        indexes = [models.Index(fields=["organization", "id"], name="certificates_binding_list")]

    def __str__(self) -> str:
        return f"{self.certificate} · {self.service_account}"
