"""Names of the public belong to one organization, which has proven it, or was given them by a superuser."""

from __future__ import annotations

import pytest

from acme_client import public_names
from acme_client.dns.errors import DnsError
from acme_client.models import PublicName
from acme_client.name_selectors import visible_names
from acme_client.services import names
from acme_client.services.names import claim_name, give_up_name, grant_name, prove_name, require_own
from kernel.errors import Conflict, Denied, Invalid, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from tests import cast
from tests.happened import happenings
from tests.office import Office, open_office


@pytest.fixture
def office(db) -> Office:
    return open_office()


@pytest.fixture
def other(office) -> Office:
    return open_office("Umbrella")


def home(of: Office) -> Ref:
    return Ref("pk", of.organization.pk)


def ref(row: PublicName) -> Ref:
    return Ref("public_id", row.public_id)


def claim(of: Office, suffix: str) -> PublicName:
    return claim_name(actor=of.owner, organization=home(of), suffix=suffix)


def grant(of: Office, suffix: str) -> PublicName:
    return grant_name(actor=cast.SUPERUSER, organization=home(of), suffix=suffix)


def prove(of: Office, row: PublicName, monkeypatch, *, shown: bool = True) -> PublicName:
    """DNS says what it should, or nothing."""
    record, token = public_names.txt_record(row)
    answers = {"ns1.example": frozenset({token, "another"}), "ns2.example": frozenset({token} if shown else ())}
    monkeypatch.setattr(names, "txt_values", lambda name, **_more: answers if name == record else {})
    return prove_name(actor=of.owner, name=ref(row))


def test_a_stranger_sees_no_names_and_proves_none(office, other):
    row = claim(office, "example.com")
    assert not visible_names(visible_to=other.owner).exists()
    for act in (
        lambda: prove_name(actor=other.owner, name=ref(row)),
        lambda: give_up_name(actor=other.owner, name=ref(row)),
        lambda: claim_name(actor=other.owner, organization=home(office), suffix="example.org"),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(Denied):
        grant_name(actor=office.owner, organization=home(office), suffix="example.org")


def test_who_may_only_read_claims_nothing(office):
    reader = cast.robot(office.person, {Permission.ACME_READ, Permission.CERTIFICATES_ISSUE})
    with pytest.raises(Denied):
        claim_name(actor=reader, organization=home(office), suffix="example.com")


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("  example.com ", "example.com"),
        ("bücher.example.com", "xn--bcher-kva.example.com"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_name_has_one_spelling(text, suffix):
    assert public_names.normal_suffix(text) == suffix


@pytest.mark.parametrize(
    ("suffix", "code"),
    [
        ("*.example.com", "wildcard"),
        ("com", "public-suffix"),
        ("co.uk", "public-suffix"),
        ("github.io", "public-suffix"),
        ("localhost", "public-suffix"),
        ("192.0.2.1", "address"),
        ("a@example.com", "bad-name"),
        ("https://example.com", "bad-name"),
        ("exa mple.com", "bad-name"),
        ("", "bad-name"),
    ],
)
def test_what_is_nobodys_to_claim_is_refused(office, suffix, code):
    with pytest.raises(Invalid) as refusal:
        claim(office, suffix)
    assert [(error.field, error.code) for error in refusal.value.errors] == [("suffix", code)]


@pytest.mark.parametrize("suffix", ["pki.example.com", "eu.pki.example.com"])
def test_our_own_hosts_are_granted_alone(office, settings, suffix):
    settings.ALLOWED_HOSTS = [".pki.example.com"]
    with pytest.raises(Invalid) as refusal:
        claim(office, suffix)
    assert refusal.value.errors[0].code == "name-reserved"
    assert grant(office, suffix).proven_by == PublicName.Proof.GRANT


def test_it_is_proven_by_all_of_its_name_servers(office, monkeypatch):
    row = claim(office, "example.com")
    assert public_names.txt_record(row) == ("_chancery-challenge.example.com", row.token)
    with happenings() as happened:
        waiting = prove(office, row, monkeypatch, shown=False)
    assert (happened, waiting.proven_at) == ([], None)
    assert "ns2.example does not show the TXT record _chancery-challenge.example.com" in waiting.last_error
    with happenings() as happened:
        proven = prove(office, row, monkeypatch)
        prove(office, row, monkeypatch)
    assert happened == ["public_name.proven"]
    assert (proven.proven_by, proven.last_error) == (PublicName.Proof.DNS, "")


def test_dns_that_cannot_be_asked_proves_nothing(office, monkeypatch):
    row = claim(office, "example.com")

    def silent(*_arguments: object, **_more: object) -> None:
        raise DnsError("Nobody answers.")

    monkeypatch.setattr(names, "txt_values", silent)
    assert prove_name(actor=office.owner, name=ref(row)).last_error == "Nobody answers."


@pytest.mark.parametrize("theirs", ["example.com", "eu.example.com", "com"])
def test_what_another_one_has_proven_above_or_below_is_taken(office, other, monkeypatch, theirs):
    row = claim(office, "example.com")
    grant(other, theirs)
    with pytest.raises(Conflict) as refusal:
        prove(office, row, monkeypatch)
    assert refusal.value.error_code == "public-name-taken"
    with pytest.raises(Conflict):
        claim(office, "www.eu.example.com")
    with pytest.raises(Conflict):
        grant(office, "example.com")
    assert not PublicName.objects.filter(organization=office.organization, proven_at__isnull=False).exists()


def test_two_may_claim_and_the_first_to_prove_it_has_it(office, other, monkeypatch):
    mine, theirs = claim(office, "example.com"), claim(other, "example.com")
    assert mine.token != theirs.token
    prove(other, theirs, monkeypatch)
    with pytest.raises(Conflict):
        prove(office, mine, monkeypatch)
    give_up_name(actor=other.owner, name=ref(theirs))
    with pytest.raises(Conflict, match="claimed already"):
        claim(office, "example.com")
    assert prove(office, mine, monkeypatch).proven_at is not None


def test_a_name_like_it_is_another_one(office, other, monkeypatch):
    prove(office, claim(office, "example.com"), monkeypatch)
    assert prove(other, claim(other, "notexample.com"), monkeypatch).proven_at is not None


def test_what_is_ordered_stands_under_a_proven_name(office, other, monkeypatch):
    prove(office, claim(office, "example.com"), monkeypatch)
    claim(office, "example.org")
    grant(office, "192.0.2.1")
    grant(other, "example.net")
    require_own(office.organization, ["example.com", "*.example.com", "a.b.example.com", "192.0.2.1"])
    foreign = ["www.example.com", "example.org", "example.net", "notexample.com", "com", "192.0.2.10"]
    with pytest.raises(Invalid) as refusal:
        require_own(office.organization, foreign)
    assert [(error.field, error.code) for error in refusal.value.errors] == [
        (f"names[{index}]", "name-not-proven") for index in range(1, 6)
    ]


@pytest.mark.parametrize("name", ["pki.example.com", "*.example.com"])
def test_a_certificate_that_could_be_shown_for_us_needs_a_grant(office, monkeypatch, settings, name):
    settings.BASE_URL = "https://pki.example.com"
    prove(office, claim(office, "example.com"), monkeypatch)
    require_own(office.organization, ["www.example.com"])
    with pytest.raises(Invalid) as refusal:
        require_own(office.organization, [name])
    assert [error.code for error in refusal.value.errors] == ["name-reserved"]
    grant(office, "example.com")
    require_own(office.organization, [name])


def test_a_name_that_was_given_up_is_nobodys(office, other, monkeypatch):
    row = prove(office, claim(office, "example.com"), monkeypatch)
    give_up_name(actor=office.owner, name=ref(row))
    with pytest.raises(Invalid):
        require_own(office.organization, ["www.example.com"])
    assert prove(other, claim(other, "example.com"), monkeypatch).proven_at is not None
