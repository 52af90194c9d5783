"""Asking for a certificate in the browser: what is shown before is what is issued."""

from __future__ import annotations

import html
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.core.files.uploadedfile import SimpleUploadedFile

from audit.models import AuditEvent
from cas.describe import describe
from cas.models import Template
from certificates.models import Certificate, Request
from tests import cast
from tests.office import open_office
from tests.web.people import browser_of

NEW = "/certificates/new/"
PREVIEW = f"{NEW}preview/"


def request_for(common_name: str, *names: str) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    sans = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(sans, critical=False)
    return request.sign(ec.generate_private_key(ec.SECP256R1()), SHA256()).public_bytes(Encoding.PEM).decode()


def words(answer) -> str:
    """What a reader sees, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


@pytest.fixture
def wish(office):
    """A form that would be accepted, with changes."""

    def fill(**fields):
        return {
            "template": office.template.pk,
            "way": "managed",
            "common_name": "new.acme.test",
            "names": "b.acme.test\n10.0.0.5",
            **fields,
        }

    return fill


class TestWhatIsShown:
    @pytest.mark.parametrize("way", ["managed", "csr", "browser"])
    def test_is_what_is_issued(self, owner, office, wish, way):
        csr = request_for("new.acme.test", "b.acme.test", "c.acme.test")
        form = wish(way=way, csr=csr, made_csr=csr, validity=30)
        if way == "csr":
            form |= {"names": "", "common_name": "left.over.test"}
        before = AuditEvent.objects.count()
        shown = owner.post(PREVIEW, form).context["shown"]
        assert (Certificate.objects.count(), AuditEvent.objects.count()) == (0, before)
        answer = owner.post(NEW, form)
        row = Certificate.objects.get()
        assert answer["Location"] == f"/certificates/{row.public_id}/" + ("private-key/" if way == "managed" else "")
        issued = describe(row.body.x509)
        assert shown.subject == issued.subject == "CN=new.acme.test"
        assert tuple((name.kind, name.value) for name in shown.names) == issued.names
        assert [name.value for name in shown.names if name.is_added] == ["new.acme.test"]
        assert shown.key == issued.key
        assert shown.plan.not_after - shown.plan.not_before == issued.not_after - issued.not_before
        # The identifier of a key that is made here cannot be known before.
        later = "2.5.29.14" if way == "managed" else None
        assert [each for each in shown.extensions if each.oid != later] == [
            each for each in issued.extensions if each.oid != later
        ]

    def test_each_finding_stands_beside_its_name(self, owner, wish):
        csr = request_for("www.bank.test", "a.acme.test", "*.bank.test")
        shown = owner.post(PREVIEW, wish(way="csr", csr=csr, names="")).context["shown"]
        assert shown.plan is None
        assert [(name.value, len(name.findings)) for name in shown.names] == [("a.acme.test", 0), ("*.bank.test", 1)]
        assert len(shown.subject_findings) == 1
        assert "fits its key" in words(owner.post(PREVIEW, wish(way="csr", csr=csr, names="")))

    def test_lines_that_are_no_names_are_all_pointed_at(self, owner, wish):
        shown = owner.post(PREVIEW, wish(names="a.acme.test\nno name\nip:elsewhere")).context["shown"]
        assert [bool(name.findings) for name in shown.names] == [False, True, True]

    def test_how_to_ask_in_a_terminal(self, owner, wish):
        text = words(owner.post(PREVIEW, wish(common_name="it's.acme.test")))
        assert "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256" in text
        assert "subjectAltName=DNS:b.acme.test,IP:10.0.0.5" in text
        assert """'/CN=it'"'"'s.acme.test'""" in text
        assert '"template_code": "web-tls"' in text

    def test_is_never_asked_for_by_an_address(self, owner):
        assert owner.get(PREVIEW).status_code == 405


class TestTheForm:
    def test_says_what_the_template_allows_and_offers_nothing_else(self, owner, office):
        page = owner.get(NEW)
        assert "90 days, at most 397 days" in words(page)
        form = page.context["form"]
        assert not {"key_algorithm", "passphrase"} & set(form.fields)
        assert form.fields["validity"].max_value == 397
        Template.objects.filter(pk=office.template.pk).update(any_key_algorithm=True)
        assert "key_algorithm" in owner.get(NEW).context["form"].fields

    def test_keeps_everything_when_another_template_is_chosen(self, owner, wish):
        answer = owner.post(NEW, wish(fit="1", description="for the new shop", tags="shop, prod"))
        assert answer.status_code == 200
        assert not answer.context["form"].errors
        for text in ("new.acme.test", "b.acme.test\n10.0.0.5", "for the new shop", "shop, prod"):
            assert text in answer.content.decode()

    @pytest.mark.parametrize("template", ["", "abc", "0", "-1", "9" * 5000, "\0"])
    def test_keeps_everything_when_a_template_is_chosen_that_is_none(self, owner, wish, template):
        for more in ({"fit": "1"}, {}):
            answer = owner.post(NEW, wish(template=template, description="for the new shop", **more))
            assert answer.status_code == (200 if more else 422)
            assert "for the new shop" in answer.content.decode()
        assert owner.get(NEW, {"template": template}).status_code == 200

    def test_keeps_everything_when_it_is_refused_also_what_came_as_a_file(self, owner, wish):
        csr = request_for("www.bank.test", "www.bank.test")
        file = SimpleUploadedFile("request.csr", csr.encode())
        answer = owner.post(NEW, wish(way="csr", names="", csr_file=file, description="a note", validity=7))
        assert answer.status_code == 422
        for text in (csr, "a note", 'value="7"', 'value="csr" class="lines" id="id_way_2" required checked'):
            assert text.replace("\n", "") in answer.content.decode().replace("\n", "")

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"way": "csr", "csr": ""}, "csr"),
            ({"way": "csr", "csr": "rubbish"}, "csr"),
            ({"way": "browser"}, "way"),
            ({"way": "browser", "made_csr": "rubbish"}, "way"),
            ({"names": "", "common_name": ""}, "names"),
            ({"names": "evil.test", "common_name": ""}, "names"),
            ({"validity": "398"}, "validity"),
            ({"template": ""}, "template"),
        ],
    )
    def test_what_is_wrong_stands_beside_the_field(self, owner, wish, changes, field):
        answer = owner.post(NEW, wish(**changes))
        assert answer.status_code == 422
        assert field in answer.context["form"].errors
        assert not Certificate.objects.exists()
        # While it is typed, the same is said beside the form, and is no failure.
        assert owner.post(PREVIEW, wish(**changes)).status_code == 200

    def test_a_check_shows_the_preview_without_scripts(self, owner, wish):
        answer = owner.post(NEW, wish(check="1"))
        assert answer.status_code == 200
        assert "What would be issued" in words(answer)
        assert not Certificate.objects.exists()


def test_who_must_agree_is_said_and_asked(office):
    Template.objects.filter(pk=office.template.pk).update(requires_approval=True, approvals_needed=2)
    member = browser_of(cast.member(office.organization, "member", "dev@acme.example").user)
    form = {"template": office.template.pk, "way": "managed", "common_name": "new.acme.test"}
    assert "this needs 2 approvals" in words(member.post(PREVIEW, form))
    assert "Ask for the approval" in words(member.get(NEW))
    answer = member.post(NEW, form)
    row = Request.objects.get()
    assert answer["Location"] == f"/requests/{row.public_id}/"
    assert not Certificate.objects.exists()


def test_templates_of_others_are_neither_offered_nor_taken(owner, office, wish):
    other = open_office("Umbrella")
    assert other.template.ca.name not in owner.get(NEW).content.decode()
    for address in (NEW, PREVIEW):
        answer = owner.post(address, wish(template=other.template.pk))
        assert answer.status_code == (422 if address == NEW else 200)
        assert answer.context["shown"] is None
    assert not Certificate.objects.exists()
