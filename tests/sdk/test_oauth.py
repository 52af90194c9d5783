"""OAuth tokens are renewed, and the new pair is kept, in every language: sdk/*/examples/oauth."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.sdk.conftest import Office
from tests.sdk.workshop import SDK, go, python, run

ORGANIZATION = "oauth"
VERIFIER = "a-secret-of-the-application-that-nobody-guesses"
REDIRECT = "http://127.0.0.1/callback"
Example = Callable[..., Any]


def _python(_request: pytest.FixtureRequest, file: Path, **settings: str) -> Any:
    return python(SDK / "python" / "examples" / "oauth.py", file, folder=file.parent, **settings)


def _go(_request: pytest.FixtureRequest, file: Path, **settings: str) -> Any:
    return go("run", "./examples/oauth", str(file), **settings)


def _typescript(request: pytest.FixtureRequest, file: Path, **settings: str) -> Any:
    typescript = request.getfixturevalue("typescript")
    program = typescript.project / "oauth.js"
    if not program.exists():
        typescript.compiled(SDK / "typescript" / "examples" / "oauth.ts")
    return run(["node", program, file], file.parent, **settings)


EXAMPLES = [
    pytest.param(_python, id="python"),
    pytest.param(_go, id="go", marks=pytest.mark.needs("go")),
    pytest.param(_typescript, id="typescript", marks=pytest.mark.needs("node", "tsc")),
]


def given(office: Office) -> dict[str, str]:
    """A pair of tokens, for reading, from the server itself."""
    office.credentials(ORGANIZATION)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    consent = office.at_console(f"consent({ORGANIZATION!r}, {REDIRECT!r}, {challenge!r})")
    fields = {
        "grant_type": "authorization_code",
        "client_id": consent["client_id"],
        "code": consent["code"],
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    with urlopen(f"{office.url}/oauth/token", urlencode(fields).encode(), timeout=60) as answer:  # noqa: S310
        tokens = json.load(answer)
    return {name: tokens[name] for name in ("access_token", "refresh_token")} | {"client_id": consent["client_id"]}


@pytest.mark.parametrize("example", EXAMPLES)
def test_tokens_are_renewed_and_kept(
    example: Example, office: Office, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    # The server's own name: tokens are asked for nowhere else.
    told = {"CHANCERY_URL": office.url.replace("127.0.0.1", "localhost")}
    file = tmp_path / "tokens.json"
    first = given(office)
    file.write_text(json.dumps(first))
    pairs = [first]
    for access_token in (first["access_token"], "cm_oauth_that_is_over", "cm_oauth_that_is_over"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"access_token": access_token}))
        ended = example(request, file, **told)
        assert ended.returncode == 0, ended.stdout
        assert "in Office of oauth" in ended.stdout
        pairs.append(json.loads(file.read_text()))
    assert pairs[1] == first
    # A refresh token that is used twice would have ended the consent.
    assert len({pair["refresh_token"] for pair in pairs}) == 3
