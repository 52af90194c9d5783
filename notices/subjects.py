"""What there is to tell."""

from __future__ import annotations

from typing import Final

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


# What happens and is over: told to channels that ask for it, as it stands in the audit log, and never by a rule.
HAPPENINGS: Final = frozenset({Subject.CERTIFICATE_ISSUED, Subject.CERTIFICATE_RENEWED, Subject.CERTIFICATE_REVOKED})
# What holds for a while: rules look for it, and it has its place on the page as long as it lasts.
CONDITIONS: Final = frozenset(Subject) - HAPPENINGS - {Subject.TEST}
# What has an end, and days before it.
ENDING: Final = frozenset({Subject.CERTIFICATE_EXPIRING, Subject.CA_EXPIRING})
# What is about a certificate: a filter of certificates narrows it, and it has an owner who can be told.
OF_CERTIFICATES: Final = frozenset(
    {Subject.CERTIFICATE_EXPIRING, Subject.RENEWAL_FAILED, Subject.RENEWAL_NEEDED, Subject.NOT_SERVED}
)
