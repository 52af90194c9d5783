"""What a filter finds, for whom, in which order, and through which index."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from cas.core.keys import KeyAlgorithm
from certificates import search
from certificates.filters import parse_filter
from certificates.models import Certificate, CertificateName, CertificateTag
from certificates.orders import Managed, RevokeOrder
from certificates.search import Order, Position, Total, count_found, matching, search_certificates, time_limit
from certificates.services.editing import update_certificate
from certificates.services.keys import collect_private_key
from certificates.services.revocation import Reason, revoke_certificate
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Grant
from kernel.ref import Ref
from tests import cast
from tests.office import Office, open_office
from tests.refusals import refused

pytestmark = pytest.mark.django_db

NAMES = ("www.acme.test", "api.acme.test", "api.eu.acme.test", "*.acme.test", "a-b.acme.test")


def find(actor: Actor, text: str, **options: object) -> list[str]:
    """The common names of what is found, newest first."""
    page = search_certificates(parse_filter(text, at=timezone.now()), visible_to=actor, **options)
    return [row.common_name for row in page.rows]


def count(actor: Actor, text: str) -> Total:
    return count_found(parse_filter(text, at=timezone.now()), visible_to=actor)


@pytest.fixture
def office() -> Office:
    office = open_office(any_key_algorithm=True)
    for name in NAMES:
        office.issue(name)
    return office


# --- the stranger -----------------------------------------------------------------------------------------------------


def test_no_filter_shows_what_is_another_organizations(office):
    stranger = open_office("Umbrella")
    stranger.issue("www.acme.test", tags=("prod",))
    row = Certificate.objects.get(common_name="api.acme.test")
    for text in (
        f"org:{office.organization.pk}",
        f"org:{office.organization.slug}",
        f"ca:{office.issuing.pk}",
        f"serial:{row.serial}",
        f"fingerprint:{row.fingerprint}",
        f"fingerprint:{row.body.sha1}",
        f"owner:{office.person.user.email}",
        f"template:{office.template.pk}",
        "name:api.*",
    ):
        assert find(office.owner, text), text
        assert find(stranger.owner, text) == [], text
        assert count(stranger.owner, text) == Total(0), text
    assert find(stranger.owner, "name:*acme*") == ["www.acme.test"]
    assert len(find(cast.SUPERUSER, "name:www.*")) == 2
    assert len(find(cast.SUPERUSER, f"name:www.*,org:{office.organization.pk}")) == 1


def test_a_grant_is_never_widened(office):
    elsewhere = replace(office.owner, grants=(Grant(office.root.pk, office.owner.permissions),))
    assert find(elsewhere, "") == []
    assert find(elsewhere, f"ca:{office.issuing.pk}") == []


# --- what is found ----------------------------------------------------------------------------------------------------

FOUND: dict[str, tuple[str, list[str]]] = {
    "one name": ("cn:www.acme.test", ["www.acme.test"]),
    "in any case": ("cn:WWW.ACME.test", ["www.acme.test"]),
    "a beginning": ("name:api.*", ["api.eu.acme.test", "api.acme.test"]),
    "an end": ("san:*.eu.acme.test", ["api.eu.acme.test"]),
    "a middle": ("name:*eu*", ["api.eu.acme.test"]),
    "both ends": ("name:api.*.test", ["api.eu.acme.test", "api.acme.test"]),
    "an end and a middle": ("name:*.eu.*.test", ["api.eu.acme.test"]),
    "a beginning and a middle": ("name:api.*acme*", ["api.eu.acme.test", "api.acme.test"]),
    "the ends may not overlap": ("name:www.acme.test*www.acme.test", []),
    "a wildcard finds a wildcard": ("name:*.acme.test", list(reversed(NAMES))),
    "a star is a star": (r"name:\*.acme.test", ["*.acme.test"]),
    "an underscore is no wildcard": ("name:a_b.*", []),
    "a per cent sign is no wildcard": ("name:%.acme.test", []),
    "a list of names": ("name_in:www.*|a-b.*", ["a-b.acme.test", "www.acme.test"]),
    "two terms": ("name:api.*,name:*.eu.acme.test", ["api.eu.acme.test"]),
    "a source": ("source:internal,cn:www.acme.test", ["www.acme.test"]),
    "a status of requests": ("status:pending_approval", []),
    "an unknown CA": ("ca:nowhere", []),
    "a template": ("template:web-tls,cn:www.*", ["www.acme.test"]),
    "a requester": ("requester:nobody", []),
}


@pytest.mark.row("P15", "P16", "P20", "P22")
@pytest.mark.parametrize(("text", "expected"), FOUND.values(), ids=FOUND)
def test_what_is_found(office, text, expected):
    assert find(office.owner, text) == expected
    assert count(office.owner, text) == Total(len(expected))


@pytest.mark.row("P19", "P21", "P53")
def test_by_status(office):
    rows = {row.common_name: row for row in Certificate.objects.all()}
    for name, reason in (("www.acme.test", Reason.superseded), ("api.acme.test", Reason.certificate_hold)):
        ref = Ref("pk", rows[name].pk)
        revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=ref, reason=reason))
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    Certificate.objects.filter(common_name="*.acme.test").update(not_before=long_ago, not_after=long_ago)
    assert find(office.owner, "status:revoked") == ["www.acme.test"]
    assert find(office.owner, "status:held") == ["api.acme.test"]
    assert find(office.owner, "status:expired") == ["*.acme.test"]
    assert find(office.owner, "status:issued") == ["a-b.acme.test", "api.eu.acme.test"]
    assert find(office.owner, "status_in:held|expired") == ["*.acme.test", "api.acme.test"]
    assert find(office.owner, "issued_lt:2021-01-01") == ["*.acme.test"]


@pytest.mark.row("P17", "P18", "P24", "P26")
def test_by_expiry(office):
    office.issue("soon.acme.test", validity=timedelta(days=7))
    assert find(office.owner, "expires_lt:30d") == ["soon.acme.test"]
    assert find(office.owner, f"org:{office.organization.pk},status:issued,expires_lt:30d") == ["soon.acme.test"]
    assert len(find(office.owner, "expires_gt:30d")) == len(NAMES)
    day = (timezone.now() + timedelta(days=7)).date().isoformat()
    assert find(office.owner, f"expires:{day}") == ["soon.acme.test"]


@pytest.mark.row("P25")
def test_by_tags(office):
    office.issue("t1.acme.test", tags=("prod", "critical"))
    second = office.issue("t2.acme.test", tags=("prod",)).certificate
    assert find(office.owner, "tag:prod") == ["t2.acme.test", "t1.acme.test"]
    assert find(office.owner, "tag:prod,tag:critical") == ["t1.acme.test"]
    assert find(office.owner, "tag_in:critical|nothing") == ["t1.acme.test"]
    assert find(office.owner, "tag:PROD") == []
    update_certificate(actor=office.owner, certificate=Ref("pk", second.pk), tags=["test", "test"])
    assert find(office.owner, "tag:prod") == ["t1.acme.test"]
    assert find(office.owner, "tag:test") == ["t2.acme.test"]
    assert CertificateTag.objects.filter(certificate=second).count() == 1


def test_by_key_ca_and_owner(office):
    row = office.issue("ed.acme.test", key=Managed(KeyAlgorithm.ED25519)).certificate
    user = User.objects.get(pk=office.person.user.pk)
    assert find(office.owner, "key:ed25519") == ["ed.acme.test"]
    assert find(office.owner, f"key:{row.key_hash}") == ["ed.acme.test"]
    assert len(find(office.owner, "key_in:ecdsa|ed25519")) == len(NAMES) + 1
    for name in (office.issuing.pk, office.issuing.slug, office.issuing.name, office.issuing.public_id):
        assert len(find(office.owner, f'ca:"{name}"')) == len(NAMES) + 1
    assert find(office.owner, f"ca:{office.root.pk}") == []
    assert len(find(office.owner, f"owner:{user.email.upper()}")) == len(NAMES) + 1
    assert find(office.owner, "owner:nobody@acme.test") == []
    assert len(find(office.owner, f"org:{office.organization.public_id}")) == len(NAMES) + 1
    assert find(office.owner, "renew_lt:10y") == []


def test_by_where_the_private_key_is(office):
    waiting = office.issue("later.acme.test", key=Managed(collect_later=True)).certificate
    assert find(office.owner, "key_custody:waiting") == ["later.acme.test"]
    assert len(find(office.owner, "key_custody_in:returned|waiting")) == len(NAMES) + 1
    collect_private_key(actor=office.owner, certificate=Ref("pk", waiting.pk))
    assert find(office.owner, "key_custody:waiting") == []


# --- serial numbers ---------------------------------------------------------------------------------------------------


def test_a_serial_number_in_any_notation(office):
    row = Certificate.objects.get(common_name="www.acme.test")
    number = int(row.serial, 16)
    octets = f"{number:040X}"
    colons = ":".join(octets[at : at + 2] for at in range(0, 40, 2))
    for text in (row.serial, row.serial.upper(), f"0x{row.serial}", colons, octets, str(number), f"{row.serial[:12]}*"):
        assert find(office.owner, f'serial:"{text}"' if "*" not in text else f"serial:{text}") == ["www.acme.test"]


def test_two_readings_are_never_guessed(office):
    first, second = Certificate.objects.order_by("pk")[:2]
    Certificate.objects.filter(pk=first.pk).update(serial="1234567890")
    assert find(office.owner, "serial:1234567890") == [first.common_name]
    Certificate.objects.filter(pk=second.pk).update(serial=f"{1234567890:x}")
    with refused(Conflict, "ambiguous-serial"):
        find(office.owner, "serial:1234567890")
    with refused(Conflict, "ambiguous-serial"):
        find(office.owner, "serial_in:77|1234567890")
    assert find(office.owner, "serial:0x1234567890") == [first.common_name]
    assert find(office.owner, f"serial:0x{1234567890:x}") == [second.common_name]


def test_a_strangers_serial_number_is_no_second_reading(office):
    stranger = open_office("Umbrella")
    theirs = stranger.issue().certificate
    ours = Certificate.objects.get(common_name="www.acme.test", organization=office.organization)
    Certificate.objects.filter(pk=theirs.pk).update(serial="1234567890")
    Certificate.objects.filter(pk=ours.pk).update(serial=f"{1234567890:x}")
    assert find(office.owner, "serial:1234567890") == ["www.acme.test"]


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.row("P11")
@pytest.mark.parametrize("order", Order)
def test_pages_in_every_order(office, order):
    for day in range(3):
        office.issue("same.acme.test", validity=timedelta(days=7 + day))
    wanted = parse_filter("", at=timezone.now())
    column = order.column
    expected = sorted(
        Certificate.objects.all(), key=lambda row: (getattr(row, column), row.pk), reverse=order.is_descending
    )
    seen: list[int] = []
    after: Position | None = None
    while True:
        page = search_certificates(wanted, visible_to=office.owner, after=after, limit=2, order=order)
        seen += [row.pk for row in page.rows]
        if (after := page.next) is None:
            break
        office.issue("later.acme.test")
    assert [pk for pk in seen if pk in {row.pk for row in expected}] == [row.pk for row in expected]
    assert len(seen) == len(set(seen))


def test_the_count_stops(office, monkeypatch):
    monkeypatch.setattr(search, "COUNTED", 3)
    assert count(office.owner, "") == Total(3, is_estimate=True)
    assert count(office.owner, "name:api.*") == Total(2)


QUERIES = {
    "everything": ("", 1),
    "a name": ("cn:*.acme.test", 1),
    "a serial number in hex": ("serial:0xabc", 1),
    "a serial number in digits": ("serial:1234", 2),
    "a tag and a status": ("tag:prod,status:issued", 1),
    "a CA by its name": ("ca:ACME Issuing CA", 2),
}


@pytest.mark.parametrize(("text", "most"), QUERIES.values(), ids=QUERIES)
def test_how_many_queries_a_page_takes(office, text, most):
    with CaptureQueriesContext(connection) as queries:
        page = search_certificates(parse_filter(text, at=timezone.now()), visible_to=office.owner)
        assert all(row.ca.name and row.template.code for row in page.rows)
    assert len(queries) == most, [query["sql"] for query in queries]


# --- indexes ----------------------------------------------------------------------------------------------------------

# SQLite has its own name for the index of a constraint; the columns are its own.
SQLITE_NAMES = {"certificates_certificate_once": "(organization_id=? AND fingerprint=?)"}
INDEXES = {
    "an end": ("name:*.eu.acme.test", "certificates_name_reversed"),
    "a beginning": ("name:api.*", "certificates_name_forward"),
    "a name": ("cn:www.acme.test", "certificates_name_forward"),
    "a serial number": ("serial:0x3fa1b2c3", "certificates_by_serial"),
    "the beginning of a serial number": ("serial:3fa1*", "certificates_by_serial"),
    "a tag": ("tag:prod", "certificates_tag_value"),
    "a fingerprint": (f"fingerprint:{'ab' * 32}", "certificates_certificate_once"),
}


@pytest.fixture
def full_register(office: Office) -> Office:
    """Some thousand certificates, so that a database has a reason to use an index."""
    one = Certificate.objects.get(common_name="www.acme.test")
    copied = {
        field.attname: getattr(one, field.attname)
        for field in one._meta.concrete_fields
        if field.name not in {"id", "public_id", "serial", "fingerprint"}
    }
    rows = Certificate.objects.bulk_create(
        Certificate(**copied, serial=f"{2**150 + number:x}", fingerprint=f"{number:064x}") for number in range(2000)
    )
    names = [f"host-{row.pk}.example.test" for row in rows]
    CertificateName.objects.bulk_create(
        CertificateName(certificate=row, organization=row.organization, type="dns", value=name, reversed=name[::-1])
        for row, name in zip(rows, names, strict=True)
    )
    CertificateTag.objects.bulk_create(
        CertificateTag(certificate=row, organization=row.organization, value=f"t{row.pk}") for row in rows
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return office


def test_an_index_finds_it(full_register):
    """One test for all: to fill the register takes longer than to ask."""
    for what, (text, index) in INDEXES.items():
        plan = matching(parse_filter(text, at=timezone.now()), visible_to=full_register.owner).explain()
        assert _columns_searched(plan, index) >= 2, f"{what}: {plan}"


def _columns_searched(plan: str, index: str) -> int:
    """How many columns of the index are compared; 0 where it is not used."""
    if connection.vendor == "postgresql":
        used = plan.partition(f"{index} ")[2].partition("Index Cond:")[2].partition("\n")[0]
        return used.count("AND") + 1 if used else 0
    lines = [line for line in plan.splitlines() if SQLITE_NAMES.get(index, index) in line and "SEARCH" in line]
    return sum(line.count("?") for line in lines)


@pytest.mark.postgres
def test_what_takes_too_long_is_refused():
    with refused(Invalid), time_limit(50), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.postgres
def test_the_limit_ends_with_the_search(office):
    assert find(office.owner, "name:*eu*") == ["api.eu.acme.test"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
