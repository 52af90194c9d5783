"""docs/recipes/systemd.md: systemd's own opinion of the units, and what they do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.processes import ROOT
from tests.recipes.conftest import Chancery
from tests.recipes.pages import Host
from tests.recipes.units import install_systemctl

pytestmark = pytest.mark.needs("openssl", "curl")
PAGE = "systemd.md"
PULL, RENEW = "Pull, with curl and openssl alone", "Renew, with the chancery command"


@pytest.fixture
def web(chancery: Chancery, host: Host) -> Host:
    """A host with a certificate for nginx, as nginx.md makes it, and with the units."""
    host.copy_recipes(chancery.url)
    install_systemctl(host)
    host.begin(TOKEN=chancery.token)
    host.follow("nginx.md", "What an owner does once")
    host.follow("nginx.md", "On the host of nginx", block=0)
    host.follow(PAGE, "Install the units")
    return host


def certificate(host: Host) -> x509.Certificate:
    return host.certificate("etc/nginx/tls/www.pem")


def reloads(host: Host) -> int:
    return (host.folder / "systemctl.log").read_text().splitlines().count("reload nginx")


def test_what_the_office_has_renewed_is_pulled(chancery: Chancery, web: Host) -> None:
    web.follow(PAGE, PULL)
    old = certificate(web)
    web.follow(PAGE, "See that it works")
    assert (certificate(web), reloads(web)) == (old, 0)

    chancery.renew(old)
    web.follow(PAGE, "See that it works")
    assert certificate(web) != old
    assert certificate(web).public_key() == old.public_key()
    assert reloads(web) == 1

    web.follow(PAGE, "Undo")
    assert not list((web.folder / "etc/systemd/system").iterdir())


def test_the_host_renews_what_is_about_to_end(chancery: Chancery, web: Host) -> None:
    program = f'#!/bin/sh\nPYTHONPATH={ROOT}/sdk/python/src exec {sys.executable} -m chancery_client.cli "$@"\n'
    web.write("opt/chancery/bin/chancery", program, mode=0o755)
    web.follow(PAGE, RENEW)
    assert web.modes("etc/chancery/web.env") == {0o600}
    start = "systemctl start certificate-renew@web.service"
    old = certificate(web)
    assert "Nothing to do" in web.run(start)
    assert (certificate(web), reloads(web)) == (old, 0)

    [template] = [each for each in chancery.ask("GET", "/templates")["data"] if each["code"] == "web"]
    chancery.ask("PATCH", f"/templates/{template['id']}", validity="20d")
    web.run("rm etc/nginx/tls/www.*")
    web.follow("nginx.md", "On the host of nginx", block=0)
    old = certificate(web)
    web.run(start)
    new = certificate(web)
    assert new.serial_number != old.serial_number
    assert new.public_key() != old.public_key()
    assert reloads(web) == 1
    assert web.modes("etc/nginx/tls/www.key") == {0o600}
    web.run("openssl verify -CAfile web/root.pem -untrusted etc/nginx/tls/www.pem etc/nginx/tls/www.pem")
    key = load_pem_private_key((web.folder / "etc/nginx/tls/www.key").read_bytes(), None)
    assert key.public_key() == new.public_key()


def test_a_reload_that_fails_is_tried_again(chancery: Chancery, web: Host) -> None:
    chancery.renew(certificate(web))
    pull = "pull-certificate.sh etc/nginx/tls/www"
    web.run(f"{pull} false", fails=True)
    assert web.run(f"{pull} echo reloaded").endswith("reloaded\n")
    assert web.run(f"{pull} echo reloaded") == ""


def test_a_certificate_for_another_key_is_not_installed(chancery: Chancery, web: Host) -> None:
    old = certificate(web)
    chancery.renew(old)
    web.run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out etc/nginx/tls/www.key")
    assert "it is not for the key" in web.run("pull-certificate.sh etc/nginx/tls/www echo reloaded", fails=True)
    assert certificate(web) == old


def test_a_crl_of_another_ca_is_not_installed(web: Host) -> None:
    web.run("cp web/crl-urls etc/nginx/tls/clients.urls && cp etc/nginx/tls/clients.crl before")
    assert "is not signed by a CA" in web.run("pull-crls.sh etc/nginx/tls/clients echo reloaded", fails=True)
    web.run("cmp before etc/nginx/tls/clients.crl")
    assert sorted(path.name for path in (web.folder / "etc/nginx/tls").glob("clients*")) == [
        "clients.crl",
        "clients.pem",
        "clients.urls",
    ]


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("instance", ["web", "database"])
@pytest.mark.parametrize("kind", ["pull", "crls", "renew"])
def test_systemd_accepts_the_units(host: Host, kind: str, instance: str) -> None:
    host.copy_recipes("https://pki.example.com")
    host.begin()
    for program in ("usr/local/bin/pull-certificate.sh", "usr/local/bin/pull-crls.sh", "opt/chancery/bin/chancery"):
        host.write(program, "#!/bin/sh\n", mode=0o755)
    install_systemctl(host)
    host.run(f"sed -i s/web/{instance}/g docs/recipes/{PAGE}")
    host.follow(PAGE, "Install the units")
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{host.folder}/etc/systemd/system:"}
    unit = f"certificate-{kind}@{instance}"
    for command in (
        ["verify", "--man=no", f"{unit}.service", f"{unit}.timer"],
        ["security", "--offline=true", "--threshold=25", "--no-pager", f"{unit}.service"],
    ):
        judged = subprocess.run(
            ["systemd-analyze", *command], env=environment, capture_output=True, text=True, check=False
        )
        assert (judged.returncode, judged.stderr) == (0, ""), judged.stdout + judged.stderr
