"""Who may do the dangerous things: found by reading the source, so that a new place has to be written down here."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("kernel", "audit", "accounts", "cas", "certificates", "acme_client", "notices", "api", "web", "pkiproject")

# The bytes of a Secret are asked for here and nowhere else.
REVEALING = {
    "kernel/seal.py",
    # keys and tokens, as what they are
    "audit/signing.py",
    "accounts/tokens.py",
    "accounts/program_tokens.py",
    "cas/core/keys.py",
    "cas/core/formats.py",
    "cas/keystore.py",
    "cas/backends/sealed.py",
    "cas/backends/token.py",
    "cas/core/keyfiles.py",
    "cas/core/pkcs12_trial.py",
    "pkiproject/archive/console.py",
    "pkiproject/archive/document.py",
    "pkiproject/archive/stream.py",
    "pkiproject/keyfiles.py",
    "pkiproject/settings.py",
    # passwords and tokens that come in
    "accounts/services/bearer.py",
    "accounts/services/credentials.py",
    "accounts/services/people.py",
    "accounts/services/sign_in_tokens.py",
    "accounts/second_factors.py",
    "accounts/services/second_factor.py",
    "api/common/remembered.py",
    "pkiproject/proxies.py",
    "pkiproject/metrics/endpoint.py",
    # what another system had sealed
    "certificates/moving/fastpki_rows.py",
    "certificates/services/inventory.py",
    # to the provider that it was agreed with
    "web/account/external.py",
    # to public CAs and DNS providers, of an account there
    "acme_client/client.py",
    "acme_client/dns/credentials.py",
    "acme_client/dns/lexicon_client.py",
    "acme_client/dns/rfc2136.py",
    # where messages go, and what they are signed with
    "notices/sealing.py",
    "notices/services/channels.py",
    "notices/webhook_signing.py",
    # handed out, once, to whoever asked
    "web/account/api_keys.py",
    "web/account/service_account_pages.py",
    "web/account/security.py",
    "accounts/admin/keys.py",
    "notices/admin/channel_pages.py",
    "accounts/services/oauth_server.py",
    "api/oauth/views.py",
    "web/oauth/applications.py",
    "web/oauth/authorize.py",
    "accounts/management/commands/create_api_key.py",
    "api/certman/certificates.py",
    "api/native/channel_shapes.py",
    "api/fastpki/identity_outputs.py",
    "api/native/batch_outputs.py",
    "api/native/certificate_outputs.py",
    "api/native/key_shapes.py",
    "api/native/oauth.py",
    "api/scaivault/outputs.py",
    "certificates/bundles.py",
    "certificates/delivery.py",
    "pkiproject/management/commands/first_administrator.py",
}


def sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def calling(attribute: str) -> set[str]:
    """Every file that calls a method of this name."""
    return {
        str(path.relative_to(ROOT))
        for path in sources()
        for call in calls(path)
        if isinstance(call.func, ast.Attribute) and call.func.attr == attribute
    }


def test_secrets_are_revealed_where_it_is_written_down():
    revealing = calling("reveal")
    assert revealing - REVEALING == set()
    assert {path for path in REVEALING - revealing if (ROOT / path).exists()} == set()


def test_signatures_are_made_in_signing_files_alone():
    assert {path for path in calling("sign") if not path.endswith("signing.py")} == set()


def test_the_guard_of_signatures_would_see_one(tmp_path):
    path = tmp_path / "elsewhere.py"
    path.write_text("signature = key.sign(data)\n")
    assert [call.func.attr for call in calls(path)] == ["sign"]


def test_ca_keys_are_opened_by_the_keystore_alone():
    opening = re.compile(r"^(from cas\.backends|from cas import .*\bbackends\b|import cas\.backends)", re.MULTILINE)
    openers = {str(path.relative_to(ROOT)) for path in sources() if opening.search(path.read_text())}
    assert {path for path in openers if not path.startswith("cas/backends/")} == {"cas/keystore.py"}


@pytest.mark.parametrize("room", ["accounts", "cas", "certificates", "audit"])
def test_nobody_translates_below_the_edges(room):
    """Messages are kept as templates until somebody shows them; labels of models and the admin are lazy."""
    eager = {
        str(path.relative_to(ROOT))
        for path in (ROOT / room).rglob("*.py")
        if "/admin/" not in str(path) and re.search(r"import .*\bgettext\b(?!_lazy)", path.read_text())
    }
    assert eager == set()


def test_imports_run_one_way():
    program = Path(sys.executable).parent / "lint-imports"
    assert program.exists() or shutil.which("lint-imports"), "import-linter is among the requirements for development"
    run = subprocess.run([str(program)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
