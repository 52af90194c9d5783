"""Chains: put in order, and judged."""

from datetime import timedelta

import pytest
from cryptography import x509

from cas.core.authority import AuthorityWish, plan_authority
from cas.core.chain import chain_errors, is_issued_by, order_chain, verify_chain
from cas.core.keys import KeyAlgorithm
from cas.core.names import constraint_name
from cas.core.signing import prepare, sign_certificate
from kernel.errors import Invalid
from tests.pki import DAY, NOW, a_key, a_wish, intermediate, issue, make_intermediate, make_root, profile, root


def _codes(leaf, ancestors, at=NOW):
    return {(error.field, error.code) for error in chain_errors(leaf, ancestors, at)}


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_44])
def test_a_chain_is_found_in_any_pool_and_holds(algorithm):
    by = profile(template={"any_key_algorithm": True})
    leaf = issue(a_wish(public_key=a_key(algorithm).public_key()), under=intermediate(algorithm), by=by)
    stranger = make_root(subject="CN=Stranger").certificate
    pool = [stranger, leaf, root(algorithm).certificate, intermediate(algorithm).certificate]
    assert order_chain(leaf, pool) == intermediate(algorithm).chain
    verify_chain(leaf, order_chain(leaf, pool), NOW)


def test_a_root_has_nothing_above_it():
    assert order_chain(root().certificate, [root().certificate, intermediate().certificate]) == ()


def test_a_chain_ends_where_the_pool_ends():
    assert order_chain(issue(), [intermediate().certificate]) == (intermediate().certificate,)
    assert order_chain(issue(), []) == ()


def test_a_namesake_with_another_key_is_no_issuer():
    namesake = make_root().certificate
    assert namesake.subject == root().certificate.subject
    assert not is_issued_by(intermediate().certificate, namesake)
    assert order_chain(intermediate().certificate, [namesake, root().certificate]) == (root().certificate,)


def test_a_leaf_is_never_an_issuer():
    leaf = issue()
    assert order_chain(leaf, [leaf]) == ()


def test_of_cross_certificates_the_one_that_lasts_longest_is_taken():
    first, second = make_root(subject="CN=First"), make_root(subject="CN=Second")
    middle = make_intermediate(first, subject="CN=Middle", validity=400 * DAY)
    plan = plan_authority(
        issuer=second.facts,
        wish=AuthorityWish(subject=middle.certificate.subject, public_key=middle.key.public_key(), validity=500 * DAY),
        serial=x509.random_serial_number(),
        now=NOW,
    )
    cross = sign_certificate(prepare(plan), second.signer)
    pool = [middle.certificate, cross, first.certificate, second.certificate]
    assert order_chain(issue(under=middle), pool) == (cross, second.certificate)


def test_cas_that_certify_each_other_are_no_endless_chain():
    one, other = make_root(subject="CN=One"), make_root(subject="CN=Other")

    def cross(subject, issuer):
        wish = AuthorityWish(
            subject=subject.certificate.subject, public_key=subject.key.public_key(), validity=100 * DAY
        )
        plan = plan_authority(issuer=issuer.facts, wish=wish, serial=x509.random_serial_number(), now=NOW)
        return sign_certificate(prepare(plan), issuer.signer)

    pool = [cross(one, other), cross(other, one)]
    assert len(order_chain(issue(under=one), pool)) == 2


def test_without_an_issuer_no_chain_holds():
    assert _codes(issue(), ()) == {("chain", "incomplete-chain")}


def test_a_chain_in_the_wrong_order_does_not_hold():
    assert ("chain", "bad-signature") in _codes(issue(), tuple(reversed(intermediate().chain)))


def test_a_chain_holds_from_its_first_second_to_its_last():
    leaf, chain = issue(), intermediate().chain
    first, last = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    assert _codes(leaf, chain, first) == _codes(leaf, chain, last) == set()
    assert _codes(leaf, chain, first - timedelta(seconds=1)) == {("certificate", "not-yet-valid")}
    assert _codes(leaf, chain, last + timedelta(seconds=1)) == {("certificate", "expired")}


def test_an_expired_ca_breaks_the_chain():
    at = intermediate().certificate.not_valid_after_utc + DAY
    assert ("issuer", "issuer-expired") in _codes(issue(), intermediate().chain, at)


def test_a_leaf_issues_nothing_that_holds():
    leaf = issue()
    codes = _codes(leaf, (leaf, *intermediate().chain))
    assert {("chain", "bad-signature"), ("issuer", "not-an-authority")} <= codes


def test_name_constraints_and_purposes_hold_in_chains_that_others_made():
    narrow = make_intermediate(
        root(),
        subject="CN=Narrow",
        permitted=(constraint_name("example.com"),),
        extended_key_usage=(x509.ExtendedKeyUsageOID.SERVER_AUTH,),
    )
    wide = make_intermediate(root(), subject="CN=Narrow")
    by = profile(role={"allow_any_name": True}, template={"extended_key_usage": ["client_auth"]})
    leaf = issue(a_wish("", "evil.example.org"), under=wide, by=by)
    codes = _codes(leaf, narrow.chain)
    assert {("sans[0]", "name-constraint"), ("certificate", "beyond-issuer")} <= codes


def test_verify_chain_says_everything_that_is_wrong():
    with pytest.raises(Invalid) as caught:
        verify_chain(issue(), (root().certificate,), NOW + 9999 * DAY)
    assert {error.code for error in caught.value.errors} == {"bad-signature", "expired", "issuer-expired"}
