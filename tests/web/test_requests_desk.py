"""Approvals in the browser, without scripts: who asks, who decides, and what each of them is shown."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client

from accounts.services.custom_roles import create_custom_role
from accounts.services.organizations import change_member_role
from cas.core.csr import read_csr
from cas.core.keys import public_key_sha256
from cas.models import BlockedKey
from certificates.models import Certificate, Decision, Request
from certificates.orders import IssueOrder
from certificates.services import minting
from certificates.services.requests import cancel_request
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast, pki
from tests.certificates.asking import Desk, open_desk
from tests.security.whole import unchanged
from web.requests import asking

LIST = "/requests/"
ROW = re.compile(r'<th scope="row"><a class="break" href="/requests/([0-9a-f-]{36})/">')
QUESTIONS = ("approve", "reject", "fulfil", "cancel")

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def browser(person: cast.Person) -> Client:
    client = Client()
    client.force_login(person.user, backend="accounts.sessions.PasswordBackend")
    return client


def page_of(row: Request, part: str = "") -> str:
    return f"{LIST}{row.public_id}/{part}"


def text_of(answer: Any) -> str:
    return answer.content.decode()


def listed(client: Client, query: str = "") -> list[str]:
    answer = client.get(LIST + query)
    assert answer.status_code == 200
    return ROW.findall(text_of(answer))


def ids(*rows: Request) -> list[str]:
    return [str(row.public_id) for row in rows]


def waiting(client: Client) -> int:
    """The number beside the entry of the navigation, on a page about something else."""
    found = re.search(r'<b class="count">(\d+)<span class="visually-hidden">', text_of(client.get("/account/")))
    return int(found[1]) if found else 0


def told(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def by_csr(desk: Desk, **csr: Any) -> Request:
    order = IssueOrder(template=desk.office.template.code, key=read_csr(pki.make_csr(**csr)))
    return desk.ask(order)


def block_key_of(row: Request) -> None:
    key_hash = public_key_sha256(read_csr(bytes(row.csr or b"")).public_key)
    BlockedKey.objects.create(organization=row.organization, key_hash=key_hash, reason="lost")


def test_a_question_calls_the_request_as_its_record_does(desk):
    row, client = desk.ask(), browser(desk.approver)
    for question, title in (("approve", "Approve"), ("reject", "Reject")):
        assert f'<h1 class="break">{title}: www.acme.test</h1>' in text_of(client.get(page_of(row, f"{question}/")))
    answer = client.post(page_of(row, "approve/"), {"digest": row.digest})
    assert told(answer) == ["www.acme.test is approved."]


def test_strangers_find_nothing(desk):
    row = desk.ask()
    client = browser(cast.stranger())
    assert listed(client, "?show=all") == listed(client, "?show=own") == []
    with unchanged():
        for part in ("", *(f"{question}/" for question in QUESTIONS)):
            assert client.get(page_of(row, part)).status_code in (403, 404)
            answer = client.post(page_of(row, part), {"digest": row.digest, "reason": "x"})
            assert answer.status_code in (403, 404, 405)
    assert Client().get(LIST)["Location"].startswith("/sign-in/")


def test_one_asks_another_decides_and_the_key_is_collected_once(desk):
    asker, approver = browser(desk.asker), browser(desk.approver)
    row = desk.ask()

    assert (waiting(asker), waiting(approver)) == (0, 1)
    assert listed(asker, "?show=own") == listed(approver) == ids(row)
    own = text_of(asker.get(page_of(row)))
    assert "another approver must decide" in own
    assert page_of(row, "approve/") not in own
    assert page_of(row, "cancel/") in own
    assert asker.get(page_of(row, "approve/")).status_code == 403

    record = text_of(approver.get(page_of(row)))
    assert page_of(row, "approve/") in record
    assert page_of(row, "cancel/") not in record
    question = approver.get(page_of(row, "approve/"))
    assert row.digest in text_of(question)
    answer = approver.post(page_of(row, "approve/"), {"digest": row.digest, "reason": "seen"})
    assert answer["Location"] == page_of(row)
    empty = text_of(approver.get(LIST))
    assert waiting(approver) == 0
    assert "All clear" in empty
    assert page_of(row) in empty, "the last decision"

    approver.post(page_of(row, "fulfil/"))
    certificate = Certificate.objects.get()
    key = f"/certificates/{certificate.public_id}/private-key/"
    assert key in text_of(asker.get(page_of(row)))
    assert key not in text_of(approver.get(page_of(row)))
    assert asker.post(key, {"fmt": "zip"})["Content-Disposition"].startswith("attachment")
    after = text_of(asker.get(page_of(row)))
    assert key not in after
    for words in ("“seen”", "approver@acme.example", "Fulfilled"):
        assert words in after


def test_a_key_is_not_offered_to_who_asked_once_another_answers_for_the_certificate(desk):
    asker, approver = browser(desk.asker), browser(desk.approver)
    row = desk.ask()
    approver.post(page_of(row, "approve/"), {"digest": row.digest})
    approver.post(page_of(row, "fulfil/"))
    assert "private-key/" in text_of(asker.get(page_of(row)))
    Certificate.objects.update(owner=desk.approver.user)
    assert "private-key/" not in text_of(asker.get(page_of(row)))


def test_of_two_who_must_agree_each_is_asked_once():
    desk = open_desk(approvals_needed=2)
    first, second = browser(desk.approver), browser(desk.second)
    row = desk.ask()
    first.post(page_of(row, "approve/"), {"digest": row.digest})
    assert listed(first) == []
    assert "You have decided on this already" in text_of(first.get(page_of(row)))
    assert "1 of 2 approvals" in text_of(second.get(page_of(row)))
    assert ">1/2<" in text_of(second.get(LIST))
    second.post(page_of(row, "approve/"), {"digest": row.digest})
    row.refresh_from_db()
    assert row.status == "approved"


def test_a_no_has_a_reason_that_whoever_asked_reads(desk):
    row = desk.ask()
    approver = browser(desk.approver)
    assert approver.post(page_of(row, "reject/"), {"digest": row.digest}).status_code == 422
    approver.post(page_of(row, "reject/"), {"digest": row.digest, "reason": "not our shop"})
    assert "not our shop" in text_of(browser(desk.asker).get(page_of(row)))
    assert listed(approver, "?show=all&status=rejected") == ids(row)


def test_what_has_changed_meanwhile_is_a_conflict_that_says_so(desk):
    row, other = desk.ask(), desk.ask()
    approver = browser(desk.approver)
    answer = approver.post(page_of(row, "approve/"), {"digest": "0" * 64})
    assert answer.status_code == 409
    assert row.digest in text_of(answer)
    cancel_request(actor=desk.asker.actor, request=Ref("pk", other.pk))
    for answer in (
        approver.get(page_of(other, "approve/")),
        approver.post(page_of(other, "approve/"), {"digest": other.digest}),
        approver.post(page_of(other, "reject/"), {"digest": other.digest, "reason": "no"}),
    ):
        assert answer.status_code == 409
        assert "Cancelled" in text_of(answer)
    assert not Decision.objects.exists()


def test_what_would_not_be_issued_is_not_to_be_approved(desk):
    row = desk.ask(desk.order_by_csr())
    block_key_of(row)
    approver = browser(desk.approver)
    answer = approver.get(page_of(row))
    text = text_of(answer)
    (line,) = [line for line in answer.context["found"].lines if line.findings]
    assert (line.label, line.verdict, line.issued) == ("Key", "blocked", "")
    assert "must not be used" in text
    assert page_of(row, "approve/") not in text
    assert page_of(row, "reject/") in text
    assert approver.get(page_of(row, "approve/")).status_code == 409
    assert "Blocked" in text_of(approver.get(LIST))
    found = [str(finding.message) for finding in answer.context["found"].findings]
    assert [each["detail"] for each in approver.get(f"/api/v2/requests/{row.public_id}").json()["findings"]] == found


def test_what_a_csr_asks_for_stands_beside_what_it_gets(desk):
    wishes = (
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),
        x509.BasicConstraints(ca=True, path_length=None),
    )
    row = by_csr(desk, subject="CN=www.acme.test", sans=("www.acme.test", "api.acme.test"), extensions=wishes)
    answer = browser(desk.approver).get(page_of(row))
    found = {(line.label, line.asked): (line.issued, line.verdict.value) for line in answer.context["found"].lines}
    assert found == {
        ("Subject, CN", "www.acme.test"): ("www.acme.test", "ok"),
        ("Alternative name, DNS", "www.acme.test"): ("www.acme.test", "ok"),
        ("Alternative name, DNS", "api.acme.test"): ("api.acme.test", "ok"),
        ("Key", "ECDSA P-256"): ("ECDSA P-256", "ok"),
        ("Validity", "90 days"): ("90 days", "ok"),
        ("Key usage", ""): ("Digital signature", "added"),
        ("Extended key usage", "Code signing"): ("TLS server", "replaced"),
        ("Basic constraints", "CA"): ("", "left-out"),
    }
    assert "CSR signature valid" in text_of(answer)
    assert "2 differences" in text_of(browser(desk.approver).get(LIST))


def test_who_asks_and_what_has_these_names_already(desk):
    earlier = desk.approved()
    approver = browser(desk.approver)
    approver.post(page_of(earlier, "fulfil/"))
    certificate = Certificate.objects.get()
    before, row, after = desk.ask(), desk.ask(), desk.ask()
    text = text_of(approver.get(page_of(row)))
    assert f"/certificates/{certificate.public_id}/" in text
    assert f'rel="prev" href="{page_of(before)}"' in text
    assert f'rel="next" href="{page_of(after)}"' in text
    history = approver.get(page_of(row)).context["history"]
    assert (dict(history["counts"]), history["newest"]) == ({"fulfilled": 1, "pending": 2}, after)


def test_who_may_only_ask_sees_his_own_and_no_others(desk):
    office = desk.office
    create_custom_role(
        actor=office.owner,
        organization=office.organization,
        name="Asker",
        slug="asker",
        permissions=[Permission.CERTIFICATES_ISSUE, Permission.TEMPLATES_READ, Permission.CAS_READ],
    )
    membership = office.organization.memberships.get(user=desk.asker.user)
    change_member_role(actor=cast.SUPERUSER, membership=membership, role="asker")
    own = desk.ask()
    others = desk.ask(actor=office.owner)
    client = browser(desk.asker)
    assert listed(client) == listed(client, "?show=all") == ids(own)
    assert client.get(page_of(own)).status_code == 200
    for part in ("", "cancel/", "fulfil/"):
        assert client.get(page_of(others, part)).status_code == 404
    client.post(page_of(own, "cancel/"))
    own.refresh_from_db()
    assert own.status == "cancelled"


def test_tabs_chips_and_pages_count_what_stands_behind_them(desk, monkeypatch):
    monkeypatch.setattr(asking, "LENGTH", 2)
    monkeypatch.setattr("web.requests.records.LENGTH", 2)
    rows = [desk.ask() for _number in range(5)]
    cancel_request(actor=desk.asker.actor, request=Ref("pk", rows[4].pk))
    approver, asker = browser(desk.approver), browser(desk.asker)
    address, seen = "", []
    for _page in range(2):
        seen += listed(approver, address)
        following = re.search(r'href="(\?[^"]+)" rel="next"', text_of(approver.get(LIST + address)))
        address = following[1].replace("&amp;", "&") if following else ""
    assert (seen, address) == (ids(*rows[:4]), ""), "what waits longest comes first"
    assert listed(asker, "?show=own&status=pending") == ids(rows[3], rows[2])
    numbers = {
        (str(choice.label), choice.count)
        for name in ("tabs", "chips")
        for choice in approver.get(f"{LIST}?show=all").context[name]
    }
    assert numbers >= {("Mine to decide", 4), ("All", 5), ("My own", 0), ("Pending", 4), ("Cancelled", 1)}
    counts = approver.get("/api/v2/requests/counts").json()
    assert counts["inbox"] == waiting(approver) == 4
    for nonsense in ("?after=x", "?after=-1", f"?after={'9' * 40}", "?show=x", "?status=x"):
        assert listed(approver, nonsense) == ids(*rows[:2])


def test_only_what_is_issued_as_it_was_asked_for_is_approved_together(desk):
    good, stale = by_csr(desk, subject="CN=www.acme.test"), desk.ask()
    blocked = by_csr(desk, key=pki.a_key(number=1), subject="CN=www.acme.test")
    different = by_csr(
        desk, subject="CN=www.acme.test", extensions=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),)
    )
    block_key_of(blocked)
    approver = browser(desk.approver)
    path = f"{LIST}approve-several/"
    assert path in text_of(approver.get(LIST))
    offered = re.findall(r'name="requests" value="([^"]+)"', text_of(approver.get(path)))
    assert offered == [f"{row.public_id} {row.digest}" for row in (good, stale)]
    chosen = [offered[0], f"{stale.public_id} {'0' * 64}", f"{blocked.public_id} {blocked.digest}"]
    answer = approver.post(path, {"requests": [*chosen, f"{different.public_id} {different.digest}"], "reason": "all"})
    assert answer["Location"] == LIST
    assert [decision.request for decision in Decision.objects.all()] == [good]
    sentences = told(answer)
    assert len(sentences) == 4
    assert stale.digest in sentences[0]
    assert "1 request is approved." in sentences
    assert approver.post(path, {"requests": ["nonsense"]}).status_code == 422
    assert browser(desk.asker).get(path).status_code == 403
    Request.objects.update(status="cancelled")
    assert approver.get(path).status_code == 409


def test_many_ask_no_more_questions_than_few(desk, django_assert_max_num_queries):
    rows = [desk.ask() for _number in range(6)]
    approver = browser(desk.approver)
    approver.get(LIST)
    # On PostgreSQL the CA is locked by a statement of its own.
    lock = connection.vendor == "postgresql"
    with django_assert_max_num_queries(15 + lock):
        assert len(listed(approver)) == 6
    with django_assert_max_num_queries(18 + lock):
        approver.get(page_of(rows[0]))


def test_a_page_that_was_seen_drafts_nothing_and_approving_drafts_anew(desk, monkeypatch):
    """To draft and lint 25 certificates takes twice the time that a page may."""
    row, other = by_csr(desk, subject="CN=www.acme.test"), desk.ask()
    approver = browser(desk.approver)
    path = f"{LIST}approve-several/"
    seen = listed(approver)
    drafted: list[object] = []
    monkeypatch.setattr(minting, "prepare", drafted.append)
    assert listed(approver) == seen == ids(row, other)
    assert approver.get(path).status_code == 200
    assert not drafted
    approver.post(path, {"requests": []})
    assert len(drafted) == 2
    approver.get(page_of(row))
    assert len(drafted) == 3


def test_the_page_and_the_api_say_the_same_states(desk):
    words = {"pending": "pending_approval"}
    desk.approved()
    cancel_request(actor=desk.asker.actor, request=Ref("pk", desk.ask().pk))
    desk.ask()
    approver = browser(desk.approver)
    shown = [row for row, _found in approver.get(f"{LIST}?show=all").context["rows"]]
    of_api = {row["id"]: row["status"] for row in approver.get("/api/v2/requests").json()["data"]}
    assert of_api == {str(row.public_id): words.get(row.status, row.status) for row in shown}
    assert len(shown) == 3
