"""From a plan to a certificate: what was linted is what was signed, and every surprise stops it."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cas.core import lint
from cas.core.authority import AuthorityWish, plan_authority
from cas.core.csr import read_csr
from cas.core.keys import KeyAlgorithm, generate
from cas.core.names import parse_name
from cas.core.ocsp import CertId, Good, SingleAnswer, response_to_be_signed
from cas.core.schemes import algorithm_identifier, is_signed_by
from cas.core.signing import (
    LintedDraft,
    LintRefused,
    Misissuance,
    Signer,
    SoftwareKey,
    prepare,
    sign_certificate,
    sign_crl,
    sign_csr,
    sign_ocsp_response,
)
from tests.pki import (
    DAY,
    NOW,
    a_key,
    a_plan,
    a_wish,
    intermediate,
    issue,
    make_intermediate,
    make_responder,
    make_root,
    profile,
    root,
)

ALGORITHMS = [algorithm for algorithm in KeyAlgorithm if algorithm is not KeyAlgorithm.RSA_4096]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_signs_roots_intermediates_and_leaves(algorithm):
    by = profile(template={"key_algorithm": algorithm.value})
    key = a_key(algorithm).public_key()
    leaf = issue(a_wish(public_key=key), under=intermediate(algorithm), by=by)
    for certificate, issuer in (
        (leaf, intermediate(algorithm).certificate),
        (intermediate(algorithm).certificate, root(algorithm).certificate),
        (root(algorithm).certificate, root(algorithm).certificate),
    ):
        certificate.verify_directly_issued_by(issuer)
        assert algorithm_identifier(issuer.public_key()) in certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P384, KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_87])
def test_a_leaf_may_have_another_algorithm_than_its_issuer(algorithm):
    by = profile(template={"any_key_algorithm": True})
    issue(a_wish(public_key=a_key(algorithm).public_key()), by=by)


def test_the_hash_grows_with_the_key():
    names = {
        algorithm: issue(
            a_wish(public_key=a_key(algorithm).public_key()),
            by=profile(template={"any_key_algorithm": True}),
            under=intermediate(algorithm),
        ).signature_hash_algorithm.name
        for algorithm in (
            KeyAlgorithm.RSA_2048,
            KeyAlgorithm.RSA_3072,
            KeyAlgorithm.ECDSA_P384,
            KeyAlgorithm.ECDSA_P521,
        )
    }
    assert list(names.values()) == ["sha256", "sha256", "sha384", "sha512"]


def test_rsa_4096_signs_with_sha_384():
    certificate = make_root(KeyAlgorithm.RSA_4096).certificate
    certificate.verify_directly_issued_by(certificate)
    assert certificate.signature_hash_algorithm.name == "sha384"


def test_the_linted_bytes_are_the_signed_bytes():
    draft = prepare(a_plan())
    assert sign_certificate(draft, intermediate().signer).tbs_certificate_bytes == draft.tbs


def test_a_draft_announces_what_is_about_to_be_signed():
    draft = prepare(a_plan())
    assert len(draft.tbs_sha256) == 64
    assert draft.tbs_sha256 != prepare(a_plan()).tbs_sha256


def test_a_draft_is_signed_by_its_issuer_alone():
    draft = prepare(a_plan())
    with pytest.raises(Misissuance, match="another issuer"):
        sign_certificate(draft, root().signer)
    with pytest.raises(Misissuance, match="another issuer"):
        sign_certificate(draft, Signer(None, SoftwareKey(intermediate().key)))


def test_another_certificate_of_the_same_ca_is_another_issuer():
    parent, ca = root(), intermediate()
    plan = plan_authority(
        issuer=parent.facts,
        wish=AuthorityWish(subject=ca.certificate.subject, public_key=ca.key.public_key(), validity=400 * DAY),
        serial=x509.random_serial_number(),
        now=NOW,
    )
    renewed = sign_certificate(prepare(plan), parent.signer)
    with pytest.raises(Misissuance):
        sign_certificate(prepare(a_plan()), Signer(renewed, SoftwareKey(ca.key)))


def test_a_root_is_signed_by_its_own_key_alone():
    key, other = generate(KeyAlgorithm.ECDSA_P256), generate(KeyAlgorithm.ECDSA_P256)
    wish = AuthorityWish(subject=parse_name("CN=R"), public_key=key.public_key(), validity=DAY)
    draft = prepare(plan_authority(issuer=None, wish=wish, serial=x509.random_serial_number(), now=NOW))
    with pytest.raises(Misissuance):
        sign_certificate(draft, Signer(None, SoftwareKey(other)))
    sign_certificate(draft, Signer(None, SoftwareKey(key)))


def test_a_signer_has_the_key_of_its_certificate():
    with pytest.raises(Misissuance):
        Signer(root().certificate, SoftwareKey(intermediate().key))


def test_keys_and_signers_do_not_print_their_key():
    assert "PrivateKey" not in repr(intermediate().signer)
    assert "PrivateKey" not in repr(SoftwareKey(a_key()))


@dataclass
class _FaultyKey:
    """A key in a device that returns something else than a signature over what it was given."""

    inner: SoftwareKey

    @property
    def public_key(self):
        return self.inner.public_key

    def sign(self, data):
        return self.inner.sign(data + b"x")


def test_a_key_that_signs_something_else_is_found_out():
    signer = Signer(intermediate().certificate, _FaultyKey(SoftwareKey(intermediate().key)))
    with pytest.raises(Misissuance, match="does not verify"):
        sign_certificate(prepare(a_plan()), signer)


def test_a_key_may_be_anything_that_signs_bytes():
    signed = []

    class Remote(_FaultyKey):
        def sign(self, data):
            signed.append(data)
            return self.inner.sign(data)

    draft = prepare(a_plan())
    sign_certificate(draft, Signer(intermediate().certificate, Remote(SoftwareKey(intermediate().key))))
    assert signed == [draft.tbs]


def test_changed_bytes_do_not_become_a_certificate():
    draft = prepare(a_plan())
    broken = LintedDraft(plan=draft.plan, tbs=draft.tbs[:-1])
    with pytest.raises(Misissuance):
        sign_certificate(broken, intermediate().signer)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("serial number", lambda plan: replace(plan, serial=plan.serial + 1)),
        ("notAfter", lambda plan: replace(plan, not_after=plan.not_after - DAY)),
        ("subject", lambda plan: replace(plan, subject=parse_name("CN=b.example.com"))),
        ("public key", lambda plan: replace(plan, public_key=a_key(number=1).public_key())),
        ("extensions", lambda plan: replace(plan, key_usage=("content_commitment",))),
        ("issuer name", lambda plan: replace(plan, issuer=root().facts)),
    ],
)
def test_a_draft_that_is_not_what_was_planned_is_found_out(what, change):
    from cas.core.plan import to_be_signed
    from cas.core.schemes import hash_for

    plan = a_plan()
    throwaway = generate(KeyAlgorithm.ECDSA_P256)
    draft = to_be_signed(plan).sign(throwaway, hash_for(throwaway.public_key()))
    assert lint.own_findings(draft, plan) == []
    assert any(what in finding for finding in lint.own_findings(draft, change(plan)))


@pytest.mark.parametrize("serial", [1, 2**64 - 1, 2**159])
def test_a_serial_number_of_a_wrong_size_is_not_signed(serial):
    with pytest.raises((Misissuance, ValueError)):
        prepare(replace(a_plan(), serial=serial))


def test_a_repeated_name_is_not_signed():
    plan = a_plan(a_wish("", "a.example.com"))
    with pytest.raises(Misissuance, match="repeated SAN"):
        prepare(replace(plan, sans=plan.sans * 2))


def test_a_name_that_is_not_canonical_is_not_signed():
    with pytest.raises(Misissuance, match="canonical"):
        prepare(replace(a_plan(), sans=(x509.DNSName("A.example.com"),)))


def test_a_usage_that_the_key_cannot_carry_is_not_signed():
    with pytest.raises(Misissuance, match="key usage"):
        prepare(replace(a_plan(), key_usage=("key_encipherment",)))


def test_what_pkilint_objects_to_is_refused_where_the_template_says_block():
    plan = replace(a_plan(a_wish("", "a.example.com")), subject=parse_name("CN=x,emailAddress=a@example.com"))
    with pytest.raises(LintRefused) as caught:
        prepare(plan)
    assert {error.field for error in caught.value.errors} == {"certificate"}
    prepare(replace(plan, lint=False))


@pytest.mark.parametrize("name", ["*.example.com", "localhost", "xn--bcher-kva.example.com"])
def test_internal_names_pass_the_lint(name):
    by = profile(role={"allow_any_name": True, "allow_wildcards": True})
    issue(a_wish("", name), by=by)


def test_internal_hosts_pass_the_lint_in_urls():
    authority = intermediate()
    facts = replace(authority.facts, crl_url="http://localhost:8000/crl/1", ocsp_url="http://pki/ocsp")
    prepare(replace(a_plan(), issuer=facts))


def test_a_csr_of_a_ca_key_is_a_csr():
    for algorithm in (KeyAlgorithm.RSA_2048, KeyAlgorithm.ECDSA_P256, KeyAlgorithm.ML_DSA_44):
        request = sign_csr(parse_name("CN=Sub CA,O=Acme"), Signer(None, SoftwareKey(a_key(algorithm))))
        facts = read_csr(request.public_bytes(Encoding.PEM))
        assert (facts.algorithm, facts.requested_key_usage) == (algorithm, ("key_cert_sign", "crl_sign"))
        assert facts.subject == parse_name("CN=Sub CA,O=Acme")


def test_a_list_of_another_issuer_and_things_that_are_no_list_are_not_signed():
    from cas.core.crl import crl_to_be_signed

    values = {"number": 1, "this_update": NOW, "next_update": NOW + DAY, "entries": ()}
    tbs = crl_to_be_signed(issuer=root().certificate, **values)
    for data in (tbs, prepare(a_plan()).tbs, b"", b"\x30\x00"):
        with pytest.raises(Misissuance):
            sign_crl(data, intermediate().signer)


def _answer(responder):
    cert_id = CertId(hash_name="sha1", issuer_name_hash=b"", issuer_key_hash=b"", serial=1, der=b"\x30\x00")
    answer = SingleAnswer(cert_id=cert_id, status=Good(), this_update=NOW, next_update=None)
    return response_to_be_signed(responder=responder, produced_at=NOW, answers=[answer], nonce=None)


def test_a_leaf_answers_nothing():
    leaf = Signer(issue(), SoftwareKey(a_key()))
    with pytest.raises(Misissuance):
        sign_ocsp_response(_answer(leaf.certificate), leaf)


def test_an_answer_is_signed_by_the_responder_that_it_names():
    one, other = make_responder(intermediate()), make_responder(intermediate())
    sign_ocsp_response(_answer(one.certificate), one)
    with pytest.raises(Misissuance):
        sign_ocsp_response(_answer(one.certificate), other)
    with pytest.raises(Misissuance):
        sign_ocsp_response(prepare(a_plan()).tbs, one)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signature_is_one_over_its_own_data_by_its_own_key(algorithm):
    key = a_key(algorithm)
    signature = SoftwareKey(key).sign(b"data")
    assert is_signed_by(key.public_key(), signature, b"data")
    assert not is_signed_by(key.public_key(), signature, b"other data")
    assert not is_signed_by(key.public_key(), signature[:-1], b"data")
    assert not is_signed_by(a_key(algorithm, 1).public_key(), signature, b"data")


def test_a_ca_under_a_foreign_root_copies_its_identifier():
    """An issuer made by other software names its key by SHA-1; what it signs through us says the same."""
    from cryptography.hazmat.primitives import hashes

    key = generate(KeyAlgorithm.ECDSA_P256)
    name = parse_name("CN=Foreign,O=Else")
    foreign = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    from tests.pki import Authority

    leaf = issue(under=Authority(certificate=foreign, key=key))
    copied = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert copied == x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest


def test_the_same_key_under_two_names_signs_for_the_one_it_was_planned_for():
    one = make_root(subject="CN=One")
    other = make_intermediate(one, subject="CN=Two")
    assert issue(under=other).issuer == parse_name("CN=Two")
