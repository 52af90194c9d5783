"""The three examples of PKIFactor's documentation, in our names, as users write them: sdk/*/examples."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.sdk.conftest import Office
from tests.sdk.workshop import SDK, TypeScript, go, python, run

NAMES = ["www.example.com", "example.com"]


@pytest.fixture(scope="module")
def told(office: Office) -> dict[str, str]:
    """Whom to ask, and by which key; the template of the examples is there."""
    key = office.credentials("examples")["officer"]
    ca = office.make(key, "/cas", {"name": "Root", "subject": {"common_name": "Example Root"}})
    role = {"pki_id": ca["id"], "name": "web", "max_ttl": "397d", "allowed_domains": ["example.com"]}
    office.make(key, "/roles", role | {"allow_subdomains": True, "allow_bare_domains": True})
    template = {"pki_id": ca["id"], "pki_role": "web", "name": "Web server", "code": "web-tls", "validity_days": 90}
    office.make(key, "/templates", template | {"extended_key_usage": ["server_auth"]})
    return {"CHANCERY_URL": office.url, "CHANCERY_API_KEY": key}


def require_said(output: str) -> None:
    """The serial number, and when it ends: in 90 days."""
    assert re.search("^Issued: [0-9A-F]{2}(:[0-9A-F]{2})+$", output, re.MULTILINE), output
    end = re.search(r"^It ends: (\d{4}-\d\d-\d\d)", output, re.MULTILINE)
    assert end, output
    ends = datetime.fromisoformat(end[1]).replace(tzinfo=UTC)
    assert abs(ends - datetime.now(UTC) - timedelta(days=90)) < timedelta(days=2)


@pytest.mark.row("P80")
def test_python(told: dict[str, str], tmp_path: Path) -> None:
    ended = python(SDK / "python" / "examples" / "issue.py", folder=tmp_path, **told)
    assert ended.returncode == 0, ended.stdout
    require_said(ended.stdout)
    certificate = x509.load_pem_x509_certificate((tmp_path / "www.example.com.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == NAMES


@pytest.mark.row("P80")
@pytest.mark.needs("go")
def test_go(told: dict[str, str]) -> None:
    ended = go("run", "./examples/issue", **told)
    assert ended.returncode == 0, ended.stdout
    require_said(ended.stdout)


@pytest.mark.row("P80")
@pytest.mark.needs("node", "tsc")
@pytest.mark.parametrize(("module", "resolution"), [("es2022", "node"), ("node16", "node16")])
def test_typescript(told: dict[str, str], typescript: TypeScript, module: str, resolution: str) -> None:
    source = SDK / "typescript" / "examples" / "issue.ts"
    program = typescript.compiled(source, module=module, resolution=resolution)
    ended = run(["node", program], typescript.project, **told)
    assert ended.returncode == 0, ended.stdout
    require_said(ended.stdout)


@pytest.mark.needs("node", "tsc")
def test_javascript_without_modules(told: dict[str, str], typescript: TypeScript) -> None:
    program = typescript.project / "issue.cjs"
    program.write_text(
        """
        const { ChanceryClient } = require("@chancery/client");
        const { CHANCERY_URL: baseUrl, CHANCERY_API_KEY: apiKey } = process.env;
        const client = new ChanceryClient({ baseUrl, apiKey });
        client.whoami.get().then((me) => console.log(me.credential.name));
        """
    )
    ended = run(["node", program], typescript.project, **told)
    assert (ended.returncode, ended.stdout) == (0, "officer\n")
