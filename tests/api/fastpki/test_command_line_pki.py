"""Every command of the real `fastpki` about what is issued: CAs, certificates, exports."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.cache import cache

from cas import keystore
from cas.core.keys import KeyAlgorithm, generate
from tests import cast
from tests.fastpki_cli import CommandLine, command_line
from tests.office import open_office
from tests.pki import make_csr

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

CA = {
    "id",
    "name",
    "description",
    "subject_dn",
    "key_size",
    "valid_days",
    "created_at",
    "updated_at",
    "certificate",
    "organization_id",
    "created_by_user_id",
    "parent_ca_id",
    "path_length",
    "allow_leaf_certs",
    "crl_base_url",
    "is_root",
}
CERTIFICATE = {
    "id",
    "common_name",
    "subject_dn",
    "certificate_type",
    "key_size",
    "valid_days",
    "status",
    "certificate",
    "serial_number",
    "not_before",
    "not_after",
    "revoked_at",
    "created_at",
    "updated_at",
    "issuer_id",
    "organization_id",
    "created_by_user_id",
    "created_by_service_account_id",
    "renewed_from_id",
    "renewed_to_ids",
}
KEY = {"private_key"}
# What httpx waits for, and the command line does not change.
PATIENCE = 5


@pytest.fixture
def fastpki(live_server: Any, tmp_path: Path) -> CommandLine:
    cache.clear()
    # A server's first CA waits for the linter to be read from the disk.
    open_office("Umbrella")
    owner = cast.owner(cast.organization("Acme Corp"))
    found = command_line(tmp_path, live_server.url)
    found.sign_in(owner.user.email, cast.PASSWORD)
    return found


@pytest.mark.row("F60")
def test_every_command_about_cas_certificates_and_exports_works(fastpki: CommandLine, tmp_path: Path):
    root, issuing = _makes_cas(fastpki)
    issued = _issues(fastpki, issuing)
    _signs(fastpki, issuing, tmp_path)
    _renews(fastpki, issued, tmp_path)
    _exports(fastpki, issuing, issued, tmp_path)
    _revokes(fastpki, issued)
    _deletes_cas(fastpki, root, issuing)


@pytest.mark.row("F60")
def test_a_ca_of_the_largest_keys_is_there_before_the_client_gives_up(fastpki: CommandLine, monkeypatch: Any):
    """Making the key is a matter of luck (a second, seldom three) and of who else is at work; all else is ours."""
    key = generate(KeyAlgorithm.RSA_4096)
    monkeypatch.setattr(keystore, "generate", lambda algorithm: key)
    begin = time.process_time()
    made = fastpki.json("ca", "create", "-n", "Largest", "-s", "CN=Largest,O=Acme Corp")
    assert (made["key_size"], made["valid_days"]) == (4096, 3650)
    assert time.process_time() - begin < PATIENCE / 2


def _makes_cas(fastpki: CommandLine) -> tuple[dict[str, Any], dict[str, Any]]:
    create = ("ca", "create", "-k", "2048")
    root = fastpki.json(*create, "-n", "Acme Root", "-s", "CN=Acme Root,O=Acme Corp,C=US", "--path-length", "1")
    assert set(root) == CA | KEY
    assert (root["path_length"], root["valid_days"], root["is_root"]) == (1, 3650, True)
    below = ("--parent", str(root["id"]), "-d", "for servers", "-v", "1825", "--crl-base-url", "http://crl.acme.test")
    subject = ("-n", "Acme Issuing CA", "-s", "CN=Acme Issuing CA,O=Acme Corp,C=US")
    issuing = fastpki.json(*create, *subject, *below, "--allow-leaf-certs")
    assert (issuing["parent_ca_id"], issuing["path_length"], issuing["description"]) == (root["id"], 0, "for servers")
    listed = fastpki.json("ca", "list")
    assert [(ca["name"], set(ca)) for ca in listed] == [("Acme Root", CA), ("Acme Issuing CA", CA)]
    shown = fastpki.json("ca", "show", str(issuing["id"]))
    assert shown == {name: value for name, value in issuing.items() if name != "private_key"}
    chain = fastpki.json("ca", "chain", str(issuing["id"]))
    assert [ca["id"] for ca in chain] == [issuing["id"], root["id"]]
    assert [ca["id"] for ca in fastpki.json("ca", "children", str(root["id"]))] == [issuing["id"]]
    assert fastpki.json("ca", "private-key", str(issuing["id"])) == issuing
    assert "Acme Issuing CA" in fastpki.good("ca", "list")
    assert "400" in fastpki.refused(*create, "-n", "Acme Root", "-s", "CN=Again")
    assert "404" in fastpki.refused("ca", "show", "999")
    return root, issuing


def _issues(fastpki: CommandLine, issuing: dict[str, Any]) -> dict[str, Any]:
    create = ("cert", "create", "-c", str(issuing["id"]))
    subject = ("-n", "api.example.com", "-s", "CN=api.example.com,O=Acme Corp,C=US")
    sans = ("--san-dns", "api.example.com", "--san-dns", "api-v2.example.com", "--san-ip", "10.0.0.42")
    issued = fastpki.json(*create, *subject, "-t", "server", "-k", "2048", "-v", "365", *sans)
    assert set(issued) == CERTIFICATE | KEY
    certificate = x509.load_pem_x509_certificate(issued["certificate"].encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["api.example.com", "api-v2.example.com", "10.0.0.42"]
    alice = ("-n", "alice", "-s", "CN=alice,O=Acme Corp", "-t", "client", "--no-private-key")
    client = fastpki.json(*create, *alice, "--san-email", "alice@example.com")
    assert (set(client), client["private_key"]) == (CERTIFICATE | KEY, None)
    assert fastpki.json(*create, "-n", "both.example.com", "-s", "CN=both.example.com", "-t", "dual_purpose")
    assert "400" in fastpki.refused(*create, *subject, "-t", "server", "--san-email", "a@example.com")
    assert "422" in fastpki.refused(*create, *subject, "-t", "nothing")
    listed = fastpki.json("cert", "list", "-c", str(issuing["id"]))
    assert [set(row) for row in listed] == [CERTIFICATE] * 3
    assert fastpki.json("cert", "list", "--skip", "1", "--limit", "1") == listed[1:2]
    assert "api.example.com" in fastpki.good("cert", "list")
    shown = fastpki.json("cert", "show", str(issued["id"]))
    assert shown == {name: value for name, value in issued.items() if name != "private_key"}
    assert fastpki.json("cert", "private-key", str(issued["id"])) == issued
    return issued


def _signs(fastpki: CommandLine, issuing: dict[str, Any], place: Path) -> None:
    (place / "api.csr").write_text(make_csr(subject="CN=csr.example.com,O=Acme Corp"))
    by_id = fastpki.json("cert", "sign-csr", "api.csr", "-c", str(issuing["id"]), "-t", "server", "-v", "30")
    assert (set(by_id), by_id["valid_days"], by_id["subject_dn"]) == (CERTIFICATE, 30, "CN=csr.example.com,O=Acme Corp")
    other = ("-n", "other.example.com", "-s", "CN=other.example.com", "--san-dns", "other.example.com")
    by_name = fastpki.json("cert", "sign-csr", "api.csr", "--ca-name", issuing["name"], "-t", "server", *other)
    assert by_name["common_name"] == "other.example.com"
    assert "404" in fastpki.refused("cert", "sign-csr", "api.csr", "--ca-name", "Nope", "-t", "server")


def _renews(fastpki: CommandLine, issued: dict[str, Any], place: Path) -> None:
    renewed = fastpki.json("cert", "renew", str(issued["id"]))
    assert (set(renewed), renewed["renewed_from_id"]) == (CERTIFICATE | KEY, issued["id"])
    (by_csr,) = (row for row in fastpki.json("cert", "list") if row["common_name"] == "csr.example.com")
    assert "csr_required" in fastpki.refused("cert", "renew", str(by_csr["id"]))
    (place / "next.csr").write_text(make_csr())
    again = fastpki.json("cert", "renew", str(by_csr["id"]), "--csr", "next.csr")
    assert (again["renewed_from_id"], again["private_key"]) == (by_csr["id"], None)
    assert fastpki.json("cert", "show", str(by_csr["id"]))["renewed_to_ids"] == [again["id"]]


def _exports(fastpki: CommandLine, issuing: dict[str, Any], issued: dict[str, Any], place: Path) -> None:
    ca, certificate = str(issuing["id"]), str(issued["id"])
    for command, number, name in (
        ("ca-cert", ca, f"ca_{ca}_certificate.pem"),
        ("ca-key", ca, f"ca_{ca}_private_key.pem"),
        ("cert", certificate, f"certificate_{certificate}.pem"),
        ("cert-key", certificate, None),
        ("cert-chain", certificate, None),
    ):
        fastpki.good("export", command, number)
        fastpki.good("export", command, number, "-o", f"{command}.pem")
        assert name is None or (place / name).read_bytes() == (place / f"{command}.pem").read_bytes()
    assert (place / "ca-cert.pem").read_text() == issuing["certificate"]
    assert (place / "ca-key.pem").read_text() == issuing["private_key"]
    assert (place / "cert.pem").read_text() == issued["certificate"]
    assert load_pem_private_key((place / "cert-key.pem").read_bytes(), None)
    chain = x509.load_pem_x509_certificates((place / "cert-chain.pem").read_bytes())
    assert [each.subject.rfc4514_string() for each in chain][1:] == [
        "CN=Acme Issuing CA,O=Acme Corp,C=US",
        "CN=Acme Root,O=Acme Corp,C=US",
    ]
    (keyless,) = (row for row in fastpki.json("cert", "list") if row["common_name"] == "alice")
    assert "does not have a private key" in fastpki.refused("export", "cert-key", str(keyless["id"]))


def _revokes(fastpki: CommandLine, issued: dict[str, Any]) -> None:
    revoked = fastpki.json("cert", "revoke", str(issued["id"]), "-r", "Key compromise", "-f")
    assert (set(revoked), revoked["status"]) == (CERTIFICATE, "revoked")
    assert revoked["renewed_to_ids"]
    assert "Certificate is already revoked" in fastpki.refused("cert", "revoke", str(issued["id"]), "-f")


def _deletes_cas(fastpki: CommandLine, root: dict[str, Any], issuing: dict[str, Any]) -> None:
    assert "409" in fastpki.refused("ca", "delete", str(root["id"]), "-f")
    fastpki.good("ca", "delete", str(issuing["id"]), "-f")
    fastpki.good("ca", "delete", str(root["id"]), "-f")
    assert fastpki.json("ca", "list") == []
    assert len(fastpki.json("cert", "list")) == 7
