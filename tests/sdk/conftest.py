"""A Chancery that runs, for the users of the SDKs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Running, manage, running
from tests.sdk.workshop import TypeScript, built_typescript


@dataclass(frozen=True)
class Office:
    """A server for users of the SDKs."""

    running: Running
    state: Path
    known: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.running.port}"

    def credentials(self, name: str) -> dict[str, str]:
        """The API keys of the organization of this name, which is made when it is first asked for: see `people.py`."""
        if name not in self.known:
            self.known.update(self.at_console(f"main({name!r})"))
        return self.known[name]

    def at_console(self, call: str) -> Any:
        """What a call of a function of `people.py` prints."""
        console = {"CHANCERY_STATE_DIR": str(self.state), "CHANCERY_PORT": str(self.running.port)}
        program = f"from tests.sdk.people import *; {call}"
        made = manage("shell", "--no-imports", "-v0", "-c", program, **console)
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)

    def make(self, key: str, path: str, body: object) -> Any:
        """What a POST to this path of API v2 makes."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        with contextlib.closing(HTTPConnection("127.0.0.1", self.running.port, timeout=60)) as connection:
            connection.request("POST", f"/api/v2{path}", body=json.dumps(body), headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        assert answer.status == 201, content
        return json.loads(content)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    state = tmp_path_factory.mktemp("sdk") / "var"
    with running("start", state=state) as chancery:
        chancery.wait_for("Chancery is ready: ")
        yield Office(chancery, state)


@pytest.fixture(scope="session")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> TypeScript:
    return built_typescript(tmp_path_factory.mktemp("typescript"))
