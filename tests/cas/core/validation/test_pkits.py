"""NIST's Public Key Interoperability Test Suite, version 1.0.1: 224 chains with what must be said of them."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from functools import cache
from importlib import resources

import pytest
from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from cas.core.validation.evidence import Evidence
from cas.core.validation.judge import judge
from cas.core.validation.question import Question

vectors = pytest.importorskip("cryptography_vectors")

AT = datetime(2026, 11, 22, tzinfo=UTC)
# What we do not do, and so do not call valid. The first one is the only one that we call better than it is.
DIFFERENCES = {
    "InvaliddeltaCRLTest4EE": "delta CRLs are not read, and its full CRL does not have it yet",
    "ValiddeltaCRLTest5EE": "delta CRLs are not read, and in its full CRL it is still on hold",
    "ValidDSASignaturesTest4EE": "DSA, with SHA-1",
    "ValidIDPwithindirectCRLTest22EE": "an indirect CRL",
    "ValidIDPwithindirectCRLTest24EE": "an indirect CRL",
    "ValidIDPwithindirectCRLTest25EE": "an indirect CRL",
    "ValidcRLIssuerTest28EE": "an indirect CRL",
    "ValidcRLIssuerTest29EE": "an indirect CRL",
    "ValidcRLIssuerTest30EE": "an indirect CRL",
    "ValidcRLIssuerTest33EE": "an indirect CRL",
    "ValidonlySomeReasonsTest18EE": "CRLs of some reasons are not put together",
    "ValidonlySomeReasonsTest19EE": "CRLs of some reasons are not put together",
}


@cache
def certificates() -> dict[str, x509.Certificate]:
    found = {}
    for file in (resources.files(vectors) / "x509" / "PKITS_data" / "certs").iterdir():
        name = file.name.removesuffix(".crt")
        # Keys that inherit their DSA parameters cannot even be loaded.
        if "DSAParameter" not in name:
            found[name] = x509.load_der_x509_certificate(file.read_bytes())
    return found


@cache
def crls() -> tuple[x509.CertificateRevocationList, ...]:
    folder = resources.files(vectors) / "x509" / "PKITS_data" / "crls"
    return tuple(x509.load_der_x509_crl(file.read_bytes()) for file in folder.iterdir())


def is_valid(name: str) -> bool:
    """With only those CAs and CRLs at hand that its names lead to: looking through all takes seconds."""
    authorities = [each for other, each in certificates().items() if not other.endswith("EE")]
    chain, level = [], {certificates()[name].issuer.public_bytes()}
    while level:
        new = [each for each in authorities if each.subject.public_bytes() in level and each not in chain]
        chain += new
        level = {each.issuer.public_bytes() for each in new} - level
    verdict = judge(
        Question(
            certificate=certificates()[name],
            anchors=[certificates()["TrustAnchorRootCertificate"]],
            others=authorities if "NameChaining" in name or "Printable" in name or "UTF8" in name else chain,
            at=AT,
            evidence=Evidence(crls=crls()),
            require_status=True,
        )
    )
    return verdict.valid


def test_every_chain_is_judged_as_nist_says():
    with warnings.catch_warnings():
        # Serial numbers that are not positive are among the tests.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        leaves = [name for name in certificates() if name.endswith("EE") and name.startswith(("Valid", "Invalid"))]
        wrong = {name for name in leaves if is_valid(name) is not name.startswith("Valid")}
    assert len(leaves) > 200
    assert wrong == set(DIFFERENCES)
