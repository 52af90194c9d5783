"""Certificates, looked for: the language of filters at both versions, its fields one by one in v2, orders, totals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from certificates.filters import WORDS
from certificates.models import Certificate
from certificates.orders import RevokeOrder
from certificates.services.revocation import Reason, revoke_certificate
from kernel.ref import Ref
from tests.api.wire import wrong_fields
from tests.office import Office, open_office

V1, V2 = "/api/v1/certificates", "/api/v2/certificates"
VERSIONS = pytest.mark.parametrize("url", [V1, V2], ids=["v1", "v2"])


@pytest.fixture
def register(office: Office) -> Office:
    """Seven certificates, each of them different in something."""
    office.issue("*.acme.test", tags=("prod",))
    office.issue("www.acme.test", "www.acme.test", tags=("prod", "critical"))
    office.issue("api.acme.test", "10.0.0.7")
    office.issue("soon.acme.test", validity=timedelta(days=7))
    held, revoked, expired = (office.issue(f"{name}.acme.test").certificate for name in ("held", "revoked", "expired"))
    for row, reason in ((held, Reason.certificate_hold), (revoked, Reason.superseded)):
        revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))
    past = datetime(2020, 1, 1, tzinfo=UTC)
    Certificate.objects.filter(pk=expired.pk).update(not_before=past, not_after=past + timedelta(days=90))
    return office


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found["pagination"]["total"] == len(found["data"])
    return [item["subject"]["common_name"].removesuffix(".acme.test") for item in found["data"]]


ALL = ["expired", "revoked", "held", "soon", "api", "www", "*"]
IN_FORCE = ["soon", "api", "www", "*"]
FILTERS = {
    "nothing": ("", ALL),
    "equality": ("status:issued", IN_FORCE),
    "another status": ("status:revoked", ["revoked"]),
    "expired": ("status:expired", ["expired"]),
    "a list with bars": ("status_in:held|revoked", ["revoked", "held"]),
    "a list with semicolons": ("status_in:held;revoked", ["revoked", "held"]),
    "a status of requests": ("status:pending_approval", []),
    "where the private key is": ("key_custody_in:returned|stored,status:issued", IN_FORCE),
    "no private key of these waits": ("key_custody:waiting", []),
    "a name": ("cn:www.acme.test", ["www"]),
    "a wildcard, which finds a wildcard too": ("cn:*.acme.test,status:issued", IN_FORCE),
    "a beginning": ("cn:www.*", ["www"]),
    "a middle": ("cn:*o*,status:issued", ["soon"]),
    "a star that is a star": (r"cn:\*.acme.test", ["*"]),
    "an alternative name": ("san:10.0.0.7", ["api"]),
    "ends within thirty days": ("expires_lt:30d,status:issued", ["soon"]),
    "ends later": ("expires_gt:30d,status:issued", ["api", "www", "*"]),
    "ended before a day": ("expires_lt:2021-01-01", ["expired"]),
    "a tag": ("tag:prod", ["www", "*"]),
    "two tags": ("tag:prod,tag:critical", ["www"]),
}


@pytest.mark.row("P15", "P16", "P17", "P18", "P19", "P20", "P21", "P22", "P24", "P25")
@VERSIONS
def test_what_a_filter_finds(api, register, url, subtests):
    for name, (text, expected) in FILTERS.items():
        with subtests.test(name):
            assert names(api.get(f"{url}?filter={quote(text)}")) == expected


@pytest.mark.row("P23", "P26")
def test_the_documented_combination(api, register):
    address = f"{V1}?filter=org:{register.organization.pk},status:issued,expires_lt:30d&limit=100"
    assert names(api.get(address)) == ["soon"]


@pytest.mark.row("P23")
@VERSIONS
def test_the_organization_of_a_filter_never_widens_what_is_seen(api, register, stranger, url):
    for text in (f"org:{register.organization.pk}", f"org:{register.organization.slug}", "status:issued", ""):
        assert names(stranger.get(f"{url}?filter={quote(text)}")) == []
    assert names(api.get(f"{url}?filter=org:{register.organization.pk}")) == ALL
    assert names(api.get(f"{url}?filter=org:999999")) == []


# Each is asked of a register in which exactly `www` is looked for.
def words_for(office: Office) -> dict[str, str]:
    row = Certificate.objects.get(common_name="www.acme.test", organization=office.organization)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    return {
        "status": "issued",
        "status_in": "held|issued",
        "source": "internal",
        "source_in": "internal|imported",
        "key_custody": "returned",
        "key_custody_in": "waiting|returned",
        "cn": "www.*",
        "cn_in": "x|www.acme.test",
        "san": "*.acme.test",
        "san_in": "www.acme.test",
        "name": "www.acme.test",
        "name_in": "www.acme.test;x",
        "org": str(office.organization.public_id),
        "org_in": f"{office.organization.slug}|x",
        "ca": str(office.issuing.public_id),
        "ca_in": f"x|{office.issuing.name}",
        "template": "web-tls",
        "template_in": f"x|{office.template.public_id}",
        "tag": "critical",
        "tag_in": "critical|x",
        "owner": office.person.user.email,
        "owner_in": f"{office.person.user.email}|x",
        "requester": row.requester_label,
        "requester_in": f"{row.requester_label}|x",
        "expires": row.not_after.date().isoformat(),
        "expires_lt": "91d",
        "expires_gt": "1d",
        "issued": row.not_before.isoformat(),
        "issued_lt": tomorrow,
        "issued_gt": "1h",
        "created": row.created_at.date().isoformat(),
        "created_lt": tomorrow,
        "created_gt": "1h",
        "serial": row.serial.upper(),
        "serial_in": f"0x{row.serial}|0x7",
        "fingerprint": row.fingerprint,
        "fingerprint_in": f"{row.fingerprint}|{'0' * 64}",
        "key": row.key_hash,
        "key_in": "ecdsa-p256|ed25519",
        "renew": "2026-01-01",
        "renew_lt": "1d",
        "renew_gt": "1d",
    }


def test_v2_has_a_parameter_for_each_field_and_operator(api, register, subtests):
    words = words_for(register)
    assert set(words) == set(WORDS)
    for word, value in words.items():
        with subtests.test(word):
            address = f"{V2}?{urlencode({word: value, 'filter': 'name:www.*'})}"
            assert names(api.get(address)) == ([] if word.startswith("renew") else ["www"])
            assert wrong_fields(api.get(f"{V1}?{urlencode({word: value})}")) == {word: "unknown-field"}


def test_a_tag_is_given_several_times_and_nothing_else(api, register):
    assert names(api.get(f"{V2}?tag=prod")) == ["www", "*"]
    assert names(api.get(f"{V2}?tag=prod&tag=critical")) == ["www"]
    assert wrong_fields(api.get(f"{V2}?cn=a&cn=b")) == {"cn": "repeated"}


def test_parameters_and_filter_narrow_together(api, register):
    assert names(api.get(f"{V2}?status=issued&cn=*o*&filter=tag:prod")) == []
    assert names(api.get(f"{V2}?status=issued&filter=tag:prod")) == ["www", "*"]


WRONG = {
    "an unknown field": ("colour:red", {"filter[0]": "unknown-field"}),
    "an unknown operator": ("status:issued,expires_le:30d", {"filter[1]": "unknown-operator"}),
    "no term": ("issued", {"filter[0]": "unreadable-term"}),
    "an unknown status": ("status:lost", {"filter[0]": "unknown-value"}),
    "a time that is none": ("expires_lt:soon", {"filter[0]": "unknown-value"}),
    "no value": ("cn:", {"filter[0]": "value-missing"}),
    "everything at once": (
        "colour:red,status:lost,tag:a*",
        {"filter[0]": "unknown-field", "filter[1]": "unknown-value", "filter[2]": "no-wildcard"},
    ),
    "an open quote": ('cn:"a', {"filter": "unclosed-quote"}),
    "too many terms": ("tag:a," * 51, {"filter": "too-many"}),
    "too long": ("tag:" + "a" * 4000, {"filter": "max-length"}),
    "a NUL": ("cn:a\0", {"filter": "null-characters-not-allowed"}),
}


@pytest.mark.row("P26")
@VERSIONS
def test_what_is_wrong_with_a_filter_is_named_by_its_term(api, url, subtests):
    for name, (text, wrong) in WRONG.items():
        with subtests.test(name):
            answer = api.get(f"{url}?filter={quote(text)}")
            assert answer.status_code == 422
            assert wrong_fields(answer) == wrong
    answer = api.get(f"{url}?filter={quote('status:lost')}").json()
    assert answer["detail"].startswith("status:lost: lost is not one of ")


def test_what_is_wrong_with_a_parameter_is_named_by_it(api):
    address = f"{V2}?{urlencode({'status': 'lost', 'expires_lt': 'soon', 'filter': 'colour:red', 'tag': 'a*'})}"
    assert wrong_fields(api.get(address)) == {
        "status": "unknown-value",
        "expires_lt": "unknown-value",
        "filter[0]": "unknown-field",
        "tag": "no-wildcard",
    }


SORTS = {
    "-created_at": ALL,
    "created_at": ALL[::-1],
    "not_after": ["expired", "soon", "*", "www", "api", "held", "revoked"],
    "-not_after": ["revoked", "held", "api", "www", "*", "soon", "expired"],
    "common_name": sorted(ALL),
    "-common_name": sorted(ALL, reverse=True),
}


def test_v2_sorts_by_what_has_an_index_and_a_cursor_keeps_the_order(api, register, subtests):
    for sort, expected in SORTS.items():
        with subtests.test(sort):
            found, cursor = [], ""
            while cursor is not None:
                page = api.get(f"{V2}?limit=3&sort={sort}{cursor and '&cursor=' + cursor}").json()
                found += [item["subject"]["common_name"].removesuffix(".acme.test") for item in page["data"]]
                cursor = page["pagination"]["next_cursor"]
            assert found == expected


def test_a_cursor_is_made_for_one_order(api, register):
    cursor = api.get(f"{V2}?limit=3&sort=not_after").json()["pagination"]["next_cursor"]
    for sort in ("-not_after", "-created_at", "common_name"):
        answer = api.get(f"{V2}?sort={sort}&cursor={cursor}")
        assert (answer.status_code, wrong_fields(answer)) == (400, {"cursor": "invalid"})
    assert wrong_fields(api.get(f"{V2}?sort=serial")) == {"sort": "unknown-value"}
    assert wrong_fields(api.get(f"{V1}?sort=not_after")) == {"sort": "unknown-field"}


@pytest.mark.row("P9", "P10", "P14")
@VERSIONS
def test_a_filtered_list_is_read_in_pages(api, register, url):
    first = api.get(f"{url}?filter=status:issued&limit=3").json()
    cursor = first["pagination"]["next_cursor"]
    register.issue("late.acme.test")
    second = api.get(f"{url}?filter=status:issued&limit=3&cursor={cursor}").json()
    found = [item["subject"]["common_name"] for page in (first, second) for item in page["data"]]
    assert found == [f"{name}.acme.test" for name in IN_FORCE]
    assert [page["pagination"]["total"] for page in (first, second)] == [4, 5]
    assert second["pagination"]["next_cursor"] is None
    by_offset = api.get(f"{V1}?filter=status:issued&offset=4&limit=3").json()
    assert [item["subject"]["common_name"] for item in by_offset["data"]] == ["*.acme.test"]


@pytest.mark.row("P14")
def test_v1_counts_to_the_end_and_v2_says_where_it_stopped(api, register, monkeypatch):
    monkeypatch.setattr("certificates.search.COUNTED", 3)
    for text, count in (("", 7), ("status:issued", 4)):
        assert api.get(f"{V1}?filter={text}").json()["pagination"] == {"next_cursor": None, "total": count}
        assert api.get(f"{V2}?filter={text}").json()["pagination"] == {
            "next_cursor": None,
            "total": 3,
            "total_is_estimate": True,
        }
    assert api.get(f"{V2}?filter=tag:prod").json()["pagination"] == {"next_cursor": None, "total": 2}


@VERSIONS
def test_a_serial_number_with_two_readings_is_a_conflict_and_never_a_guess(api, register, url):
    one, other = Certificate.objects.order_by("pk")[:2]
    Certificate.objects.filter(pk=one.pk).update(serial="1234567890")
    Certificate.objects.filter(pk=other.pk).update(serial=f"{1234567890:x}")
    answer = api.get(f"{url}?filter=serial:1234567890")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "ambiguous-serial")
    assert names(api.get(f"{url}?filter=serial:12:34:56:78:90")) == [one.common_name.removesuffix(".acme.test")]


def test_a_strangers_serial_number_is_no_second_reading(api, register, stranger):
    theirs = open_office("Initech").issue().certificate
    ours = Certificate.objects.filter(organization=register.organization).first()
    Certificate.objects.filter(pk=theirs.pk).update(serial="1234567890")
    Certificate.objects.filter(pk=ours.pk).update(serial=f"{1234567890:x}")
    assert len(names(api.get(f"{V2}?serial=1234567890"))) == 1
    assert names(stranger.get(f"{V2}?serial=1234567890")) == []


@VERSIONS
def test_a_filter_takes_as_many_queries_for_seven_rows_as_for_one(api, register, url):
    api.get(url)
    text = quote(f"name:*.acme.test,ca:{register.issuing.slug},serial_in:12|34,tag_in:a|b|prod")
    for filters in ("", f"&filter={text}", "&filter=cn:*o*"):
        counts = []
        for limit in (1, 7):
            with CaptureQueriesContext(connection) as queries:
                assert api.get(f"{url}?limit={limit}{filters}").status_code == 200
            counts.append(len(queries))
        # On PostgreSQL a search that no index helps is bounded in time, which takes statements of its own.
        assert counts[0] == counts[1] <= 16
