"""The password of the first administrator is for a person at a terminal, not for a log."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def state(settings: Any, tmp_path: Path) -> Path:
    settings.STATE_DIR = tmp_path
    return tmp_path


def test_on_a_terminal_it_is_shown(state: Path) -> None:
    terminal = Terminal()
    call_command("first_administrator", stdout=terminal)
    administrator = get_user_model().objects.get()
    (password,) = [line.strip() for line in terminal.getvalue().splitlines() if line.startswith("    ")]
    assert administrator.check_password(password)
    assert administrator.must_change_password
    assert administrator.password_expires_at is not None
    assert list(state.iterdir()) == []


def test_elsewhere_it_goes_to_a_file_for_the_owner_alone(state: Path) -> None:
    log = io.StringIO()
    call_command("first_administrator", stdout=log)
    file = state / "first-password"
    password = file.read_text().strip()
    assert get_user_model().objects.get().check_password(password)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert password not in log.getvalue()
    assert str(file) in log.getvalue()


def test_it_is_made_once(state: Path) -> None:
    call_command("first_administrator", stdout=Terminal())
    again = Terminal()
    call_command("first_administrator", stdout=again)
    assert again.getvalue() == ""
    assert get_user_model().objects.count() == 1


def test_the_address_comes_from_the_settings(settings: Any) -> None:
    settings.FIRST_ADMINISTRATOR = "root@pki.example.com"
    call_command("first_administrator", stdout=Terminal())
    assert get_user_model().objects.get().email == "root@pki.example.com"
