"""Renewal by itself, and places of use, over the API."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from certificates.models import Renewal
from kernel.permissions import Permission
from tests.api.wire import wire_of, wrong_fields

URL = "/api/v2/certificates"


def test_it_is_let_to_renew_itself_and_left_again(api, office, stranger):
    row = office.issue().certificate
    place = f"{URL}/{row.public_id}/renewal"
    before = api.get(place).json()
    assert (before["auto_renew"], before["renew_at"], before["standing"]) == (False, None, None)
    answer = api.send("PUT", place, {"days_before": 20})
    assert answer.status_code == 200, answer.content
    row.refresh_from_db()
    assert row.not_after - row.renew_at == timedelta(days=20)
    assert (answer.json()["certificate_id"], answer.json()["auto_renew"]) == (str(row.public_id), True)
    assert wrong_fields(api.send("PUT", place, {"days_before": 0})) == {"days_before": "min-value"}
    assert stranger.send("PUT", place, {}).status_code == 404
    assert wire_of(office.person, Permission.CERTIFICATES_READ).send("PUT", place, {}).status_code == 403
    assert api.delete(place).status_code == 204
    assert api.get(place).json()["auto_renew"] is False


def test_what_stands_in_the_way_is_told(api, office):
    row = office.issue(renew_ahead=timedelta(days=30)).certificate
    Renewal.objects.create(
        certificate=row,
        organization_id=row.organization_id,
        standing=Renewal.Standing.FAILED,
        last_error="The template web-tls is retired.",
        attempts=3,
        due_at=timezone.now(),
    )
    told = api.get(f"{URL}/{row.public_id}/renewal").json()
    assert (told["standing"], told["failed_attempts"]) == ("failed", 3)
    assert told["last_error"] == "The template web-tls is retired."
    assert told["next_attempt_at"]


def test_places_are_listed_looked_at_and_forgotten(api, office, stranger):
    row = office.issue().certificate
    answer = api.post(f"{URL}/{row.public_id}/placements", {"host": "127.0.0.1"})
    assert answer.status_code == 201, answer.content
    place = answer["Location"]
    assert (answer.json()["port"], answer.json()["status"]) == (443, "unknown")
    assert [each["id"] for each in api.get(f"{URL}/{row.public_id}/placements").json()["data"]] == [answer.json()["id"]]
    seen = api.post(f"{place}/check").json()
    assert (seen["status"], seen["served_fingerprint"], seen["wrong_since"]) == ("unreachable", "", seen["checked_at"])
    assert api.post(f"{URL}/{row.public_id}/placements", {"host": "127.0.0.1"}).status_code == 409
    assert wrong_fields(api.post(f"{URL}/{row.public_id}/placements", {"host": "a b"}))
    assert stranger.get(place).status_code == 404
    assert api.delete(place).status_code == 204
    assert api.get(place).status_code == 404
