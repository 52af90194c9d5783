"""What failures tell, and what they keep to themselves."""

from __future__ import annotations

import logging
import pickle
import traceback

import httpx
import pytest
from fakes import DETAIL, ISSUED, KEY, REQUEST, Caller, Server, answer, problem

import chancery_client
from chancery_client import ApiError, ChanceryError, FieldError, NotYetIssued, UnexpectedAnswer, ValidationFailed

BY_STATUS = {
    400: "BadRequest",
    401: "AuthenticationFailed",
    402: "NotLicensed",
    403: "PermissionDenied",
    404: "NotFound",
    409: "Conflict",
    422: "ValidationFailed",
    429: "RateLimited",
    500: "ServerError",
    503: "ServerError",
}


@pytest.mark.parametrize(("status", "name"), BY_STATUS.items())
def test_every_status_has_its_error(caller: Caller, status: int, name: str) -> None:
    client = caller.client(Server(problem(status)), retries=0)
    with pytest.raises(ApiError) as caught:
        caller.run(lambda: client.roles.get("1"))
    assert type(caught.value) is getattr(chancery_client, name)


def test_another_status_is_an_api_error(caller: Caller) -> None:
    client = caller.client(Server(problem(410)))
    with pytest.raises(ApiError) as caught:
        caller.run(lambda: client.roles.get("1"))
    assert type(caught.value) is ApiError


def test_a_problem_is_told_as_it_stands(caller: Caller) -> None:
    errors = [{"field": "sans[0]", "code": "not-allowed", "detail": "the role does not allow 'evil.test'"}]
    reply = problem(422, "validation-failed", detail="1 field is wrong", errors=errors, trace_id="01J5Z3N8")
    client = caller.client(Server(reply))
    with pytest.raises(ValidationFailed) as caught:
        caller.run(lambda: client.certificates.issue(template_code="web", sans=["evil.test"]))
    error = caught.value
    assert (error.code, error.title, error.detail, error.trace_id) == (
        "validation-failed",
        "Not now",
        "1 field is wrong",
        "01J5Z3N8",
    )
    assert error.type == "https://pki.example.com/developers/errors/validation-failed"
    assert error.errors == (FieldError("sans[0]", "not-allowed", "the role does not allow 'evil.test'"),)
    assert str(error) == (
        "422 Not now: 1 field is wrong (sans[0]: the role does not allow 'evil.test') [trace 01J5Z3N8]"
    )


def test_nothing_is_told_twice(caller: Caller) -> None:
    errors = [{"field": "rows", "code": "too-many", "detail": "at most 250 rows"}]
    client = caller.client(Server(problem(422, detail="at most 250 rows", errors=errors)))
    with pytest.raises(ValidationFailed, match=r"^422 Not now: rows: at most 250 rows$"):
        caller.run(lambda: client.certificates.issue(template_code="web"))


def test_an_error_survives_the_way_between_processes(caller: Caller) -> None:
    client = caller.client(Server(problem(409, "exists", retry_after=3)))
    with pytest.raises(ApiError) as caught:
        caller.run(lambda: client.roles.get("1"))
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (type(copy), str(copy), copy.retry_after) == (type(caught.value), str(caught.value), 3)


@pytest.mark.parametrize(
    "content", [b"<html>Bad gateway</html>", b"", b"[]", b'{"title": 5, "errors": [1, {}]}', b"\xff"]
)
def test_the_page_of_a_proxy_is_told_by_its_status(caller: Caller, content: bytes) -> None:
    client = caller.client(Server(httpx.Response(403, content=content, headers={"X-Trace-Id": "T"})))
    with pytest.raises(ApiError) as caught:
        caller.run(lambda: client.roles.get("1"))
    assert (caught.value.status, caught.value.title, caught.value.trace_id) == (403, "Forbidden", "T")
    assert str(caught.value).startswith("403 Forbidden")


@pytest.mark.parametrize("content", [b"<html>Welcome</html>", b"", b"[]", b"{}", b'{"id": 1}'])
def test_a_success_that_is_none_is_an_error(caller: Caller, content: bytes) -> None:
    client = caller.client(Server(httpx.Response(200, content=content)))
    with pytest.raises(UnexpectedAnswer):
        caller.run(lambda: client.roles.get("1"))
    with pytest.raises(UnexpectedAnswer):
        caller.run(lambda: client.roles.list())


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_led_elsewhere(caller: Caller, status: int) -> None:
    server = Server(httpx.Response(status, headers={"Location": "https://evil.test/"}))
    client = caller.client(server)
    with pytest.raises(ApiError, match="correct base_url"):
        caller.run(lambda: client.roles.get("1"))
    assert len(server.requests) == 1


ORDER = {
    "id": "order-1",
    "organization_id": "org-1",
    "account_id": "account-1",
    "status": "waiting",
    "names": ["www.example.com"],
    "challenge_type": "dns-01",
    "key_algorithm": "ECDSA_P256",
    "auto_renew": True,
    "certificate_id": None,
    "replaces_id": None,
    "request_id": None,
    "requester": "somebody",
    "tags": [],
    "description": "",
    "attempts": 0,
    "last_error": "",
    "due_at": None,
    "expires_at": "2026-01-22T08:00:00Z",
    "created_at": "2026-01-15T08:00:00Z",
    "closed_at": None,
    "order_url": "",
    "authorizations": [],
}


def test_what_waits_for_an_approval_is_told_with_its_request(caller: Caller) -> None:
    client = caller.client(Server(answer(REQUEST, 202, Location="/api/v2/requests/request-1")))
    with pytest.raises(NotYetIssued, match=r"a request was filed \(request-1, pending_approval\)") as caught:
        caller.run(lambda: client.certificates.issue(template_code="web"))
    assert caught.value.request is not None
    assert caught.value.request.approvals_needed == 1
    assert caught.value.order is None
    assert caught.value.location == "/api/v2/requests/request-1"
    assert isinstance(caught.value, ChanceryError)
    assert not isinstance(caught.value, ApiError)


def test_what_is_ordered_elsewhere_is_told_with_its_order(caller: Caller) -> None:
    client = caller.client(Server(answer(ORDER, 202, Location="/api/v2/acme/orders/order-1")))
    with pytest.raises(NotYetIssued, match=r"an ACME order was filed \(order-1, waiting\)") as caught:
        caller.run(lambda: client.certificates.renew("1"))
    assert caught.value.order is not None
    assert caught.value.order.names == ["www.example.com"]
    assert caught.value.request is None


def test_a_call_whose_only_answer_is_202_has_succeeded(caller: Caller) -> None:
    client = caller.client(Server(answer(ORDER, 202)))
    assert caller.run(lambda: client.acme_orders.retry("order-1")).id == "order-1"


@pytest.mark.parametrize("reply", [problem(422), problem(503), httpx.ReadTimeout("slow"), answer({}, 201)])
def test_neither_credential_nor_body_is_shown(caller: Caller, caplog: pytest.LogCaptureFixture, reply) -> None:
    caplog.set_level(logging.DEBUG)
    client = caller.client(Server(reply))
    password = "hunter" + str(len(KEY))
    with pytest.raises(ChanceryError) as caught:
        caller.run(lambda: client.certificates.issue(template_code="web", password=password))
    error = caught.value
    shown = [str(error), repr(error), *traceback.format_exception(type(error), error, error.__traceback__)]
    shown += [repr(client), str(vars(client)), repr(client._settings.credential), caplog.text]
    assert not any(secret in text for text in shown for secret in (KEY, password))


@pytest.mark.parametrize("key", ["", f"{KEY}\n", "pkf_ü", "two words"])
def test_a_credential_that_cannot_be_sent_is_refused_unshown(caller: Caller, key: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII") as caught:
        caller.client(Server(answer(DETAIL)), api_key=key)
    assert not key.strip() or key.strip() not in str(caught.value)


def test_an_issued_certificate_does_not_show_its_key(caller: Caller) -> None:
    client = caller.client(Server(answer(ISSUED, 201)))
    issued = caller.run(lambda: client.certificates.issue(template_code="web"))
    assert "PRIVATE KEY" not in f"{issued} {issued!r} {issued.to_dict()} {vars(issued)}"
    assert issued.private_key.reveal() == ISSUED["private_key"]
    assert issued.to_dict(reveal=True)["private_key"] == ISSUED["private_key"]
