"""What people say about a certificate: tags, description, and who answers for it."""

from __future__ import annotations

from accounts.roles import OrganizationRole
from accounts.services.api_keys import create_api_key
from audit.models import AuditEvent
from certificates.models import Certificate
from certificates.orders import Managed
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.office import Office


def place_of(row: Certificate) -> str:
    return f"/api/v2/certificates/{row.public_id}"


def wire_of_member(office: Office, role: str = OrganizationRole.MEMBER, *more: Permission) -> Wire:
    """The key of somebody who may read and issue, and no more than that and this."""
    made = create_api_key(
        actor=office.owner,
        organization=office.organization,
        owner=cast.member(office.organization, role).user,
        name="member",
        permissions=[Permission.CERTIFICATES_READ, Permission.CERTIFICATES_ISSUE, *more],
    )
    return Wire(made.token.reveal().decode())


def test_a_stranger_changes_nothing(office, stranger):
    row = office.issue(tags=("prod",)).certificate
    answer = stranger.patch(place_of(row), {"tags": [], "owner": "owner@umbrella.example"})
    assert answer.status_code == 404
    row.refresh_from_db()
    assert (row.tags, row.owner_id) == (["prod"], office.person.user.pk)


def test_reading_is_not_changing(office):
    robot = wire_of(office.person, Permission.CERTIFICATES_READ)
    assert robot.patch(place_of(office.issue().certificate), {"tags": []}).status_code == 403


def test_another_member_answers_for_it_from_now_on(api, office):
    colleague = cast.member(office.organization, OrganizationRole.OPERATOR)
    row = office.issue(tags=("prod",)).certificate
    body = api.patch(place_of(row), {"owner": "  Operator@ACME.example "}).json()
    assert (body["owner"], body["tags"], body["requester"]) == (colleague.user.email, ["prod"], "owner@acme.example")
    assert [item["id"] for item in api.get(f"/api/v2/certificates?owner={colleague.user.email}").json()["data"]] == [
        str(row.public_id)
    ]
    event = AuditEvent.objects.get(name="certificate.updated").document
    assert event["metadata"] == {"fields": ["owner"], "owner": colleague.user.email}


def test_only_an_active_member_can_answer_for_it(api, office, stranger):
    row = office.issue().certificate
    gone = cast.member(office.organization, OrganizationRole.OPERATOR).user
    gone.is_active = False
    gone.save(update_fields=["is_active"])
    for owner in ("nobody@acme.example", "owner@umbrella.example", gone.email):
        answer = api.patch(place_of(row), {"owner": owner, "tags": ["a,b"]})
        assert wrong_fields(answer) == {"owner": "unknown-user", "tags[0]": "invalid"}
    assert wrong_fields(api.patch(place_of(row), {"owner": None})) == {"owner": "null"}
    assert api.get(place_of(row)).json()["owner"] == office.person.user.email


def test_a_key_that_waits_goes_to_whoever_it_was_made_for(api, office):
    """Who may issue could become the owner and collect another's key."""
    row = office.issue(key=Managed(collect_later=True)).certificate
    thief = wire_of_member(office, OrganizationRole.OPERATOR, Permission.CERTIFICATES_RENEW)
    answer = thief.patch(place_of(row), {"owner": "operator@acme.example"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "key-waits")
    assert thief.post(f"{place_of(row)}/private-key").status_code == 403
    assert thief.patch(place_of(row), {"owner": office.person.user.email}).status_code == 200
    assert api.post(f"{place_of(row)}/private-key").status_code == 200
    assert thief.patch(place_of(row), {"owner": "operator@acme.example"}).status_code == 200


def test_who_could_not_renew_it_does_not_come_to_answer_for_what_is_anothers(api, office):
    """A successor that is made by itself is the owner's, and so is its key."""
    row = office.issue().certificate
    thief = wire_of_member(office)
    assert thief.patch(place_of(row), {"owner": "member@acme.example"}).status_code == 403
    assert api.get(place_of(row)).json()["owner"] == office.person.user.email


def test_tags_are_found_as_they_are_now(api, office):
    place = place_of(office.issue(tags=("prod", "critical")).certificate)
    assert api.patch(place, {"tags": ["test", "test"]}).json()["tags"] == ["test"]
    assert api.get("/api/v2/certificates?tag=prod").json()["data"] == []
    assert len(api.get("/api/v2/certificates?tag=test").json()["data"]) == 1
