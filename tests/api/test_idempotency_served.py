"""The header as the web server hands it on, and one key in many requests at once, on SQLite as a first start has it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.processes import PATIENCE_SECONDS, Running, manage, running

KEY = "Idempotency-Key"
PARALLEL = 50
WISH = {"template_code": "web-tls", "subject": {"common_name": "www.acme.test"}, "sans": ["www.acme.test"]}


@dataclass(frozen=True)
class Served:
    """A Chancery that runs, and a key to it."""

    running: Running
    token: str

    def post(self, path: str, body: object, *headers: tuple[str, str]) -> tuple[int, dict[str, str], bytes]:
        data = json.dumps(body).encode()
        usual = [("Authorization", f"Bearer {self.token}"), ("Content-Type", "application/json")]
        with contextlib.closing(HTTPConnection("127.0.0.1", self.running.port, timeout=60)) as connection:
            connection.putrequest("POST", f"/api/v2{path}")
            for name, value in (*usual, ("Content-Length", str(len(data))), *headers):
                connection.putheader(name, value)
            connection.endheaders(data)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def make(self, path: str, body: object) -> Any:
        status, _headers, content = self.post(path, body)
        assert status == 201, content
        return json.loads(content)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    state = tmp_path_factory.mktemp("idempotency") / "var"
    with running("start", state=state) as chancery:
        chancery.wait_for("Chancery is ready: ")
        console = {"CHANCERY_STATE_DIR": str(state), "CHANCERY_PORT": str(chancery.port)}
        manage("create_organization", "ACME", "--owner", "admin@localhost", **console).check_returncode()
        made = manage("create_api_key", "robot", "--owner", "admin@localhost", "--all-permissions", **console)
        made.check_returncode()
        served = Served(chancery, made.stdout.strip())
        ca = served.make("/cas", {"name": "ACME Root", "subject": {"common_name": "ACME Root"}})
        role = {"name": "web", "pki_id": ca["id"], "max_ttl": "397d"}
        names = {"allowed_domains": ["acme.test"], "allow_subdomains": True}
        served.make("/roles", role | names)
        served.make(
            "/templates",
            {
                "name": "Web server",
                "code": "web-tls",
                "pki_id": ca["id"],
                "pki_role": "web",
                "key_algorithm": "ECDSA_P256",
                "validity": "90d",
                "key_usage": ["digital_signature"],
                "extended_key_usage": ["server_auth"],
            },
        )
        yield served


def issued(served: Served) -> int:
    with contextlib.closing(HTTPConnection("127.0.0.1", served.running.port, timeout=60)) as connection:
        connection.request("GET", "/api/v2/certificates", headers={"Authorization": f"Bearer {served.token}"})
        return int(json.load(connection.getresponse())["pagination"]["total"])


def test_a_header_that_is_given_twice_is_refused(served: Served) -> None:
    before = issued(served)
    for second in ("one", "two"):
        status, _headers, content = served.post("/certificates", WISH, (KEY, "one"), (KEY, second))
        assert status == 422, content
        assert [error["field"] for error in json.loads(content)["errors"]] == [KEY]
    assert issued(served) == before


def test_many_at_once_get_one_certificate_and_the_same_answer(served: Served) -> None:
    before = issued(served)

    def until_answered(_number: int) -> tuple[int, str, bytes]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, headers, content = served.post("/certificates", WISH, (KEY, "one-for-all"))
            if status not in (409, 503):
                return status, headers["location"], content
            assert time.monotonic() < deadline, "it was never answered"
            time.sleep(int(headers["retry-after"]))

    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = set(pool.map(until_answered, range(PARALLEL)))
    assert len(answers) == 1
    assert answers.pop()[0] == 201
    assert issued(served) == before + 1
