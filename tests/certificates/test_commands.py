"""The commands of manage.py: what they make, and how they say no."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, Membership, Organization
from accounts.services.credentials import authenticate_token
from audit.models import AuditEvent
from audit.services import seal
from cas.models import CertificateAuthority, Role, Template
from cas.services.authorities import create_authority
from certificates.models import Certificate, CrlScope
from kernel.actor import SYSTEM
from kernel.secret import Secret
from tests import cast, pki
from tests.office import Office, authority_order, open_office

pytestmark = pytest.mark.django_db

PASSPHRASE = "open, sesame seeds"


def run(*words: str) -> str:
    """What the command says on standard output."""
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def refusal(*words: str) -> str:
    """How the command says no."""
    with pytest.raises(CommandError) as refused:
        run(*words)
    return str(refused.value)


@pytest.fixture
def acme() -> Organization:
    return cast.organization("ACME")


@pytest.fixture
def locked() -> Office:
    return open_office(passphrase=Secret(PASSPHRASE))


@pytest.fixture
def passphrase_file(tmp_path: Path) -> str:
    path = tmp_path / "passphrase"
    path.write_text(f"{PASSPHRASE}\na second line that nobody reads\n")
    return str(path)


# --- from nothing to a certificate ------------------------------------------------------------------------------------


def test_the_whole_way(tmp_path):
    cast.superuser("alice@acme.example")
    assert run("create_organization", "ACME", "--owner", "alice@acme.example").startswith("Organization acme (")
    assert "CN=Root" in run("create_ca", "Root", "--out", f"{tmp_path}/root.pem")
    run("create_ca", "Issuing", "--parent", "Root", "--path-length", "0", "--permit", "dns:acme.test")
    run("create_role", "web", "--ca", "Issuing", "--domain", "acme.test", "--allow-subdomains")
    run("create_template", "web-tls", "--ca", "Issuing", "--role", "web")
    files = "--out", f"{tmp_path}/chain.pem", "--key-out", f"{tmp_path}/key.pem"
    said = run("issue_certificate", "web-tls", "--common-name", "www.acme.test", *files)
    row = Certificate.objects.get()
    assert row.serial in said
    leaf, issuing, root = x509.load_pem_x509_certificates((tmp_path / "chain.pem").read_bytes())
    assert x509.load_pem_x509_certificates((tmp_path / "root.pem").read_bytes()) == [root]
    leaf.verify_directly_issued_by(issuing)
    assert load_pem_private_key((tmp_path / "key.pem").read_bytes(), None).public_key() == leaf.public_key()
    assert "is revoked" in run("revoke_certificate", row.serial, "--reason", "superseded")
    seal(actor=SYSTEM)
    assert run("pki_health", "--verify-log") == "All is well.\n"


def test_the_console_has_a_name_in_the_log(acme):
    run("create_ca", "Root")
    event = AuditEvent.objects.get(name="ca.created")
    assert event.actor_kind == "console"
    assert event.actor_label.startswith("console (")


# --- files ------------------------------------------------------------------------------------------------------------


def issue(folder: Path, *words: str) -> tuple[str, ...]:
    return ("issue_certificate", "web-tls", "--common-name", "www.acme.test", "--out", f"{folder}/c.pem", *words)


def test_a_key_is_readable_by_its_owner_only(office, tmp_path):
    run(*issue(tmp_path, "--key-out", f"{tmp_path}/key.pem"))
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "c.pem").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["c.pem", "key.pem"])
def test_no_file_is_written_over(office, tmp_path, name):
    (tmp_path / name).write_text("precious")
    assert "exists already" in refusal(*issue(tmp_path, "--key-out", f"{tmp_path}/key.pem"))
    assert (tmp_path / name).read_text() == "precious"
    assert not Certificate.objects.exists()


def test_a_file_that_cannot_be_written_is_known_before_anything_is_issued(office, tmp_path):
    nowhere = f"{tmp_path}/no/such/folder/key.pem"
    assert nowhere in refusal(*issue(tmp_path, "--key-out", nowhere))
    assert nowhere in refusal("create_ca", "Second Root", "--out", nowhere)
    assert not Certificate.objects.exists()
    assert CertificateAuthority.objects.count() == 2


def test_key_and_certificate_do_not_go_into_one_file(office, tmp_path):
    assert "two files" in refusal(*issue(tmp_path, "--key-out", f"{tmp_path}/c.pem"))
    assert not Certificate.objects.exists()


def test_either_a_csr_or_a_key_file(office, tmp_path):
    csr = tmp_path / "csr.pem"
    csr.write_text(pki.make_csr(subject="CN=www.acme.test"))
    for words in ((), ("--csr", str(csr), "--key-out", f"{tmp_path}/key.pem")):
        assert "either --csr" in refusal(*issue(tmp_path, *words))
    run(*issue(tmp_path, "--csr", str(csr)))
    assert Certificate.objects.get().key_custody == Certificate.KeyCustody.SUBSCRIBER


@pytest.mark.parametrize("content", [None, "", "not a CSR"], ids=["missing", "empty", "something else"])
def test_a_csr_that_cannot_be_read(office, tmp_path, content):
    path = tmp_path / "csr.pem"
    if content is not None:
        path.write_text(content)
    assert refusal(*issue(tmp_path, "--csr", str(path)))
    assert not Certificate.objects.exists()


# --- passphrases ------------------------------------------------------------------------------------------------------


def test_a_locked_ca_asks_for_its_file(locked, tmp_path, passphrase_file):
    words = issue(tmp_path, "--key-out", f"{tmp_path}/key.pem")
    assert "it needs its passphrase" in refusal(*words)
    run(*words, "--passphrase-file", passphrase_file)
    before = CrlScope.objects.get(ca=locked.issuing).last_number
    run("publish_crls", "--ca", locked.issuing.slug, "--passphrase-file", passphrase_file)
    assert CrlScope.objects.get(ca=locked.issuing).last_number > before


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"], ids=["missing", "empty", "not text"])
def test_a_passphrase_that_cannot_be_read(locked, tmp_path, content):
    path = tmp_path / "passphrase"
    if content is not None:
        path.write_bytes(content)
    assert "No passphrase could be read" in refusal(
        "publish_crls", "--ca", locked.issuing.slug, "--passphrase-file", str(path)
    )


def test_a_ca_may_be_locked_from_its_first_day(acme, passphrase_file):
    run("create_ca", "Root", "--passphrase-file", passphrase_file)
    assert "it needs its passphrase" in refusal("create_ca", "Issuing", "--parent", "Root")
    run("create_ca", "Issuing", "--parent", "Root", "--parent-passphrase-file", passphrase_file)


# --- other commands ---------------------------------------------------------------------------------------------------


def test_an_api_key_is_shown_once_and_alone(acme):
    owner = cast.owner(acme)
    said = run("create_api_key", "ci", "--owner", owner.user.email, "--all-permissions", "--expires-in", "90d")
    assert re.fullmatch(r"pkf_[A-Za-z0-9]{32}\n", said)
    actor = authenticate_token(Secret(said.strip()), ip=None)
    assert actor.permissions == owner.actor.permissions
    assert ApiKey.objects.get().expires_at is not None


def test_publishing_what_is_due(office):
    CrlScope.objects.update(next_due_at="2000-01-01T00:00Z")
    assert run("publish_crls") == "2 CRLs published, 0 responders renewed\n"


def test_publishing_for_a_ca_that_was_left_half_way(office):
    ca = create_authority(actor=office.owner, order=authority_order(office.organization, "Half way"))
    run("publish_crls", "--ca", ca.slug)
    assert CrlScope.objects.get(ca=ca).last_number > 0


@pytest.mark.parametrize("spelling", ["{}", "0{}", "0x{}", "{:upper}", "{:pairs}"])
def test_serial_numbers_in_every_notation(office, spelling):
    serial = office.issue().certificate.serial
    pairs = ":".join(re.findall("..", serial.zfill(40)))
    text = spelling.replace("{:upper}", serial.upper()).replace("{:pairs}", pairs.upper()).format(serial)
    assert "is held" in run("revoke_certificate", text, "--reason", "certificateHold")
    assert "is issued" in run("revoke_certificate", text, "--release")


# --- how they say no --------------------------------------------------------------------------------------------------

REFUSALS = {
    "a slug of no organization": (["create_ca", "X", "--organization", "nowhere"], "no organization 'nowhere'"),
    "no such parent": (["create_ca", "X", "--parent", "Nobody"], "no such certificate authority"),
    "a name taken": (["create_ca", "ACME Root"], "A CA named ACME Root exists already."),
    "a subject that is none": (["create_ca", "X", "--subject", "just text"], "subject: "),
    "a constraint that is none": (["create_ca", "X", "--permit", "dns:a b"], "permitted: "),
    "an exclusion that is none": (["create_ca", "X", "--exclude", "dns:a b"], "excluded: "),
    "a duration that is none": (["create_ca", "X", "--validity", "soon"], "'soon' is not a duration"),
    "no time at all": (["create_ca", "X", "--validity", "0d"], "validity: "),
    "more time than there is": (["create_ca", "X", "--validity", "999999y"], "longer than 1000 years"),
    "more time than certificates can say": (
        ["create_role", "x", "--ca", "ACME Root", "--max-ttl", "900y"],
        "max_ttl: ",
    ),
    "several wrong things": (
        ["create_role", "two words", "--ca", "ACME Root", "--key-algorithm", "DSA"],
        "name: Up to 80 letters",
    ),
    "no such role": (["create_template", "x", "--ca", "ACME Root", "--role", "none"], "no such role"),
    "no such template": (
        ["issue_certificate", "none", "--common-name", "a.acme.test", "--out", "c.pem", "--key-out", "k.pem"],
        "Template with code 'none' does not exist in organization 'ACME'",
    ),
    "a name that is not allowed": (
        ["issue_certificate", "web-tls", "--common-name", "a.test", "--out", "c.pem", "--key-out", "k.pem"],
        "subject.common_name: ",
    ),
    "no such certificate": (["revoke_certificate", "abc"], "There is no such certificate."),
    "no serial number": (["revoke_certificate", "xyz"], "no such certificate"),
    "a reason that is none": (["revoke_certificate", "abc", "--reason", "boredom"], "reason: "),
    "no such owner": (["create_api_key", "ci", "--owner", "nobody@acme.test"], "There is no user nobody@acme.test."),
    "no permissions": (["create_api_key", "ci", "--owner", "owner@acme.example"], "permissions: "),
    "a permission that is none": (
        ["create_api_key", "ci", "--owner", "owner@acme.example", "--permission", "all"],
        "permissions[0]: There is no permission all.",
    ),
    "a key for ever and a day": (
        ["create_api_key", "ci", "--owner", "owner@acme.example", "--all-permissions", "--expires-in", "999999y"],
        "longer than 1000 years",
    ),
    "no such first owner": (
        ["create_organization", "X", "--owner", "nobody@x.test"],
        "There is no user nobody@x.test.",
    ),
    "an organization twice": (["create_organization", "ACME"], "exists already"),
    "no such slug": (["publish_crls", "--ca", "nowhere"], "no such certificate authority"),
}


@pytest.mark.parametrize(("words", "sentence"), REFUSALS.values(), ids=REFUSALS)
def test_how_they_say_no(office, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    assert sentence in refusal(*words)
    assert list(tmp_path.iterdir()) == []
    assert (CertificateAuthority.objects.count(), Role.objects.count(), Template.objects.count()) == (2, 1, 1)
    assert not Certificate.objects.exists()
    assert Membership.objects.count() == 1


def test_where_there_are_several_organizations_one_is_named(office):
    cast.organization("Umbrella")
    assert "--organization SLUG" in refusal("create_ca", "X")
    run("create_ca", "X", "--organization", "umbrella")
    assert CertificateAuthority.objects.get(name="X").organization.slug == "umbrella"


def test_what_is_wrong_is_said_with_exit_status_1(office):
    seal(actor=SYSTEM)
    CrlScope.objects.update(attempts=1, last_error="no signature")
    assert refusal("pki_health") == "2 findings"
