"""Nobody has more of what others wait for than the office bears; what others have is not counted with it."""

from __future__ import annotations

import pytest

from tests import cast
from tests.api.wire import wire_of

pytestmark = pytest.mark.django_db

ACCOUNT = {"provider": "letsencrypt", "environment": "staging", "email": "pki@acme.example", "agrees_to_terms": True}
# By path: the constant, and what is sent for one of this name.
CASES = {
    "channels": (
        "notices.services.channels._MOST_CHANNELS",
        lambda name: {"name": name, "kind": "slack", "url": "https://hooks.slack.test/services/T0/B0/x"},
    ),
    "notification-rules": (
        "notices.services.rules._MOST_RULES",
        lambda name: {"name": name, "subject": "certificate.expiring", "thresholds": [7]},
    ),
    "acme/accounts": ("acme_client.services.accounts._MOST_ACCOUNTS", lambda name: ACCOUNT | {"name": name}),
    "dns-providers": (
        "acme_client.services.dns_providers._MOST_PROVIDERS",
        lambda name: {"name": name, "type": "digitalocean", "config": {"auth_token": "t0ken"}},
    ),
    "public-names": ("acme_client.services.names._MOST_NAMES", lambda name: {"name": f"{name}.example.com"}),
}


@pytest.mark.parametrize("path", CASES)
def test_an_organization_has_so_many_and_no_more(api, office, monkeypatch, path):
    constant, order = CASES[path]
    elsewhere = wire_of(cast.stranger())
    assert elsewhere.post(f"/api/v2/{path}", order("theirs")).status_code == 201
    before = api.get(f"/api/v2/{path}").json()["pagination"]["total"]
    monkeypatch.setattr(constant, before + 1)
    assert api.post(f"/api/v2/{path}", order("first")).status_code == 201
    refused = api.post(f"/api/v2/{path}", order("second"))
    assert refused.status_code == 409, refused.content
    assert refused.json()["type"].endswith("/too-many")
    assert f"{before + 1} of them" in refused.json()["detail"]
    assert api.get(f"/api/v2/{path}").json()["pagination"]["total"] == before + 1


def test_so_it_is_with_places_of_use(api, office, monkeypatch):
    monkeypatch.setattr("certificates.services.placements._MOST_PLACES", 1)
    first, second = (f"/api/v2/certificates/{office.issue().certificate.public_id}/placements" for _ in range(2))
    assert api.post(first, {"host": "www.acme.example"}).status_code == 201
    refused = api.post(second, {"host": "api.acme.example"})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "too-many")
