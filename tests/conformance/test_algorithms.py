"""Every algorithm, from root to OCSP answer, as other people's software sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags, ocsp

from cas.core.keys import KeyAlgorithm, KeyFamily
from certificates.models import CrlScope
from certificates.orders import RevokeOrder
from certificates.services.crl import publish_crl
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests.conformance import verifiers
from tests.conformance.relying_party import RelyingParty, ocsp_request, write_pem
from tests.office import Office, open_office

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

HOST = "www.acme.test"
POST_QUANTUM = [each for each in KeyAlgorithm if each.family is KeyFamily.ML_DSA]
CLASSICAL = [each for each in KeyAlgorithm if each not in POST_QUANTUM]


@dataclass
class Findings:
    """All that a relying party has fetched about one certificate, as files for other programs too."""

    folder: Path
    leaf: x509.Certificate
    chain: list[x509.Certificate]
    crls: list[x509.CertificateRevocationList]

    @classmethod
    def fetch(cls, leaf: x509.Certificate, folder: Path) -> Findings:
        party = RelyingParty()
        chain = party.chain_of(leaf)
        return cls(folder, leaf, chain, [party.crl_of(leaf), *(party.crl_of(each) for each in chain[:-1])])

    @property
    def files(self) -> dict[str, Path]:
        return {
            "root": write_pem(self.folder / "root.pem", self.chain[-1]),
            "chain": write_pem(self.folder / "chain.pem", *self.chain[:-1]),
            "crls": write_pem(self.folder / "crls.pem", *self.crls),
        }

    @property
    def leaf_file(self) -> Path:
        return write_pem(self.folder / "leaf.pem", self.leaf)

    @property
    def issuer_file(self) -> Path:
        return write_pem(self.folder / "issuer.pem", self.chain[0])


def revoke(office: Office, leaf: x509.Certificate, reason: ReasonFlags) -> None:
    row = office.issuing.issued.get(serial=f"{leaf.serial_number:x}")
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))
    assert publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing))


def ask_with_openssl(found: Findings) -> verifiers.Verdict:
    """OpenSSL makes the request, our responder answers, OpenSSL judges the answer."""
    request, answer = found.folder / "request.der", found.folder / "answer.der"
    asked = ["-no_nonce", "-issuer", found.issuer_file, "-cert", found.leaf_file]
    made = verifiers.openssl("ocsp", *asked, "-reqout", request)
    assert made.is_good, made.said
    answer.write_bytes(RelyingParty().ask(found.leaf, request.read_bytes()).content)
    files = found.files
    return verifiers.openssl_reads_answer(
        answer, leaf=found.leaf_file, issuer=found.issuer_file, root=files["root"], chain=files["chain"]
    )


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("algorithm", CLASSICAL)
def test_openssl_accepts_what_we_sign_and_refuses_what_we_revoked(algorithm: KeyAlgorithm, tmp_path: Path):
    office = open_office(algorithm=algorithm)
    found = Findings.fetch(office.issue(HOST).x509, tmp_path)
    accepted = verifiers.openssl_accepts(found.leaf_file, hostname=HOST, **found.files)
    assert accepted.is_good, accepted.said
    assert not verifiers.openssl_accepts(found.leaf_file, hostname="other.acme.test", **found.files).is_good
    for crl in found.crls:
        path = write_pem(tmp_path / "one.pem", crl)
        verified = verifiers.openssl("crl", "-in", path, "-noout", "-CAfile", write_pem(tmp_path / "cas", *found.chain))
        assert "verify OK" in verified.said
    good = ask_with_openssl(found)
    assert "Response verify OK" in good.said
    assert "WARNING" not in good.said
    assert "leaf.pem: good" in good.said

    revoke(office, found.leaf, ReasonFlags.key_compromise)
    found = Findings.fetch(found.leaf, tmp_path)
    refused = verifiers.openssl_accepts(found.leaf_file, hostname=HOST, **found.files)
    assert "certificate revoked" in refused.said
    (entry,) = found.crls[0]
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is ReasonFlags.key_compromise
    bad = ask_with_openssl(found)
    assert "Response verify OK" in bad.said
    assert "leaf.pem: revoked" in bad.said
    assert "Reason: keyCompromise" in bad.said


@pytest.mark.needs("certtool")
@pytest.mark.parametrize(
    "algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.ECDSA_P256, KeyAlgorithm.ECDSA_P384, KeyAlgorithm.ECDSA_P521]
)
def test_gnutls_accepts_what_we_sign_and_refuses_what_we_revoked(algorithm: KeyAlgorithm, tmp_path: Path):
    office = open_office(algorithm=algorithm)
    found = Findings.fetch(office.issue(HOST).x509, tmp_path)
    accepted = judge_with_gnutls(found)
    assert accepted.is_good, accepted.said
    assert "The certificate is trusted" in accepted.said
    revoke(office, found.leaf, ReasonFlags.superseded)
    refused = judge_with_gnutls(Findings.fetch(found.leaf, tmp_path))
    assert not refused.is_good
    assert "revoked" in refused.said


def judge_with_gnutls(found: Findings) -> verifiers.Verdict:
    presented = b"".join(each.public_bytes(Encoding.PEM) for each in (found.leaf, *found.chain[:-1]))
    files = found.files
    trust = ["--load-ca-certificate", files["root"], "--load-crl", files["crls"]]
    name = ["--verify-hostname", HOST, "--verify-purpose", "1.3.6.1.5.5.7.3.1"]
    return verifiers.certtool("--verify", *trust, *name, stdin=presented)


@pytest.mark.row("P70")
@pytest.mark.parametrize("algorithm", POST_QUANTUM)
def test_a_second_implementation_accepts_every_post_quantum_signature(algorithm: KeyAlgorithm, tmp_path: Path):
    office = open_office(algorithm=algorithm)
    found = Findings.fetch(office.issue(HOST).x509, tmp_path)
    issuing, root = found.chain
    revoke(office, found.leaf, ReasonFlags.superseded)
    crl, answer = RelyingParty().crl_of(found.leaf), RelyingParty().status_of(found.leaf, issuing)
    (responder,) = answer.certificates
    signed = {
        "root": (root, root),
        "issuing CA": (issuing, root),
        "leaf": (found.leaf, issuing),
        "CRL of the root": (found.crls[1], root),
        "CRL of the issuing CA": (crl, issuing),
        "responder": (responder, issuing),
        "OCSP answer": (answer, responder),
    }
    verdicts = {
        what: verifiers.second_implementation_verifies(thing, signer, algorithm)
        for what, (thing, signer) in signed.items()
    }
    assert verdicts == dict.fromkeys(signed, True)
    assert not verifiers.second_implementation_verifies(found.leaf, root, algorithm)
    assert [entry.serial_number for entry in crl] == [found.leaf.serial_number]
    assert answer.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert found.leaf.not_valid_after_utc - found.leaf.not_valid_before_utc < office.template.validity


@pytest.mark.parametrize("algorithm", POST_QUANTUM)
def test_an_altered_post_quantum_answer_is_refused(algorithm: KeyAlgorithm):
    office = open_office(algorithm=algorithm)
    leaf = office.issue(HOST).x509
    issuer = RelyingParty().issuer_of(leaf)
    raw = RelyingParty().ask(leaf, ocsp_request(leaf, issuer, algorithm=hashes.SHA256())).content
    altered = ocsp.load_der_ocsp_response(raw[:120] + bytes([raw[120] ^ 1]) + raw[121:])
    (responder,) = ocsp.load_der_ocsp_response(raw).certificates
    assert not verifiers.second_implementation_verifies(altered, responder, algorithm)
