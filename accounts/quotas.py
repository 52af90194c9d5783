"""How many an organization may have of what makes work for everybody: servers that are asked, rules that are looked at.

The numbers are far beyond what anybody needs.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from accounts.models import Organization
from kernel.errors import Conflict
from kernel.text import _


def require_room(organization_id: int, rows: QuerySet[Any], most: int) -> None:
    """A step of whoever makes another of these rows, which are the organization's: there are fewer than `most`.

    Until its transaction ends, nobody else who asks this of the organization goes on. Raises Conflict (`too-many`).
    """
    # Without its key: foreign keys look at that, and whoever issues would wait as well.
    Organization.objects.select_for_update(no_key=True).only("pk").get(pk=organization_id)
    if rows.count() >= most:
        text = _("There are %(most)s of them already, and no more are allowed. Remove what is not used any more.")
        raise Conflict(text, code="too-many", most=most)
