"""What rules look for: for each subject a way to find it, and a way to say that it is over.

A finder reads, and names at most so many things at once; what it left out it finds the next time, because what was
told is not found again. The rooms below know nothing of this: it is all read from their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from notices.conditions import authorities, orders, placements, renewals, requests, trail
from notices.findings import Found
from notices.models import Rule
from notices.subjects import Subject

# Of the certificates that end there is so much that their rule looks by marks of its own (`certificates.look`).
FINDERS: Final[Mapping[str, Callable[[Rule, datetime], list[Found]]]] = {
    Subject.CA_EXPIRING: authorities.ending,
    Subject.CRL_LATE: authorities.late_crls,
    Subject.REQUEST_WAITING: requests.waiting,
    Subject.RENEWAL_FAILED: renewals.failed,
    Subject.RENEWAL_NEEDED: renewals.needed,
    Subject.ORDER_FAILED: orders.failed,
    Subject.NOT_SERVED: placements.missing,
    Subject.AUDIT_BROKEN: trail.broken,
}
