"""What is installed is what was locked: every package by version and hash, from wherever pip is told to look."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = {
    "requirements.txt": PROJECT["dependencies"],
    "requirements-dev.txt": PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"],
    "requirements-pkcs11.txt": PROJECT["optional-dependencies"]["pkcs11"],
}


def locked(name: str) -> dict[str, set[str]]:
    """The versions of each package in a list; a package may have several, for several versions of Python."""
    versions: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE):
        versions.setdefault(canonicalize_name(package), set()).add(version)
    return versions


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_fits_what_the_project_asks_for(name: str) -> None:
    versions = locked(name)
    for wanted in map(Requirement, LOCKS[name]):
        chosen = versions.get(canonicalize_name(wanted.name), set())
        assert chosen, f"{wanted.name} is not in {name}: make lock"
        assert all(wanted.specifier.contains(version) for version in chosen), f"{wanted} has {chosen}: make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_a_hash_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "//" not in text


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-pkcs11.txt"])
def test_the_lists_agree_on_what_runs(name: str) -> None:
    development = locked("requirements-dev.txt")
    assert all(development[package] == versions for package, versions in locked(name).items())
