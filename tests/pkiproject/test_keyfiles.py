"""The keys of a first start: made once, for their owner's eyes, and never beside an older database."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from kernel.secret import Secret
from pkiproject.environment import KEY_SIZE, Misconfigured
from pkiproject.keyfiles import key_beside_database


def test_a_first_start_makes_a_key_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "var" / "master.key"
    key = key_beside_database("X", path, database=tmp_path / "none")
    assert len(key.reveal()) == KEY_SIZE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert str(path) in capsys.readouterr().err


def test_a_second_start_uses_the_same_key_in_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = key_beside_database("X", tmp_path / "key", database=tmp_path / "none")
    capsys.readouterr()
    assert key_beside_database("X", tmp_path / "key", database=tmp_path / "none") == first
    assert capsys.readouterr().err == ""


def test_a_lost_key_is_not_replaced_beside_a_database(tmp_path: Path) -> None:
    (tmp_path / "register.sqlite3").touch()
    with pytest.raises(Misconfigured, match=r"X is not set and .*key is missing"):
        key_beside_database("X", tmp_path / "key", database=tmp_path / "register.sqlite3")
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize("content", ["", "\n", "abc", "0" * 64])
def test_a_spoilt_key_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(Misconfigured, match="X"):
        key_beside_database("X", tmp_path / "key", database=tmp_path / "none")


def test_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    keys: list[Secret] = []
    together = threading.Barrier(4)

    def start() -> None:
        together.wait()
        keys.append(key_beside_database("X", tmp_path / "key", database=tmp_path / "none"))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 4
    assert all(key == keys[0] for key in keys)
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
