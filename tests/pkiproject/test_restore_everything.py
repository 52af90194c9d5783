"""A restored office goes on where the archive was made: from either kind of database into either kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import ReasonFlags
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from accounts.services.organizations import remove_member
from audit import services as audit
from certificates.models import CrlScope
from certificates.orders import Managed, RevokeOrder
from certificates.services.crl import publish_crl
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from kernel.secret import Secret
from pkiproject.archive.exporting import export_everything
from pkiproject.archive.stream import Lock
from tests import cast
from tests.office import Office, open_office
from tests.pkiproject.dying import manage_and_die
from tests.processes import ROOT, environment, manage
from tests.servers import Server, postgresql

# Its one organization is there, and the master key opens what is sealed.
CHECK = """
from accounts.models import Organization
from accounts.vault import check_master_key
check_master_key()
assert Organization.objects.get()
"""
PASSWORD = "a password of twelve characters"


@dataclass(frozen=True)
class Lived:
    """What an office did until its archive was made, and what it went on to do."""

    archive: Path
    checkpoints: Path
    token: str
    statuses: dict[str, str]
    last_membership: int
    later_serials: set[str]
    later_crl_number: int


@pytest.fixture
def lived(db: None, tmp_path: Path, office: Office) -> Lived:
    statuses = {office.issue(f"{number}.acme.test").certificate.serial: "GOOD" for number in range(3)}
    revoked = office.issue("revoked.acme.test").certificate
    revoke_certificate(
        actor=office.owner, order=RevokeOrder(certificate=Ref("pk", revoked.pk), reason=ReasonFlags.key_compromise)
    )
    waiting = office.issue("waiting.acme.test", key=Managed(collect_later=True)).certificate
    statuses |= {revoked.serial: "REVOKED", waiting.serial: "GOOD"}
    cast.superuser("guest@localhost")
    gone = cast.member(office.organization, "operator").user.memberships.get()
    last_membership = gone.pk
    remove_member(actor=office.owner, membership=gone)
    SessionStore().save(must_create=True)
    _row, token = cast.api_key(office.person)
    audit.seal(actor=SYSTEM)
    archive = tmp_path / "office.archive"
    with archive.open("wb") as file:
        export_everything(actor=cast.SUPERUSER, file=file, lock=Lock(Secret(PASSWORD)))

    later = {office.issue("later.acme.test").certificate.serial for _time in range(3)}
    crl = publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing, scope=0))
    assert crl is not None
    audit.seal(actor=SYSTEM)
    checkpoints = Path(settings.AUDIT_CHECKPOINT_DIR)
    return Lived(archive, checkpoints, token, statuses, last_membership, later, crl.number)


@pytest.fixture
def office(db: None) -> Office:
    return open_office()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgresql() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of a system that is not there yet."""
    common = {
        "CHANCERY_STATE_DIR": str(tmp_path / "var"),
        "CHANCERY_BASE_URL": "http://localhost:8000",
        "CHANCERY_MASTER_KEY": settings.MASTER_KEY.reveal().hex(),
        "CHANCERY_SECRET_KEY": os.urandom(32).hex(),
    }
    if request.param == "sqlite":
        yield common
        return
    server = request.getfixturevalue("server")
    yield common | {"DATABASE_URL": server.url}


def work_in(target: dict[str, str], token: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.pkiproject.restored", token],
        cwd=ROOT,
        env=environment(**target) | {"DJANGO_SETTINGS_MODULE": "pkiproject.settings"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.needs("openssl")
def test_a_restored_office_goes_on(lived: Lived, target: dict[str, str], tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    target["CHANCERY_CHECKPOINT_DIR"] = str(lived.checkpoints)
    done = manage("restore_everything", str(lived.archive), "--password-file", str(password), **target)
    assert done.returncode == 0, done.stderr
    assert "All of them were read back and are what the archive says." in done.stdout
    assert "The audit log verifies" in done.stdout
    # The checkpoints outside tell of what happened after the archive was made.
    assert "What happened in between is lost." in done.stdout
    again = manage("restore_everything", str(lived.archive), "--password-file", str(password), **target)
    assert again.returncode == 1
    assert "The database is not empty" in again.stderr

    found = work_in(target, lived.token)
    assert found["serial"] not in lived.later_serials | set(lived.statuses)
    assert all(number > lived.later_crl_number for number in found["crl_numbers"])
    assert found["crl_numbers"]
    assert found["ocsp"] == lived.statuses | {found["serial"]: "GOOD"}
    assert found["collected"]
    assert found["membership"] > lived.last_membership
    assert found["sessions"] == 0
    assert {"archive.made", "archive.restored"} <= set(found["events"])
    assert_openssl_verifies(found["chain"], tmp_path)

    log = found["log"]
    assert (log["sealed"], log["losses"] > 0) == (0, True)
    assert log["told"] == log["losses"]
    assert log["sealed_after"] > 0
    assert log["findings"] == []
    assert list(lived.checkpoints.rglob("checkpoint.lost-*"))


def assert_openssl_verifies(chain: list[str], folder: Path) -> None:
    for name, pem in zip(("leaf", "issuing", "root"), chain, strict=True):
        (folder / f"{name}.pem").write_text(pem)
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "leaf.pem"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.any_database
def test_a_kill_anywhere_leaves_an_empty_database_or_all_of_it(office: Office, tmp_path: Path) -> None:
    """The archive brings the master key, which Chancery keeps itself: it is in place when everything is, not before."""
    archive, state = tmp_path / "office.archive", tmp_path / "var"
    key_file = tmp_path / "archive.key"
    key_file.write_text(os.urandom(32).hex())
    with archive.open("wb") as file:
        lock = Lock(Secret(bytes.fromhex(key_file.read_text())), is_key=True)
        export_everything(actor=cast.SUPERUSER, file=file, lock=lock, with_master_key=True)
    target = {"CHANCERY_STATE_DIR": str(state)}
    command = ("restore_everything", str(archive), "--key-file", str(key_file))

    manage_and_die("after", "pkiproject.archive.restoring._fill", *command, **target)
    manage_and_die("after", "pkiproject.management.commands.restore_everything.restore_everything", *command, **target)
    refused = manage("shell", "--no-imports", "-c", "import pkiproject.wsgi", **target)
    assert "`manage.py rotate_master_key` ends what was begun" in refused.stderr
    ended = manage("rotate_master_key", **target)
    assert ended.returncode == 0, ended.stderr
    assert (state / "master.key").read_text().strip() == settings.MASTER_KEY.reveal().hex()
    well = manage("shell", "--no-imports", "-c", CHECK, **target)
    assert well.returncode == 0, well.stderr


# Exports, and lets another process make an organization when the first tables are written.
EXPORT_BESIDE_A_WRITER = """
import io, sys
from accounts.models import Organization
from kernel.secret import Secret
from pkiproject.archive import exporting
from pkiproject.archive.stream import Lock, read_lines
from tests.cast import SUPERUSER
from tests.processes import manage

def write_table(writer, model, real=exporting._write_table):
    if model is Organization:
        manage("create_organization", "Umbrella", CHANCERY_STATE_DIR=sys.argv[1]).check_returncode()
    return real(writer, model)

exporting._write_table = write_table
file, lock = io.BytesIO(), Lock(Secret(bytes(32)), is_key=True)
exporting.export_everything(actor=SUPERUSER, file=file, lock=lock)
file.seek(0)
print(Organization.objects.count(), sum(b"Umbrella" in line for line in read_lines(file, lock)))
"""


@pytest.mark.any_database
def test_on_sqlite_too_nobody_waits_for_an_export_and_it_is_of_one_moment(tmp_path: Path) -> None:
    """PostgreSQL: `test_an_archive_is_of_one_moment`."""
    state = str(tmp_path / "var")
    manage("prepare", "--only", "database", CHANCERY_STATE_DIR=state).check_returncode()
    done = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()\n" + EXPORT_BESIDE_A_WRITER, state],
        cwd=ROOT,
        env=environment(CHANCERY_STATE_DIR=state) | {"DJANGO_SETTINGS_MODULE": "pkiproject.settings"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "0"]
