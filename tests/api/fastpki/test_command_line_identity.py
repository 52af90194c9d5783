"""Every command of the real `fastpki` about who: sign-in, organizations, users, service accounts, the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.cache import cache

from tests import cast
from tests.fastpki_cli import CommandLine, command_line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

USER = {
    "id",
    "username",
    "email",
    "role",
    "is_active",
    "organization_id",
    "can_create_ca",
    "can_create_cert",
    "can_revoke_cert",
    "can_export_private_key",
    "can_delete_ca",
    "created_at",
    "updated_at",
}
ORGANIZATION = {"id", "name", "description", "created_at", "updated_at"}
ACCOUNT = {
    "id",
    "name",
    "description",
    "organization_id",
    "created_by_user_id",
    "created_at",
    "updated_at",
    "disabled_at",
    "can_create_ca",
    "can_create_cert",
    "can_revoke_cert",
    "can_export_private_key",
    "can_delete_ca",
}
TOKEN = {"id", "public_id", "name", "created_at", "last_used_at", "expires_at", "revoked"}
POLICY = {
    "id",
    "service_account_id",
    "cn_patterns",
    "san_dns_patterns",
    "san_ip_cidrs",
    "san_email_domains",
    "allowed_ca_ids",
    "allowed_certificate_types",
    "max_validity_days",
    "created_at",
    "updated_at",
}
EVENT = {
    "id",
    "created_at",
    "action",
    "user_id",
    "username",
    "organization_id",
    "resource_type",
    "resource_id",
    "detail",
}
PASSWORD = "a wholly different sentence"


@pytest.fixture
def fastpki(live_server: Any, tmp_path: Path) -> CommandLine:
    cache.clear()
    cast.superuser()
    found = command_line(tmp_path, live_server.url)
    found.sign_in("root@localhost", cast.PASSWORD)
    return found


@pytest.mark.row("F60")
def test_every_command_about_who_works(fastpki: CommandLine, live_server: Any, tmp_path: Path):
    _signs_in(fastpki)
    organization = _organizations(fastpki)
    bob = _users(fastpki, organization)
    account, token = _service_accounts(fastpki, organization)
    _the_log(fastpki, bob)
    machine = command_line(_folder(tmp_path, "machine"), live_server.url)
    machine.with_token(token)
    assert machine.json("org", "list")[0]["id"] == organization
    assert "Could not validate credentials" in machine.refused("auth", "status")
    _removals(fastpki, organization, bob, account)
    assert "401" in machine.refused("org", "list")
    fastpki.good("auth", "logout")
    assert "Not authenticated" in fastpki.good("auth", "status")


def _signs_in(fastpki: CommandLine) -> None:
    assert "root@localhost" in fastpki.good("auth", "status")
    assert "Incorrect username or password" in fastpki.refused(
        "auth", "login", "-u", "root@localhost", "-p", "wrong", "-s", fastpki.server
    )
    assert fastpki.server in fastpki.good("config", "show")
    assert fastpki.good("config", "path").strip()


def _organizations(fastpki: CommandLine) -> int:
    made = fastpki.json("org", "create", "-n", "Acme Corp", "-d", "desc")
    assert set(made) == ORGANIZATION
    assert (made["name"], made["description"]) == ("Acme Corp", "desc")
    number = str(made["id"])
    assert fastpki.json("org", "list") == [made]
    assert fastpki.json("org", "show", number) == made
    assert "400" in fastpki.refused("org", "create", "-n", "Acme Corp")
    changed = fastpki.json("org", "update", number, "-d", "Rockets")
    assert changed["description"] == "Rockets"
    assert "404" in fastpki.refused("org", "show", "999")
    return int(made["id"])


def _users(fastpki: CommandLine, organization: int) -> int:
    made = fastpki.json("user", "create", "-u", "bob", "-e", "bob@acme.test", "-p", PASSWORD)
    assert set(made) == USER
    assert (made["role"], made["organization_id"], made["is_active"]) == ("user", None, True)
    bob, number = made["id"], str(made["id"])
    assert "400" in fastpki.refused("user", "create", "-u", "bob", "-e", "other@acme.test", "-p", PASSWORD)
    added = fastpki.good("org", "add-user", str(organization), number)
    assert "bob" in added
    assert [each["id"] for each in fastpki.json("org", "users", str(organization))] == [bob]
    changed = fastpki.json("user", "update", number, "--can-create-cert", "--can-revoke-cert")
    assert (changed["can_create_cert"], changed["can_revoke_cert"], changed["can_create_ca"]) == (True, True, False)
    admin = fastpki.json("user", "update", number, "--role", "admin", "--email", "bob2@acme.test")
    assert (admin["role"], admin["email"]) == ("admin", "bob2@acme.test")
    assert fastpki.json("user", "show", number) == admin
    assert {"bob", "root@localhost"} == {each["username"] for each in fastpki.json("user", "list")}
    assert fastpki.json("user", "me")["role"] == "superuser"
    assert fastpki.json("user", "update", number, "--inactive")["is_active"] is False
    assert fastpki.json("user", "update", number, "--active")["is_active"] is True
    flagged = fastpki.json(
        "user",
        "create",
        "-u",
        "eve",
        "-e",
        "eve@acme.test",
        "-p",
        PASSWORD,
        "--org",
        str(organization),
        "--can-create-ca",
    )
    assert (flagged["can_create_ca"], flagged["can_create_cert"]) == (True, False)
    return int(bob)


def _service_accounts(fastpki: CommandLine, organization: int) -> tuple[int, str]:
    group = "service-account"
    assert "organization_id is required" in fastpki.refused(group, "create", "-n", "cert-manager")
    created = fastpki.json(group, "create", "-n", "cert-manager", "--organization-id", str(organization))
    number = str(created["id"])
    assert set(created) == ACCOUNT
    changed = fastpki.json(group, "update", number, "--can-create-cert", "-d", "Kubernetes")
    assert (changed["can_create_cert"], changed["description"]) == (True, "Kubernetes")
    assert fastpki.json(group, "show", number) == changed
    assert fastpki.json(group, "list") == [changed]
    assert fastpki.json(group, "update", number, "--disable")["disabled_at"] is not None
    assert fastpki.json(group, "update", number, "--enable")["disabled_at"] is None
    token = _tokens(fastpki, number)
    _policy(fastpki, number)
    return int(number), token


def _tokens(fastpki: CommandLine, number: str) -> str:
    tokens = ("service-account", "token")
    said = fastpki.good(*tokens, "create", number, "--name", "tok", "--expires-at", "2099-01-01T00:00:00Z")
    token = next(word for word in said.replace('"', " ").split() if word.startswith("fpki_sa_"))
    (row,) = json.loads(_got(fastpki, f"service-accounts/{number}/tokens"))
    assert set(row) == TOKEN
    assert (row["name"], row["revoked"], token.split(".")[0]) == ("tok", False, "fpki_sa_" + row["public_id"])
    assert "tok" in fastpki.good(*tokens, "list", number)
    fastpki.good(*tokens, "create", number)
    second = max(each["id"] for each in json.loads(_got(fastpki, f"service-accounts/{number}/tokens")))
    fastpki.good(*tokens, "revoke", number, str(second), "-f")
    assert "404" in fastpki.refused(*tokens, "revoke", number, "999", "-f")
    return token


def _policy(fastpki: CommandLine, number: str) -> None:
    policy = ("service-account", "policy")
    assert "has no issuance policy" in fastpki.refused(*policy, "show", number)
    fastpki.good(
        *policy, "set", number, "--max-validity-days", "90", "--cn-pattern", "*.acme.test", "--cert-type", "server"
    )
    found = json.loads(_got(fastpki, f"service-accounts/{number}/policy"))
    assert set(found) == POLICY
    assert (found["cn_patterns"], found["san_dns_patterns"], found["max_validity_days"]) == (["*.acme.test"], [], 90)
    assert "*.acme.test" in fastpki.good(*policy, "show", number)
    fastpki.good(*policy, "clear", number, "-f")
    assert "404" in fastpki.refused(*policy, "show", number)


def _the_log(fastpki: CommandLine, bob: int) -> None:
    found = fastpki.json("audit", "list", "--limit", "1000")
    assert set(found[0]) == EVENT
    assert found == sorted(found, key=lambda event: -event["id"])
    actions = {event["action"] for event in found}
    assert actions >= {
        "login_success",
        "login_failure",
        "org_create",
        "org_add_user",
        "user_create",
        "user_update",
        "service_account_create",
        "service_account_update",
        "service_account_token_create",
        "service_account_token_revoke",
    }
    created = fastpki.json("audit", "list", "-a", "user_create", "-t", "user", "-r", str(bob))
    assert [event["resource_id"] for event in created] == [bob]
    assert fastpki.json("audit", "list", "--since", "2099-01-01T00:00:00") == []
    assert len(fastpki.json("audit", "list", "--skip", "1", "--limit", "2")) == 2


def _removals(fastpki: CommandLine, organization: int, bob: int, account: int) -> None:
    fastpki.good("service-account", "delete", str(account), "-f")
    assert "404" in fastpki.refused("service-account", "show", str(account))
    assert "Remove all users first" in fastpki.refused("org", "delete", str(organization), "-f")
    (eve,) = (each["id"] for each in fastpki.json("org", "users", str(organization)) if each["username"] == "eve")
    fastpki.good("user", "update", str(eve), "--role", "admin")
    fastpki.good("user", "update", str(bob), "--role", "user", "--no-create-cert")
    assert "bob" in fastpki.good("org", "remove-user", str(organization), str(bob))
    fastpki.good("user", "delete", str(bob), "-f")
    assert "404" in fastpki.refused("user", "show", str(bob))
    for each in fastpki.json("org", "users", str(organization)):
        fastpki.good("org", "remove-user", str(organization), str(each["id"]))
    fastpki.good("org", "delete", str(organization), "-f")
    assert fastpki.json("org", "list") == []


def _got(fastpki: CommandLine, path: str) -> bytes:
    """With the token that the command line keeps: for what it does not ask for itself."""
    kept = json.loads((fastpki.home / "fastpki" / "config.json").read_text())
    headers = {"Authorization": f"Bearer {kept['auth']['token']}"}
    answer = requests.get(f"{fastpki.server}/api/v1/{path}", headers=headers, timeout=240)
    assert answer.ok, answer.text
    return answer.content


def _folder(parent: Path, name: str) -> Path:
    place = parent / name
    place.mkdir()
    return place
