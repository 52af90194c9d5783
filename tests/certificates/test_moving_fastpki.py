"""A FastPKI database moves in: organizations, people, CAs with their keys, certificates, revocations."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from cryptography import x509
from django.core.management import CommandError, call_command

from accounts.models import Membership, Organization, User
from cas.chains import chain_of
from cas.models import CertificateAuthority
from cas.orders import Dialect
from cas.services.standing import standing_templates
from certificates.models import Certificate, Crl, PublicPath, Revocation, SubscriberKey
from certificates.moving.fastpki_rows import moment_of, word_of
from tests.certificates.fastpki_database import REVOKED_AT, FastPkiServer


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> FastPkiServer:
    made = FastPkiServer(tmp_path_factory.mktemp("fastpki") / "fastpki.db")
    made.insert("organizations", id=1, name="Acme Corp", description="desc")
    people = {
        "root": ("SUPERUSER", True, None, False, False),
        "admin": ("ADMIN", True, 1, False, False),
        "ops": ("USER", True, 1, True, True),
        "dev": ("USER", True, 1, True, False),
        "reader": ("USER", True, 1, False, False),
        "gone": ("USER", False, 1, True, True),
    }
    for name, (role, active, home, issues, revokes) in people.items():
        made.insert(
            "users",
            username=name,
            email=f"{name}@acme.example",
            hashed_password="$2b$12$not-to-be-taken",
            role=role,
            is_active=active,
            can_create_cert=issues,
            can_revoke_cert=revokes,
            organization_id=home,
        )
    made.add_ca(1, "Acme Root")
    made.add_ca(2, "Acme Issuing", parent=1)
    made.add_ca(3, "Nobody's", organization=None)
    made.add_certificate(1, "one.acme.example", issuer=2)
    made.add_certificate(2, "two.acme.example", issuer=2, status="REVOKED", reason="Key compromise")
    made.add_certificate(3, "three.acme.example", issuer=2, status="REVOKED", reason="left the company")
    made.add_certificate(4, "four.acme.example", issuer=2, status="REVOKED")
    made.insert("crl_entries", serial_number="abc123", revocation_date="2026-06-01 08:00:00", reason=None, ca_id=2)
    (made.file.parent / "key").write_bytes(made.sealing_key)
    return made


def run(server: FastPkiServer, *words: str) -> str:
    out = StringIO()
    key = ("--encryption-key-file", str(server.file.parent / "key"))
    call_command("import_fastpki", str(server.file), *key, *words, stdout=out)
    return out.getvalue()


def counts() -> list[int]:
    tables = (Organization, User, Membership, CertificateAuthority, Certificate, Revocation, PublicPath)
    return [each.objects.count() for each in tables]


@pytest.mark.django_db
def test_cas_stand_as_they_stood(server):
    said = run(server)
    issuing = CertificateAuthority.objects.get(name="Acme Issuing")
    assert [each.name for each in chain_of(issuing).authorities] == ["Acme Issuing", "Acme Root"]
    assert issuing.organization.name == "Acme Corp"
    assert (issuing.allow_leaf_certificates, issuing.has_key) == (True, True)
    assert "Nobody's: left out, in no organization" in said


@pytest.mark.django_db
def test_certificates_and_revocations(server):
    run(server)
    states = dict(Certificate.objects.values_list("common_name", "state"))
    assert states == {
        "one.acme.example": "issued",
        "two.acme.example": "revoked",
        "three.acme.example": "revoked",
        "four.acme.example": "revoked",
    }
    reasons = dict(
        Revocation.objects.filter(certificate__isnull=False).values_list("certificate__common_name", "reason")
    )
    assert reasons == {
        "two.acme.example": "keyCompromise",
        "three.acme.example": "unspecified",
        "four.acme.example": "unspecified",
    }
    assert set(Revocation.objects.values_list("at", flat=True)) == {REVOKED_AT}
    deleted = Revocation.objects.get(certificate=None)
    assert deleted.serial == "abc123"
    newest = x509.load_der_x509_crl(bytes(Crl.objects.filter(scope__ca__name="Acme Issuing").latest("number").body))
    assert len(list(newest)) == 4
    assert newest.is_signature_valid(server.keys[2].public_key())


@pytest.mark.django_db
def test_people_come_without_passwords_and_with_no_more_rights(server):
    run(server)
    members = {each.user.username: each for each in Membership.objects.select_related("user", "custom_role")}
    roles = {name: (each.role or each.custom_role.slug) for name, each in members.items()}
    assert roles == {"admin": "owner", "ops": "fastpki-user", "dev": "fastpki-user", "reader": "fastpki-user"}
    assert {name: sorted(each.capabilities) for name, each in members.items()} == {
        "admin": [],
        "ops": ["certificates:issue", "certificates:renew", "certificates:revoke"],
        "dev": ["certificates:issue", "certificates:renew"],
        "reader": [],
    }
    people = {user.username: user for user in User.objects.filter(email__endswith="@acme.example")}
    assert set(people) == {"root", "admin", "ops", "dev", "reader"}
    assert not any(user.is_superuser for user in people.values())
    # Without one, nobody could have a link sent to choose another.
    assert all(user.has_usable_password() for user in people.values())


@pytest.mark.django_db
def test_its_clients_are_answered_as_before(server):
    run(server)
    issuing = CertificateAuthority.objects.get(name="Acme Issuing")
    assert list(standing_templates(issuing)) == [Dialect.FASTPKI]


@pytest.mark.django_db
def test_keys_of_certificates_move_only_where_they_shall(server):
    run(server)
    assert not SubscriberKey.objects.exists()
    run(server, "--with-keys")
    assert not SubscriberKey.objects.exists()


@pytest.mark.django_db
def test_keys_move_with_their_certificates(server):
    run(server, "--with-keys")
    assert SubscriberKey.objects.count() == 4


@pytest.mark.django_db
def test_what_belongs_to_nobody_goes_where_it_is_told(server):
    run(server)
    run(server, "--organization", "acme-corp")
    assert CertificateAuthority.objects.get(name="Nobody's").organization.slug == "acme-corp"


@pytest.mark.django_db
def test_a_dry_run_keeps_nothing(server):
    before = counts()
    said = run(server, "--dry-run")
    assert "certificates: 4 moved in" in said
    assert "this was a dry run" in said
    assert counts() == before


@pytest.mark.django_db
def test_twice_is_once(server):
    run(server)
    before = counts()
    said = run(server)
    assert "certificates: 0 moved in, 4 were here" in said
    assert "revocations: 0 moved in" in said
    assert counts() == before


@pytest.mark.django_db
def test_without_its_key_nothing_is_kept(server, tmp_path):
    before = counts()
    with pytest.raises(CommandError, match="PRIVATE_KEY_ENCRYPTION_KEY"):
        call_command("import_fastpki", str(server.file), stdout=StringIO())
    wrong = tmp_path / "wrong"
    wrong.write_text("A" * 43 + "=")
    with pytest.raises(CommandError, match="does not open"):
        call_command("import_fastpki", str(server.file), "--encryption-key-file", str(wrong), stdout=StringIO())
    assert counts() == before


@pytest.mark.django_db
@pytest.mark.parametrize("content", [None, b"no database at all", b""], ids=["absent", "another file", "empty"])
def test_what_is_no_database_of_it_is_refused(content, tmp_path):
    file: Path = tmp_path / "x.db"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError, match="database"):
        call_command("import_fastpki", str(file), stdout=StringIO())


def test_times_without_a_zone_are_in_utc():
    assert str(moment_of("2026-11-21T21:48:06.107385")) == "2026-11-21 21:48:06.107385+00:00"
    assert str(moment_of("2026-11-21T21:48:06+02:00")) == "2026-11-21 19:48:06+00:00"
    assert moment_of(None) is None


def test_words_of_enumerations_in_every_spelling():
    assert [word_of(text) for text in ("REVOKED", "revoked", "CertificateStatus.REVOKED", None)] == ["revoked"] * 3 + [
        ""
    ]
