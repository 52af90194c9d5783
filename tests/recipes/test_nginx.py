"""docs/recipes/nginx.md, with nginx itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator

import pytest
from cryptography import x509

from tests.recipes.conftest import Chancery
from tests.recipes.pages import Host
from tests.recipes.units import install_systemctl
from tests.servers import free_port

pytestmark = [pytest.mark.needs("nginx", "openssl", "curl")]
PAGE = "nginx.md"


@contextlib.contextmanager
def nginx_on(host: Host, *, port: int) -> Iterator[None]:
    """nginx as a distribution runs it, and what reloads it; `port` is in the place of 443."""
    real = shutil.which("nginx")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {host.folder}/spool/{kind};\n" for kind in kinds)
    configuration = host.write(
        "etc/nginx/nginx.conf",
        f"user {'root' if os.geteuid() == 0 else 'nobody'};\npid {host.folder}/pid;\n"
        f"error_log {host.folder}/nginx.log notice;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}include {host.folder}/etc/nginx/conf.d/*.conf;\n}}\n",
    )
    for each in ("etc/nginx/conf.d", "spool"):
        (host.folder / each).mkdir()
    command = f"{real} -c {configuration} -e {host.folder}/nginx.log"
    host.write("usr/local/bin/nginx", f'#!/bin/sh\nexec {command} "$@"\n', mode=0o755)
    # Back when the workers of before have let go: a connection made now is one of the new ones.
    reload = (
        f'ended() {{ grep -c "gracefully shutting down" {host.folder}/nginx.log || :; }}\n'
        f"before=$(ended)\n{command} -t -q\n{command} -s reload\n"
        'while [ "$(ended)" = "$before" ]; do sleep 0.05; done\n'
    )
    install_systemctl(host, nginx=reload)
    process = subprocess.Popen([*command.split(), "-g", "daemon off;"])
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def serial_served(port: int) -> int:
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def test_the_recipe_for_nginx(chancery: Chancery, host: Host) -> None:
    port = free_port()
    host.copy_recipes(
        chancery.url,
        {
            "listen 443": f"listen 127.0.0.1:{port}",
            "-connect www.example.com:443": f"-connect 127.0.0.1:{port} -servername www.example.com",
        },
    )
    host.write(".curlrc", f'connect-to = "www.example.com:443:127.0.0.1:{port}"\n')
    host.begin(TOKEN=chancery.token)
    with nginx_on(host, port=port):
        host.follow(PAGE, "What an owner does once")
        host.follow(PAGE, "On the host of nginx")
        assert host.modes("etc/nginx/tls/www.key", "etc/chancery/web.authorization") == {0o600}
        host.follow(PAGE, "On a client")
        said = host.follow(PAGE, "See that it works")
        assert said.startswith("Good day, CN=alice\n")
        assert "400 No required SSL certificate was sent" in said
        assert "Verification: OK" in said

        before = serial_served(port)
        said = host.follow(PAGE, "What happens at renewal")
        assert said.count("serial=") == 1, "what is not new was installed"
        assert serial_served(port) != before

        chancery.revoke(host.certificate("alice.pem"))
        host.follow(PAGE, "What happens at a revocation")
        assert "400 The SSL certificate error" in host.follow(PAGE, "See that it works")

        host.follow(PAGE, "Undo")
        assert not list((host.folder / "etc").rglob("*.key"))
        with pytest.raises(ConnectionRefusedError):
            serial_served(port)
