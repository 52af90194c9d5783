"""CAs that begin or live elsewhere, on the wire; OpenSSL says whether what comes out holds."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from audit.models import AuditEvent
from cas.core.formats import to_pkcs12
from cas.core.keys import serialize_private_key
from cas.models import CaKey, CertificateAuthority
from certificates.models import Crl, PublicPath
from kernel.secret import Secret
from tests import cast, elsewhere
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.conformance.verifiers import openssl
from tests.elsewhere import Elsewhere, pem
from tests.pki import a_key, make_csr

CAS = "/api/v2/cas"
PASSWORD = Secret("the old password")


@pytest.fixture
def owner(db) -> Wire:
    return wire_of(cast.owner(cast.organization("ACME")))


@pytest.fixture
def root() -> Elsewhere:
    return elsewhere.root()


def made(answer) -> dict:
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert answer["Location"] == f"{CAS}/{body['id']}"
    return body


def ask(name: str, **wishes: object) -> dict:
    return {"name": name, "subject": {"common_name": name, "organization": "ACME"}} | wishes


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def csr_of(wire: Wire, ca: dict, **body: object) -> x509.CertificateSigningRequest:
    answer = wire.post(f"{CAS}/{ca['id']}/csr", body)
    assert answer.status_code == 200, answer.content
    return x509.load_pem_x509_csr(answer.json()["csr"].encode())


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


# --- certified by another CA ------------------------------------------------------------------------------------------


def test_an_offline_root_certifies_a_ca_of_ours(owner, root):
    pending = made(owner.post(f"{CAS}/pending", ask("Issuing", crl_shards=1)))
    request = csr_of(owner, pending)
    assert request.is_signature_valid
    answer = pem(root.certify(request, path_length=0), root.certificate).decode()
    done = owner.post(f"{CAS}/{pending['id']}/complete", {"certificates": answer})
    assert done.status_code == 200, done.content
    shown = done.json()
    assert (shown["status"], shown["kind"], shown["path_length"]) == ("active", "intermediate", 0)
    assert [each["name"] for each in shown["chain"]["authorities"]] == ["Issuing", "Old Root"]
    assert shown["crl"]["is_current"] is True
    assert code(owner.post(f"{CAS}/{pending['id']}/complete", {"certificates": answer})) == (409, "wrong-status")


@pytest.mark.needs("openssl")
def test_openssl_is_the_offline_root(owner, tmp_path):
    certify_by_openssl(owner, tmp_path)
    verdict = openssl("verify", "-x509_strict", "-CAfile", tmp_path / "root.pem", tmp_path / "issuing.pem")
    assert verdict.is_good, verdict.said
    crl = openssl(
        "crl", "-in", tmp_path / "issuing.crl", "-inform", "DER", "-CAfile", tmp_path / "issuing.pem", "-noout"
    )
    assert "verify OK" in crl.said


def certify_by_openssl(owner: Wire, folder: Path) -> None:
    pending = made(owner.post(f"{CAS}/pending", ask("Issuing", key_algorithm="ECDSA_P384")))
    (folder / "issuing.csr").write_text(owner.post(f"{CAS}/{pending['id']}/csr").json()["csr"])
    (folder / "ca.cnf").write_text(
        "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    key, certificate = folder / "root.key", folder / "root.pem"
    new = ("-newkey", "rsa:2048", "-noenc", "-keyout", key, "-out", certificate, "-days", "3000")
    usage = ("-subj", "/CN=Offline Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    assert openssl("req", "-x509", *new, *usage).is_good
    by = ("-CA", certificate, "-CAkey", key, "-CAcreateserial", "-days", "1500", "-extfile", folder / "ca.cnf")
    assert openssl(
        "x509", "-req", "-in", folder / "issuing.csr", *by, "-outform", "DER", "-out", folder / "a.der"
    ).is_good
    both = openssl("crl2pkcs7", "-nocrl", "-certfile", certificate, "-outform", "DER", "-out", folder / "root.p7b")
    assert both.is_good
    # In base64: a certificate in DER first, whose root is not known yet; then PKCS#7 in PEM with all of it.
    path = f"{CAS}/{pending['id']}/complete"
    alone = owner.post(path, {"certificates": b64((folder / "a.der").read_bytes())})
    assert wrong_fields(alone) == {"certificates": "incomplete-chain"}
    assert openssl("x509", "-inform", "DER", "-in", folder / "a.der", "-out", folder / "issuing.pem").is_good
    bundle = ("-certfile", folder / "issuing.pem", "-certfile", certificate)
    assert openssl("crl2pkcs7", "-nocrl", *bundle, "-outform", "DER", "-out", folder / "all.p7b").is_good
    done = owner.post(path, {"certificates": b64((folder / "all.p7b").read_bytes())})
    assert done.status_code == 200, done.content
    body = bytes(Crl.objects.filter(scope__ca__public_id=pending["id"]).latest("number").body)
    (folder / "issuing.crl").write_bytes(body)


def test_a_locked_ca_says_its_csr_and_its_first_crl_with_the_passphrase_alone(owner, root):
    passphrase = "open, sesame seeds"
    pending = made(owner.post(f"{CAS}/pending", ask("Issuing", passphrase=passphrase)))
    path = f"{CAS}/{pending['id']}"
    assert code(owner.post(f"{path}/csr")) == (503, "ca-locked")
    assert code(owner.post(f"{path}/csr", {"passphrase": "not this sentence"})) == (403, "wrong-passphrase")
    request = csr_of(owner, pending, passphrase=passphrase)
    answer = {"certificates": pem(root.certify(request), root.certificate).decode(), "passphrase": passphrase}
    assert owner.post(f"{path}/complete", answer).json()["crl"]["is_current"] is True


def test_what_is_no_answer_to_the_csr_is_refused_with_the_reasons(owner, root):
    pending = made(owner.post(f"{CAS}/pending", ask("Issuing")))
    path = f"{CAS}/{pending['id']}/complete"
    other = root.below("CN=Issuing,O=ACME")
    assert wrong_fields(owner.post(path, {"certificates": pem(*other.chain).decode()})) == {"certificates": "other-key"}
    assert wrong_fields(owner.post(path, {"certificates": "neither?"})) == {"certificates": "base64"}
    assert wrong_fields(owner.post(path, {"certificates": "AAAA"})) == {"certificates": "unreadable-certificate"}
    assert wrong_fields(owner.post(path, {})) == {"certificates": "required"}


def test_a_ca_that_nobody_waits_for_is_given_up(owner, root):
    pending = made(owner.post(f"{CAS}/pending", ask("Issuing")))
    request = csr_of(owner, pending)
    path = f"{CAS}/{pending['id']}"
    given_up = owner.post(f"{path}/cancel").json()
    assert (given_up["status"], given_up["kind"], given_up["key_backend"]) == ("cancelled", "pending", None)
    assert not CaKey.objects.exists()
    late = {"certificates": pem(root.certify(request), root.certificate).decode()}
    assert code(owner.post(f"{path}/complete", late)) == (409, "ca-without-key")
    assert code(owner.post(f"{path}/csr")) == (503, "ca-without-key")
    assert code(owner.post(f"{path}/cancel")) == (409, "wrong-status")
    assert code(owner.post(f"{path}/revoke", {"reason": "superseded"})) == (409, "wrong-status")
    made(owner.post(f"{CAS}/pending", ask("Issuing")))


# --- certified by us --------------------------------------------------------------------------------------------------


def test_somebody_else_s_ca_is_certified_by_its_csr(owner, tmp_path):
    ours = made(owner.post(CAS, ask("Root")))
    csr = make_csr(a_key(number=31), "CN=Partner,O=Partner")
    wishes = {"name": "Partner", "csr": csr, "path_length": 0, "permitted_names": ["partner.test"], "validity": "400d"}
    partner = made(owner.post(f"{CAS}/{ours['id']}/certify", wishes))
    assert (partner["kind"], partner["parent"]["id"], partner["subject"]) == (
        "foreign",
        ours["id"],
        "CN=Partner,O=Partner",
    )
    certificate, root = x509.load_pem_x509_certificates(partner["chain"]["pem"].encode())
    certificate.verify_directly_issued_by(root)
    assert certificate.public_key() == a_key(number=31).public_key()
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    again = owner.post(f"{CAS}/{ours['id']}/certify", wishes | {"name": "Again", "subject": {"common_name": "Again"}})
    assert wrong_fields(again) == {"csr": "forbidden-key"}
    revoked = owner.post(f"{CAS}/{partner['id']}/revoke", {"reason": "superseded"})
    assert revoked.json()["status"] == "revoked"


def test_what_cannot_be_certified_is_refused_by_its_field(owner):
    ours = made(owner.post(CAS, ask("Root", path_length=1)))
    path, csr = f"{CAS}/{ours['id']}/certify", make_csr(a_key(number=32), "CN=Partner")
    assert wrong_fields(owner.post(path, {"name": "P", "csr": "x"})) == {"csr": "unreadable-csr"}
    assert wrong_fields(owner.post(path, {"name": "P"})) == {"csr": "required"}
    long = owner.post(path, {"name": "P", "csr": csr, "path_length": 3})
    assert wrong_fields(long) == {"path_length": "beyond-issuer"}
    outside = made(owner.post(f"{CAS}/foreign", {"certificates": pem(elsewhere.root().certificate).decode()}))
    refused = owner.post(f"{CAS}/{outside['id']}/certify", {"name": "P", "csr": csr, "path_length": 0})
    assert code(refused) == (503, "ca-without-key")


# --- known by a certificate -------------------------------------------------------------------------------------------


def test_a_ca_from_outside_is_added_with_those_above_it(owner, root):
    below = root.below("CN=Partner CA,O=Elsewhere")
    added = made(owner.post(f"{CAS}/foreign", {"certificates": pem(*below.chain).decode(), "name": "Partner"}))
    assert (added["name"], added["kind"], added["key_backend"]) == ("Partner", "foreign", None)
    assert [each["name"] for each in added["chain"]["authorities"]] == ["Partner", "Old Root"]
    again = owner.post(f"{CAS}/foreign", {"certificates": b64(below.certificate.public_bytes(Encoding.DER))})
    assert code(again) == (409, "ca-known")
    leaf = root.sign(below.certificate.subject, a_key(number=33).public_key(), is_ca=False)
    assert "certificates" in wrong_fields(owner.post(f"{CAS}/foreign", {"certificates": pem(leaf).decode()}))


# --- moving in --------------------------------------------------------------------------------------------------------


def arrival(old: Elsewhere, **wishes: object) -> dict:
    return {
        "name": "Moved",
        "key_file": serialize_private_key(old.key, password=PASSWORD).reveal().decode(),
        "password": PASSWORD.reveal().decode(),
        "certificates": pem(*old.chain).decode(),
    } | wishes


def test_a_ca_moves_in_with_what_it_has_revoked_its_number_and_its_addresses(owner, root):
    old = root.below(path_length=0)
    crl = old.crl((0xABC, x509.ReasonFlags.superseded), number=41)
    wishes = {
        "last_crl": b64(crl),
        "issued": [{"serial": "0A:BD", "not_after": "2031-01-01T00:00:00Z"}, {"serial": "abe"}],
        "public_paths": ["/crl/old-name.crl"],
    }
    moved = made(owner.post(f"{CAS}/import", arrival(old, **wishes)))
    assert (moved["kind"], moved["parent"]["name"], moved["key_backend"]) == ("intermediate", "Old Root", "sealed")
    assert moved["crl"]["number"] > 41
    assert moved["crl"]["entries"] == 1
    ca = CertificateAuthority.objects.get(public_id=moved["id"])
    assert set(ca.issued_serials.filter(kind="imported").values_list("serial", flat=True)) == {"abc", "abd", "abe"}
    assert PublicPath.objects.filter(ca=ca, path="crl/old-name").exists()
    assert owner.client.get("/crl/old-name.crl").status_code == 200


def test_a_ca_moves_in_by_pkcs12_and_is_locked_here(owner, root):
    old = root.below()
    file = to_pkcs12(old.certificate, key=old.key, chain=old.above, password=PASSWORD).reveal()
    body = {"name": "Moved", "key_file": b64(file), "password": "the old password", "last_crl_number": 9}
    moved = made(owner.post(f"{CAS}/import", body | {"passphrase": "open, sesame seeds"}))
    assert (moved["passphrase_protected"], moved["crl"]["number"] > 9) == (True, True)


def test_a_root_that_was_known_gets_its_key(owner, root):
    known = made(owner.post(f"{CAS}/foreign", {"certificates": pem(root.certificate).decode()}))
    moved = made(owner.post(f"{CAS}/import", arrival(root, name="Old Root")))
    assert (moved["id"], moved["kind"]) == (known["id"], "root")


WRONG = {
    "no key": ({"key_file": "AAAA"}, {"key_file": "unreadable-key"}),
    "no file": ({"key_file": "neither?"}, {"key_file": "base64"}),
    "no password": ({"password": None}, {"password": "null"}),
    "a serial number that is none": ({"issued": [{"serial": "xyz"}]}, {"issued[0].serial": "invalid"}),
    "a serial number of nought": ({"issued": [{"serial": "0"}]}, {"issued[0]": "out-of-range"}),
    "a time that is none": (
        {"issued": [{"serial": "1", "not_after": "soon"}]},
        {"issued[0].not_after": "invalid"},
    ),
    "more than a serial number": ({"issued": [{"serial": "1", "x": 1}]}, {"issued[0]": "invalid"}),
    "a number below nought": ({"last_crl_number": -1}, {"last_crl_number": "min-value"}),
    "another's CRL": ({"last_crl": b64(elsewhere.root().crl())}, {"last_crl": "other-issuer"}),
    "an address that is none of ours": ({"public_paths": ["/x/y"]}, {"public_paths[0]": "invalid"}),
}


@pytest.mark.parametrize(("changes", "wrong"), WRONG.values(), ids=WRONG)
def test_what_cannot_move_in_is_refused_by_its_field(owner, root, changes, wrong):
    assert wrong_fields(owner.post(f"{CAS}/import", arrival(root) | changes)) == wrong
    assert not CaKey.objects.exists()


def test_guesses_at_the_password_are_counted_and_nothing_of_the_key_is_told(owner, root):
    answers = [owner.post(f"{CAS}/import", arrival(root, password=f"guess {number}")) for number in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    right = owner.post(f"{CAS}/import", arrival(root))
    assert right.status_code == 429
    secrets = (PASSWORD.reveal().decode(), arrival(root)["key_file"].splitlines()[1])
    for answer in (*answers, right):
        assert not any(secret in answer.content.decode() for secret in secrets)
    told = "".join(str(event.document) for event in AuditEvent.objects.all())
    assert not any(secret in told for secret in secrets)


def test_a_stranger_neither_completes_nor_certifies_nor_gives_up_what_is_not_theirs(owner, root, stranger):
    pending = made(owner.post(f"{CAS}/pending", ask("Issuing")))
    certificates = pem(root.certify(csr_of(owner, pending)), root.certificate).decode()
    bodies = {
        "csr": {},
        "complete": {"certificates": certificates},
        "cancel": None,
        "certify": {"name": "P", "csr": make_csr(a_key(number=34), "CN=P")},
    }
    for verb, body in bodies.items():
        assert code(stranger.post(f"{CAS}/{pending['id']}/{verb}", body)) == (404, "ca-not-found")
    assert owner.get(f"{CAS}/{pending['id']}").json()["status"] == "pending"
    ours = owner.get("/api/v2/organizations").json()["data"][0]["id"]
    everything = {
        "pending": ask("Trojan"),
        "foreign": {"certificates": pem(root.certificate).decode()},
        "import": arrival(root),
    }
    for path, body in everything.items():
        assert stranger.post(f"{CAS}/{path}", body | {"organization_id": ours}).status_code == 403
    assert CertificateAuthority.objects.count() == 1
