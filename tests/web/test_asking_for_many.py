"""Many certificates from a CSV file: a verdict on each row, and those that are good issued."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from cas.models import Template
from certificates.models import Certificate
from certificates.services.minting import obtain_key
from tests.web.test_asking import request_for, words

BATCH = "/certificates/new/batch/"
ROWS = (
    "common_name,sans,template,validity_days,tags\n"
    "a.acme.test,a.acme.test;10.0.0.5,web-tls,30,shop;prod\n"
    "evil.test,,web-tls,\n"
    "\n"
    "b.acme.test,,,soon\n"
    "c.acme.test,,,\n"
    "d.acme.test,,no-such,\n"
)


@pytest.fixture
def ticket(owner, office) -> str:
    page = owner.get(BATCH).content.decode()
    return re.search(r'name="ticket" value="([^"]+)"', page)[1]


def told(answer) -> dict[int, list[str]]:
    """Row -> the codes of what is against it."""
    return {each.row.number: [finding.code for finding in each.findings] for each in answer.context["verdicts"]}


def test_each_row_is_judged_and_the_good_ones_are_issued_once(owner, office, ticket):
    form = {"rows": ROWS, "template": office.template.pk, "ticket": ticket}
    expected = {2: [], 3: ["name-not-allowed"], 5: ["invalid"], 6: [], 7: ["template-not-found"]}
    checked = owner.post(BATCH, {**form, "check": "1"})
    assert told(checked) == expected
    assert "2 of 5 rows can be issued" in words(checked)
    assert "evil.test" in checked.context["form"]["rows"].value()
    assert not Certificate.objects.exists()
    issued = owner.post(BATCH, form)
    assert told(issued) == expected
    first, second = Certificate.objects.order_by("pk")
    assert (first.sans, first.key_custody) == (["a.acme.test", "10.0.0.5"], Certificate.KeyCustody.WAITING)
    assert first.tags == ["shop", "prod"]
    assert (first.not_after - first.not_before).days == 29
    assert second.common_name == "c.acme.test"
    assert f"/certificates/{first.public_id}/" in issued.content.decode()
    again = owner.post(BATCH, form)
    assert again.status_code == 422
    assert "issued already" in words(again)
    assert Certificate.objects.count() == 2


def test_how_far_it_has_come_is_told_meanwhile(owner, office, monkeypatch):
    """By the form itself, which is still issued but once."""
    monkeypatch.setattr("web.progress._PAUSE_SECONDS", 0)
    page = owner.get(BATCH).content.decode()
    address = re.search(r'data-progress="([^"]+)"', page)[1]
    ticket = re.search(r'name="ticket" value="([^"]+)"', page)[1]
    told = []

    def obtain(*wanted):
        told.append(owner.get(address).json())
        return obtain_key(*wanted)

    monkeypatch.setattr("certificates.services.batches.obtain_key", obtain)
    rows = "common_name\na.acme.test\nb.acme.test\nc.acme.test\n"
    form = {"rows": rows, "template": office.template.pk, "ticket": ticket}
    assert owner.post(BATCH, form).status_code == 200
    assert told == [{"done": 0, "of": 0}, {"done": 1, "of": 3}, {"done": 2, "of": 3}]
    assert owner.post(BATCH, form).status_code == 422
    assert Certificate.objects.count() == 3


def test_a_file_with_requests_as_a_spreadsheet_writes_it(owner, office, ticket):
    pem = request_for("www.acme.test", "www.acme.test").replace("\n", " ")
    file = SimpleUploadedFile("rows.csv", f"\ufeffTemplate;CSR\r\nweb-tls;{pem}\r\n".encode())
    answer = owner.post(BATCH, {"file": file, "ticket": ticket})
    assert told(answer) == {2: []}
    assert Certificate.objects.get().key_custody == Certificate.KeyCustody.SUBSCRIBER


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("", "Paste rows"),
        ("common_name\n", "From 1 to 500 rows"),
        ("common_name\n" + "x.acme.test\n" * 501, "From 1 to 500 rows"),
        ("name,colour\nx,y\n", "Not known: name, colour"),
        ("sans,sans\nx,y\n", "A column stands there twice"),
        ('common_name\n"x', "This is no CSV"),
    ],
)
def test_what_cannot_be_read_is_said_and_kept(owner, office, ticket, rows, why):
    answer = owner.post(BATCH, {"rows": rows, "template": office.template.pk, "ticket": ticket})
    assert answer.status_code == 422
    assert why in words(answer)
    assert answer.context["form"]["rows"].value() == rows


def test_what_needs_an_approval_is_not_issued_in_a_batch(owner, office, ticket):
    Template.objects.filter(pk=office.template.pk).update(requires_approval=True)
    form = {"rows": ROWS, "template": office.template.pk, "ticket": ticket}
    for sent in ({**form, "check": "1"}, form):
        assert told(owner.post(BATCH, sent))[2] == ["approval-required"]
    assert not Certificate.objects.exists()


def test_the_sample_is_a_file_that_can_be_read(owner, office, ticket):
    rows = owner.get(f"{BATCH}sample.csv").content.decode()
    assert set(told(owner.post(BATCH, {"rows": rows, "ticket": ticket, "check": "1"}))) == {2, 3}
