"""What goes wrong, and how often one may ask: always one sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accounts.grants import GrantOrder
from api.certman import certificates as views
from api.certman.dialect import STATUSES
from api.common.problems import Family
from cas.core.lint import Misissuance
from tests.api.certman.desk import Workspace, error_of, issued, wish
from tests.api.wire import Wire

pytestmark = pytest.mark.django_db

CERTIFICATES = "/v1/certificates"
NOWHERE = f"{CERTIFICATES}/00000000-0000-4000-8000-000000000000"


@pytest.mark.row("C31", "C32")
def test_the_statuses_of_the_document(workspace: Workspace, key: Wire, monkeypatch: Any, settings: Any):
    reading = workspace.key(GrantOrder(workspace.issuing.pk))
    assert error_of(key.post(CERTIFICATES, {}), 400)
    assert error_of(Wire("cm_" + "x" * 32).get(CERTIFICATES), 401)
    assert error_of(reading.post(CERTIFICATES, wish(workspace.issuing)), 403)
    assert error_of(key.get(NOWHERE), 404)

    def broken(**_order: Any) -> None:
        raise Misissuance("the secret of the house")

    monkeypatch.setattr(views, "issue_at_once", broken)
    assert "secret" not in error_of(key.post(CERTIFICATES, wish(workspace.issuing)), 500)
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"general": 1}
    answer = [key.get(CERTIFICATES) for _ in range(2)][-1]
    assert error_of(answer, 429)
    assert 1 <= int(answer["Retry-After"]) <= 60


@pytest.mark.row("C32")
def test_what_the_document_has_no_status_for_is_a_bad_request_or_http():
    documented = {400, 401, 403, 404, 429, 500}
    beyond = {family: status for family, status in STATUSES.items() if status not in documented}
    assert beyond == {
        Family.METHOD_NOT_ALLOWED: 405,
        Family.NOT_ACCEPTABLE: 406,
        Family.LENGTH_REQUIRED: 411,
        Family.TOO_LARGE: 413,
        Family.UNSUPPORTED_MEDIA_TYPE: 415,
        Family.UNAVAILABLE: 503,
    }


BODIES = {
    "no JSON": (b"{", {}, 400),
    "a list": (b"[]", {}, 400),
    "not UTF-8": (b'{"caId": "\xff"}', {}, 400),
    "a field twice": (b'{"mode": "csr", "mode": "csr"}', {}, 400),
    "another type": (b"caId=1", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
    "compressed": (b"{}", {"Content-Encoding": "gzip"}, 415),
    "nothing that is taken": (b"{}", {"Accept": "text/html"}, 406),
    "a wrong parameter": (b"{", {}, 400),
}


@pytest.mark.parametrize("action", ["", "/renew", "/revoke"])
@pytest.mark.parametrize(("body", "headers", "status"), BODIES.values(), ids=BODIES)
def test_what_cannot_be_read_is_said_in_the_same_shape(workspace: Workspace, key: Wire, body, headers, status, action):
    place = f"{CERTIFICATES}/{issued(key, workspace.issuing)['certificate']['id']}{action}" if action else CERTIFICATES
    assert error_of(key.send("POST", place, body, **{"Idempotency-Key": "x", **headers}), status)
    wrong = key.send("POST", f"{place}?colour=red", body, **headers)
    assert error_of(wrong, wrong.status_code)
    assert wrong.status_code < 500


@pytest.mark.parametrize("path", ["/v1/cas/", "/v1/certificates/", "/v1/openapi/", "/v1/CAS", "/v1", "/v1/"])
def test_an_address_that_is_none_is_not_led_to_another(key: Wire, path):
    assert error_of(key.get(path), 404)


def test_another_method_is_refused_with_those_there_are(key: Wire):
    answer = key.delete(CERTIFICATES)
    assert error_of(answer, 405)
    assert set(answer["Allow"].replace(" ", "").split(",")) >= {"GET", "POST"}


def test_a_sentence_comes_in_the_language_that_is_asked_for(key: Wire):
    said = error_of(key.get(NOWHERE, **{"Accept-Language": "de"}), 404)
    assert said != error_of(key.get(NOWHERE), 404)


@pytest.mark.row("C29", "C30")
def test_issuing_and_renewing_have_a_lower_limit(workspace: Workspace, key: Wire, settings: Any):
    made = issued(key, workspace.issuing)["certificate"]["id"]
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"general": 9, "issue": 2}
    asks = [(CERTIFICATES, wish(workspace.issuing)), (f"{CERTIFICATES}/{made}/renew", None)]
    answers = [key.post(place, body) for place, body in (*asks, asks[0])]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert error_of(answers[-1], 429)
    assert re.fullmatch(r'"issue";q=2;w=60', answers[-1]["RateLimit-Policy"])
    assert key.get(CERTIFICATES).status_code == 200
