"""What is believed about revocations: our register, CRLs, OCSP answers; and what is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from cas.core.reading import raw_field
from cas.core.usages import key_usage
from cas.core.validation.evidence import Evidence, Source, Standing, Statement
from tests.cas.core.validation.making import (
    DAY,
    NOW,
    Made,
    errors_of,
    issuing,
    judged,
    key_of,
    make,
    make_ca,
    named,
    root,
    server,
    warnings_of,
)

HOUR = timedelta(hours=1)
POINT = x509.UniformResourceIdentifier("http://pki.example.com/1.crl")


def crl(
    issuer: Made,
    *revoked: x509.Certificate,
    at: datetime = NOW - HOUR,
    end: datetime = NOW + DAY,
    when: datetime = NOW - 2 * HOUR,
    reason: x509.ReasonFlags | None = None,
    invalidity: datetime | None = None,
    signed_by: Any = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> x509.CertificateRevocationList:
    builder = x509.CertificateRevocationListBuilder(issuer.subject, at, end)
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder(certificate.serial_number, when)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), False)
        if invalidity is not None:
            entry = entry.add_extension(x509.InvalidityDate(invalidity), False)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signed_by or issuer.key, hashes.SHA256())


def point(**changes: Any) -> tuple[x509.ExtensionType, bool]:
    members: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**members | changes), True


def asked(leaf: Made, *lists: x509.CertificateRevocationList, middle: Made | None = None, **question: Any):
    """The verdict where the issuer's own standing is known to be good."""
    evidence = Evidence(crls=(crl(root()), *lists))
    return judged(leaf, middle or issuing(), check_revocation=True, evidence=evidence, **question)


def test_without_any_evidence_it_is_not_known():
    verdict = judged(server(issuing()), issuing(), check_revocation=True)
    assert (verdict.valid, verdict.not_revoked) == (True, None)
    assert warnings_of(verdict) == [(0, "revocation-unknown"), (1, "revocation-unknown")]


def test_that_it_is_not_known_may_be_an_error():
    verdict = judged(server(issuing()), issuing(), check_revocation=True, require_status=True)
    assert errors_of(verdict) == [(0, "revocation-unknown"), (1, "revocation-unknown")]


def test_on_the_list_and_not_on_it():
    leaf = server(issuing())
    assert asked(leaf, crl(issuing())).not_revoked is True
    assert errors_of(asked(leaf, crl(issuing(), leaf.certificate))) == [(0, "revoked")]
    held = crl(issuing(), leaf.certificate, reason=x509.ReasonFlags.certificate_hold)
    assert errors_of(asked(leaf, held)) == [(0, "on-hold")]


def test_a_revoked_issuer():
    evidence = Evidence(crls=(crl(root(), issuing().certificate), crl(issuing())))
    verdict = judged(server(issuing()), issuing(), check_revocation=True, evidence=evidence)
    assert (errors_of(verdict), verdict.chain_valid, verdict.not_revoked) == ([(1, "revoked")], True, False)


def test_what_was_revoked_later_was_good_until_then():
    leaf = server(issuing())
    listed = crl(issuing(), leaf.certificate, when=NOW - HOUR)
    assert asked(leaf, listed, at=NOW - 2 * HOUR).not_revoked is True
    compromised = crl(issuing(), leaf.certificate, when=NOW - HOUR, invalidity=NOW - 3 * HOUR)
    assert errors_of(asked(leaf, compromised, at=NOW - 2 * HOUR)) == [(0, "revoked")]


def test_an_old_list_says_who_is_revoked_and_not_who_is_not():
    leaf = server(issuing())
    times = {"at": NOW - 3 * DAY, "end": NOW - 2 * DAY, "when": NOW - 4 * DAY}
    assert asked(leaf, crl(issuing(), **times)).not_revoked is None
    assert errors_of(asked(leaf, crl(issuing(), leaf.certificate, **times))) == [(0, "revoked")]


def test_a_later_list_leaves_out_what_had_expired():
    leaf = server(issuing(), end=NOW + HOUR)
    later = crl(issuing(), at=NOW + 2 * HOUR)
    assert asked(leaf, later).not_revoked is None
    assert asked(server(issuing()), later).not_revoked is True


UNUSABLE = {
    "signed by another key": (lambda: crl(issuing(), signed_by=key_of("impostor")), "crl-bad-signature"),
    "indirect": (lambda: crl(issuing(), extensions=(point(indirect_crl=True),)), "crl-indirect"),
    "delta": (lambda: crl(issuing(), extensions=((x509.DeltaCRLIndicator(1), True),)), "crl-delta"),
    "for CAs": (lambda: crl(issuing(), extensions=(point(only_contains_ca_certs=True),)), "crl-other-scope"),
    "for attributes": (
        lambda: crl(issuing(), extensions=(point(only_contains_attribute_certs=True),)),
        "crl-other-scope",
    ),
    "for another point": (lambda: crl(issuing(), extensions=(point(full_name=[POINT]),)), "crl-other-scope"),
    "with a critical extension": (
        lambda: crl(
            issuing(),
            extensions=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"), True),),
        ),
        "crl-critical-extension",
    ),
}


@pytest.mark.parametrize(("make_list", "code"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_list_that_says_nothing_of_it(make_list, code):
    verdict = asked(server(issuing()), make_list())
    assert (verdict.not_revoked, warnings_of(verdict)) == (None, [(0, code), (0, "revocation-unknown")])


def test_a_list_of_some_reasons_is_not_the_whole():
    reasons = frozenset({x509.ReasonFlags.key_compromise})
    assert asked(server(issuing()), crl(issuing(), extensions=(point(only_some_reasons=reasons),))).not_revoked is None


def test_a_list_for_the_point_that_the_certificate_names():
    points = x509.CRLDistributionPoints([x509.DistributionPoint([POINT], None, None, None)])
    leaf = server(issuing(), extensions=((points, False),))
    assert asked(leaf, crl(issuing(), extensions=(point(full_name=[POINT]),))).not_revoked is True


def test_an_issuer_that_may_not_sign_lists():
    middle = make_ca("No lists", root(), usage=key_usage(["key_cert_sign"]))
    assert asked(server(middle), crl(middle), middle=middle).not_revoked is None


def test_the_register_is_believed_first():
    leaf = server(issuing())
    spki, serial = raw_field(issuing().certificate, "spki"), leaf.certificate.serial_number
    bad = Statement(standing=Standing.REVOKED, source=Source.REGISTER, since=NOW - HOUR)
    evidence = Evidence(register={(spki, serial): bad}, crls=(crl(root()), crl(issuing())))
    verdict = judged(leaf, issuing(), check_revocation=True, evidence=evidence)
    assert errors_of(verdict) == [(0, "revoked")]


def test_a_good_chain_is_preferred_to_a_revoked_one():
    crossed = key_of("crossed")
    first = make_ca("Crossed", root(), key=crossed, end=NOW + 200 * DAY)
    second = make_ca("Crossed", root(), key=crossed)
    evidence = Evidence(crls=(crl(root(), first.certificate),))
    verdict = judged(server(first), first, second, check_revocation=True, evidence=evidence)
    assert (verdict.valid, verdict.chain[1]) == (True, second.certificate)


# --- OCSP -------------------------------------------------------------------------------------------------------------


def answer(
    leaf: Made,
    issuer: Made,
    *,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    responder: Made | None = None,
    at: datetime = NOW - HOUR,
    end: datetime | None = NOW + HOUR,
) -> ocsp.OCSPResponse:
    is_revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf.certificate,
        issuer=issuer.certificate,
        algorithm=hashes.SHA256(),
        cert_status=status,
        this_update=at,
        next_update=end,
        revocation_time=NOW - 2 * HOUR if is_revoked else None,
        revocation_reason=x509.ReasonFlags.superseded if is_revoked else None,
    )
    signer = responder or issuer
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    if responder is not None:
        builder = builder.certificates([responder.certificate])
    response = builder.sign(signer.key, hashes.SHA256())
    return ocsp.load_der_ocsp_response(response.public_bytes(Encoding.DER))


def answered(leaf: Made, response: ocsp.OCSPResponse) -> bool | None:
    evidence = Evidence(crls=(crl(root()),), responses=(response,))
    return judged(leaf, issuing(), check_revocation=True, evidence=evidence).not_revoked


def responder(issuer: Made, *purposes: x509.ObjectIdentifier, **options: Any) -> Made:
    return make("responder", issuer, purposes=list(purposes or [ExtendedKeyUsageOID.OCSP_SIGNING]), **options)


def test_answers_that_are_believed():
    leaf = server(issuing())
    assert answered(leaf, answer(leaf, issuing())) is True
    assert answered(leaf, answer(leaf, issuing(), responder=responder(issuing()))) is True
    revoked = answer(leaf, issuing(), status=ocsp.OCSPCertStatus.REVOKED)
    assert answered(leaf, revoked) is False
    old = answer(leaf, issuing(), status=ocsp.OCSPCertStatus.REVOKED, at=NOW - HOUR, end=NOW - HOUR / 2)
    assert answered(leaf, old) is False


def test_answers_that_are_not_believed():
    leaf, other = server(issuing()), server(issuing())
    servers = responder(issuing(), ExtendedKeyUsageOID.SERVER_AUTH)
    expired = responder(issuing(), end=NOW - DAY)
    refused = {
        "by a stranger": answer(leaf, issuing(), responder=responder(issuing(), signed_by=key_of("impostor"))),
        "about another certificate": answer(other, issuing()),
        "of another issuer": answer(leaf, make_ca("Issuing", root(), key=key_of("other issuing"))),
        "by a responder of another CA": answer(leaf, issuing(), responder=responder(root())),
        "by a server": answer(leaf, issuing(), responder=servers),
        "by an expired responder": answer(leaf, issuing(), responder=expired),
        "too old": answer(leaf, issuing(), at=NOW - 2 * DAY, end=NOW - DAY),
        "old, without an end": answer(leaf, issuing(), at=NOW - 2 * DAY, end=None),
        "unknown": answer(leaf, issuing(), status=ocsp.OCSPCertStatus.UNKNOWN),
    }
    assert {name: answered(leaf, response) for name, response in refused.items()} == dict.fromkeys(refused)


def test_names_of_crl_issuers_are_compared_as_all_names_are():
    spoken = Made(subject=named("ISSUING"), key=issuing().key, certificate=issuing().certificate)
    assert asked(server(issuing()), crl(spoken)).not_revoked is True
