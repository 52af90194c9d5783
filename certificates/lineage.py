"""A certificate and everything that has renewed it: what a server is set up with, by one address for ever."""

from __future__ import annotations

from typing import Final

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from certificates.models import Certificate
from certificates.selectors import certificates
from kernel.actor import Actor

# UNION, not UNION ALL: it ends whatever the rows say.
_DESCENDANTS: Final = """
    WITH RECURSIVE line(id) AS (
        SELECT id FROM certificates_certificate WHERE id = %s
        UNION
        SELECT each.id FROM certificates_certificate each JOIN line ON each.replaces_id = line.id
    ) SELECT id FROM line
"""


def lineage(row: Certificate, *, visible_to: Actor) -> QuerySet[Certificate]:
    """The certificate and its successors, theirs too, as far as the actor sees them; newest first."""
    return certificates(visible_to=visible_to).filter(pk__in=RawSQL(_DESCENDANTS, [row.pk]))  # noqa: S611


def current(row: Certificate, *, visible_to: Actor) -> Certificate:
    """The newest of its lineage that is neither revoked nor on hold; where there is none, the certificate itself."""
    good = lineage(row, visible_to=visible_to).filter(state=Certificate.State.ISSUED)
    return good.select_related("body").first() or row
