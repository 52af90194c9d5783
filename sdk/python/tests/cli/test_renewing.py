"""renew: what a timer calls once a day, on a machine that may be switched off at any moment."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from chancery_client.cli import keys
from chancery_client.cli.failures import Failure
from chancery_client.cli.files import refuse_overwriting, write_file
from chancery_client.cli.placing import Place

PLACE = Place(Path("www.pem"), Path("www.key"))


def spki(key) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def in_use() -> tuple[x509.Certificate, bytes]:
    """The certificate in the files, and the SPKI of their key; they must belong together."""
    certificate = x509.load_pem_x509_certificates(PLACE.certificate.read_bytes())[0]
    key = load_pem_private_key(PLACE.key.read_bytes(), None)
    assert spki(certificate.public_key()) == spki(key.public_key())
    return certificate, spki(key.public_key())


@pytest.fixture
def server(signed_in, chancery):
    """A machine whose certificate, with its intermediate, ends in 20 days."""
    key = keys.make_key("ecdsa-p256")
    row = chancery.hold("www.acme.test", key.public_key(), days=20)
    PLACE.key.write_bytes(keys.key_to_pem(key))
    PLACE.key.chmod(0o640)
    PLACE.certificate.write_text(row["certificate"] + chancery._chain().partition("-----END CERTIFICATE-----\n")[0])
    PLACE.certificate.write_text(row["certificate"] + keys.to_pem(chancery.ca.issuer).decode())
    return row


WORDS = ("renew", "--file", "www.pem", "--key", "www.key")
DUE = (*WORDS, "--if-expiring-within", "30d")


def test_what_is_not_due_is_left_alone(signed_in, server, chancery):
    before = in_use()
    result = signed_in(*WORDS, "--if-expiring-within", "10d")
    assert result.exit_code == 6
    assert "Nothing to do: www.pem is good until" in result.stderr
    assert in_use() == before
    assert len(chancery.certificates) == 1


def test_both_files_are_replaced_and_keep_their_modes(signed_in, server, folder):
    old, old_key = in_use()
    result = signed_in(*DUE, "--run", "echo $CHANCERY_CERTIFICATE_FILE $CHANCERY_API_KEY > ran")
    assert result.exit_code == 0, result.stderr
    new, new_key = in_use()
    assert new.serial_number != old.serial_number
    assert new_key != old_key
    assert PLACE.certificate.read_bytes().count(b"BEGIN CERTIFICATE") == 2
    assert stat.S_IMODE(PLACE.key.stat().st_mode) == 0o640
    assert Path("ran").read_text().strip() == "www.pem"
    assert sorted(path.name for path in folder.iterdir()) == ["ran", "www.key", "www.pem"]
    assert signed_in(*DUE).exit_code == 6


def test_a_file_that_held_the_certificate_alone_goes_on_doing_so(signed_in, server):
    PLACE.certificate.write_text(server["certificate"])
    assert signed_in(*DUE).exit_code == 0
    assert PLACE.certificate.read_bytes().count(b"BEGIN CERTIFICATE") == 1


def test_the_key_stays_where_that_is_said(signed_in, server):
    _old, old_key = in_use()
    assert signed_in(*DUE, "--same-key").exit_code == 0
    assert in_use()[1] == old_key


def test_a_link_is_followed_and_stays_one(signed_in, server):
    PLACE.key.rename("kept-elsewhere.key")
    PLACE.key.symlink_to("kept-elsewhere.key")
    assert signed_in(*DUE).exit_code == 0
    assert PLACE.key.is_symlink()
    in_use()


def test_files_that_do_not_belong_together_are_told(signed_in, server, chancery):
    PLACE.key.write_bytes(keys.key_to_pem(keys.make_key("ecdsa-p256")))
    result = signed_in(*DUE)
    assert result.exit_code == 2
    assert "The key in www.key is not that of the certificate in www.pem." in result.stderr
    assert len(chancery.certificates) == 1


def test_an_encrypted_key_is_told(signed_in, server):
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, PrivateFormat

    encryption = BestAvailableEncryption(b"secret")
    PLACE.key.write_bytes(keys.make_key("ecdsa-p256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    result = signed_in(*DUE)
    assert result.exit_code == 2
    assert "The private key in www.key is encrypted." in result.stderr


def test_a_certificate_that_the_server_does_not_know(signed_in, server, chancery):
    chancery.certificates.clear()
    assert signed_in(*DUE).exit_code == 4


def test_a_refusal_leaves_everything_as_it_was(signed_in, server, chancery, folder):
    before = in_use()
    chancery.answers["POST", f"/api/v2/certificates/{server['id']}/renew"] = chancery.problem(403, "Not allowed.")
    assert signed_in(*DUE).exit_code == 3
    assert in_use() == before
    assert sorted(path.name for path in folder.iterdir()) == ["www.key", "www.pem"]


# --- whatever interrupts it -------------------------------------------------------------------------------------------


def test_an_answer_that_was_lost_is_found_again(signed_in, server, chancery, monkeypatch):
    """The server has issued it; the machine was switched off before it could be written down."""
    with monkeypatch.context() as broken:
        broken.setattr(Place, "put", lambda self, content: (_ for _ in ()).throw(KeyboardInterrupt))
        assert signed_in(*DUE).exit_code == 130
    assert len(chancery.certificates) == 2
    assert signed_in(*DUE).exit_code == 0
    assert len(chancery.certificates) == 2
    certificate, _key = in_use()
    assert list(chancery.certificates.values())[-1]["certificate"].encode() == certificate.public_bytes(Encoding.PEM)


def test_a_key_that_an_earlier_run_has_left_does_not_take_the_place_of_the_one_that_is_kept(signed_in, server):
    _old, old_key = in_use()
    PLACE.stage_key(keys.make_key("ecdsa-p256"))
    assert signed_in(*DUE, "--same-key").exit_code == 0
    assert in_use()[1] == old_key
    assert not PLACE.staged_key.exists()


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_replacement_that_was_interrupted_is_ended(signed_in, server, chancery, monkeypatch, writes):
    """After the certificate was staged, between the two files, and after both."""
    from chancery_client.cli import placing

    def interrupted(path: Path, content: bytes, *, mode: int) -> None:
        if path in (PLACE.key, PLACE.certificate):
            done.append(path)
            if len(done) > writes:
                raise KeyboardInterrupt
        write_file(path, content, mode=mode)

    done: list[Path] = []
    with monkeypatch.context() as broken:
        broken.setattr(placing, "write_file", interrupted)
        if writes == 2:
            broken.setattr(Path, "unlink", _refuse_for(PLACE.staged_certificate, Path.unlink))
        assert signed_in(*DUE).exit_code == 130
    assert signed_in(*DUE, "--run", "touch ran").exit_code == 0
    assert Path("ran").exists()
    in_use()
    assert len(chancery.certificates) == 2
    assert signed_in(*DUE).exit_code == 6


def _refuse_for(path: Path, unlink):
    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self == path and path.exists() and PLACE.staged_key.exists() and b"CERT" in path.read_bytes():
            from chancery_client.cli.keys import belong_together, read_certificates, read_key

            certificate = read_certificates(path.read_bytes(), place="")[0]
            if belong_together(certificate, read_key(PLACE.key.read_bytes(), place="")):
                raise KeyboardInterrupt
        unlink(self, missing_ok=missing_ok)

    return refuse


def test_a_command_that_has_failed_is_run_again_by_the_next_timer(signed_in, server):
    result = signed_in(*DUE, "--run", "test -e allowed")
    assert result.exit_code == 1
    assert "www.pem was renewed, but the command 'test -e allowed' ended with status 1." in result.stderr
    in_use()
    assert signed_in(*DUE, "--run", "test -e allowed").exit_code == 1
    Path("allowed").touch()
    assert signed_in(*DUE, "--run", "test -e allowed").exit_code == 0
    assert signed_in(*DUE, "--run", "test -e allowed").exit_code == 6


def test_two_timers_at_once_renew_once(server, chancery):
    """Each in a thread of its own, for a lock of a process would let both in."""
    from datetime import datetime, timedelta, timezone

    from chancery_client.cli import renewal
    from chancery_client.cli.failures import NothingToDo
    from chancery_client.cli.session import connected

    wish = renewal.Wish(timedelta(days=30), None, same_key=False, patience=timedelta(0), arguments={})
    came_of_it: list[str] = []

    def run() -> None:
        with PLACE.alone(), connected(None) as client:
            try:
                renewal.renew_files(client, PLACE, wish, now=datetime.now(timezone.utc))
                came_of_it.append("renewed")
            except NothingToDo:
                came_of_it.append("nothing")

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came_of_it) == ["nothing", "nothing", "renewed"]
    assert len(chancery.certificates) == 2


def test_nothing_but_the_two_files_is_left(signed_in, server, folder):
    before = {path.name for path in folder.iterdir()}
    assert signed_in(*DUE).exit_code == 0
    assert {path.name for path in folder.iterdir()} == before


def test_a_lock_that_was_left_by_a_crash_holds_up_nobody(signed_in, server):
    Path(".www.pem.lock").touch()
    assert signed_in(*DUE).exit_code == 0


# --- a folder that others can write to --------------------------------------------------------------------------------

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links and owners as POSIX has them")


@POSIX
@pytest.mark.parametrize("name", [".www.key.new", ".www.pem.new", ".www.pem.renewal"])
def test_a_link_that_others_have_put_there_is_not_followed(signed_in, server, chancery, folder, name):
    chancery.needs_approval = name.endswith("renewal")
    elsewhere = folder / "elsewhere"
    elsewhere.write_text("as it was")
    Path(name).symlink_to(elsewhere)
    assert signed_in(*DUE).exit_code == (5 if chancery.needs_approval else 0)
    assert elsewhere.read_text() == "as it was"
    in_use()


@POSIX
def test_a_key_of_another_user_is_not_taken_for_the_one_that_was_made(server, monkeypatch):
    PLACE.stage_key(keys.make_key("ecdsa-p256"))
    assert PLACE.read_staged_key() is not None
    monkeypatch.setattr(os, "geteuid", lambda: PLACE.staged_key.stat().st_uid + 1)
    assert PLACE.read_staged_key() is None


@POSIX
def test_a_lock_of_another_user_is_told_and_not_waited_for(signed_in, server, chancery, monkeypatch):
    Path(".www.pem.lock").touch()
    monkeypatch.setattr(os, "geteuid", lambda: PLACE.certificate.stat().st_uid + 1)
    result = signed_in(*DUE)
    assert result.exit_code == 1
    assert ".www.pem.lock belongs to another user." in result.stderr
    assert Path(".www.pem.lock").exists()
    assert len(chancery.certificates) == 1


@POSIX
def test_nobody_else_can_hold_the_lock(server):
    with PLACE.alone():
        assert stat.S_IMODE(Path(".www.pem.lock").stat().st_mode) == 0o600
    assert not Path(".www.pem.lock").exists()


@POSIX
def test_the_lock_is_no_link(server, folder):
    Path(".www.pem.lock").symlink_to(folder / "elsewhere")
    with pytest.raises(Failure, match="cannot be locked"), PLACE.alone():
        pass
    assert not (folder / "elsewhere").exists()


@POSIX
def test_a_new_key_is_not_written_through_a_link_that_appears_meanwhile(signed_in, chancery, folder, monkeypatch):
    from chancery_client.cli import issuance

    def refuse(*paths: Path, force: bool) -> None:
        refuse_overwriting(*paths, force=force)
        Path("new.key").symlink_to(folder / "elsewhere")

    monkeypatch.setattr(issuance, "refuse_overwriting", refuse)
    assert signed_in("issue", "--template", "web-tls", "--san", "new.acme.test", "--out", "new").exit_code == 0
    assert not (folder / "elsewhere").exists()
    assert not Path("new.key").is_symlink()


# --- approvals --------------------------------------------------------------------------------------------------------


def test_a_renewal_that_waits_is_asked_for_once_and_collected_by_a_later_run(signed_in, server, chancery):
    chancery.needs_approval = True
    before = in_use()
    renew = f"/api/v2/certificates/{server['id']}/renew"
    assert [signed_in(*DUE).exit_code for _day in range(3)] == [5, 5, 5]
    assert len(chancery.bodies("POST", renew)) == 1
    assert in_use() == before
    chancery.approve()
    assert signed_in(*DUE).exit_code == 0
    assert in_use()[1] != before[1]
    assert signed_in(*DUE).exit_code == 6


def test_a_certificate_for_a_key_that_was_lost_replaces_nothing(signed_in, server, chancery):
    chancery.needs_approval = True
    before = in_use()
    assert signed_in(*DUE).exit_code == 5
    PLACE.staged_key.unlink()
    chancery.approve()
    result = signed_in(*DUE, "--same-key")
    assert result.exit_code == 1
    assert "is not for the key in www.key" in result.stderr
    assert in_use() == before
    chancery.needs_approval = False
    assert signed_in(*DUE, "--again").exit_code == 0
    assert in_use()[1] != before[1]


def test_a_renewal_that_was_rejected_is_told_once_and_asked_for_anew_afterwards(signed_in, server, chancery):
    chancery.needs_approval = True
    assert signed_in(*DUE).exit_code == 5
    chancery.request["status"] = "rejected"
    assert signed_in(*DUE).exit_code == 1
    assert signed_in(*DUE).exit_code == 5
    in_use()


# --- without files ----------------------------------------------------------------------------------------------------


def test_a_certificate_is_renewed_to_other_files(signed_in, server, chancery):
    serial = server["serial"]
    result = signed_in("renew", serial, "--out", "new", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["replaces_id"] == server["id"]
    key = load_pem_private_key(Path("new.key").read_bytes(), None)
    assert spki(x509.load_pem_x509_certificate(Path("new.pem").read_bytes()).public_key()) == spki(key.public_key())
    again = signed_in("renew", serial, "--out", "newer")
    assert again.exit_code == 1
    assert "It has a successor already." in again.stderr
    assert signed_in("renew", serial, "--out", "newer", "--again").exit_code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Which one?"),
        (["x", "--file", "www.pem"], "Which one?"),
        (["--file", "www.pem", "--out", "x"], "--out is for a certificate that is named, not for --file."),
        (["--file", "www.pem", "--managed-key"], "--managed-key is for a certificate"),
        (["0123", "--run", "x"], "--run is for --file."),
        (["--file", "www.pem", "--same-key", "--key-type", "rsa-2048"], "--same-key leaves no choice"),
        (["--file", "www.pem", "--if-expiring-within", "a month"], "--if-expiring-within 'a month'"),
        (["--file", "missing.pem"], "missing.pem cannot be read: No such file or directory."),
    ],
)
def test_what_makes_no_sense_is_told(signed_in, server, words, sentence):
    result = signed_in("renew", "--again", *words)
    assert result.exit_code == 2
    assert sentence in result.stderr


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_new_file_has_its_mode_whatever_the_umask(folder):
    before = os.umask(0)
    try:
        write_file(Path("secret"), b"x", mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path("secret").stat().st_mode) == 0o600


@pytest.mark.parametrize(("mode", "left"), [(0o644, 0o640), (0o600, 0o600), (0o666, 0o660)])
def test_a_key_does_not_stay_for_everybodys_eyes(folder, mode, left):
    Path("key").write_text("old")
    Path("key").chmod(mode)
    write_file(Path("key"), b"new", mode=0o600)
    assert stat.S_IMODE(Path("key").stat().st_mode) == left


def test_a_group_that_cannot_be_kept_may_not_read_the_key_as_another_one(folder, monkeypatch):
    Path("key").write_text("old")
    Path("key").chmod(0o640)
    monkeypatch.setattr(os, "chown", lambda *words: (_ for _ in ()).throw(PermissionError(1, "not permitted")))
    write_file(Path("key"), b"new", mode=0o600)
    assert stat.S_IMODE(Path("key").stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(folder, monkeypatch):
    Path("file").write_text("old")
    monkeypatch.setattr(os, "replace", lambda *paths: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Exception, match="No space left on device"):
        write_file(Path("file"), b"new", mode=0o600)
    assert Path("file").read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["file"]
