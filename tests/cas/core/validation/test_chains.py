"""Good and bad chains: what we say of them, and what others do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from cas.core.formats import to_pem
from cas.core.reading import extension_of
from tests.cas.core.validation.chains import CASES, Case
from tests.cas.core.validation.making import NOW, SERVER, errors_of, issuing, judged, make, root, server, warnings_of

HOST = x509.DNSName("www.example.com")


@pytest.mark.parametrize("name", CASES)
def test_what_we_say(name):
    case = CASES[name]()
    verdict = judged(case.leaf, *case.others, anchors=case.anchors, **case.question)
    assert errors_of(verdict) == case.errors
    assert verdict.valid is (not case.errors)
    assert set(case.warnings) <= {code for _position, code in warnings_of(verdict)}


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("name", CASES)
def test_what_openssl_says(name, tmp_path):
    case = CASES[name]()
    agrees = _openssl(case, tmp_path) is (not case.errors)
    assert agrees is (not case.openssl), case.openssl or "OpenSSL says otherwise"


def _openssl(case: Case, folder: Path) -> bool:
    trusted = folder / "trusted.pem"
    trusted.write_text(to_pem(*(each.certificate for each in case.anchors or (root(),))))
    shown = folder / "shown.pem"
    shown.write_text(to_pem(*(each.certificate for each in case.others)))
    leaf = folder / "leaf.pem"
    leaf.write_text(to_pem(case.leaf.certificate))
    moment = case.question.get("at", NOW)
    words = ["openssl", "verify", "-attime", f"{moment.timestamp():.0f}", "-CAfile", trusted, "-policy", "2.5.29.32.0"]
    if case.others:
        words += ["-untrusted", shown]
    if case.question.get("purpose") == SERVER:
        words += ["-purpose", "sslserver"]
    if "peer_name" in case.question:
        words += ["-verify_hostname", case.question["peer_name"].value]
    return subprocess.run([*words, leaf], capture_output=True, timeout=240, check=False).returncode == 0


@pytest.mark.parametrize("name", CASES)
def test_what_the_verifier_of_cryptography_says(name):
    case = CASES[name]()
    agrees = _pyca(case) is (not case.errors)
    assert agrees is (not case.pyca), case.pyca or "it says otherwise"


def _pyca(case: Case) -> bool:
    """Asked about a server."""
    store = Store([each.certificate for each in case.anchors or (root(),)])
    builder = PolicyBuilder().store(store).time(case.question.get("at", NOW))
    shown = [each.certificate for each in case.others]
    try:
        builder.build_server_verifier(_peer(case)).verify(case.leaf.certificate, shown)
    except (VerificationError, ValueError):
        return False
    return True


def _peer(case: Case) -> x509.DNSName | x509.IPAddress:
    sans = extension_of(case.leaf.certificate.extensions, x509.SubjectAlternativeName) or ()
    addresses = [name for name in sans if isinstance(name, x509.IPAddress)]
    return case.question.get("peer_name", addresses[0] if addresses else HOST)


NAMES = {
    "the name itself": ("www.example.com", "www.example.com", True),
    "in other letters": ("WWW.Example.com", "www.example.COM", True),
    "with a dot at the end": ("www.example.com", "www.example.com.", True),
    "a wildcard for one label": ("*.example.com", "www.example.com", True),
    "a wildcard for two": ("*.example.com", "a.b.example.com", False),
    "a wildcard for none": ("*.example.com", "example.com", False),
    "a part of a label": ("w*.example.com", "www.example.com", False),
    "a wildcard in the middle": ("www.*.com", "www.example.com", False),
    "a wildcard for everything": ("*", "localhost", False),
    "another name": ("www.example.com", "mail.example.com", False),
}


@pytest.mark.parametrize(("written", "wanted", "good"), NAMES.values(), ids=NAMES)
def test_host_names(written, wanted, good):
    verdict = judged(server(issuing(), written), issuing(), peer_name=x509.DNSName(wanted))
    assert verdict.valid is good


def test_a_common_name_is_no_host_name():
    verdict = judged(make("www.example.com", issuing()), issuing(), peer_name=HOST)
    assert errors_of(verdict) == [(0, "name-mismatch")]


def test_e_mail_addresses_also_stand_in_subjects():
    subject = x509.Name([x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "Ann@Example.com")])
    leaf = make(subject, issuing())
    assert judged(leaf, issuing(), peer_name=x509.RFC822Name("Ann@example.com")).valid
    assert not judged(leaf, issuing(), peer_name=x509.RFC822Name("ann@example.com")).valid


def test_any_purpose_is_no_question():
    verdict = judged(server(issuing()), issuing(), purpose=ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    assert (verdict.errors, verdict.warnings) == ((), ())
