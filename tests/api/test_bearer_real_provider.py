"""A token of a provider that no one here wrote (panva/node-oidc-provider) issues a certificate.

`npm install oidc-provider` somewhere, and name that folder in OIDC_PROVIDER_FOLDER.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from accounts.services.machine_identities import bind_machine_identity
from accounts.services.oidc_issuers import IssuerOrder, create_oidc_issuer
from accounts.services.private_ranges import allow_private_range
from accounts.services.service_accounts import create_service_account
from certificates.models import Certificate
from kernel.permissions import Permission
from tests import cast
from tests.api.wire import Wire
from tests.office import open_office
from tests.servers import free_port

FOLDER = os.environ.get("OIDC_PROVIDER_FOLDER", "")
AUDIENCE, OTHER = "https://pki.acme.example/api", "https://pki.other.example/api"
WISH = {"template_code": "web-tls", "common_name": "www.acme.test"}

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.any_database,
    pytest.mark.skipif(not FOLDER, reason="needs OIDC_PROVIDER_FOLDER, where node's oidc-provider is"),
]


@pytest.fixture
def provider() -> Iterator[str]:
    port = free_port()
    script = Path(__file__).with_name("token_provider.mjs")
    command = ["node", str(script), str(port), AUDIENCE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "ready" in line:
                break
        assert process.poll() is None, said
        yield f"http://localhost:{port}"
        process.terminate()


def token_of(provider: str, audience: str) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": "ci",
        "client_secret": "what only the two know",
        "resource": audience,
    }
    answer = requests.post(f"{provider}/token", form, timeout=240)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


@pytest.mark.row("P34")
def test_its_token_issues_a_certificate_and_one_for_another_audience_does_not(provider):
    office = open_office()
    for network in ("127.0.0.0/8", "::1"):
        allow_private_range(actor=cast.SUPERUSER, organization=office.organization, network=network)
    issuer = create_oidc_issuer(
        actor=office.owner,
        organization=office.organization,
        issuer=provider,
        order=IssuerOrder(name="Example ID", audience=AUDIENCE),
    )
    account = create_service_account(
        actor=office.owner,
        organization=office.organization,
        owner=office.person.user,
        name="build server",
        permissions=[Permission.CERTIFICATES_READ, Permission.CERTIFICATES_ISSUE],
    )
    assert Wire(token_of(provider, AUDIENCE)).post("/api/v2/certificates", WISH).status_code == 401
    bind_machine_identity(actor=office.owner, issuer=issuer, subject="ci", account=account)
    answer = Wire(token_of(provider, AUDIENCE)).post("/api/v2/certificates", WISH)
    assert answer.status_code == 201, answer.content
    assert Certificate.objects.get().requester_label == "build server"
    assert Wire(token_of(provider, OTHER)).post("/api/v2/certificates", WISH).status_code == 401
    good = token_of(provider, AUDIENCE)
    forged = good[:-8] + ("A" * 8 if not good.endswith("A" * 8) else "B" * 8)
    assert Wire(forged).post("/api/v2/certificates", WISH).status_code == 401
