"""Where what a notice is about has its page."""

from __future__ import annotations

from django.urls import reverse

from notices.models import Notice
from web.addresses import address_about

_LOG = "audit_log"


def address_of_subject(notice: Notice) -> str:
    """Empty for what has no page."""
    if notice.kind == _LOG:
        return reverse("audit")
    return address_about(notice.kind, str(notice.object_id) if notice.object_id else None)
