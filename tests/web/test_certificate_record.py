"""One certificate in the browser: everything that is known of it, renewed, edited, and its key handed out once."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import zipfile
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from accounts.roles import OrganizationRole
from accounts.services.custom_roles import create_custom_role
from audit.models import AuditEvent
from cas.models import CertificateAuthority, Template
from certificates.models import Certificate, CrlScope, Request
from certificates.orders import Managed
from certificates.services.crl import publish_crl
from certificates.services.fulfilment import fulfil_request
from kernel.actor import SYSTEM
from tests import cast, pki
from tests.certificates.asking import named, open_desk
from tests.web.people import browser_of

pytestmark = pytest.mark.django_db


# The session, the person, where he works, and what the side of every page counts.
OF_EVERY_PAGE = 7


def words_of(answer: Any) -> str:
    """The page as it is read, without its markup."""
    main = answer.content.decode().split("<main", 1)[1]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def page_of(row: Certificate, part: str = "") -> str:
    return f"/certificates/{row.public_id}/{part}"


@pytest.fixture
def awaited(office: Any) -> Certificate:
    """Its private key waits to be collected."""
    return office.issue("key.acme.test", "key.acme.test", key=Managed(collect_later=True)).certificate


class TestRenewing:
    def test_with_a_new_key(self, owner, awaited):
        page = page_of(awaited, "renew/")
        text = owner.get(page).content.decode()
        assert awaited.serial.upper() in text
        assert "key.acme.test" in text
        answer = owner.post(page, {"validity": "30"})
        successor = Certificate.objects.get(replaces=awaited)
        assert answer["Location"] == page_of(successor)
        assert (successor.key_custody, successor.sans) == ("waiting", ["key.acme.test"])
        assert (successor.not_after - timezone.now()).days in (29, 30)
        assert page_of(successor) in owner.get(page_of(awaited)).content.decode()
        assert page_of(awaited) in owner.get(page_of(successor)).content.decode()

    def test_twice_only_where_that_is_said(self, owner, awaited):
        page = page_of(awaited, "renew/")
        owner.post(page)
        assert owner.post(page).context["form"].errors["again"]
        assert Certificate.objects.filter(replaces=awaited).count() == 1
        assert owner.post(page, {"again": "on"}).status_code == 302
        assert Certificate.objects.filter(replaces=awaited).count() == 2

    def test_with_the_key_of_a_csr(self, owner, awaited):
        page = page_of(awaited, "renew-csr/")
        assert owner.post(page, {}).context["form"].errors["csr"]
        refused = owner.post(page, {"csr": "no such thing"})
        assert refused.status_code == 422
        assert "no such thing" in refused.content.decode()
        owner.post(page, {"csr": pki.make_csr(subject="CN=other.acme.test")})
        successor = Certificate.objects.get(replaces=awaited)
        assert (successor.common_name, successor.key_custody) == ("key.acme.test", "subscriber")
        assert owner.get(page_of(successor, "renew/")).status_code == 409

    def test_with_the_same_key_where_the_template_lets_it(self, owner, awaited):
        page = page_of(awaited, "renew-same-key/")
        assert owner.get(page).status_code == 409
        assert owner.post(page).status_code == 422
        Template.objects.filter(pk=awaited.template_id).update(renew_same_key=True)
        owner.post(page)
        assert Certificate.objects.get(replaces=awaited).key_hash == awaited.key_hash

    @pytest.mark.parametrize(("reason", "sentence"), [("superseded", "revoked"), ("certificateHold", "on hold")])
    def test_what_is_not_good_is_not_renewed(self, owner, awaited, reason, sentence):
        owner.post(page_of(awaited, "revoke/"), {"reason": reason})
        answer = owner.get(page_of(awaited, "renew/"))
        assert answer.status_code == 409
        assert sentence in answer.content.decode()
        assert owner.post(page_of(awaited, "renew/")).status_code == 422
        assert page_of(awaited, "renew") not in owner.get(page_of(awaited)).content.decode()

    def test_where_others_must_agree_it_waits(self):
        desk = open_desk()
        row = fulfil_request(actor=desk.office.owner, request=named(desk.approved())).certificate
        browser = browser_of(desk.office.person.user)
        page = page_of(row, "renew/")
        assert "When after an approval" in words_of(browser.post(page, {"check": "1"}))
        answer = browser.post(page)
        asked = Request.objects.get(replaces=row)
        assert answer["Location"] == f"/requests/{asked.public_id}/"
        assert not Certificate.objects.filter(replaces=row).exists()

    def test_a_superuser_does_it_in_the_admin(self, root, awaited):
        root.post(f"/admin/certificates/certificate/{awaited.pk}/renew/")
        successor = Certificate.objects.get(replaces=awaited)
        assert (successor.organization_id, successor.requester_label) == (awaited.organization_id, "root@localhost")


class TestEditing:
    def test_what_is_said_about_it(self, owner, office, awaited, certificate):
        other = cast.member(office.organization, OrganizationRole.MEMBER, "other@acme.example")
        form = {"tags": "web, blue  green,web", "description": "behind the proxy", "owner": other.user.email}
        assert owner.post(page_of(certificate, "edit/"), form)["Location"] == page_of(certificate)
        certificate.refresh_from_db()
        assert (certificate.tags, certificate.description) == (["web", "blue", "green"], "behind the proxy")
        assert certificate.owner == other.user
        event = AuditEvent.objects.get(name="certificate.updated")
        assert event.document["metadata"]["fields"] == ["tags", "description", "owner"]
        owner.post(page_of(certificate, "edit/"), form)
        assert AuditEvent.objects.filter(name="certificate.updated").count() == 1, "nothing was changed"
        text = owner.get(page_of(certificate)).content.decode()
        assert all(word in text for word in ("green", "behind the proxy", other.user.email))

    @pytest.mark.parametrize(
        ("field", "value"), [("tags", "a:b"), ("owner", "nobody@acme.example"), ("owner", ""), ("tags", "x" * 65)]
    )
    def test_what_cannot_be_said(self, owner, certificate, field, value):
        form = {"tags": "", "description": "", "owner": certificate.owner.email, field: value}
        answer = owner.post(page_of(certificate, "edit/"), form)
        assert answer.status_code == 422
        assert answer.context["form"].errors[field]
        assert not AuditEvent.objects.filter(name="certificate.updated").exists()


class TestTheKey:
    def test_it_is_handed_out_once(self, owner, office, awaited):
        page = page_of(awaited, "private-key/")
        assert owner.get(page).status_code == 200
        assert owner.post(page, {"fmt": "p12"}).status_code == 422, "no password, and nothing is lost"
        answer = owner.post(page, {"fmt": "zip"})
        assert "no-store" in answer["Cache-Control"]
        files = zipfile.ZipFile(io.BytesIO(answer.content))
        assert b"PRIVATE KEY" in files.read("key.acme.test.key")
        for second in (owner.get(page), owner.post(page, {"fmt": "zip"})):
            assert second.status_code == 410
            assert "no-store" in second["Cache-Control"]
            text = second.content.decode()
            assert office.person.user.email in text
            assert f"{timezone.now():%Y-%m-%d}" in text
            assert "PRIVATE KEY" not in text
        assert page not in owner.get(page_of(awaited)).content.decode()

    @pytest.mark.parametrize(("fmt", "start"), [("pem", b"-----BEGIN PRIVATE KEY"), ("der", b"0"), ("p12", b"0")])
    def test_in_each_format(self, owner, awaited, fmt, start):
        answer = owner.post(page_of(awaited, "private-key/"), {"fmt": fmt, "password": "open" if fmt == "p12" else ""})
        assert answer.content.startswith(start)
        assert answer["Content-Disposition"].startswith("attachment")

    def test_it_waits_for_who_asked(self, office, awaited):
        other = browser_of(cast.member(office.organization, OrganizationRole.MEMBER, "other@acme.example").user)
        page = page_of(awaited, "private-key/")
        assert page not in other.get(page_of(awaited)).content.decode()
        assert other.get(page).status_code in (403, 409)
        assert other.post(page, {"fmt": "zip"}).status_code in (403, 422)
        awaited.refresh_from_db()
        assert awaited.key_custody == "waiting"


class TestTheRecord:
    def test_what_relying_parties_hear_beside_what_is_known(self, owner, office, certificate):
        text = words_of(owner.get(page_of(certificate)))
        assert "OCSP good said at" in text
        assert "CRL not listed number" in text
        assert "Lint found nothing" in text
        assert "www.acme.test api.acme.test" in text
        assert "web-tls version 1, role version 1" in text
        for reason, ocsp in (("certificateHold", "certificateHold"), ("keyCompromise", "keyCompromise")):
            owner.post(page_of(certificate, "revoke/"), {"reason": reason})
            text = words_of(owner.get(page_of(certificate)))
            assert f"OCSP revoked since {timezone.now():%Y-%m-%d}" in text
            assert f"UTC: {ocsp}" in text
            assert "CRL not listed The register knows more already" in text
        publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing, scope=0))
        assert "CRL listed number" in words_of(owner.get(page_of(certificate)))

    def test_who_asked_and_who_approved_for_whoever_may_know(self):
        desk = open_desk()
        asked = desk.approved(desk.order_by_csr())
        row = fulfil_request(actor=desk.office.owner, request=named(asked)).certificate
        text = browser_of(desk.office.person.user).get(page_of(row)).content.decode()
        assert f'href="/requests/{asked.public_id}/"' in text
        assert desk.approver.user.email in text
        office, reading = desk.office, ["certificates:read"]
        create_custom_role(
            actor=office.owner, organization=office.organization, name="Reader", slug="reader", permissions=reading
        )
        reader = cast.member(office.organization, "reader", "reader@acme.example")
        text = browser_of(reader.user).get(page_of(row)).content.decode()
        assert f"/requests/{asked.public_id}/" not in text
        assert desk.approver.user.email not in text

    @pytest.mark.needs("openssl")
    def test_the_commands_that_it_shows_work(self, owner, certificate, tmp_path):
        for fmt, name in (("pem", "www.acme.test.pem"), ("chain", "www.acme.test-chain.pem")):
            (tmp_path / name).write_bytes(owner.get(page_of(certificate, f"file/{fmt}/")).content)
        page = owner.get(page_of(certificate)).content.decode()
        shown = re.search(r'<pre id="openssl-verify"[^>]*>([^<]+)</pre>', page)
        answer = subprocess.run(shlex.split(shown[1]), cwd=tmp_path, capture_output=True, check=False)
        assert answer.stdout == b"www.acme.test.pem: OK\n", answer.stderr

    def test_it_asks_no_more_than_fifteen_times(self, owner, office, certificate, django_assert_max_num_queries):
        for _again in range(3):
            owner.post(page_of(certificate, "renew-csr/"), {"csr": pki.make_csr(), "again": "on"})
        owner.get(page_of(certificate))
        with django_assert_max_num_queries(15):
            assert owner.get(page_of(certificate)).status_code == 200

    def test_a_chain_that_does_not_hold(self, owner, office, certificate):
        assert "does not hold" not in words_of(owner.get(page_of(certificate)))
        CertificateAuthority.objects.filter(pk=office.root.pk).update(status="revoked")
        words = "The chain does not hold: nobody who checks it believes ACME Root any more. Revoked"
        assert words in words_of(owner.get(page_of(certificate)))

    def test_one_from_elsewhere(self, owner, certificate):
        Certificate.objects.filter(pk=certificate.pk).update(ca=None, template=None, profile=None, source="imported")
        answer = owner.get(page_of(certificate))
        assert answer.status_code == 200
        text = answer.content.decode()
        assert not any(words in text for words in ('id="told"', 'id="lint"', "openssl-ask", "/renew", "/revoke/"))
        assert "only its own authority" in words_of(owner.get(page_of(certificate, "renew/")))


class TestRevoking:
    def test_what_falls_and_what_does_not_is_said_before(self, owner, awaited):
        page = page_of(awaited, "revoke/")
        assert "Nothing: whoever shows it is refused" in words_of(owner.get(page))
        Template.objects.filter(pk=awaited.template_id).update(renew_same_key=True)
        owner.post(page_of(awaited, "renew-same-key/"))
        successor = Certificate.objects.get(replaces=awaited)
        text = words_of(owner.get(page))
        for words in (
            "key.acme.test",
            awaited.serial.upper(),
            awaited.ca.name,
            successor.serial.upper()[:6],
            "1 other",
        ):
            assert words in text


def test_a_renewal_is_foreseen(owner, awaited):
    page = page_of(awaited, "renew/")
    assert "When at once" in words_of(owner.post(page, {"check": "1"}))
    assert owner.post(page, {"check": "1", "validity": "9999"}).status_code == 422
    assert not Certificate.objects.filter(replaces=awaited).exists()
