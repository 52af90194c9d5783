"""Filters that people keep: their own, and what they share."""

from __future__ import annotations

import pytest

from certificates.models import SavedFilter
from certificates.saved_selectors import saved_filters
from certificates.services import saved
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.ref import Ref
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return cast.owner(cast.organization())


def names(person: cast.Person) -> list[str]:
    return [row.name for row in saved_filters(visible_to=person.actor)]


def test_ones_own_and_what_others_share(owner):
    teammate, stranger = cast.member(owner.organization, "auditor"), cast.stranger()
    mine = saved.save_filter(actor=owner.actor, name=" Soon ", query="?status=expiring")
    shared = saved.save_filter(actor=teammate.actor, name="All", query="", is_shared=True)
    assert (names(owner), names(teammate), names(stranger)) == (["All", "Soon"], ["All"], [])
    for actor, row, error in (
        (stranger.actor, mine, NotFound),
        (stranger.actor, shared, NotFound),
        (teammate.actor, mine, NotFound),
    ):
        with pytest.raises(error):
            saved.update_filter(actor=actor, saved=Ref("pk", row.pk), name="x", is_shared=True)
        with pytest.raises(error):
            saved.delete_filter(actor=actor, saved=Ref("public_id", str(row.public_id)))
    saved.update_filter(actor=owner.actor, saved=Ref("pk", mine.pk), name="Late", is_shared=True)
    with pytest.raises(Denied):
        saved.delete_filter(actor=teammate.actor, saved=Ref("pk", mine.pk))
    # Whoever looks after the organization tidies up what is shared in it.
    saved.delete_filter(actor=owner.actor, saved=Ref("pk", shared.pk))
    assert names(teammate) == ["Late"]


def test_what_is_refused(owner, monkeypatch):
    saved.save_filter(actor=owner.actor, name="Soon", query="")
    for name, query in (("", ""), ("x" * 81, ""), ("x\x00", ""), ("x", "y" * 8001)):
        with pytest.raises(Invalid):
            saved.save_filter(actor=owner.actor, name=name, query=query)
    other = saved.save_filter(actor=owner.actor, name="Late", query="")
    with pytest.raises(Conflict):
        saved.update_filter(actor=owner.actor, saved=Ref("pk", other.pk), name="Soon", is_shared=False)
    with pytest.raises(Conflict):
        saved.save_filter(actor=owner.actor, name="Soon", query="")
    monkeypatch.setattr(saved, "_MOST_OF_ONE", 2)
    with pytest.raises(Conflict, match="delete one first"):
        saved.save_filter(actor=owner.actor, name="Third", query="")
    with pytest.raises(Denied):
        saved.save_filter(actor=cast.SUPERUSER, name="x", query="")
    assert SavedFilter.objects.count() == 2
