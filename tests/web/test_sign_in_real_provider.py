"""Signing in through a provider that no one here wrote: panva/node-oidc-provider.

`npm install oidc-provider` somewhere, and name that folder in OIDC_PROVIDER_FOLDER.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from django.test import Client

from accounts.models import Membership, SignInProvider, User
from accounts.services.private_ranges import allow_private_range
from accounts.services.sign_in_providers import ProviderOrder, create_sign_in_provider
from kernel.secret import Secret
from tests import cast
from tests.web.people import is_in

FOLDER = os.environ.get("OIDC_PROVIDER_FOLDER", "")

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.any_database,
    pytest.mark.skipif(not FOLDER, reason="needs OIDC_PROVIDER_FOLDER, where node's oidc-provider is"),
]


@pytest.fixture
def row() -> SignInProvider:
    owner = cast.owner(cast.organization())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    order = ProviderOrder(
        name="Example ID", role_claim="groups", role_map={"pki-operators": "operator"}, makes_members=True
    )
    for network in ("127.0.0.0/8", "::1"):
        allow_private_range(actor=cast.SUPERUSER, organization=owner.organization, network=network)
    return create_sign_in_provider(
        actor=owner.actor,
        organization=owner.organization,
        issuer=f"http://localhost:{port}",
        client_id="chancery",
        client_secret=Secret("what only the two know"),
        order=order,
    )


@pytest.fixture
def _provider(row) -> Iterator[None]:
    script = Path(__file__).with_name("provider.mjs")
    redirect = f"http://localhost:8000/sign-in/with/{row.public_id}/callback/"
    command = ["node", str(script), str(urlsplit(row.issuer).port), redirect]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            if "ready" in line:
                break
        yield
        process.terminate()


def walk_through_its_pages(address: str, login: str) -> str:
    """What a browser does at the provider: sign in, agree, and be sent back; the address of ours."""
    browser = requests.Session()
    page = browser.get(address, allow_redirects=False, timeout=240)
    for _step in range(12):
        if page.is_redirect:
            address = urljoin(address, page.headers["Location"])
            if address.startswith("http://localhost:8000/"):
                return address.removeprefix("http://localhost:8000")
            page = browser.get(address, allow_redirects=False, timeout=240)
            continue
        prompt = re.search(r'name="prompt" value="(\w+)"', page.text)[1]
        address = urljoin(address, re.search(r'action="([^"]+)"', page.text)[1])
        form = {"prompt": prompt, "login": login, "password": "any"}
        page = browser.post(address, form, allow_redirects=False, timeout=240)
    raise AssertionError(page.text)


@pytest.mark.usefixtures("_provider")
def test_its_people_sign_in_and_have_the_role_of_their_group(row):
    client = Client()
    asked = client.get(f"/sign-in/with/{row.public_id}/")
    back = walk_through_its_pages(asked["Location"], "jane")
    assert client.get(back)["Location"] == "/"
    assert is_in(client)
    user = User.objects.get(email="jane@elsewhere.example")
    assert (user.name, Membership.objects.get(user=user).role) == ("Jane Doe", "operator")
    again = Client()
    again.get(walk_through_its_pages(again.get(f"/sign-in/with/{row.public_id}/")["Location"], "jane"))
    assert is_in(again)
    assert User.objects.filter(managed_by=row.organization).count() == 1
