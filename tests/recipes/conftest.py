"""A Chancery that runs, and an owner who follows what the recipes say of him."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509

from tests.processes import manage, running
from tests.recipes.pages import Host


@dataclass(frozen=True)
class Chancery:
    """Where it answers, and an API key: an owner's, where nothing else is said."""

    url: str
    token: str

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """What the holder of the key is answered. Raises where it is an error."""
        answer = self.send(method, path, **body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def send(self, method: str, path: str, **body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, f"{self.url}/api/v2{path}", json=body or None, headers=headers, timeout=60)

    def renew(self, certificate: x509.Certificate) -> None:
        """What the office does by itself when the time has come."""
        self.ask("POST", f"/certificates/{self._find(certificate)['id']}/renew", key="same")

    def revoke(self, certificate: x509.Certificate) -> None:
        """And its CA's CRL says so."""
        found = self._find(certificate)
        self.ask("POST", f"/certificates/{found['id']}/revoke", reason="keyCompromise")
        self.ask("POST", f"/cas/{found['pki']['id']}/crl")

    def _find(self, certificate: x509.Certificate) -> Any:
        return self.ask("GET", f"/certificates/by-serial/0x{certificate.serial_number:x}")


@pytest.fixture(scope="session")
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Chancery]]:
    """One that runs; for each test that asks it, an organization of its own."""
    state = tmp_path_factory.mktemp("recipes") / "var"
    with running("start", state=state) as chancery:
        chancery.wait_for("Chancery is ready: ")
        tests = [item.name for item in request.session.items if "chancery" in getattr(item, "fixturenames", ())]
        console = {"CHANCERY_STATE_DIR": str(state), "CHANCERY_PORT": str(chancery.port)}
        program = f"from tests.sdk.people import main; main(*map(str, range({len(tests)})))"
        made = manage("shell", "--no-imports", "-v0", "-c", program, **console)
        assert made.returncode == 0, made.stderr
        url = f"http://localhost:{chancery.port}"
        offices = json.loads(made.stdout).values()
        yield {test: Chancery(url, keys["officer"]) for test, keys in zip(tests, offices, strict=True)}


@pytest.fixture
def chancery(office: dict[str, Chancery], request: pytest.FixtureRequest) -> Chancery:
    return office[request.node.name]


@pytest.fixture
def host() -> Iterator[Host]:
    # Not in pytest's folder, which no other user may enter: a database server must.
    with tempfile.TemporaryDirectory(prefix="chancery-recipe-") as folder:
        Path(folder).chmod(0o755)
        yield Host(Path(folder))
