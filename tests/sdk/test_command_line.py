"""The `chancery` command as people and timers type it, at a Chancery that runs; openssl judges what came of it."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from chancery_client.cli.app import app
from typer.testing import CliRunner

from tests.processes import ROOT, manage
from tests.sdk.conftest import Office

pytestmark = [pytest.mark.any_database, pytest.mark.needs("openssl")]

ORGANIZATION = "typists"
PASSWORD = "correct horse battery staple 7"
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Machine:
    """A shell in a folder, whose profiles are nobody else's."""

    folder: Path
    office: Office
    keys: dict[str, str]
    said: list[str] = field(default_factory=list)

    def start(self, *words: str, **settings: str) -> subprocess.Popen[str]:
        """The command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "chancery_client.cli", *words],
            cwd=self.folder,
            env={name: value for name, value in self._environment(settings).items() if value is not None},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, read: str = "", code: int = 0, **settings: str) -> str:
        """Standard output of the command, which must end with this code. It runs in this process, for that is quick."""
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(app, words, input=read, env=self._environment(settings), prog_name="chancery")
        assert done.exit_code == code, (words, done.exit_code, done.output)
        assert isinstance(done.exception, (SystemExit, type(None)))
        self.said[:] = [done.stderr]
        return done.stdout

    def as_(self, key: str) -> dict[str, str]:
        """The settings of a command by another key, without a profile."""
        return {"CHANCERY_URL": self.office.url, "CHANCERY_API_KEY": self.keys[key]}

    def openssl(self, *words: str) -> str:
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def verify(self, name: str, host: str) -> None:
        """That the certificate is one for this host, below the root, and of the key beside it."""
        options = ("-x509_strict", "-purpose", "sslserver", "-verify_hostname", host)
        self.openssl("verify", *options, "-CAfile", "roots.pem", "-untrusted", f"{name}.pem", f"{name}.pem")
        assert self.openssl("x509", "-in", f"{name}.pem", "-noout", "-pubkey") == self.openssl(
            "pkey", "-in", f"{name}.key", "-pubout"
        )

    def _environment(self, settings: dict[str, str]) -> dict[str, str | None]:
        """No setting of Chancery but these."""
        ours = [name for name in os.environ if name.startswith("CHANCERY_")]
        own = {"CHANCERY_CONFIG_DIR": str(self.folder / "config"), "PYTHONPATH": str(ROOT / "sdk/python/src")}
        return {**os.environ, **dict.fromkeys(ours), **own, "NO_COLOR": "1", **settings}


@pytest.fixture(scope="module")
def workplace(office: Office) -> dict[str, str]:
    """An organization with two CAs, and templates with and without an approval; its API keys."""
    keys = office.credentials(ORGANIZATION)
    officer = keys["officer"]
    root = office.make(officer, "/cas", {"name": "Typists Root", "subject": {"common_name": "Typists Root"}})
    subject = {"common_name": "Typists Issuing CA"}
    below = {"name": "Typists Issuing CA", "parent_id": root["id"], "path_length": 0, "subject": subject}
    issuing = office.make(officer, "/cas", below)
    role = {"name": "web", "pki_id": issuing["id"], "max_ttl": "397d", "allowed_domains": ["acme.test"]}
    office.make(officer, "/roles", {**role, "allow_subdomains": True})
    template = {"pki_id": issuing["id"], "pki_role": "web", "key_algorithm": "ECDSA_P256", "validity": "90d"}
    usages = {"key_usage": ["digital_signature"], "extended_key_usage": ["server_auth"]}
    office.make(officer, "/templates", {**template, **usages, "name": "Web", "code": "web-tls"})
    approved = {"name": "Approved", "code": "web-approved", "requires_approval": True}
    office.make(officer, "/templates", {**template, **usages, **approved})
    return keys


@pytest.fixture
def machine(office: Office, workplace: dict[str, str], tmp_path: Path) -> Machine:
    made = Machine(tmp_path, office, workplace)
    made.run("login", office.url.replace("127.0.0.1", "localhost"), "--api-key", read=workplace["officer"] + "\n")
    made.run("trust-store", "export", "--out", "roots.pem")
    return made


def test_a_certificate_is_issued_found_renewed_by_its_files_and_revoked(machine: Machine):
    machine.run("issue", "-t", "web-tls", "--san", "www.acme.test", "--san", "api.acme.test", "--out", "www")
    machine.verify("www", "api.acme.test")
    first = json.loads(machine.run("show", "www.pem", "--json"))
    assert first["key_custody"] == "subscriber"
    listed = json.loads(machine.run("list", "--name", "www.acme.test", "--expires-within", "91d", "--json"))
    assert [row["id"] for row in listed] == [first["id"]]

    timer = ("renew", "--file", "www.pem", "--key", "www.key", "--if-expiring-within")
    machine.run(*timer, "30d", code=6)
    machine.run(*timer, "91d", "--run", "echo reloaded > ran")
    machine.verify("www", "www.acme.test")
    second = json.loads(machine.run("show", "www.pem", "--json"))
    assert second["replaces_id"] == first["id"]
    assert (machine.folder / "ran").read_text() == "reloaded\n"

    machine.run("revoke", first["serial"], "--reason", "superseded", "--yes")
    assert json.loads(machine.run("show", first["id"], "--json"))["revocation"]["reason"] == "superseded"
    newest = machine.run("download", first["id"], "--newest")
    assert newest == second["certificate"]


def test_a_renewal_that_nobody_wrote_down_is_found_again(machine: Machine):
    """The server has signed it, and the machine was switched off: its new key is there, and no certificate."""
    machine.run("issue", "-t", "web-tls", "--san", "lost.acme.test", "--out", "www")
    before = json.loads(machine.run("show", "www.pem", "--json"))
    machine.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ec.pem")
    machine.openssl("pkcs8", "-topk8", "-nocrypt", "-in", "ec.pem", "-out", ".www.key.new")
    machine.openssl("req", "-new", "-key", ".www.key.new", "-subj", "/CN=lost.acme.test", "-out", "new.csr")
    csr = (machine.folder / "new.csr").read_text()
    made = machine.office.make(machine.keys["officer"], f"/certificates/{before['id']}/renew", {"csr": csr})
    machine.run("renew", "--file", "www.pem")
    machine.verify("www", "lost.acme.test")
    assert json.loads(machine.run("show", "www.pem", "--json"))["id"] == made["id"]


def test_a_request_made_by_openssl_is_signed(machine: Machine):
    machine.openssl(
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "x.key", "-out", "x.csr", "-subj", "/CN=x"
    )
    machine.run("sign", "x.csr", "-t", "web-tls", code=1)
    machine.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "y.key")
    machine.openssl("req", "-new", "-key", "y.key", "-subj", "/CN=y.acme.test", "-out", "y.csr")
    machine.run("sign", "y.csr", "-t", "web-tls")
    machine.verify("y", "y.acme.test")


def test_a_key_that_the_server_makes_fits_its_certificate(machine: Machine):
    out = machine.run("issue", "-t", "web-tls", "--san", "m.acme.test", "--managed-key", "--out", "m")
    assert "PRIVATE" not in out
    machine.verify("m", "m.acme.test")


def test_what_needs_an_approval_waits_for_somebody_else(machine: Machine):
    machine.run("issue", "-t", "web-approved", "--san", "a.acme.test", "--out", "a", code=5)
    (waiting,) = json.loads(machine.run("requests", "list", "--mine", "--status", "pending_approval", "--json"))
    name = waiting["id"]
    digest = json.loads(machine.run("requests", "show", name, "--json"))["digest"]
    machine.run("requests", "approve", name, "--yes", "--digest", digest, code=3)
    machine.run("requests", "collect", name, "--out", "a", code=5)
    approve = ("requests", "approve", name, "--yes", "--digest", digest)
    machine.run(*approve, **machine.as_("approver"))
    machine.run("requests", "collect", name, "--out", "a", "--wait")
    machine.verify("a", "a.acme.test")


def test_a_renewal_by_files_goes_on_where_the_day_before_has_stopped(machine: Machine):
    machine.run("issue", "-t", "web-approved", "--san", "b.acme.test", "--managed-key", "--out", "b", code=5)
    (waiting,) = json.loads(machine.run("requests", "list", "--mine", "--status", "pending_approval", "--json"))
    _approve(machine, waiting["id"])
    machine.run("requests", "collect", waiting["id"], "--out", "b", "--wait")
    machine.verify("b", "b.acme.test")
    before = (machine.folder / "b.key").read_text()

    machine.run("renew", "--file", "b.pem", code=5)
    machine.run("renew", "--file", "b.pem", code=5)
    (waiting,) = json.loads(machine.run("requests", "list", "--mine", "--status", "pending_approval", "--json"))
    assert (machine.folder / "b.key").read_text() == before
    _approve(machine, waiting["id"])
    machine.run("renew", "--file", "b.pem", "--wait")
    machine.verify("b", "b.acme.test")
    assert (machine.folder / "b.key").read_text() != before


def test_refusals_name_what_is_wrong(machine: Machine):
    machine.run("issue", "-t", "web-tls", "--san", "www.elsewhere.test", "--out", "e", code=1)
    assert "elsewhere.test" in machine.said[0]
    assert re.search(r"\(trace [0-9A-Z]{26}\)", machine.said[0])
    assert not list(machine.folder.glob("*e.key*"))
    machine.run("issue", "-t", "nothing", "--san", "www.acme.test", code=4)
    machine.run("list", "--filter", "colour:red", code=1)
    machine.run("show", "0xdeadbeefdeadbeef", code=4)
    machine.run("list", code=3, **machine.as_("stranger"))
    machine.run("issue", "-t", "web-tls", "--san", "www.acme.test", code=3, **machine.as_("reader"))


def test_the_bundle_of_cas_leads_from_a_certificate_to_its_root(machine: Machine):
    machine.run("issue", "-t", "web-tls", "--san", "c.acme.test", "--out", "c")
    machine.run("ca-bundle", "--out", "ca.pem")
    machine.run("download", "c.pem", "--out", "alone.pem")
    machine.openssl("verify", "-CAfile", "ca.pem", "alone.pem")
    machine.run("cas", "chain", "Typists Issuing CA", "--format", "p7b", "--out", "chain.p7b")
    shown = machine.openssl("pkcs7", "-inform", "DER", "-in", "chain.p7b", "-print_certs", "-noout")
    assert shown.count("subject=") == 2


# --- OAuth, with a person who has a browser ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """A browser in which somebody has signed in."""

    office: str
    browser: requests.Session

    @classmethod
    def signed_in(cls, office: str, email: str) -> Person:
        person = cls(office, requests.Session())
        answer = person.post("/sign-in/", username=email, password=PASSWORD)
        assert answer.status_code == 302, answer.text
        return person

    def post(self, path: str, **fields: str) -> requests.Response:
        page = self.browser.get(self.office + path, timeout=PATIENCE_SECONDS)
        fields["csrfmiddlewaretoken"] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]
        address = {"Referer": self.office + path}
        return self.browser.post(self.office + path, data=fields, headers=address, allow_redirects=False, timeout=60)

    def allow(self, path: str, **fields: str) -> requests.Response:
        """The question, with every tick that it has."""
        question = self.post(path, **fields) if fields else self.browser.get(self.office + path, timeout=60)
        ticks = dict.fromkeys(re.findall(r'name="(can_[a-z]+-\d+)"', html.unescape(question.text)), "on")
        assert ticks, question.text
        return self.post(path, **fields, **ticks, decision="allow")


@pytest.fixture
def person(machine: Machine) -> Person:
    email = f"owner@{_slug(machine)}.example"
    program = (
        "from accounts.models import User; "
        f"user = User.objects.get(email={email!r}); user.set_password({PASSWORD!r}); user.save()"
    )
    settings = {"CHANCERY_STATE_DIR": str(machine.office.state), "CHANCERY_PORT": str(machine.office.running.port)}
    done = manage("shell", "--no-imports", "-v0", "-c", program, **settings)
    assert done.returncode == 0, done.stderr
    return Person.signed_in(_local(machine), email)


def test_a_person_signs_in_by_a_code_on_another_device(machine: Machine, person: Person):
    login = machine.start("login", _local(machine), "--device", "--profile", "person")
    try:
        code = _read_until(login, r"^ {4}([A-Z]{4}-[A-Z]{4})$")
        assert person.allow("/device/", user_code=code).status_code == 302
        out, err = login.communicate(timeout=PATIENCE_SECONDS)
    finally:
        login.kill()
    assert login.returncode == 0, err
    assert "Signed in" in out
    _renews_its_tokens_and_ends(machine, "person")


def test_a_person_signs_in_by_a_browser_on_this_machine(machine: Machine, person: Person):
    # The test is the browser: the program that the command opens does nothing.
    login = machine.start("login", _local(machine), "--browser", "--profile", "person", BROWSER="true")
    try:
        address = _read_until(login, r"^ {4}(http\S+)$")
        answer = person.allow(address.removeprefix(_local(machine)))
        assert urlsplit(answer.headers["Location"]).hostname == "127.0.0.1"
        assert requests.get(answer.headers["Location"], timeout=60).status_code == 200
        _out, err = login.communicate(timeout=PATIENCE_SECONDS)
    finally:
        login.kill()
    assert login.returncode == 0, err
    _renews_its_tokens_and_ends(machine, "person")


def _renews_its_tokens_and_ends(machine: Machine, profile: str) -> None:
    """Several commands at once find tokens that have ended: one renews them, and the consent lives on until logout."""
    path = machine.folder / "config" / "profiles" / f"{profile}.json"
    stored = json.loads(path.read_text())
    ended = {**stored, "tokens": {**stored["tokens"], "expires_at": 1}}
    path.write_text(json.dumps(ended))
    started = [machine.start("cas", "list", "--json", "--profile", profile) for _ in range(2)]
    answers = [each.communicate(timeout=PATIENCE_SECONDS) for each in started]
    assert [each.returncode for each in started] == [0, 0], answers
    renewed = json.loads(path.read_text())["tokens"]
    assert renewed["refresh_token"] != stored["tokens"]["refresh_token"]
    machine.run("logout", "--profile", profile)
    assert not path.exists()
    headers = {"Authorization": f"Bearer {renewed['access_token']}"}
    assert requests.get(f"{_local(machine)}/api/v2/whoami", headers=headers, timeout=60).status_code == 401


def _approve(machine: Machine, name: str) -> None:
    digest = json.loads(machine.run("requests", "show", name, "--json"))["digest"]
    machine.run("requests", "approve", name, "--yes", "--digest", digest, **machine.as_("approver"))


def _local(machine: Machine) -> str:
    """As the server calls itself."""
    return machine.office.url.replace("127.0.0.1", "localhost")


def _slug(machine: Machine) -> str:
    return str(json.loads(machine.run("whoami", "--json"))["organization"]["slug"])


def _read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """What the pattern finds in a line of standard error."""
    assert process.stderr is not None
    deadline = time.monotonic() + PATIENCE_SECONDS
    with contextlib.suppress(StopIteration):
        while time.monotonic() < deadline:
            found = re.search(pattern, next(process.stderr).rstrip("\n"))
            if found:
                return found[1]
    raise AssertionError(f"in vain waited for {pattern}")
