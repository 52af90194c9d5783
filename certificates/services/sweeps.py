"""What the clock brings round. Each sweep finds rows that are due, and one that fails does not stop the others."""

from __future__ import annotations

import logging

from django.utils import timezone

from certificates import selectors
from certificates.services import fulfilment, renewing, tallies
from certificates.services.crl import open_publication, publish_crl
from certificates.services.placements import check_due_placements
from certificates.services.responders import rotate_responder
from kernel.actor import SYSTEM

log = logging.getLogger(__name__)


def publish_due_crls() -> int:
    """How many CRLs were published."""
    for ca in selectors.authorities_without_publication():
        open_publication(ca)
    published = 0
    for scope in selectors.due_crl_scopes(at=timezone.now()):
        try:
            published += publish_crl(actor=SYSTEM, scope=scope) is not None
        except Exception:
            # It has been logged, and the scope says what went wrong and when it will be tried again.
            log.warning("the CRL of %s is tried again later", scope.ca)
    return published


def rotate_responders() -> int:
    """How many responders were made."""
    rotated = 0
    unlocked = selectors.authorities_in_need_of_responder(at=timezone.now()).filter(passphrase_protected=False)
    for ca in unlocked:
        try:
            rotated += rotate_responder(actor=SYSTEM, ca=ca) is not None
        except Exception:
            log.exception("the responder of %s was not rotated", ca)
    return rotated


def fulfil_approved() -> int:
    """How many requests were closed: fulfilled, failed for good, or expired."""
    expired = fulfilment.expire_lapsed_requests(actor=SYSTEM)
    return expired + fulfilment.fulfil_due_requests(actor=SYSTEM)


def renew_due_certificates() -> int:
    """How many certificates were renewed, or need no renewal any more."""
    return renewing.renew_due_certificates(actor=SYSTEM)


def look_where_used() -> int:
    """How many servers were looked at."""
    return check_due_placements(actor=SYSTEM)


def take_tallies() -> int:
    """How many tallies were added."""
    return tallies.take_tallies(at=timezone.now())
