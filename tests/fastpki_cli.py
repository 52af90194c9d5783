"""The unmodified `fastpki` command line from PyPI, run as its users run it: a program of its own, never imported."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

VERSION = "0.4.0"
# Who has it already says where; else it is installed once, away from what Chancery runs with.
_GIVEN = "FASTPKI_COMMAND"


_PATIENT = Path(__file__).with_name("patient")
# Beyond this, a time-out says more about the machine than about Chancery.
_MOST_STOLEN_SECONDS = 2.0


def stolen() -> float:
    """For how many seconds since it started this machine had work and no processor; 0 where nobody says."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().split("\n", 1)[0].split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Outcome:
    """What a command said, and how it ended."""

    code: int
    output: str

    def json(self) -> Any:
        assert self.code == 0, self.output
        return json.loads(self.output)


@dataclass(frozen=True)
class CommandLine:
    """One user of it, with a configuration of their own."""

    command: str
    home: Path
    server: str

    def run(self, *arguments: str) -> Outcome:
        """A command, to its end."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home),
            "COLUMNS": "400",
            "NO_COLOR": "1",
            "PYTHONPATH": str(_PATIENT),
        }
        before = stolen()
        done = subprocess.run(
            [self.command, *arguments],
            env=environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        output = done.stdout + done.stderr
        if "timed out" in output and stolen() - before > _MOST_STOLEN_SECONDS:
            pytest.skip("the processor was taken by others, and fastpki gives up after five seconds")
        return Outcome(done.returncode, output)

    def good(self, *arguments: str) -> str:
        """What a command says that must succeed."""
        found = self.run(*arguments)
        assert found.code == 0, f"{arguments}: {found.output}"
        return found.output

    def json(self, group: str, *arguments: str) -> Any:
        """The answer of a command that must succeed, as it came: `-o json` is an option of the group."""
        return json.loads(self.good(group, "-o", "json", *arguments))

    def refused(self, *arguments: str) -> str:
        """What a command says that must fail, as all do: `Error N: …`, and status 1."""
        found = self.run(*arguments)
        assert found.code == 1, f"{arguments}: {found.output}"
        return found.output

    def sign_in(self, username: str, password: str) -> None:
        self.good("auth", "login", "-u", username, "-p", password, "-s", self.server)

    def with_token(self, token: str) -> None:
        """Go on with a token of a service account."""
        self.good("config", "set", "server.url", self.server)
        self.good("config", "set", "auth.token", token)


def command_line(home: Path, server: str) -> CommandLine:
    """A new user of it against this server."""
    return CommandLine(_command(), home, server)


def _command() -> str:
    """Where it is. Skips the test where pip cannot bring it."""
    given = os.environ.get(_GIVEN) or shutil.which("fastpki")
    if given:
        return given
    place = Path(__file__).resolve().parent.parent / ".pytest_cache" / f"fastpki-{VERSION}"
    command = place / "bin" / "fastpki"
    place.parent.mkdir(exist_ok=True)
    # Workers of the suite that begin at once: one installs it, and the others wait.
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not command.exists():
            _install(place)
    return str(command)


def _install(place: Path) -> None:
    try:
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True, capture_output=True, timeout=600)
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", f"fastpki=={VERSION}"]
        subprocess.run(pip, check=True, capture_output=True, timeout=900)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError):
        shutil.rmtree(place, ignore_errors=True)
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"pip could not bring fastpki {VERSION}")
