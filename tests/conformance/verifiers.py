"""Other people's software that judges what we sign."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from dilithium_py.ml_dsa import ML_DSA_44, ML_DSA_65, ML_DSA_87

from cas.core.keys import KeyAlgorithm

TIMEOUT_SECONDS = 240
_ML_DSA = {KeyAlgorithm.ML_DSA_44: ML_DSA_44, KeyAlgorithm.ML_DSA_65: ML_DSA_65, KeyAlgorithm.ML_DSA_87: ML_DSA_87}
_ML_DSA_OIDS = {
    KeyAlgorithm.ML_DSA_44: "2.16.840.1.101.3.4.3.17",
    KeyAlgorithm.ML_DSA_65: "2.16.840.1.101.3.4.3.18",
    KeyAlgorithm.ML_DSA_87: "2.16.840.1.101.3.4.3.19",
}

Signed = x509.Certificate | x509.CertificateRevocationList | ocsp.OCSPResponse


@dataclass(frozen=True)
class Verdict:
    """How a program ended, and everything that it said."""

    code: int
    said: str

    @property
    def is_good(self) -> bool:
        return self.code == 0


def run(*command: object, stdin: bytes = b"") -> Verdict:
    arguments = [str(each) for each in command]
    done = subprocess.run(arguments, input=stdin, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
    return Verdict(done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"))


def openssl(*arguments: object) -> Verdict:
    return run("openssl", *arguments)


def certtool(*arguments: object, stdin: bytes = b"") -> Verdict:
    return run("certtool", *arguments, stdin=stdin)


def openssl_accepts(leaf: Path, *, root: Path, chain: Path, crls: Path, hostname: str) -> Verdict:
    """A TLS client's view of a server's certificate, with CRLs of the whole chain."""
    options = ["-x509_strict", "-purpose", "sslserver", "-verify_hostname", hostname, "-crl_check_all"]
    return openssl("verify", *options, "-CAfile", root, "-untrusted", chain, "-CRLfile", crls, leaf)


def openssl_reads_answer(answer: Path, *options: str, leaf: Path, issuer: Path, root: Path, chain: Path) -> Verdict:
    """A client's view of an OCSP answer without a nonce: signature, responder, times and status."""
    asked = ["-no_nonce", *options, "-issuer", issuer, "-cert", leaf]
    return openssl("ocsp", "-respin", answer, *asked, "-CAfile", root, "-verify_other", chain)


def second_implementation_verifies(signed: Signed, signer: x509.Certificate, algorithm: KeyAlgorithm) -> bool:
    """Whether dilithium-py, which shares no code with OpenSSL, finds this signature of an ML-DSA key good."""
    if isinstance(signed, x509.Certificate):
        data, signature = signed.tbs_certificate_bytes, signed.signature
    elif isinstance(signed, x509.CertificateRevocationList):
        data, signature = signed.tbs_certlist_bytes, signed.signature
    else:
        data, signature = signed.tbs_response_bytes, signed.signature
    assert signed.signature_algorithm_oid.dotted_string == _ML_DSA_OIDS[algorithm]
    key = signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return bool(_ML_DSA[algorithm].verify(key, data, signature))
