"""What is sent, and how what comes is read."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from datetime import date, datetime, timedelta, timezone

import pytest
from fakes import CERTIFICATE, DETAIL, ISSUED, Caller, Server, answer

from chancery_client import UNSET, Secret, __version__, models
from chancery_client.model import Model, parse_datetime
from chancery_client.wire import fill_path

BERLIN = timezone(timedelta(hours=1))


def test_a_request_is_addressed_and_says_who_asks(caller: Caller) -> None:
    server = Server(answer(DETAIL))
    client = caller.client(server, base_url="https://pki.example.com/office/")
    caller.run(lambda: client.certificates.get("1"))
    request = server.requests[0]
    assert str(request.url) == "https://pki.example.com/office/api/v2/certificates/1"
    assert request.headers["User-Agent"] == f"chancery-client-python/{__version__}"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Authorization"].startswith("Bearer pkf_")


def test_only_what_was_given_is_sent(caller: Caller) -> None:
    server = Server(answer(ISSUED, 201))
    client = caller.client(server)
    caller.run(
        lambda: client.certificates.issue(
            template_code="web", subject={"common_name": "a", "organizationName": None}, sans=("a", "b"), csr=UNSET
        )
    )
    assert server.body() == {
        "template_code": "web",
        "subject": {"common_name": "a", "organizationName": None},
        "sans": ["a", "b"],
    }
    assert server.requests[0].headers["Content-Type"] == "application/json"


def test_nothing_is_sent_where_nothing_was_given(caller: Caller) -> None:
    server = Server(answer(ISSUED, 201))
    client = caller.client(server)
    caller.run(lambda: client.certificates.renew("1"))
    assert server.requests[0].content == b""
    assert "Content-Type" not in server.requests[0].headers


def test_secrets_are_sent_for_what_they_are_at_any_depth(caller: Caller) -> None:
    server = Server(answer(ISSUED, 201), answer({"issued": 0, "failed": 0, "chain": [], "rows": []}))
    client = caller.client(server)
    caller.run(lambda: client.certificates.issue(template_code="web", password=Secret("hunter2")))
    assert server.body()["password"] == "hunter2"
    rows = [{"common_name": "a", "password": Secret("one")}, {"common_name": "b", "password": "two"}]
    caller.run(lambda: client.certificates.issue_batch(template_code="web", rows=rows))
    assert [row["password"] for row in server.body()["rows"]] == ["one", "two"]


def test_times_are_sent_with_their_zone(caller: Caller) -> None:
    server = Server(answer(DETAIL))
    client = caller.client(server)
    moment = datetime(2026, 1, 15, 9, tzinfo=BERLIN)
    caller.run(lambda: client.certificates.revoke("1", reason="superseded", invalidity_date=moment))
    assert server.body()["invalidity_date"] == "2026-01-15T09:00:00+01:00"
    with pytest.raises(ValueError, match="invalidity_date: say its zone"):
        caller.run(lambda: client.certificates.revoke("1", invalidity_date=datetime(2026, 1, 15)))  # noqa: DTZ001


def test_what_json_has_not_is_refused(caller: Caller) -> None:
    client = caller.client(Server(answer(ISSUED, 201)))
    with pytest.raises(TypeError, match=r"subject\.common_name: bytes"):
        caller.run(lambda: client.certificates.issue(template_code="web", subject={"common_name": b"a"}))
    with pytest.raises(ValueError, match=r"not JSON compliant|Out of range"):
        caller.run(lambda: client.certificates.issue(template_code="web", subject={"common_name": float("nan")}))


def test_queries_are_written_as_the_api_reads_them(caller: Caller) -> None:
    server = Server(answer({"data": [], "pagination": {"next_cursor": None, "total": 0}}))
    client = caller.client(server)
    caller.run(lambda: client.certificates.list(tag=["prod", "a&b"], cn="*.acme.com", limit=2))
    assert server.requests[0].url.params.multi_items() == [
        ("limit", "2"),
        ("cn", "*.acme.com"),
        ("tag", "prod"),
        ("tag", "a&b"),
    ]
    caller.run(lambda: client.requests.list(mine=True, inbox=False))
    assert dict(server.requests[1].url.params) == {"mine": "true", "inbox": "false"}


@pytest.mark.parametrize(("part", "path"), [("3F:A1", "/x/3F:A1/y"), ("?#", "/x/%3F%23/y"), (5, "/x/5/y")])
def test_a_part_of_a_path_stays_one(part: object, path: str) -> None:
    assert fill_path("/x/{}/y", [part]) == path


@pytest.mark.parametrize("part", ["", ".", "..", "a/renewal", "..\\a"])
def test_what_would_be_another_path_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match="part of a path"):
        fill_path("/x/{}/y", [part])


def test_a_certificate_is_read_with_its_types(caller: Caller) -> None:
    client = caller.client(Server(answer(DETAIL)))
    found = caller.run(lambda: client.certificates.get("1"))
    assert found.not_after == datetime(2026, 4, 15, 8, tzinfo=timezone.utc)
    assert found.pki == models.IssuerPki(id="ca-1", name="Issuing", type="internal")
    assert found.template is None
    assert found.to_dict() == DETAIL


def test_a_map_of_free_form_is_left_alone() -> None:
    subject = {"common_name": "a", "organizationalUnit": ["x"], "serialNumber": 5, "": {"not_after": "tomorrow"}}
    assert models.Certificate.from_wire({**CERTIFICATE, "subject": subject}).subject == subject


def test_what_a_newer_server_says_is_read_as_far_as_it_is_known() -> None:
    newer = {**CERTIFICATE, "status": "dreaming", "colour": "blue", "pki": {**CERTIFICATE["pki"], "mood": 1}}
    found = models.Certificate.from_wire(newer)
    assert found.status == "dreaming"
    assert not hasattr(found, "colour")


@pytest.mark.parametrize("change", [{"not_after": "soon"}, {"sans": 5}, {"pki": "ca-1"}, {"not_after": None}])
def test_what_is_not_of_its_type_is_told_by_its_field(change) -> None:
    with pytest.raises(ValueError, match=f"Certificate.{next(iter(change))}"):
        models.Certificate.from_wire({**CERTIFICATE, **change})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-15T08:00:00Z", datetime(2026, 1, 15, 8, tzinfo=timezone.utc)),
        ("2026-01-15T09:00:00+01:00", datetime(2026, 1, 15, 8, tzinfo=timezone.utc)),
        ("2026-04-18T10:02:34.123Z", datetime(2026, 4, 18, 10, 2, 34, 123000, tzinfo=timezone.utc)),
        ("2026-04-18T10:02:34.1234567Z", datetime(2026, 4, 18, 10, 2, 34, 123456, tzinfo=timezone.utc)),
    ],
)
def test_times_of_any_precision_are_read(text: str, moment: datetime) -> None:
    assert parse_datetime(text) == moment


def test_dates_are_dates() -> None:
    assert models.Day.from_wire({"day": "2026-01-15", "certificates": 3}).day == date(2026, 1, 15)


def test_every_model_can_be_read() -> None:
    """That its annotations mean something on this Python, and a value for each makes one."""
    found = [each for each in vars(models).values() if isinstance(each, type) and issubclass(each, Model)]
    assert len(found) > 50
    for model in found:
        if model is not Model:
            with pytest.raises(ValueError, match="is missing"):
                model.from_wire({})
            assert dataclasses.is_dataclass(model)


def test_models_do_not_change() -> None:
    found = models.Certificate.from_wire(CERTIFICATE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.status = "revoked"


def test_a_secret_is_shown_to_nobody() -> None:
    secret = Secret("hunter2")
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>20}",
        repr([secret]),
        repr({"a": secret}),
    ]
    assert not any("hunter2" in text for text in shown)
    assert str(secret) == "[secret]"
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        vars(secret)
    assert copy.deepcopy(secret) is secret
    assert secret.reveal() == "hunter2"


def test_secrets_are_equal_by_what_they_hold() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("ü")}) == 2
