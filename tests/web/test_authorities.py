"""The authorities in the browser: seen below each other, founded, certified, opened, and brought down."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from cryptography import x509
from django.utils import timezone

from accounts.models import User
from accounts.roles import OrganizationRole
from cas.models import CaCertificate, CertificateAuthority, Template
from certificates.models import Certificate, Crl, CrlScope
from certificates.services.authorities import establish_authority
from tests import cast, elsewhere
from tests.elsewhere import DAY, pem
from tests.office import authority_order, open_office
from tests.web.people import browser_of

LIST = "/authorities/"
NAME = re.compile(r'<th scope="row" class="step-(\d)"><a class="break" href="[^"]+">([^<]+)</a>')


def page_of(row) -> str:
    return f"{LIST}{row.public_id}/"


def words_of(answer) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", answer.content.decode())


def listed(client, query: str = "") -> list[tuple[str, str]]:
    answer = client.get(LIST + query)
    assert answer.status_code == 200
    return [(step, name) for step, name in NAME.findall(answer.content.decode())]


def act(client, path: str, **fields: object):
    answer = client.post(path, fields)
    assert answer.status_code == 302, answer.context["form"].errors
    return answer


def offered(client, row) -> set[str]:
    context = client.get(page_of(row)).context
    return {page.slug for _url, page in (*context["doors"], *context["more"])}


def ca(name: str) -> CertificateAuthority:
    return CertificateAuthority.objects.get(name=name)


def requested(client, office) -> CertificateAuthority:
    """One that waits for its certificate from elsewhere."""
    wishes = {"name": "Offline", "subject": "CN=Offline,O=ACME", "key_algorithm": "ECDSA_P256"}
    act(client, f"{LIST}request/", organization=office.organization.pk, **wishes)
    return ca("Offline")


def test_strangers_find_nothing(office):
    client = browser_of(open_office("Umbrella").person.user)
    assert {name for _step, name in listed(client)} == {"Umbrella Root", "Umbrella Issuing CA"}
    certificate = f"{LIST}certificates/{office.root.certificates.get().fingerprint}/"
    for path in (page_of(office.root), f"{page_of(office.root)}revoke/", f"{certificate}revoke/", certificate):
        assert client.get(path).status_code == 404
        assert client.post(path, {"typed_name": office.root.name, "reason": "superseded"}).status_code in (404, 405)
    cross = client.post(f"{page_of(ca('Umbrella Root'))}cross/", {"issuer": office.root.pk})
    assert set(cross.context["form"].errors) == {"issuer"}
    states = CertificateAuthority.objects.filter(organization=office.organization).values_list("status", flat=True)
    assert set(states) == {"active"}


def test_who_reads_is_offered_nothing_that_would_be_refused(office):
    client = browser_of(cast.member(office.organization, OrganizationRole.AUDITOR, "au@acme.example").user)
    assert offered(client, office.issuing) == set()
    assert client.get(LIST).context["doors"] == []
    for path in (f"{LIST}create-root/", f"{page_of(office.issuing)}revoke/", f"{page_of(office.issuing)}publish/"):
        assert (client.get(path).status_code, client.post(path).status_code) == (403, 403)
    operator = browser_of(cast.member(office.organization, OrganizationRole.OPERATOR, "op@acme.example").user)
    assert offered(operator, office.issuing) == {"publish"}


def test_who_may_not_sign_in_any_more_is_not_said_to_issue(office, owner):
    operator = cast.member(office.organization, OrganizationRole.OPERATOR, "op@acme.example").user
    assert operator in [each.user for each in owner.get(page_of(office.issuing)).context["issuers"]]
    User.objects.filter(pk=operator.pk).update(is_active=False)
    assert [each.user for each in owner.get(page_of(office.issuing)).context["issuers"]] == [office.person.user]


class TestTheList:
    def test_each_below_its_parent_and_how_it_fares(self, owner, office, django_assert_max_num_queries):
        office.issue("a.acme.test")
        assert listed(owner) == [("0", "ACME Root"), ("1", "ACME Issuing CA")]
        with django_assert_max_num_queries(15):
            answer = owner.get(LIST)
        text = words_of(answer)
        assert "1 lapses in 6 days signed just now 0" in text
        assert f'<a href="/certificates/?ca={office.issuing.slug}">1</a>' in answer.content.decode()
        assert "<svg class=" in answer.content.decode()
        Crl.objects.filter(scope__ca=office.issuing).update(next_update=timezone.now() - DAY)
        assert "Lapsed 24 hours ago" in words_of(owner.get(LIST))

    @pytest.mark.parametrize(("minutes", "is_late"), [(4, False), (6, True)])
    def test_a_crl_is_overdue_where_the_overview_says_so(self, owner, office, minutes, is_late):
        """A publisher comes by every few seconds, and may take a moment."""
        due_at = timezone.now() - timedelta(minutes=minutes)
        CrlScope.objects.filter(ca=office.issuing).update(next_due_at=due_at)
        assert ("a new one is due" in words_of(owner.get(LIST))) is is_late
        assert ("A new CRL of ACME Issuing CA is due" in words_of(owner.get("/"))) is is_late

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?q=issuing", {"ACME Issuing CA"}),
            ("?kind=root", {"ACME Root"}),
            ("?status=pending", {"Offline"}),
            ("?status=revoked", set()),
            ("?status=nonsense&kind=nonsense&after=x", {"ACME Root", "ACME Issuing CA", "Offline"}),
            ("?after=9999999999999999999999", {"ACME Root", "ACME Issuing CA", "Offline"}),
        ],
    )
    def test_narrowed(self, owner, office, query, found):
        requested(owner, office)
        assert {name for _step, name in listed(owner, query)} == found

    def test_pages_follow_each_other(self, owner, office, monkeypatch):
        monkeypatch.setattr("web.authorities.listing.ON_A_PAGE", 1)
        seen, address = [], "?q=ACME"
        while address:
            seen += listed(owner, address)
            following = re.search(r'href="(\?[^"]+)" rel="next"', owner.get(LIST + address).content.decode())
            address = following[1].replace("&amp;", "&") if following else ""
        assert [name for _step, name in seen] == ["ACME Root", "ACME Issuing CA"]


def test_a_record_tells_everything(owner, office, django_assert_max_num_queries):
    office.issue("a.acme.test")
    cast.api_key(office.person, name="ACME robot")
    owner.get(page_of(office.issuing))
    with django_assert_max_num_queries(25):
        answer = owner.get(page_of(office.issuing))
    text = words_of(answer)
    for part in (
        "ACME Root",
        "sealed in the database",
        "web-tls",
        f"/ocsp/{office.issuing.slug}",
        "Certificates in force 1",
        "owner@acme.example",
        "Basic constraints",
        "ca.created",
    ):
        assert part in text
    assert f'href="/crl/{office.issuing.slug}"' in answer.content.decode()
    assert owner.get(f"/crl/{office.issuing.slug}").status_code == 200
    chain = owner.get(f"{page_of(office.issuing)}file/chain/")
    assert chain["Content-Disposition"].startswith("attachment")
    assert len(x509.load_pem_x509_certificates(chain.content)) == 2
    assert (
        owner.get(f"{page_of(office.issuing)}file/der/").content == owner.get(f"/ca/{office.issuing.slug}.crt").content
    )
    assert owner.get(f"{page_of(office.issuing)}file/p12/").status_code == 404


def test_founded_and_opened(owner, office):
    other = open_office("Umbrella")
    form = owner.get(f"{LIST}create-intermediate/").content.decode()
    assert other.root.name not in form
    fields = {"subject": "CN=Two", "key_algorithm": "ECDSA_P256", "validity": 900, "approvals_needed": 1}
    refused = owner.post(f"{LIST}create-intermediate/", {"name": "Two", "parent": other.root.pk, **fields})
    assert (refused.status_code, set(refused.context["form"].errors)) == (422, {"parent"})
    answer = act(owner, f"{LIST}create-intermediate/", name="Two", parent=office.root.pk, **fields)
    assert answer["Location"] == page_of(ca("Two"))
    act(owner, f"{page_of(office.issuing)}clients/", dialect="certmate")
    assert Template.objects.filter(ca=office.issuing, code="certmate.client").exists()
    act(owner, f"{page_of(ca('Two'))}succeed/", name="Three")
    assert "Successor of Two" in words_of(owner.get(page_of(ca("Three"))))
    assert "Followed by Three" in words_of(owner.get(page_of(ca("Two"))))


def test_one_that_waits_stays_listed_until_its_certificate_has_come(owner, office):
    pending, above = requested(owner, office), elsewhere.root()
    assert f'href="{page_of(pending)}complete/"' in owner.get(LIST).content.decode()
    assert offered(owner, pending) == {"complete", "csr", "change-terms", "cancel"}
    assert owner.get(f"{page_of(pending)}file/pem/").status_code == 404
    csr = owner.post(f"{page_of(pending)}csr/", {})
    certificate = above.certify(x509.load_pem_x509_csr(csr.content))
    act(owner, f"{page_of(pending)}complete/", certificates=pem(certificate, above.certificate).decode())
    assert ca("Offline").status == "active"
    assert "Upload the certificate" not in words_of(owner.get(LIST))


def test_a_cross_certificate_is_preferred_and_revoked(owner, office):
    establish_authority(actor=office.owner, order=authority_order(office.organization, "Other Root"))
    act(owner, f"{page_of(office.root)}cross/", issuer=ca("Other Root").pk)
    row = CaCertificate.objects.get(ca=office.root, kind="cross")
    page = f"{LIST}certificates/{row.fingerprint}/"
    assert f'href="{page}"' in owner.get(page_of(office.root)).content.decode()
    assert "ACME Issuing CA › ACME Root › Other Root" in words_of(owner.get(page_of(office.issuing)))
    assert act(owner, f"{page}prefer/")["Location"] == page
    assert "preferred" in words_of(owner.get(page))
    act(owner, f"{page}revoke/", reason="superseded")
    assert owner.get(f"{page}prefer/").status_code == 409
    office.root.refresh_from_db()
    assert office.root.parent is None


def test_a_revocation_says_what_dies_and_needs_the_typed_name(owner, office):
    office.issue("a.acme.test")
    office.issue("b.acme.test")
    path = f"{page_of(office.root)}revoke/"
    asked = words_of(owner.get(path))
    assert "Authorities below it 1 " in asked
    assert "Certificates in force, here and below 2 " in asked
    wrong = owner.post(path, {"reason": "cessationOfOperation", "typed_name": "ACME"})
    assert (wrong.status_code, set(wrong.context["form"].errors)) == (422, {"typed_name"})
    act(owner, path, reason="cessationOfOperation", typed_name="ACME Root")
    assert set(Certificate.objects.values_list("state", flat=True)) == {"revoked"}
    assert owner.get(path).status_code == 409
    assert {name for _step, name in listed(owner, "?status=revoked")} == {"ACME Root", "ACME Issuing CA"}
