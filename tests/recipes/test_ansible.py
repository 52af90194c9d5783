"""docs/recipes/ansible.md, with Ansible itself, which is a program that the test runs."""

from __future__ import annotations

import re

import pytest

from tests.recipes.conftest import Chancery
from tests.recipes.pages import Host
from tests.recipes.units import install_systemctl

pytestmark = pytest.mark.needs("ansible-playbook", "openssl", "curl")
PAGE = "ansible.md"
PEM = "etc/nginx/tls/www.example.com.pem"


def changes(said: str) -> int:
    [found] = re.findall(r"www\.example\.com +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0", said)
    return int(found)


def test_the_recipe_for_ansible(chancery: Chancery, host: Host) -> None:
    host.copy_recipes(chancery.url)
    install_systemctl(host)
    host.write("hosts.ini", host.shown(PAGE, "ini"))
    host.write("password", "correct horse battery staple\n", mode=0o600)
    # In the place of ssh: the host is this machine.
    ansible = {"ANSIBLE_TRANSPORT": "local", "ANSIBLE_VAULT_PASSWORD_FILE": str(host.folder / "password")}
    host.begin(TOKEN=chancery.token, LC_ALL="C.UTF-8", **ansible)
    host.follow(PAGE, "What an owner does once")
    assert "chancery_api_key" not in (host.folder / "vault.yml").read_text()

    said = host.follow(PAGE, "The playbook")
    assert changes(said) > 0
    assert host.modes("etc/nginx/tls/www.example.com.key", "etc/nginx/tls/www.example.com.url") == {0o600}
    first = host.certificate(PEM)
    said = host.follow(PAGE, "See that it works")
    assert f"{PEM}: OK" in said
    assert changes(said) == 0, said
    assert host.certificate(PEM) == first

    chancery.renew(first)
    assert changes(host.follow(PAGE, "The playbook")) == 2
    assert host.certificate(PEM) != first
    assert (host.folder / "systemctl.log").read_text() == "reload nginx\n" * 2

    host.follow(PAGE, "Undo")
    assert not list((host.folder / "etc/nginx/tls").iterdir())
