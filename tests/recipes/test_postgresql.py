"""docs/recipes/postgresql.md, with PostgreSQL itself: Debian's, for what pip brings has no TLS."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recipes.conftest import Chancery
from tests.recipes.pages import Host
from tests.recipes.units import install_systemctl
from tests.servers import free_port

pytestmark = [
    pytest.mark.needs("pg_ctlcluster", "psql", "runuser", "openssl", "curl"),
    pytest.mark.skipif(os.geteuid() != 0, reason="the recipe is for root"),
]
PAGE = "postgresql.md"
SERIAL = (
    "openssl s_client -starttls postgres -connect 127.0.0.1:{port} </dev/null 2>/dev/null | openssl x509 -noout -serial"
)


@contextlib.contextmanager
def postgresql_on(host: Host, *, port: int) -> Iterator[None]:
    """PostgreSQL as a distribution runs it, for a user of its own, and what reloads it."""
    [*_older, programs] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    data, home = host.folder / "data", host.folder / "sockets"
    for folder in (data, home, host.folder / "etc/postgresql"):
        folder.mkdir(parents=True)
    subprocess.run(["chown", "postgres:", data, home], check=True)
    subprocess.run(
        ["runuser", "-u", "postgres", "--", programs / "initdb", "-D", data, "-A", "peer", "--no-sync", "--locale=C"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    install_systemctl(host, postgresql=f"runuser -u postgres -- {programs}/pg_ctl -s -D {data} reload\n")
    options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": home, "fsync": "off"}
    server = [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())]
    with (host.folder / "postgresql.log").open("wb") as log:
        process = subprocess.Popen(server, stderr=log, cwd="/", user="postgres", group="postgres", extra_groups=[])
    try:
        ready = [programs / "pg_isready", "-q", "-h", home, "-p", str(port)]
        host.run(f"until {' '.join(map(str, ready))}; do sleep 0.1; done")
        yield
    finally:
        process.terminate()
        process.wait(30)


def signing_in(**changes: str) -> str:
    """psql as the page has it, but for these words."""
    words = {
        "host": "db.example.com",
        "hostaddr": "127.0.0.1",
        "dbname": "shop",
        "user": "app",
        "sslmode": "verify-full",
        "sslrootcert": "database/root.pem",
        "sslcert": "app.pem",
        "sslkey": "app.key",
    } | changes
    return f"psql '{' '.join(f'{name}={value}' for name, value in words.items())}' -XAtc 'SELECT 1'"


def allow_name(chancery: Chancery, name: str) -> None:
    [role] = [each for each in chancery.ask("GET", "/roles")["data"] if each["name"] == "database-users"]
    chancery.ask("PATCH", f"/roles/{role['id']}", allowed_domains=[name])


def test_the_recipe_for_postgresql(chancery: Chancery, host: Host) -> None:
    port = free_port()
    host.copy_recipes(
        chancery.url,
        {
            "host=db.example.com": "host=db.example.com hostaddr=127.0.0.1",
            "-connect db.example.com:5432": f"-connect 127.0.0.1:{port}",
        },
    )
    host.begin(TOKEN=chancery.token, PGHOST=str(host.folder / "sockets"), PGPORT=str(port))
    with postgresql_on(host, port=port):
        host.follow(PAGE, "What an owner does once")
        said = host.follow(PAGE, "On the host of PostgreSQL")
        assert len(said.splitlines()) == 2, f"pg_hba.conf is not well: {said}"
        assert host.modes("etc/postgresql/tls") == {0o700}
        assert host.modes("etc/postgresql/tls/server.key", "etc/chancery/database.authorization") == {0o600}
        host.follow(PAGE, "On a client")
        said = host.follow(PAGE, "See that it works")
        assert said.startswith("app|TLSv1.3|/CN=app\n")
        assert "Verification: OK" in said
        without = signing_in(sslcert="none")
        assert "connection requires a valid client certificate" in host.run(without, fails=True)
        asked = "CHANCERY_AUTHORIZATION=database-users/authorization get-certificate.sh database-users mallory mallory"
        assert "the role does not allow 'mallory'" in host.run(asked, fails=True)
        allow_name(chancery, "mallory")
        host.run(asked)
        another = signing_in(sslcert="mallory.pem", sslkey="mallory.key")
        assert 'certificate authentication failed for user "app"' in host.run(another, fails=True)
        assert "does not match host name" in host.run(signing_in(host="other.example.com"), fails=True)

        before = host.run(SERIAL.format(port=port))
        said = host.follow(PAGE, "What happens at renewal")
        assert said.count("serial=") == 1, "what is not new was installed"
        assert host.run(SERIAL.format(port=port)) != before

        chancery.revoke(host.certificate("app.pem"))
        # By the timers' services, and their drop-in for PostgreSQL.
        host.run(f"sed -i s/web/database/g {host.folder}/docs/recipes/systemd.md")
        host.follow("systemd.md", "Install the units")
        host.run("systemctl start certificate-pull@database.service certificate-crls@database.service")
        assert "certificate revoked" in host.follow(PAGE, "See that it works", fails=True)
        host.follow(PAGE, "What happens at a revocation")

        host.follow(PAGE, "Undo")
        assert not (host.folder / "etc/postgresql/tls").exists()
        assert host.run("runuser -u postgres -- psql -XAtc 'SHOW ssl'") == "off\n"
