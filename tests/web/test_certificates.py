"""The register in the browser: found, narrowed, paged, read, and handed out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from cryptography import x509
from django.utils import timezone

from accounts.roles import OrganizationRole
from cas.core.csr import read_csr
from certificates.models import Certificate
from certificates.orders import Managed, RevokeOrder
from certificates.services.keys import collect_private_key
from certificates.services.revocation import revoke_certificate
from kernel.ref import Ref
from tests import cast, pki
from tests.office import open_office
from tests.web.people import browser_of

LIST = "/certificates/"
ROW = re.compile(r'<a class="break" href="/certificates/([0-9a-f-]{36})/">')


def page_of(row) -> str:
    return f"{LIST}{row.public_id}/"


def listed(client, query: str = "") -> list[str]:
    answer = client.get(LIST + query)
    assert answer.status_code == 200
    return ROW.findall(answer.content.decode())


def acts(client) -> dict[str, str]:
    """What the rows of the list offer, by their labels, and where it is."""
    return {act.label: act.address for row in client.get(LIST).context["rows"] for act in row.acts}


def revoking(row, reason: x509.ReasonFlags) -> RevokeOrder:
    return RevokeOrder(certificate=Ref("pk", row.pk), reason=reason)


@pytest.fixture
def three(office) -> list[Certificate]:
    """Of which the second is revoked, and the third ends soon."""
    rows = [office.issue(name).certificate for name in ("a.acme.test", "b.acme.test", "c.acme.test")]
    order = RevokeOrder(certificate=Ref("pk", rows[1].pk), reason=x509.ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)
    Certificate.objects.filter(pk=rows[2].pk).update(not_after=timezone.now() + timedelta(days=3))
    return rows


class TestTheList:
    def test_newest_first(self, owner, three):
        assert listed(owner) == [str(row.public_id) for row in reversed(three)]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?status=active", [0]),
            ("?status=revoked", [1]),
            ("?status=expiring", [2]),
            ("?status=expired", []),
            ("?q=a.acme.test", [0]),
            ("?q=cn:*.acme.test,status:revoked", [1]),
            ("?sort=name", [0, 1, 2]),
            ("?sort=expires&status=active", [0]),
            ("?status=no-such-status", [2, 1, 0]),
            ("?ca=acme-issuing-ca&sort=oldest", None),
        ],
    )
    def test_narrowed_and_ordered(self, owner, office, three, query, found):
        query = query.replace("acme-issuing-ca", office.issuing.slug)
        assert listed(owner, query) == [str(three[i].public_id) for i in ([0, 1, 2] if found is None else found)]

    def test_each_is_found_by_its_serial_number_and_its_fingerprint(self, owner, three):
        for row in three:
            pairs = ":".join(re.findall("..", row.serial.upper().zfill(len(row.serial) + len(row.serial) % 2)))
            for text in (row.serial, pairs, str(int(row.serial, 16)), row.fingerprint):
                assert listed(owner, f"?q={text}") == [str(row.public_id)]

    def test_chips_count_the_register(self, owner, three):
        words = re.sub(r"<[^>]+>|\s+", " ", owner.get(LIST).content.decode())
        for label, count in (("All", 3), ("Active", 1), ("Expiring", 1), ("Revoked", 1), ("Expired", 0)):
            assert re.search(rf"{label}\s+{count}\b", words), label

    def test_the_private_keys_that_wait_are_found_until_they_are_collected(self, owner, office, three):
        waiting = office.issue("later.acme.test", key=Managed(collect_later=True)).certificate
        (chip,) = [each for each in owner.get(LIST).context["chips"] if each.label == "Key waits"]
        assert listed(owner, chip.address) == [str(waiting.public_id)]
        assert owner.get(LIST + chip.address).context["asked"].told() == "Status: Key waits"
        collect_private_key(actor=office.owner, certificate=Ref("pk", waiting.pk))
        assert listed(owner, chip.address) == []

    def test_pages_follow_each_other_and_keep_what_was_asked(self, owner, office, monkeypatch):
        monkeypatch.setattr("web.certificates.asking.LENGTHS", (2, 5))
        rows = [office.issue(f"n{number}.acme.test").certificate for number in range(5)]
        address, seen = "?length=2&sort=name&q=cn:*.acme.test", []
        for _page in range(3):
            seen += listed(owner, address)
            following = re.search(r'href="(\?[^"]+)" rel="next"', owner.get(LIST + address).content.decode())
            address = following[1].replace("&amp;", "&") if following else ""
        assert seen == [str(row.public_id) for row in rows]
        assert not address

    @pytest.mark.parametrize("after", ["x", "[]", "[1]", '["x", 1]', "[true]", "[1, -1]", "null", "[1, 1e400]"])
    def test_a_place_that_is_none_is_the_first_page(self, owner, three, after):
        assert len(listed(owner, f"?after={after}")) == 3

    @pytest.mark.parametrize("text", ["status:nonsense", "expires_lt:soon", "no_such_field:x", "x" * 5000])
    def test_a_filter_that_makes_no_sense_is_said_and_shows_nothing(self, owner, three, text):
        answer = owner.get(LIST, {"q": text})
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
        # Which term it is, where it is one.
        assert len(text) > 100 or text.partition(":")[0] in answer.context["refusal"]
        assert not ROW.findall(answer.content.decode())

    def test_a_row_leads_to_its_renewal_and_its_file_by_name(self, owner, office):
        row = office.issue("a.acme.test").certificate
        by_csr = office.issue("b.acme.test", key=read_csr(pki.make_csr(subject="CN=b.acme.test"))).certificate
        renewals = {"a.acme.test": f"{page_of(row)}renew/", "b.acme.test": f"{page_of(by_csr)}renew-csr/"}
        found = acts(owner)
        assert {name: found[f"Renew {name}"] for name in renewals} == renewals
        assert found["Download a.acme.test as PEM"] == f"{page_of(row)}file/pem/"
        assert all(owner.get(address).status_code == 200 for address in found.values())

    def test_a_row_offers_no_renewal_where_state_or_permission_has_none(self, owner, office, three):
        revoke_certificate(actor=office.owner, order=revoking(three[2], x509.ReasonFlags.certificate_hold))
        assert [label for label in acts(owner) if label.startswith("Renew")] == ["Renew a.acme.test"]
        auditor = browser_of(cast.member(office.organization, OrganizationRole.AUDITOR).user)
        assert not [label for label in acts(auditor) if label.startswith("Renew")]
        office.template.retired_at = timezone.now()
        office.template.save(update_fields=["retired_at"])
        assert not [label for label in acts(owner) if label.startswith("Renew")]

    def test_it_asks_as_often_for_many_as_for_few(self, owner, office, django_assert_max_num_queries):
        for number in range(6):
            office.issue(f"n{number}.acme.test")
        owner.get(LIST)
        with django_assert_max_num_queries(15):
            assert len(listed(owner)) == 6


class TestARecord:
    def test_everything_that_is_known(self, owner, office, certificate):
        page = owner.get(page_of(certificate)).content.decode()
        for text in ("api.acme.test", "ACME Root", "ACME Issuing CA", "web-tls", "certificate.issued", "SHA-256"):
            assert text in page
        assert certificate.serial.upper() in page

    @pytest.mark.parametrize("fmt", ["pem", "der", "chain", "fullchain", "p7b"])
    def test_downloads(self, owner, certificate, fmt):
        answer = owner.get(f"{page_of(certificate)}file/{fmt}/")
        assert answer.status_code == 200
        assert answer["Content-Disposition"].startswith("attachment")
        assert b"PRIVATE" not in answer.content

    @pytest.mark.parametrize("fmt", ["p12", "zip", "exe", ".."])
    def test_no_other_file(self, owner, certificate, fmt):
        assert owner.get(f"{page_of(certificate)}file/{fmt}/").status_code == 404

    def test_revoked_from_its_own_page(self, owner, certificate):
        answer = owner.post(f"{page_of(certificate)}revoke/", {"reason": "superseded", "comment": "moved"})
        assert answer["Location"] == page_of(certificate)
        certificate.refresh_from_db()
        assert certificate.state == Certificate.State.REVOKED
        page = owner.get(page_of(certificate)).content.decode()
        assert "superseded" in page
        assert "moved" in page
        assert owner.get(f"{page_of(certificate)}revoke/").status_code == 409

    def test_a_read_only_person_is_offered_nothing_that_would_be_refused(self, office, certificate):
        client = browser_of(cast.member(office.organization, OrganizationRole.AUDITOR, "au@acme.example").user)
        page = client.get(page_of(certificate)).content.decode()
        assert "/revoke/" not in page
        refused = client.get(f"{page_of(certificate)}revoke/")
        assert refused.status_code == 403
        assert "certificates:revoke" in refused.content.decode()
        assert client.post(f"{page_of(certificate)}revoke/", {"reason": "superseded"}).status_code == 403


def test_strangers_find_nothing(certificate):
    client = browser_of(open_office("Umbrella").person.user)
    assert listed(client) == []
    for part in ("", "revoke/", "private-key/", "file/pem/"):
        assert client.get(page_of(certificate) + part).status_code == 404
    assert client.post(f"{page_of(certificate)}revoke/", {"reason": "superseded"}).status_code == 404
    certificate.refresh_from_db()
    assert certificate.state == Certificate.State.ISSUED


def test_nobody_is_asked_to_sign_in(client, certificate):
    for path in (LIST, page_of(certificate), f"{page_of(certificate)}revoke/"):
        assert client.get(path)["Location"].startswith("/sign-in/")
