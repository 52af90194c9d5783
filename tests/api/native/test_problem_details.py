"""RFC 9457 in every case: the documented example, and what never reaches a view."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from audit.models import AuditEvent
from certificates import search
from tests.api.wire import Wire

URL = "/api/v1/certificates"
MEMBERS = {"type", "title", "status", "detail", "instance", "trace_id"}


def problem(answer, status):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body.keys() - {"errors"} == MEMBERS
    assert isinstance(body["detail"], str)
    assert body["status"] == status
    assert body["trace_id"] == answer["X-Trace-Id"]
    return body


@pytest.mark.row("P79")
def test_the_documented_example_is_answered_to_the_letter(api, settings):
    answer = api.post(URL, {"template_code": "web-tlz", "subject": {"common_name": "www.acme.test"}})
    body = problem(answer, 404)
    del body["trace_id"]
    assert body == {
        "type": f"{settings.BASE_URL}/developers/errors/template-not-found",
        "title": "Template not found",
        "status": 404,
        "detail": "Template with code 'web-tlz' does not exist in organization 'ACME'",
        "instance": "/api/v1/certificates",
    }


@pytest.mark.parametrize("path", ["/api/v1", "/api/v2", "/api/v2/", "/api/v1/x", "/api/v2/certificates/"])
def test_an_unknown_path_is_a_problem_and_nothing_is_redirected(path, db):
    assert problem(Wire().get(path), 404)["instance"] == path


def test_a_path_of_any_characters_is_a_uri_reference(db):
    assert problem(Wire().get('/api/v1/"é <x>'), 404)["instance"] == "/api/v1/%22%C3%A9%20%3Cx%3E"


def test_pages_outside_the_api_are_pages(db):
    answer = Wire().get("/nothing-here")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


BODIES = {
    "not JSON": (b"{", {}, 400),
    "a form": (b"template_code=web-tls", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
    "a multipart form": (b"--x--", {"Content_Type": "multipart/form-data; boundary=x"}, 415),
    "XML": (b"<x/>", {"Content_Type": "application/xml"}, 415),
    "a nonsense type": (b"{}", {"Content_Type": ";;;"}, 415),
    "another charset": (b"{}", {"Content_Type": "application/json; charset=utf-16"}, 415),
    "compressed": (b"{}", {"Content-Encoding": "gzip"}, 415),
    "too large": (b'{"a":"' + b"x" * 1024 * 1024 + b'"}', {}, 413),
    "a list": (b"[]", {}, 400),
}


@pytest.mark.parametrize(("body", "headers", "status"), BODIES.values(), ids=BODIES.keys())
def test_a_body_that_cannot_be_read_is_a_problem(api, body, headers, status):
    problem(api.send("POST", URL, body, **headers), status)


def test_a_body_without_its_length_is_refused(api):
    answer = api.client.generic("POST", URL, b"", content_type="application/json", HTTP_TRANSFER_ENCODING="chunked",
                                HTTP_AUTHORIZATION=f"Bearer {api.token}", CONTENT_LENGTH="")  # fmt: skip
    problem(answer, 411)


ACCEPTS = {
    "text/html": 406,
    "application/xml, text/*": 406,
    "application/json": 200,
    "application/problem+json": 200,
    "text/html, */*;q=0.1": 200,
    "application/*": 200,
    "": 200,
}


@pytest.mark.parametrize(("accept", "status"), ACCEPTS.items())
def test_a_client_that_refuses_json_is_told(api, accept, status):
    answer = api.get(URL, Accept=accept) if accept else api.get(URL)
    assert answer.status_code == status
    if status == 406:
        problem(answer, 406)


@pytest.mark.parametrize("accept", ["nonsense", ";", "a/b/c", "*/*;q=x", "application/json;q=\xff", ",,,"])
def test_an_accept_header_that_is_none_is_no_500(api, accept):
    assert api.get(URL, Accept=accept).status_code in (200, 406)


AUTHORIZATIONS = ["", "Bearer", "Bearer ", "Basic eDp5", "bearer x y", "Bearer \xff", "Token abc", "pkf_" + "x" * 32]


@pytest.mark.parametrize("header", AUTHORIZATIONS)
def test_a_header_that_is_no_good_credential_is_refused_and_recorded(header, db):
    answer = Wire().get(URL, Authorization=header)
    problem(answer, 401)
    assert answer["WWW-Authenticate"].startswith('Bearer realm="Chancery", error="invalid_token"')
    assert AuditEvent.objects.filter(name="credential.refused").count() == 1


def test_the_scheme_is_read_in_any_case(api):
    assert Wire().get(URL, Authorization=f"bEARER  {api.token} ").status_code == 200


def test_a_wrong_host_is_a_problem(db):
    answer = Client(raise_request_exception=False).get(URL, HTTP_HOST="evil.example")
    assert problem(answer, 400)["title"] == "Malformed request"


def test_a_query_of_too_many_fields_is_a_problem(api):
    problem(api.get(URL + "?" + "&".join(f"a{index}=1" for index in range(2000))), 400)


def test_a_bug_says_nothing_but_its_trace_id_and_the_log_has_the_rest(api, monkeypatch, caplog):
    def broken(**_: object) -> None:
        raise ZeroDivisionError("the secret of the house")

    monkeypatch.setattr(search, "certificates", broken)
    answer = api.get(URL)
    body = problem(answer, 500)
    assert b"secret" not in answer.content
    assert body["title"] == "Internal error"
    record = next(record for record in caplog.records if record.name == "api.common.dialect")
    assert "the secret of the house" in str(record.exc_info[1])
    assert record.request.trace_id == body["trace_id"]


def test_a_bug_in_a_middleware_is_a_problem_too(settings, db):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.api.native.test_problem_details.Broken"]
    assert problem(Wire().get(URL), 500)["title"] == "Internal error"


class Broken:
    def __init__(self, get_response):
        pass

    def __call__(self, request):
        raise ZeroDivisionError


def test_a_database_that_does_not_answer_is_unavailable(api, monkeypatch):
    def gone(**_: object) -> None:
        raise OperationalError("connection refused at 10.1.2.3")

    monkeypatch.setattr(search, "certificates", gone)
    answer = api.get(URL)
    problem(answer, 503)
    assert answer["Retry-After"] == "5"
    assert b"10.1.2.3" not in answer.content


def test_what_a_client_sends_as_trace_id_is_not_believed(api):
    answer = api.get(URL, **{"X-Trace-Id": "mine"})
    assert answer["X-Trace-Id"] != "mine"


def test_a_problem_speaks_the_language_of_the_client(api):
    answer = api.post(URL, {}, **{"Accept-Language": "de"})
    assert answer["Content-Language"] == "de"
    assert answer.json()["errors"][0]["detail"].startswith("Dieses Feld ")


def test_the_handlers_need_nothing_of_a_request_but_its_path(db):
    from pkiproject import errors

    request = RequestFactory().get("/api/v1/x")
    for handler, status in ((errors.bad_request, 400), (errors.forbidden, 403), (errors.not_found, 404)):
        assert handler(request).status_code == status
    assert errors.server_error(request).status_code == 500
