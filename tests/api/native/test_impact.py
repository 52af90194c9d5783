"""POST /api/v2/templates/{id}/impact and roles/{id}/impact: what a change would refuse, on the wire."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import wire_of, wrong_fields
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db
READ = (Permission.CERTIFICATES_READ, Permission.ROLES_READ, Permission.TEMPLATES_READ)


@pytest.fixture
def office() -> Office:
    return open_office()


def paths(office: Office) -> tuple[str, str]:
    return (
        f"/api/v2/roles/{office.role.public_id}/impact",
        f"/api/v2/templates/{office.template.public_id}/impact",
    )


def test_strangers_find_nothing_and_who_may_not_read_all_of_it_is_refused(office):
    stranger = wire_of(cast.stranger())
    for path in paths(office):
        assert stranger.post(path, {}).status_code == 404
        assert wire_of(office.person, Permission.CERTIFICATES_READ).post(path, {}).status_code == 403
        assert wire_of(office.person, *READ[1:]).post(path, {}).status_code == 403


def test_who_reads_is_told_what_a_change_would_refuse_and_nothing_is_changed(office):
    wildcard = office.issue("*.acme.test").certificate
    office.issue("www.acme.test")
    wire, before = wire_of(office.person, *READ), AuditEvent.objects.count()
    answer = wire.post(paths(office)[0], {"allow_wildcards": False})
    assert answer.status_code == 200
    found = answer.json()
    assert list(found) == ["at", "harmless", "issued", "renewals"]
    assert found["harmless"] is False
    for part in ("issued", "renewals"):
        judged = found[part]
        assert (judged["total"], judged["total_is_estimate"], judged["judged"], judged["refused"]) == (2, False, 2, 1)
        (first,) = judged["first"]
        assert (first["id"], first["common_name"]) == (str(wildcard.public_id), "*.acme.test")
        assert first["reasons"][0]["code"] == "name-not-allowed"
        assert first["reasons"][0]["detail"] == "the role allows no wildcards: '*.acme.test'"
    assert wire.post(paths(office)[1], {"name": "Shops"}).json()["harmless"] is True
    assert AuditEvent.objects.count() == before
    office.role.refresh_from_db()
    assert office.role.allow_wildcards


def test_a_change_that_would_be_refused_is(office):
    wire = wire_of(office.person, *READ)
    assert wrong_fields(wire.post(paths(office)[0], {"max_ttl": "1d"})) == {"validity": "too-long"}
    assert wrong_fields(wire.post(paths(office)[1], {"surprise": 1})) == {"surprise": "unknown-field"}
