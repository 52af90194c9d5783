"""`manage.py rotate_master_key`, with real processes: after every end of it, one key opens the database."""

from __future__ import annotations

import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.pkiproject.dying import manage_and_die
from tests.processes import PATIENCE_SECONDS, manage, running
from tests.servers import postgresql

COMMAND = "pkiproject.management.commands.rotate_master_key"
READY = "Chancery is ready: "
# Every key opens, and the log is what was signed.
CHECK = """
from accounts.vault import check_master_key
from audit.services import verify
from cas.keystore import check_health
from cas.models import CertificateAuthority
check_master_key()
assert [check_health(ca) for ca in CertificateAuthority.objects.select_related("key")]
assert verify().is_sound
"""


def prepare(**settings: str) -> None:
    """An office with a CA."""
    manage("prepare", "--only", "database", **settings).check_returncode()
    manage("create_organization", "ACME", **settings).check_returncode()
    manage("create_ca", "Root", **settings).check_returncode()


def is_well(**settings: str) -> CompletedProcess[str]:
    """Whether a process with these settings opens every key, and its log verifies."""
    return manage("shell", "--no-imports", "-c", CHECK, **settings)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("prepared") / "var"
    prepare(CHANCERY_STATE_DIR=str(state))
    return state


@pytest.fixture
def state(prepared: Path, tmp_path: Path) -> Path:
    """The state folder of an office on SQLite that keeps its own key."""
    return Path(shutil.copytree(prepared, tmp_path / "var"))


def key_files(state: Path) -> list[str]:
    return sorted(path.name.partition("until")[0] for path in state.glob("*master.key*"))


def test_where_chancery_keeps_the_key_the_file_is_replaced_and_the_old_one_stays(state: Path) -> None:
    settings = {"CHANCERY_STATE_DIR": str(state)}
    old = (state / "master.key").read_text()
    done = manage("rotate_master_key", **settings)
    assert done.returncode == 0, done.stderr
    assert "2 keys of organizations" in done.stdout
    assert key_files(state) == ["master.key", "master.key."]
    (kept,) = state.glob("master.key.until-*")
    assert kept.read_text() == old != (state / "master.key").read_text()
    for path in (kept, state / "master.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_well(**settings).returncode == 0
    manage("create_ca", "Second Root", **settings).check_returncode()
    assert "WrongMasterKey" in is_well(**settings, CHANCERY_MASTER_KEY=old.strip()).stderr


def test_a_dry_run_changes_nothing(state: Path) -> None:
    settings = {"CHANCERY_STATE_DIR": str(state)}
    before = (state / "master.key").read_bytes()
    done = manage("rotate_master_key", "--dry-run", **settings)
    assert done.returncode == 0, done.stderr
    assert "Nothing was changed." in done.stdout
    assert (state / "master.key").read_bytes() == before
    assert key_files(state) == ["master.key"]
    assert is_well(**settings).returncode == 0


KILLS = {
    "before the new key is on the disk": ("before", "keep", False),
    "with both keys on the disk": ("after", "keep", False),
    "after the commit, before the files change places": ("after", "rotate_master_key", True),
    "after the files changed places": ("after", "take_place", False),
}


def test_a_kill_anywhere_leaves_a_key_that_opens_it_and_the_next_run_ends_it(state: Path) -> None:
    settings = {"CHANCERY_STATE_DIR": str(state)}
    for what, (when, function, is_between) in KILLS.items():
        manage_and_die(when, f"{COMMAND}.{function}", "rotate_master_key", **settings)
        if is_between:
            refused = manage("shell", "--no-imports", "-c", "import pkiproject.wsgi", **settings)
            assert refused.returncode != 0, what
            assert "`manage.py rotate_master_key` ends what was begun" in refused.stderr, what
            assert is_well(**settings, CHANCERY_MASTER_KEY_FILE=str(state / "master.key.new")).returncode == 0, what
            ended = manage("rotate_master_key", **settings)
            assert "already" in ended.stdout, (what, ended.stdout, ended.stderr)
        well = is_well(**settings)
        assert well.returncode == 0, (what, well.stdout, well.stderr)
    assert not (state / "master.key.new").exists()
    assert len(list(state.glob("master.key.until-*"))) == 2


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, str]]:
    """An office on PostgreSQL, whose keys come from the environment."""
    with postgresql() as database:
        settings = {
            "DATABASE_URL": database.url,
            "CHANCERY_BASE_URL": "http://localhost:8000",
            "CHANCERY_MASTER_KEY": secrets.token_hex(32),
            "CHANCERY_SECRET_KEY": secrets.token_hex(32),
        }
        prepare(**settings)
        yield settings


def test_where_the_key_is_given_the_new_one_is_written_to_a_file(served: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "new.key"
    refused = manage("rotate_master_key", **served)
    assert refused.returncode == 1
    assert "Give the new key by --new-file or by CHANCERY_NEW_MASTER_KEY." in refused.stderr

    manage("rotate_master_key", "--dry-run", "--new-file", str(file), **served).check_returncode()
    assert not file.exists()
    manage_and_die("before", f"{COMMAND}.rotate_master_key", "rotate_master_key", "--new-file", str(file), **served)
    made = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert is_well(**served).returncode == 0

    manage_and_die("after", f"{COMMAND}.rotate_master_key", "rotate_master_key", "--new-file", str(file), **served)
    assert file.read_text() == made
    ended = manage("rotate_master_key", "--new-file", str(file), **served)
    assert "already" in ended.stdout
    old = dict(served)
    served["CHANCERY_MASTER_KEY"] = made.strip()
    assert is_well(**served).returncode == 0
    assert is_well(**old).returncode != 0

    again = manage("rotate_master_key", "--new-file", str(file), **served)
    assert again.returncode == 1
    assert "the one in use" in again.stderr
    other = manage("rotate_master_key", "--new-file", str(tmp_path / "other.key"), **old)
    assert other.returncode == 1
    assert "neither under the running key" in other.stderr


def test_the_new_key_may_come_from_the_environment(served: dict[str, str]) -> None:
    new = secrets.token_hex(32)
    done = manage("rotate_master_key", CHANCERY_NEW_MASTER_KEY=new, **served)
    assert done.returncode == 0, done.stderr
    assert new not in done.stdout + done.stderr
    served["CHANCERY_MASTER_KEY"] = new
    assert is_well(**served).returncode == 0


def test_a_file_that_holds_no_key_is_neither_used_nor_written_over(served: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "thesis.txt"
    file.write_text("years of work")
    refused = manage("rotate_master_key", "--new-file", str(file), **served)
    assert refused.returncode == 1
    assert "must be 32 bytes" in refused.stderr
    assert file.read_text() == "years of work"
    assert is_well(**served).returncode == 0


def test_running_processes_end_by_themselves_and_start_again_with_the_new_key(state: Path) -> None:
    """Web server and worker look at the key every few seconds."""
    manage("prepare", CHANCERY_STATE_DIR=str(state)).check_returncode()
    with running("serve", state=state) as chancery:
        chancery.wait_for(READY)
        manage("rotate_master_key", CHANCERY_STATE_DIR=str(state)).check_returncode()
        assert chancery.process.wait(PATIENCE_SECONDS) == 1
        assert "is not the key that this database was made under" in chancery.output()
    with running("serve", state=state) as chancery:
        chancery.wait_for(READY)
