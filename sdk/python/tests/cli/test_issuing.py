"""issue, sign, requests: keys that stay here, files that fit together, and approvals that are waited for."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

REQUEST_ID = "00000000-0000-4000-8000-0000000000aa"
DIGEST = "ab" * 32


def spki(key) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pair(prefix: str) -> tuple[list[x509.Certificate], object]:
    """The certificates and the key of a prefix, which must belong together."""
    certificates = x509.load_pem_x509_certificates(Path(f"{prefix}.pem").read_bytes())
    key = load_pem_private_key(Path(f"{prefix}.key").read_bytes(), None)
    assert spki(certificates[0].public_key()) == spki(key.public_key())
    return certificates, key


def test_the_key_is_made_here_and_never_leaves(signed_in, chancery, folder):
    result = signed_in("issue", "--san", "www.acme.test", "--san", "10.0.0.5", "--out", "www")
    assert result.exit_code == 0, result.stderr
    certificates, _key = pair("www")
    assert [each.subject.rfc4514_string() for each in certificates] == ["CN=www.acme.test", "CN=ACME Issuing CA"]
    (body,) = chancery.bodies("POST", "/api/v2/certificates")
    assert body.keys() == {"template_code", "csr", "subject", "sans"}
    assert body["sans"] == ["www.acme.test", "10.0.0.5"]
    assert "PRIVATE" not in json.dumps(body)
    assert "PRIVATE" not in result.output
    assert stat.S_IMODE(Path("www.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["www.key", "www.pem"]


def test_without_a_prefix_files_are_called_after_the_common_name(signed_in, folder):
    assert signed_in("issue", "--san", "*.acme.test").exit_code == 0
    pair("wildcard.acme.test")


def test_a_common_name_leads_to_no_other_folder(signed_in, folder):
    assert signed_in("issue", "--cn", "../../etc/x").exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["_.._etc_x.key", "_.._etc_x.pem"]


def test_files_that_are_there_are_not_overwritten_and_nothing_is_issued(signed_in, chancery):
    Path("www.key").write_text("precious")
    result = signed_in("issue", "--san", "www.acme.test", "--out", "www")
    assert result.exit_code == 2
    assert "www.key exists already" in result.stderr
    assert Path("www.key").read_text() == "precious"
    assert chancery.bodies("POST", "/api/v2/certificates") == []
    assert signed_in("issue", "--san", "www.acme.test", "--out", "www", "--force").exit_code == 0
    pair("www")


def test_a_link_that_leads_nowhere_is_not_followed(signed_in, folder):
    Path("www.key").symlink_to(folder / "elsewhere")
    result = signed_in("issue", "--san", "www.acme.test", "--out", "www")
    assert result.exit_code == 2
    assert "www.key exists already" in result.stderr
    assert not Path("elsewhere").exists()


def test_a_common_name_that_is_refused_is_told_by_its_option(signed_in, chancery):
    errors = [{"field": "subject.common_name", "code": "not-allowed", "detail": "evil.test is not allowed."}]
    chancery.answers["POST", "/api/v2/certificates"] = chancery.problem(422, "One field is wrong.", errors)
    result = signed_in("issue", "--cn", "evil.test", "--out", "www")
    assert result.stderr == "Error: --common-name: evil.test is not allowed. (trace 01TRACE)\n"


def test_a_refusal_names_the_option_and_the_trace_and_leaves_no_file(signed_in, chancery, folder):
    errors = [{"field": "sans[1]", "code": "not-allowed", "detail": "evil.test is not allowed by the role."}]
    chancery.answers["POST", "/api/v2/certificates"] = chancery.problem(422, "One field is wrong.", errors)
    result = signed_in("issue", "--san", "www.acme.test", "--san", "evil.test", "--out", "www")
    assert result.exit_code == 1
    assert result.stderr == "Error: --san (number 2): evil.test is not allowed by the role. (trace 01TRACE)\n"
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_costs_no_certificate(signed_in, chancery):
    Path("file").write_text("")
    result = signed_in("issue", "--san", "www.acme.test", "--out", "file/www")
    assert result.exit_code == 1
    assert "file/.www.key.new cannot be written: file is no folder." in result.stderr
    assert chancery.bodies("POST", "/api/v2/certificates") == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "For whom?"),
        (["--san", "a.test", "--key-type", "dsa"], "There is no key type 'dsa'"),
        (["--san", "a.test", "--key-type", "ml-dsa-65"], "cannot be made on this machine"),
        (["--san", "a.test", "--validity", "soon"], "--validity 'soon' is not a length of time"),
        (["--subject", "www", "--out", "w"], "--subject 'www' is not a name"),
        (["--subject", "CN=a", "--cn", "b"], "not both"),
    ],
)
def test_what_makes_no_sense_is_told_before_anybody_is_asked(signed_in, chancery, words, sentence):
    result = signed_in("issue", "--tag", "x", *words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert chancery.bodies("POST", "/api/v2/certificates") == []


def test_a_template_that_is_not_there(signed_in):
    result = signed_in("issue", "--template", "nothing", "--san", "a.test")
    assert result.exit_code == 4
    assert "There is no template 'nothing'." in result.stderr


def test_key_and_certificate_are_printed_only_where_that_is_said(signed_in, folder):
    result = signed_in("issue", "--san", "www.acme.test", "--out", "-")
    assert result.exit_code == 0
    assert result.stdout.startswith("-----BEGIN PRIVATE KEY-----")
    assert result.stdout.count("BEGIN CERTIFICATE") == 2
    assert list(folder.iterdir()) == []
    found = json.loads(signed_in("issue", "--san", "www.acme.test", "--out", "-", "--json").stdout)
    assert found["private_key"].startswith("-----BEGIN PRIVATE KEY-----")


def test_json_without_that_has_no_key(signed_in):
    result = signed_in("issue", "--san", "www.acme.test", "--out", "www", "--json")
    found = json.loads(result.stdout)
    assert found["files"] == ["www.key", "www.pem"]
    assert "private_key" not in found
    assert "PRIVATE" not in result.output


def test_a_key_that_the_server_makes_is_written_and_not_printed(signed_in, chancery):
    words = ("issue", "--san", "www.acme.test", "--managed-key", "--key-type", "rsa-3072", "--out", "www")
    result = signed_in(*words)
    assert result.exit_code == 0, result.stderr
    (body,) = chancery.bodies("POST", "/api/v2/certificates")
    assert body["key_algorithm"] == "RSA_3072"
    assert "csr" not in body
    assert "PRIVATE" not in result.output
    pair("www")


@pytest.mark.parametrize("key_type", ["ecdsa-p384", "ed25519", "rsa-2048"])
def test_other_kinds_of_keys(signed_in, key_type):
    assert signed_in("issue", "--san", "www.acme.test", "--key-type", key_type, "--out", "www").exit_code == 0
    pair("www")


def test_a_whole_subject(signed_in, chancery):
    assert signed_in("issue", "--subject", "CN=www.acme.test,OU=A,OU=B,O=ACME", "--out", "www").exit_code == 0
    (body,) = chancery.bodies("POST", "/api/v2/certificates")
    assert body["subject"] == {
        "common_name": "www.acme.test",
        "organizational_unit": ["B", "A"],
        "organization": "ACME",
    }


# --- sign -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def csr(folder):
    from chancery_client.cli import keys

    key = keys.make_key("ecdsa-p256")
    Path("www.key").write_bytes(keys.key_to_pem(key))
    Path("www.csr").write_text(keys.make_csr(key, keys.read_subject("CN=from the CSR")))


def test_a_request_is_signed_beside_itself(signed_in, csr):
    assert signed_in("sign", "www.csr").exit_code == 0
    pair("www")


def test_a_request_from_standard_input_is_answered_on_standard_output(signed_in, csr, folder):
    result = signed_in("sign", "-", read=Path("www.csr").read_text())
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("-----BEGIN CERTIFICATE-----")
    assert not Path("www.pem").exists()


def test_what_is_no_request_is_told(signed_in, csr, chancery):
    result = signed_in("sign", "www.key", "--out", "x.pem")
    assert result.exit_code == 2
    assert "www.key holds no certificate request" in result.stderr
    assert signed_in("sign", "missing.csr").exit_code == 2
    assert chancery.bodies("POST", "/api/v2/certificates") == []


# --- approvals --------------------------------------------------------------------------------------------------------


def test_what_waits_keeps_its_key_and_is_collected_later(signed_in, chancery, folder):
    chancery.needs_approval = True
    result = signed_in("issue", "--san", "www.acme.test", "--out", "www")
    assert result.exit_code == 5
    assert f"Waiting: Request {REQUEST_ID} waits for approval (0 of 1 given)." in result.stderr
    assert f"chancery requests collect {REQUEST_ID} --out www" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["www.key"]
    assert signed_in("requests", "collect", REQUEST_ID, "--out", "www").exit_code == 5
    chancery.approve()
    assert signed_in("requests", "collect", REQUEST_ID, "--out", "www").exit_code == 0
    pair("www")


def test_waiting_ends_when_somebody_approves(signed_in, chancery, monkeypatch):
    from chancery_client.cli import waiting

    chancery.needs_approval = True
    defaults = {**waiting.await_certificate.__kwdefaults__, "sleep": lambda seconds: chancery.approve()}
    monkeypatch.setattr(waiting.await_certificate, "__kwdefaults__", defaults)
    result = signed_in("issue", "--san", "www.acme.test", "--out", "www", "--wait")
    assert result.exit_code == 0, result.stderr
    pair("www")


def test_a_key_of_the_server_is_collected_with_its_certificate(signed_in, chancery):
    chancery.needs_approval = True
    assert signed_in("issue", "--san", "www.acme.test", "--managed-key", "--out", "www").exit_code == 5
    chancery.approve()
    result = signed_in("requests", "collect", REQUEST_ID, "--out", "www")
    assert result.exit_code == 0, result.stderr
    pair("www")


def test_a_rejection_says_why(signed_in, chancery):
    chancery.needs_approval = True
    signed_in("issue", "--san", "www.acme.test", "--out", "www")
    assert signed_in("requests", "reject", REQUEST_ID).exit_code == 2
    assert signed_in("requests", "reject", REQUEST_ID, "--reason", "Not yours.").exit_code == 0
    result = signed_in("requests", "collect", REQUEST_ID)
    assert result.exit_code == 1
    assert f"Request {REQUEST_ID} was rejected: Not yours." in result.stderr


def test_an_approval_is_of_what_was_seen(signed_in, chancery):
    chancery.needs_approval = True
    signed_in("issue", "--san", "www.acme.test", "--out", "www")
    assert signed_in("requests", "approve", REQUEST_ID).exit_code == 2
    assert signed_in("requests", "approve", REQUEST_ID, "--yes").exit_code == 2
    assert signed_in("requests", "approve", REQUEST_ID, "--yes", "--digest", "cd" * 32).exit_code == 1
    assert chancery.bodies("POST", f"/api/v2/requests/{REQUEST_ID}/approve") == []
    assert signed_in("requests", "approve", REQUEST_ID, "--yes", "--digest", DIGEST).exit_code == 0
    assert chancery.bodies("POST", f"/api/v2/requests/{REQUEST_ID}/approve") == [{"digest": DIGEST}]


def test_a_request_is_shown_with_what_would_be_signed(signed_in, chancery):
    chancery.needs_approval = True
    signed_in("issue", "--san", "www.acme.test", "--out", "www")
    shown = signed_in("requests", "show", REQUEST_ID).stdout
    assert f"Digest\t{DIGEST}" in shown
    assert "Names\tdns:www.acme.test" in shown
    assert "Public key\tmade when it is approved" in shown
    chancery.request["same_key"] = True
    assert "Public key\tthat of the certificate it renews" in signed_in("requests", "show", REQUEST_ID).stdout
    assert signed_in("requests", "cancel", REQUEST_ID).stdout == f"Request {REQUEST_ID} is cancelled.\n"
