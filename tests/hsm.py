"""A PKCS#11 token of the suite's own: SoftHSM, in a folder that ends with the session."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.secret import Secret

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
TOKEN = "suite"
PIN = "1234"


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The path of the module; the token in it is empty. SoftHSM reads its configuration when it is first used."""
    pytest.importorskip("pkcs11")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "5678", "--pin", PIN],
        check=True,
        capture_output=True,
    )
    yield next(path for path in MODULES if Path(path).exists())
    del os.environ["SOFTHSM2_CONF"]


@pytest.fixture
def hsm_token(softhsm: str, settings: object) -> None:
    """The settings name the token."""
    settings.PKCS11_MODULE, settings.PKCS11_TOKEN, settings.PKCS11_PIN = softhsm, TOKEN, Secret(PIN)
