"""One command starts everything, and nothing outlives it."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
from pathlib import Path

import httpx
import pytest

from tests.processes import PATIENCE_SECONDS, Running, is_alive, manage, running
from tests.servers import free_port, postgresql, redis

READY = "Chancery is ready: "


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder after a first start, which was stopped by Ctrl-C."""
    state = tmp_path_factory.mktemp("chancery") / "var"
    with running("start", state=state) as chancery:
        chancery.wait_for(READY)
        assert "The first administrator is admin@localhost." in chancery.output()
        assert chancery.stop(signal.SIGINT) == 0
    return state


def test_a_first_start_leaves_its_secrets_to_the_owner_alone(prepared: Path) -> None:
    assert stat.S_IMODE(prepared.stat().st_mode) == 0o700
    for name in ("master.key", "secret.key", "first-password", "chancery.sqlite3"):
        assert stat.S_IMODE((prepared / name).stat().st_mode) == 0o600, name


def test_the_password_goes_to_no_log(prepared: Path) -> None:
    password = (prepared / "first-password").read_text().strip()
    assert len(password) >= 16
    for log in prepared.parent.glob("*.log"):
        assert password not in log.read_text()


def test_a_second_start_changes_nothing(prepared: Path) -> None:
    kept = {name: (prepared / name).read_bytes() for name in ("master.key", "secret.key", "first-password")}
    with running("start", state=prepared) as chancery:
        chancery.wait_for(READY)
        for sign_of_work in ("Made ", "Migrating", "Collecting", "administrator"):
            assert sign_of_work not in chancery.output()
    assert {name: (prepared / name).read_bytes() for name in kept} == kept


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_answers_its_probes_and_its_pages(prepared: Path) -> None:
    challenges = free_port()
    with running("serve", state=prepared, CHANCERY_TLS_ALPN_PORT=str(challenges)) as chancery:
        chancery.wait_for(READY)
        chancery.wait_until(lambda: _is_taken(challenges), "the listener for tls-alpn-01")
        assert chancery.get("/healthz") == (200, b'{"status": "ok"}')
        assert chancery.get("/readyz")[0] == 200
        assert chancery.get("/sign-in/")[0] == 200
        assert chancery.get("/static/app.css")[0] == 200


def test_the_link_of_a_mail_that_goes_to_the_terminal_opens(prepared: Path) -> None:
    with running("serve", state=prepared) as chancery, httpx.Client() as web:
        web.base_url = f"http://127.0.0.1:{chancery.port}"
        chancery.wait_for(READY)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', web.get("/password/forgotten/").text)
        assert token is not None
        form = {"csrfmiddlewaretoken": token[1], "email": "admin@localhost"}
        assert web.post("/password/forgotten/", data=form, headers={"Host": "localhost"}).is_success
        chancery.wait_until(lambda: "/password/new/" in chancery.output(), "the mail")
        link = re.search(r"^http://[^/]+(/password/new/\S+)$", chancery.output(), re.MULTILINE)
        assert link is not None, chancery.output()
        assert 'name="new_password"' in web.get(link[1], follow_redirects=True).text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_with_everything_it_has_started(prepared: Path, number: signal.Signals) -> None:
    with running("serve", state=prepared) as chancery:
        family = _whole_family(chancery)
        assert chancery.stop(number) == 0
        assert chancery.output().endswith("Chancery has stopped.\n")
        _wait_for_the_end_of(chancery, family)


@pytest.mark.parametrize(("victim", "name"), [(0, "web server"), (1, "worker"), (2, "clock")])
def test_where_one_part_dies_the_rest_is_stopped_and_it_says_why(prepared: Path, victim: int, name: str) -> None:
    with running("serve", state=prepared) as chancery:
        family = _whole_family(chancery)
        part = chancery.children()[victim]
        os.kill(part, signal.SIGKILL)
        assert chancery.process.wait(PATIENCE_SECONDS) == 1
        assert f"The {name} was ended by SIGKILL; the rest is stopped." in chancery.output()
        _wait_for_the_end_of(chancery, family)


def test_nothing_outlives_a_supervisor_that_was_killed(prepared: Path) -> None:
    with running("serve", state=prepared) as chancery:
        family = _whole_family(chancery)
        chancery.stop(signal.SIGKILL)
        _wait_for_the_end_of(chancery, family)


def test_a_port_in_use_is_told_in_a_sentence(prepared: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = manage("start", CHANCERY_STATE_DIR=str(prepared), CHANCERY_PORT=str(port))
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"CommandError: Port {port} is in use: something listens there already. Another one: make run PORT={port + 1}"
    )


def test_it_runs_on_postgresql_and_redis_and_tells_when_the_database_is_gone(tmp_path: Path) -> None:
    with postgresql() as database, redis() as cache:
        settings = {
            "DATABASE_URL": database.url,
            "REDIS_URL": cache.url,
            "CHANCERY_BASE_URL": f"http://localhost:{free_port()}",
            "CHANCERY_MASTER_KEY": os.urandom(32).hex(),
            "CHANCERY_SECRET_KEY": os.urandom(32).hex(),
            "CHANCERY_WEB_PROCESSES": "2",
            "CHANCERY_METRICS_ADDRESSES": "127.0.0.1",
        }
        with running("start", state=tmp_path / "var", **settings) as chancery:
            chancery.wait_for(READY)
            assert "Made " not in chancery.output()
            assert chancery.get("/readyz")[0] == 200
            # Whichever process is asked tells of both.
            assert {chancery.get("/static/app.css")[0] for _number in range(20)} == {200}
            told = chancery.get("/metrics")[1].decode()
            assert re.findall(r'_duration_seconds_count\{method="GET",route="static",.*\} (.*)', told) == ["20.0"]
            database.process.send_signal(signal.SIGINT)
            database.process.wait(PATIENCE_SECONDS)
            assert chancery.get("/readyz")[0] == 503
            assert chancery.get("/healthz")[0] == 200
            assert chancery.stop(signal.SIGTERM) == 0


def _whole_family(chancery: Running) -> list[int]:
    """Web server and its process, worker and its clock."""
    chancery.wait_for(READY)
    chancery.wait_until(lambda: len(chancery.descendants()) >= 4, "web server, its process, worker, clock")
    return chancery.descendants()


def _wait_for_the_end_of(chancery: Running, family: list[int]) -> None:
    """What was killed needs a moment of a processor to die."""
    chancery.wait_until(lambda: not any(is_alive(pid) for pid in family), "the end of all its children")
