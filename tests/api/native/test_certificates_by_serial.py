"""A certificate by its serial number, in every notation: `GET /api/v2/certificates/by-serial/{serial}`."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from certificates.models import Certificate
from tests.api.wire import wrong_fields
from tests.office import open_office

URL = "/api/v2/certificates/by-serial"
DIGITS = "1234567890"


def code_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def give(row: Certificate, serial: str) -> str:
    """The certificate has this serial number from now on; its id."""
    Certificate.objects.filter(pk=row.pk).update(serial=serial)
    return str(row.public_id)


def test_a_stranger_is_told_that_it_does_not_exist(office, stranger):
    row = office.issue().certificate
    assert code_of(stranger.get(f"{URL}/{row.serial}")) == (404, "certificate-not-found")
    assert code_of(stranger.get(f"{URL}/{row.serial}?ca={office.issuing.public_id}")) == (404, "certificate-not-found")


def test_every_notation_finds_it_with_its_detail(api, office, subtests):
    row = office.issue().certificate
    detail = api.get(f"/api/v2/certificates/{row.public_id}").json()
    octets = row.serial.rjust(len(row.serial) + len(row.serial) % 2, "0")
    colons = ":".join(octets[at : at + 2] for at in range(0, len(octets), 2))
    for text in (row.serial, row.serial.upper(), f"0x{row.serial}", f"0X{octets}", colons, str(int(row.serial, 16))):
        with subtests.test(text):
            answer = api.get(f"{URL}/{text}")
            assert (answer.status_code, answer.json()) == (200, detail)
    assert api.get(f"{URL}/{detail['serial']}").json() == detail


def test_two_readings_that_both_exist_are_a_conflict(api, office):
    one, other = (office.issue().certificate for _number in range(2))
    first, second = give(one, DIGITS), str(other.public_id)
    assert api.get(f"{URL}/{DIGITS}").json()["id"] == first
    give(other, f"{int(DIGITS):x}")
    answer = api.get(f"{URL}/{DIGITS}")
    assert code_of(answer) == (409, "ambiguous-serial")
    assert f"0x{DIGITS} and 0x{int(DIGITS):x} both exist" in answer.json()["detail"]
    assert api.get(f"{URL}/0x{DIGITS}").json()["id"] == first
    assert api.get(f"{URL}/{int(DIGITS):x}").json()["id"] == second


def test_a_number_that_two_issuers_have_used_is_a_conflict_until_one_is_named(api, office):
    one, other = (office.issue().certificate for _number in range(2))
    give(one, "abc")
    Certificate.objects.filter(pk=other.pk).update(ca=office.root, template=None, profile=None)
    second = give(other, "abc")
    assert code_of(api.get(f"{URL}/0xabc")) == (409, "ambiguous-serial")
    assert api.get(f"{URL}/0xabc?ca={office.root.public_id}").json()["id"] == second
    assert code_of(api.get(f"{URL}/0xabc?ca={office.organization.public_id}")) == (404, "certificate-not-found")
    assert wrong_fields(api.get(f"{URL}/0xabc?ca=7")) == {"ca": "uuid"}


def test_what_another_organization_has_is_no_second_reading(api, office, stranger):
    give(open_office("Initech").issue().certificate, DIGITS)
    ours = give(office.issue().certificate, f"{int(DIGITS):x}")
    assert api.get(f"{URL}/{DIGITS}").json()["id"] == ours


@pytest.mark.parametrize("text", ["xyz", "-1", "0x", "1.5", "1" * 60, "f" * 41, "::", "%20", "00000000-0000-4000-8000"])
def test_what_is_no_serial_number_is_no_address(api, text):
    assert code_of(api.get(f"{URL}/{text}")) == (404, "not-found")


def test_it_takes_few_queries(api, office):
    row = office.issue().certificate
    api.get(f"{URL}/{row.serial}")
    with CaptureQueriesContext(connection) as queries:
        api.get(f"{URL}/{row.serial}")
    assert len(queries) <= 7
