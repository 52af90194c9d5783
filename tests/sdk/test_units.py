"""Each SDK in the manner of its language: its own tests, its own checks of style and types."""

from __future__ import annotations

import pytest

from tests.sdk.workshop import SDK, TypeScript, go, run


@pytest.mark.needs("go")
def test_go_is_formatted_and_vetted() -> None:
    unformatted = run(["gofmt", "-l", "."], SDK / "go")
    assert (unformatted.returncode, unformatted.stdout) == (0, "")
    vetted = go("vet", "./...")
    assert vetted.returncode == 0, vetted.stdout


@pytest.mark.needs("go")
def test_go_needs_nothing_but_its_standard_library() -> None:
    imported = go("list", "-deps", "-test", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./...")
    assert imported.returncode == 0, imported.stdout
    assert [line for line in imported.stdout.split() if not line.startswith(("chancery", "[chancery"))] == []


@pytest.mark.needs("go")
def test_go_passes_its_own_tests() -> None:
    tested = go("test", "-count=1", "./...")
    assert tested.returncode == 0, tested.stdout


@pytest.mark.needs("node", "tsc")
def test_typescript_passes_its_own_tests(typescript: TypeScript) -> None:
    """As `npm test` runs them, which builds first."""
    tests = sorted((typescript.package / "test").glob("*.mjs"))
    assert tests
    tested = run(["node", "--test", *tests], typescript.package)
    assert tested.returncode == 0, tested.stdout
