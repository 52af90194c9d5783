"""One reach in two spellings: whatever the ORM lets an actor see, SQL that is written by hand does too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.models import Membership
from accounts.rows import select
from accounts.selectors import reach_sql, within_reach
from kernel.actor import SYSTEM, Actor
from tests import cast

pytestmark = pytest.mark.django_db


def actors() -> dict[str, Actor]:
    owner = cast.owner(cast.organization()).actor
    return {
        "owner": owner,
        "stranger": cast.stranger().actor,
        "superuser": cast.SUPERUSER,
        "system": SYSTEM,
        "nobody's": replace(owner, organization_id=None),
        "superuser in an organization": replace(cast.SUPERUSER, organization_id=owner.organization_id),
    }


def test_both_see_the_same():
    seen = {}
    for name, actor in actors().items():
        condition, parameters = reach_sql(actor, "organization_id")
        rows = select(Membership, f"WHERE {condition} ORDER BY id", parameters)
        assert rows == list(within_reach(Membership.objects.order_by("id"), actor)), name
        seen[name] = len(rows)
    assert seen == {
        "owner": 1,
        "stranger": 1,
        "superuser": 2,
        "system": 2,
        "nobody's": 0,
        "superuser in an organization": 1,
    }
