"""The API key that the recipes give to a host: what it can do with it, and what it cannot."""

from __future__ import annotations

import pytest

from tests.recipes.conftest import Chancery
from tests.recipes.pages import Host

pytestmark = pytest.mark.needs("openssl", "curl")


def test_a_hosts_key_is_for_one_ca_and_the_names_of_its_role(chancery: Chancery, host: Host) -> None:
    host.copy_recipes(chancery.url)
    host.begin(TOKEN=chancery.token)
    host.follow("nginx.md", "What an owner does once")
    assert host.modes("web", "clients") == {0o700}
    assert host.modes("web/authorization", "clients/authorization") == {0o600}
    assert not list(host.folder.glob("*/owner"))
    [key] = [each for each in chancery.ask("GET", "/api-keys")["data"] if each["name"] == "web"]
    assert (key["kind"], key["permissions"], key["allowed_cidrs"]) == ("cm", [], ["127.0.0.1/32"])

    token = (host.folder / "web/authorization").read_text().split()[-1]
    of_host = Chancery(chancery.url, token)
    assert [each["name"] for each in of_host.ask("GET", "/cas")["data"]] == ["web"]
    order = "CHANCERY_AUTHORIZATION=$PWD/web/authorization docs/recipes/get-certificate.sh"
    host.run(f"{order} web www.example.com good www.example.com")
    assert "does not allow 'mail.example.com'" in host.run(f"{order} web mail.example.com bad", fails=True)
    assert "404" in host.run(f"{order} clients alice bad", fails=True)
    assert not list(host.folder.glob("bad*"))
    serial = f"{host.certificate('good.pem').serial_number:x}"
    found = of_host.ask("GET", f"/certificates/by-serial/0x{serial}")
    for path in (f"/certificates/{found['id']}/revoke", "/api-keys", "/cas"):
        assert of_host.send("POST", path, name="other").status_code == 403, path


def test_a_template_that_asks_for_an_approval_is_said_to_be_one(chancery: Chancery, host: Host) -> None:
    host.copy_recipes(chancery.url)
    host.begin(TOKEN=chancery.token)
    host.follow("nginx.md", "What an owner does once")
    [template] = [each for each in chancery.ask("GET", "/templates")["data"] if each["code"] == "web"]
    chancery.ask("PATCH", f"/templates/{template['id']}", requires_approval=True)
    order = "CHANCERY_AUTHORIZATION=$PWD/web/authorization docs/recipes/get-certificate.sh web www.example.com www"
    assert "somebody has to approve it first: /api/v2/requests/" in host.run(order, fails=True)
    assert not list(host.folder.glob("www*"))
