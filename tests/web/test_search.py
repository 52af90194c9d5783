"""One search in everything."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.hashes import SHA1

from accounts.roles import OrganizationRole
from audit.models import AuditEvent
from cas.models import CaCertificate
from certificates.models import Certificate
from tests import cast
from tests.certificates.asking import open_desk
from tests.office import open_office
from tests.web.people import browser_of


def found(client, text: str) -> dict[str, list[str]]:
    """The titles of what is shown, by kind."""
    answer = client.get("/search/", {"q": text})
    assert answer.status_code == 200
    return {str(group.title): [hit.title for hit in group.shown] for group in answer.context["groups"]}


def spellings(digits: str) -> list[str]:
    even = digits.zfill(len(digits) + len(digits) % 2)
    pairs = re.findall("..", even)
    return [digits, digits.upper(), ":".join(pairs).upper(), " ".join(pairs), f"0x{digits}"]


def test_what_is_meant_exactly_is_opened(owner, office, certificate):
    office.issue("other.acme.test")
    sha1 = certificate.body.x509.fingerprint(SHA1()).hex()  # noqa: S303
    texts = [text for digits in (certificate.serial, certificate.fingerprint, sha1) for text in spellings(digits)]
    texts += [str(int(certificate.serial, 16)), f"fp:{sha1}"]
    for text in (*texts, str(certificate.public_id)):
        answer = owner.get("/search/", {"q": text})
        assert answer.status_code == 302, text
        assert answer["Location"] == f"/certificates/{certificate.public_id}/", text


def test_authorities_and_events_are_opened_too(owner, office):
    own = CaCertificate.objects.get(ca=office.issuing)
    for text in (own.serial, own.fingerprint.upper()):
        assert owner.get("/search/", {"q": text})["Location"] == f"/authorities/certificates/{own.fingerprint}/"
    address = owner.get("/search/", {"q": str(office.root.public_id)})["Location"]
    assert address == f"/authorities/{office.root.public_id}/"
    event = AuditEvent.objects.filter(log=office.organization.pk).first()
    assert owner.get("/search/", {"q": event.event_id.lower()})["Location"] == f"/audit/{event.event_id}/"


def test_names_are_found_by_how_they_begin_and_end(owner, office, certificate):
    for text in ("www", "www.acme.test", "*.acme.test", "api.acme", "acme.test", "san:api.acme.test"):
        assert found(owner, text)["Certificates"] == ["www.acme.test"], text
    assert "Certificates" not in found(owner, "cme")
    assert "name%3A%2Acme%2A" in owner.get("/search/?q=cme").content.decode()


def test_each_kind_has_its_group_and_a_way_to_the_rest(db):
    desk = open_desk()
    request, client = desk.ask(), browser_of(desk.office.person.user)
    assert found(client, "www.acme.test") == {"Requests": ["www.acme.test"]}
    assert found(client, "acme") == {"Authorities": ["ACME Root", "ACME Issuing CA"], "Requests": ["www.acme.test"]}
    assert found(client, "WEB-") == {"Templates": ["web-tls"]}
    assert client.get("/search/", {"q": str(request.public_id)})["Location"] == f"/requests/{request.public_id}/"
    for group in client.get("/search/", {"q": "acme"}).context["groups"]:
        assert client.get(group.all_link).status_code == 200


def test_five_of_each_are_shown(owner, office):
    for number in range(7):
        office.issue(f"n{number}.acme.test")
    assert found(owner, "n*")["Certificates"] == [f"n{number}.acme.test" for number in (6, 5, 4, 3, 2)]


def test_it_asks_little(owner, office, certificate, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        owner.get("/search/?q=www")


@pytest.mark.parametrize("text", ["", "no such thing", '"', "a:b:c", "expires_lt:soon", "%", "\x00", "<b>", "x" * 5000])
def test_nothing_or_nonsense_says_what_can_be_looked_for(owner, certificate, text):
    answer = owner.get("/search/", {"q": text})
    assert answer.status_code == 200
    assert "What can be looked for" in answer.content.decode()
    assert "<b>" not in answer.content.decode()
    assert owner.get("/certificates/", {"q": text, "ca": text}).status_code in (200, 422)


def test_only_what_the_reader_may_read_is_looked_at(office, certificate):
    client = browser_of(cast.member(office.organization, OrganizationRole.MEMBER, "m@acme.example").user)
    assert "Audit log" not in found(client, AuditEvent.objects.first().event_id)
    stranger = browser_of(open_office("Umbrella").person.user)
    for text in (certificate.serial, certificate.fingerprint, "www.acme.test", "ACME", str(office.root.public_id)):
        assert found(stranger, text) == {}, text
    assert Certificate.objects.count() == 1


def test_the_box_stands_on_every_page(owner, client):
    assert 'action="/search/"' in owner.get("/account/").content.decode()
    assert 'action="/search/"' not in client.get("/developers/").content.decode()
