"""pkilint, run as its own programs, over everything that the office signs: nothing of WARNING or worse."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags, ocsp

from cas.core.keys import KeyAlgorithm
from certificates.models import CrlScope
from certificates.orders import RevokeOrder
from certificates.services.crl import publish_crl
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests.conformance import verifiers
from tests.conformance.relying_party import RelyingParty, ocsp_request
from tests.office import Office, open_office
from tests.pki import a_key

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PROGRAMS = Path(sys.executable).parent
# pkilint knows the names of the public Internet only.
OF_INTERNAL_NAMES = {"pkix.invalid_domain_name_syntax"}


@dataclass
class Linter:
    """pkilint's programs, and files for them."""

    folder: Path

    def findings(self, program: str, *things: object, options: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """Severity and code of everything that is WARNING or worse."""
        files = [self._file(number, thing) for number, thing in enumerate(things)]
        command = [PROGRAMS / program, "lint", "-s", "WARNING", "-f", "JSON", *options, *files]
        verdict = verifiers.run(*command)
        found = [
            (each["severity"], each["code"])
            for result in json.loads(verdict.said)["results"]
            for each in result["finding_descriptions"]
        ]
        assert verdict.code == len(found), verdict.said
        return found

    def _file(self, number: int, thing: object) -> Path:
        path = self.folder / f"{number}.der"
        path.write_bytes(thing.public_bytes(Encoding.DER) if hasattr(thing, "public_bytes") else bytes(thing))
        return path


@pytest.fixture(autouse=True)
def _public_address(settings: Any) -> None:
    """The addresses in certificates: to pkilint "localhost" is no name."""
    settings.PUBLIC_URL = "http://pki.acme.test"


@pytest.fixture
def linter(tmp_path: Path) -> Linter:
    return Linter(tmp_path)


def revoke_some(office: Office) -> None:
    """Every reason that a leaf can have, with one of each kind of entry."""
    for number, reason in enumerate((ReasonFlags.unspecified, ReasonFlags.key_compromise, ReasonFlags.superseded)):
        row = office.issue(f"revoked{number}.acme.test").certificate
        revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))
    assert publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing, scope=0))


LEAVES = {
    "server": ({}, "www.acme.test", ("www.acme.test", "10.0.0.1", "fd00::1")),
    "server without a subject": ({}, "", ("www.acme.test",)),
    "client": ({"extended_key_usage": ("client_auth",)}, "device.acme.test", ()),
    "both": ({"extended_key_usage": ("server_auth", "client_auth")}, "node.acme.test", ()),
    "no purpose": ({"extended_key_usage": ()}, "any.acme.test", ()),
    "no addresses": ({"include_cdp": False, "include_aia": False}, "bare.acme.test", ()),
}


@pytest.mark.parametrize("kind", LEAVES)
def test_a_leaf_has_no_finding(linter: Linter, kind: str):
    changes, name, sans = LEAVES[kind]
    leaf = open_office(**changes).issue(name, *sans).x509
    assert linter.findings("lint_pkix_cert", leaf) == []


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_65])
def test_every_family_of_keys_has_no_finding(linter: Linter, algorithm: KeyAlgorithm):
    usage = ("digital_signature", "key_encipherment")[: 2 if algorithm is KeyAlgorithm.RSA_2048 else 1]
    leaf = open_office(algorithm=algorithm, key_usage=usage).issue().x509
    assert linter.findings("lint_pkix_cert", leaf) == []


def test_a_wildcard_has_the_finding_of_its_name_and_no_other(linter: Linter):
    leaf = open_office().issue("*.acme.test").x509
    found = linter.findings("lint_pkix_cert", leaf)
    assert {code for _severity, code in found} == OF_INTERNAL_NAMES


def test_cas_and_responder_have_no_finding(linter: Linter):
    leaf = open_office().issue().x509
    party = RelyingParty()
    issuer, root = party.chain_of(leaf)
    (responder,) = party.status_of(leaf, issuer).certificates
    for certificate in (root, issuer, responder):
        assert linter.findings("lint_pkix_cert", certificate) == []
    for above, below in ((root, root), (root, issuer), (issuer, leaf), (issuer, responder)):
        assert linter.findings("lint_pkix_signer_signee_cert_chain", above, below) == []


@pytest.mark.parametrize("entries", ["none", "some"])
def test_crls_have_no_finding(linter: Linter, entries: str):
    office = open_office(crl_shards=2)
    if entries == "some":
        revoke_some(office)
        for scope in CrlScope.objects.filter(ca=office.issuing, scope__gt=0):
            publish_crl(actor=SYSTEM, scope=scope)
    for scope in CrlScope.objects.all():
        body = bytes(scope.crls.latest("number").body)
        assert linter.findings("lint_crl", body, options=("-t", "CRL", "-p", "PKIX")) == []


def test_ocsp_answers_have_no_finding(linter: Linter):
    office = open_office()
    leaf = office.issue().x509
    party = RelyingParty()
    issuer = party.issuer_of(leaf)
    request = ocsp_request(leaf, issuer, algorithm=hashes.SHA256())
    with_nonce = ocsp_request(leaf, issuer, nonce=bytes(range(32)))
    answers = [party.ask(leaf, request).content, party.ask(leaf, with_nonce).content]
    row = office.issuing.issued.get()
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=ReasonFlags.key_compromise)
    revoke_certificate(actor=office.owner, order=order)
    answers.append(party.ask(leaf, request).content)
    assert ocsp.load_der_ocsp_response(answers[-1]).certificate_status is ocsp.OCSPCertStatus.REVOKED
    for answer in answers:
        assert linter.findings("lint_ocsp_response", answer) == []


def test_the_linter_would_say_what_is_wrong(linter: Linter):
    """A certificate without any extension: what the tests above would look like if they failed."""
    leaf = open_office().issue().x509
    bare = (
        x509.CertificateBuilder()
        .issuer_name(leaf.issuer)
        .subject_name(x509.Name([]))
        .public_key(a_key().public_key())
        .serial_number(1)
        .not_valid_before(leaf.not_valid_before_utc)
        .not_valid_after(leaf.not_valid_after_utc)
        .sign(a_key(), hashes.SHA256())
    )
    assert linter.findings("lint_pkix_cert", bare)
