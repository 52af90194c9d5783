"""A certificate, what it has renewed, and what has renewed it: a server is set up with the line, by one address."""

from __future__ import annotations

from typing import Final

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from certificates.models import Certificate
from certificates.selectors import certificates
from kernel.actor import Actor

# UNION, not UNION ALL: they end whatever the rows say.
_DESCENDANTS: Final = """
    WITH RECURSIVE line(id) AS (
        SELECT id FROM certificates_certificate WHERE id = %s
        UNION
        SELECT each.id FROM certificates_certificate each JOIN line ON each.replaces_id = line.id
    ) SELECT id FROM line
"""
_ANCESTORS: Final = """
    WITH RECURSIVE line(id, replaces_id) AS (
        SELECT id, replaces_id FROM certificates_certificate WHERE id = %s
        UNION
        SELECT each.id, each.replaces_id FROM certificates_certificate each JOIN line ON each.id = line.replaces_id
    ) SELECT id FROM line
"""


def ancestry(row: Certificate) -> RawSQL:
    """The ids of the certificate and of what it renews, and so on back to the first."""
    return RawSQL(_ANCESTORS, [row.pk])  # noqa: S611


def lineage(row: Certificate, *, visible_to: Actor) -> QuerySet[Certificate]:
    """The certificate and its successors, theirs too, as far as the actor sees them; newest first."""
    return certificates(visible_to=visible_to).filter(pk__in=RawSQL(_DESCENDANTS, [row.pk]))  # noqa: S611


def current(row: Certificate, *, visible_to: Actor) -> Certificate:
    """The newest of its lineage that is neither revoked nor on hold; where there is none, the certificate itself."""
    good = lineage(row, visible_to=visible_to).filter(state=Certificate.State.ISSUED)
    return good.select_related("body").first() or row
