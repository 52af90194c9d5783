"""What Prometheus is told, and who else is told nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.x509 import ReasonFlags
from django.core.cache import caches
from django.db import OperationalError, connection, connections
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from audit.models import AuditEvent
from audit.services import seal
from certificates.models import Certificate, CrlScope
from certificates.orders import RenewOrder, RevokeOrder
from certificates.services.renewal import renew_certificate
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from kernel.secret import Secret
from pkiproject import tasks
from pkiproject.metrics import counting, endpoint, facts
from pkiproject.metrics.requests import SECONDS, RequestTimes
from tests.office import Office, open_office

TOKEN = "metrics-token-of-thirty-two-bytes"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_remembered(settings: Any) -> Iterator[None]:
    settings.METRICS_TOKEN = Secret(TOKEN)
    yield
    caches["shared"].clear()
    for each in endpoint.FACTS:
        each.forget()


def told(**labels: str) -> dict[str, float]:
    """Every sample whose labels are these, by its name; asked anew."""
    for each in endpoint.FACTS:
        each.forget()
    answer = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    samples = [s for family in text_string_to_metric_families(answer.content.decode()) for s in family.samples]
    return {each.name: each.value for each in samples if labels.items() <= each.labels.items()}


# --- who may know -----------------------------------------------------------------------------------------------------

ASKING = {
    "nobody in particular": ({}, {}, 404),
    "with the token": ({"Authorization": f"Bearer {TOKEN}"}, {}, 200),
    "with another one": ({"Authorization": f"Bearer {TOKEN}x"}, {}, 404),
    "with a part of it": ({"Authorization": f"Bearer {TOKEN[:-1]}"}, {}, 404),
    "with nothing for a token": ({"Authorization": "Bearer "}, {}, 404),
    "with the token as a password": ({"Authorization": f"Basic {TOKEN}"}, {}, 404),
    "with nothing, where there is no token": ({"Authorization": "Bearer "}, {"METRICS_TOKEN": None}, 404),
    "from an address that is named": ({}, {"METRICS_ADDRESSES": ["127.0.0.0/8"]}, 200),
    "from another address": ({}, {"METRICS_ADDRESSES": ["10.0.0.0/8"]}, 404),
    "through a proxy that nobody knows": (
        {"X-Forwarded-For": "127.0.0.1"},
        {"METRICS_ADDRESSES": ["127.0.0.0/8"]},
        404,
    ),
    "from a stranger through our proxy": (
        {"X-Forwarded-For": "127.0.0.1, 192.0.2.7"},
        {"METRICS_ADDRESSES": ["127.0.0.0/8"], "TRUSTED_PROXIES": 1},
        404,
    ),
    "from a named address through our proxy": (
        {"X-Forwarded-For": "192.0.2.7, 10.1.2.3"},
        {"METRICS_ADDRESSES": ["10.0.0.0/8"], "TRUSTED_PROXIES": 1},
        200,
    ),
}


@pytest.mark.parametrize(("headers", "changes", "status"), ASKING.values(), ids=ASKING)
def test_only_those_are_told_whom_the_operator_has_named(
    settings: Any, headers: dict[str, str], changes: dict[str, Any], status: int
) -> None:
    from ipaddress import ip_network

    for name, value in changes.items():
        setattr(settings, name, [ip_network(each) for each in value] if name == "METRICS_ADDRESSES" else value)
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == status
    assert (b"chancery_" in answer.content) == (status == 200)


def test_metrics_are_read_only(client: Client) -> None:
    assert client.post("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 404


# --- what they are told -----------------------------------------------------------------------------------------------


def test_what_is_issued_and_revoked_is_counted_from_the_first_question_on() -> None:
    office = open_office()
    slug = office.organization.slug
    office.issue()
    assert "chancery_certificates_total" not in told(organization=slug)
    row = office.issue("api.acme.test").certificate
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)
    by_ca = told(organization=slug, ca=str(office.issuing.public_id), source="internal")
    assert by_ca["chancery_certificates_total"] == 1
    for event in ("certificate.issued", "certificate.revoked"):
        assert told(organization=slug, event=event)["chancery_events_total"] == 1


def test_names_are_told_only_where_the_operator_wants_it(settings: Any) -> None:
    office = open_office()
    told()
    office.issue()
    assert "chancery_certificates_total" not in told(ca=office.issuing.name)
    settings.METRICS_NAMES = True
    labels = {"ca": office.issuing.name, "template": office.template.code}
    assert told(**labels)["chancery_certificates_total"] == 1


def test_what_has_settled_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    office = open_office()
    growth = counting.Growth("test", Certificate.objects.all(), ("organization_id", "source"), "created_at")
    key = (office.organization.pk, "internal")
    assert growth.counts(at=timezone.now()) == {}
    for _number in range(3):
        office.issue()
    now = timezone.now()
    assert growth.counts(at=now)[key] == 3
    later = now + timedelta(hours=1)
    assert growth.counts(at=later)[key] == 3
    newest = Certificate.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert caches["shared"].get("growth:test") == [newest, [[list(key), 3]]]
    office.issue()
    assert growth.counts(at=later)[key] == 4


def test_a_queue_is_as_old_as_what_has_been_due_longest() -> None:
    open_office()
    now = timezone.now()
    CrlScope.objects.update(next_due_at=now + timedelta(hours=1))
    assert told(queue="crls")["chancery_queue_oldest_due_seconds"] == 0
    overdue = CrlScope.objects.filter(scope=0).first()
    assert overdue is not None
    CrlScope.objects.filter(pk=overdue.pk).update(next_due_at=now - timedelta(hours=2))
    crls = told(queue="crls")
    assert crls["chancery_queue_due"] == 1
    assert crls["chancery_queue_oldest_due_seconds"] == pytest.approx(7200, abs=60)
    assert told(queue="deliveries")["chancery_queue_due"] == 0


def test_the_next_lapse_is_of_what_nothing_replaces() -> None:
    office = open_office()
    slug = office.organization.slug
    first = office.issue().certificate
    Certificate.objects.filter(pk=first.pk).update(not_after=timezone.now() + timedelta(days=3))
    assert told(organization=slug)["chancery_next_lapse_timestamp_seconds"] == pytest.approx(
        (timezone.now() + timedelta(days=3)).timestamp(), abs=60
    )
    renew_certificate(actor=office.owner, order=RenewOrder(certificate=Ref("pk", first.pk)))
    successor = Certificate.objects.get(replaces=first)
    assert told(organization=slug)["chancery_next_lapse_timestamp_seconds"] == successor.not_after.timestamp()


def test_crls_and_cas_tell_their_ends() -> None:
    office = open_office()
    ca = told(organization=office.organization.slug, ca=str(office.issuing.public_id))
    preferred = office.issuing.preferred_certificate
    assert preferred is not None
    assert ca["chancery_ca_not_after_timestamp_seconds"] == preferred.not_after.timestamp()
    assert ca["chancery_crl_this_update_timestamp_seconds"] <= timezone.now().timestamp()
    assert ca["chancery_crl_next_update_timestamp_seconds"] > timezone.now().timestamp()


def test_events_that_are_not_sealed_are_counted() -> None:
    open_office()
    AuditEvent.objects.filter(position=None).exists()
    assert told()["chancery_audit_unsealed_events"] == AuditEvent.objects.filter(position=None).count() > 0
    seal(actor=SYSTEM)
    sealed = told()
    assert sealed["chancery_audit_unsealed_events"] == sealed["chancery_audit_oldest_unsealed_seconds"] == 0


def test_a_worker_shows_that_it_lives() -> None:
    assert told()["chancery_worker_alive_timestamp_seconds"] == 0
    tasks.show_life()
    assert told()["chancery_worker_alive_timestamp_seconds"] == pytest.approx(timezone.now().timestamp(), abs=60)


def test_without_a_database_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OperationalError("connection refused")

    assert told()["chancery_database_up"] == 1
    monkeypatch.setattr(connections["default"], "cursor", refuse)
    without = told()
    assert without["chancery_database_up"] == 0
    assert "chancery_http_request_duration_seconds_count" in without
    assert "chancery_audit_unsealed_events" not in without


def test_many_who_ask_at_once_ask_the_database_once() -> None:
    told()
    with CaptureQueriesContext(connection) as queries:
        assert Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert not queries.captured_queries


# --- requests ---------------------------------------------------------------------------------------------------------


def counted(**labels: str) -> float:
    return sum(
        sample.value
        for family in SECONDS.collect()
        for sample in family.samples
        if sample.name.endswith("_count") and labels.items() <= sample.labels.items()
    )


def test_requests_are_counted_by_route_and_class_of_status(client: Client) -> None:
    routes = {"sign-in": "2xx", "unknown": "4xx", "healthz": "2xx", "ca": "4xx"}
    before = {route: counted(route=route, method="GET", status=status) for route, status in routes.items()}
    for path in ("/sign-in/", "/no/such/place", "/healthz", "/ca/none.crt"):
        client.get(path)
    after = {route: counted(route=route, method="GET", status=status) for route, status in routes.items()}
    assert {route: after[route] - before[route] for route in routes} == dict.fromkeys(routes, 1)


def test_no_path_and_no_made_up_method_becomes_a_label() -> None:
    middleware = RequestTimes(lambda request: HttpResponse(status=404))
    for number in range(3):
        middleware(RequestFactory().generic(f"METHOD{number}", f"/made-up/{number}"))
    values = {value for family in SECONDS.collect() for sample in family.samples for value in sample.labels.values()}
    assert [value for value in values if "made-up" in value or "METHOD" in value] == []
    assert counted(route="unknown", method="other", status="4xx") >= 3


# --- what it costs ----------------------------------------------------------------------------------------------------

LARGE = ("certificates_certificate", "audit_auditevent", "certificates_request", "notices_delivery")


@pytest.mark.postgres
def test_no_large_table_is_read_through() -> None:
    """Where there is an index for it, PostgreSQL takes it as soon as reading through is dear enough."""
    office: Office = open_office()
    office.issue()
    now = timezone.now()
    for source in (facts.events, facts.issued):
        list(source(now))
    with CaptureQueriesContext(connection) as queries:
        for source in (*facts.QUICK, *facts.SLOW):
            list(source(now + timedelta(hours=1)))
    plans = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in queries.captured_queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute(f"EXPLAIN {query['sql']}")
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
    assert len(plans) > 15
    read_through = re.compile(rf"Seq Scan on ({'|'.join(LARGE)})\b")
    assert [plan for plan in plans if read_through.search(plan)] == []
