"""The walk of the documentation, as a new user would take it: from nothing to a verified certificate."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.processes import manage, running

SCRIPT = Path(__file__).resolve().parent.parent / "docs" / "first-certificate.sh"


@pytest.mark.needs("openssl", "curl")
def test_the_walk_of_the_documentation(tmp_path: Path) -> None:
    with running("start", state=tmp_path / "var") as chancery:
        chancery.wait_for("Chancery is ready: ")
        console = {"CHANCERY_STATE_DIR": str(tmp_path / "var"), "CHANCERY_PORT": str(chancery.port)}
        manage("create_organization", "ACME", "--owner", "admin@localhost", **console).check_returncode()
        key = manage("create_api_key", "walk", "--owner", "admin@localhost", "--all-permissions", **console)
        key.check_returncode()
        walk = subprocess.run(
            ["sh", str(SCRIPT), f"http://localhost:{chancery.port}"],
            cwd=tmp_path,
            env=os.environ | {"TOKEN": key.stdout.strip()},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert walk.returncode == 0, walk.stdout + walk.stderr
    assert walk.stdout.endswith("== Done\n")
