"""What there is to tell."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Subject(models.TextChoices):
    """The `event` of a message. A name, once used, keeps its meaning: programs wait for it."""

    CERTIFICATE_EXPIRING = "certificate.expiring", _("a certificate ends soon")
    CERTIFICATE_ISSUED = "certificate.issued", _("a certificate was issued")
    CERTIFICATE_RENEWED = "certificate.renewed", _("a certificate was renewed")
    CERTIFICATE_REVOKED = "certificate.revoked", _("a certificate was revoked")
    RENEWAL_FAILED = "renewal.failed", _("a renewal failed")
    RENEWAL_NEEDED = "renewal.needed", _("somebody has to renew a certificate")
    CA_EXPIRING = "ca.expiring", _("a CA ends soon")
    CRL_LATE = "crl.late", _("a CRL is late")
    REQUEST_WAITING = "request.waiting", _("a request waits for approval")
    ORDER_FAILED = "acme_order.failed", _("an order at a public CA failed")
    AUDIT_BROKEN = "audit.broken", _("the audit log does not verify")
    NOT_SERVED = "certificate.not_served", _("a new certificate is not being served")
    TEST = "test", _("a test")
