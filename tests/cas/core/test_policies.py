"""Certificate policies along a chain, as RFC 5280 6.1 counts them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.x509 import CertificatePolicies, InhibitAnyPolicy, PolicyConstraints, PolicyInformation

from cas.core import der
from cas.core.authority import AuthorityWish, plan_authority
from cas.core.chain import chain_errors
from cas.core.crl import crl_to_be_signed
from cas.core.keys import KeyAlgorithm, generate
from cas.core.leaf import plan_leaf
from cas.core.names import parse_name
from cas.core.policies import ANY_POLICY, PolicyRoom, mappings, policy_errors, policy_room
from cas.core.signing import Misissuance, Signer, SoftwareKey, sign_crl
from kernel.errors import Invalid
from tests import elsewhere
from tests.elsewhere import Elsewhere
from tests.pki import DAY, NOW, Authority, a_key, a_wish, profile

ONE, TWO, THREE = (x509.ObjectIdentifier(f"1.3.6.1.4.1.99999.{number}") for number in (1, 2, 3))
ANY = ANY_POLICY


def policies(*oids: x509.ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    return CertificatePolicies([PolicyInformation(oid, None) for oid in oids]), False


def requires(after: int | None, mapping: int | None = None) -> tuple[x509.ExtensionType, bool]:
    return PolicyConstraints(require_explicit_policy=after, inhibit_policy_mapping=mapping), True


def no_any(after: int = 0) -> tuple[x509.ExtensionType, bool]:
    return InhibitAnyPolicy(after), True


def maps(*pairs: tuple[x509.ObjectIdentifier, x509.ObjectIdentifier]) -> tuple[x509.ExtensionType, bool]:
    content = [der.sequence(der.oid(ours.dotted_string), der.oid(theirs.dotted_string)) for ours, theirs in pairs]
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), der.sequence(*content)), True


def chain(*levels: list[tuple[x509.ExtensionType, bool]]) -> Elsewhere:
    """A root that says nothing, and one CA for each level below it, the last of them in hand."""
    ca = elsewhere.root()
    for number, extra in enumerate(levels):
        ca = ca.below(f"CN=Level {number},O=Elsewhere", extra=extra)
    return ca


def room(*levels: list[tuple[x509.ExtensionType, bool]]) -> PolicyRoom:
    return policy_room(chain(*levels).chain)


@pytest.mark.parametrize(
    ("levels", "allowed", "is_required"),
    [
        pytest.param([[]], None, False, id="nobody says anything"),
        pytest.param([[policies(ONE, TWO)]], {ONE, TWO}, False, id="a CA names two"),
        pytest.param([[policies(ANY)]], None, False, id="a CA allows any"),
        pytest.param([[policies(ONE, TWO)], [policies(TWO, THREE)]], {TWO}, False, id="two CAs have one in common"),
        pytest.param([[policies(ONE)], [policies(ANY)]], {ONE}, False, id="any keeps what is above"),
        pytest.param([[policies(ONE), no_any()], [policies(ANY)]], set(), False, id="any is inhibited"),
        pytest.param([[policies(ONE), no_any(1)], [policies(ANY)]], {ONE}, False, id="any is inhibited later"),
        pytest.param([[policies(ONE)], []], {ONE}, False, id="silence leaves the choice where nothing is required"),
        pytest.param([[policies(ONE), requires(0)]], {ONE}, True, id="required at once"),
        pytest.param([[policies(ONE), requires(1)]], {ONE}, True, id="required of the next"),
        pytest.param([[policies(ONE), requires(2)]], {ONE}, False, id="required of the one after it"),
        pytest.param([[policies(ONE), requires(2)], [policies(ONE)]], {ONE}, True, id="whose turn has come"),
        pytest.param([[policies(ONE), requires(0)], []], set(), True, id="silence ends all claims then"),
        pytest.param([[policies(ONE), maps((ONE, TWO))]], {TWO}, False, id="mapped"),
        pytest.param([[policies(ONE, TWO), maps((ONE, THREE))]], {TWO, THREE}, False, id="mapped beside another"),
        pytest.param(
            [[policies(ONE), requires(None, 0)], [policies(ONE), maps((ONE, TWO))]], set(), False, id="not to be mapped"
        ),
    ],
)
def test_what_a_chain_leaves(levels, allowed, is_required):
    found = room(*levels)
    assert found == PolicyRoom(None if allowed is None else frozenset(allowed), is_required)


def test_what_a_root_says_of_itself_is_no_limit():
    anchor = elsewhere.root(extra=[policies(ONE), requires(0)])
    assert policy_room([anchor.certificate]) == PolicyRoom(None, False)


@pytest.mark.parametrize(
    ("levels", "asked", "code"),
    [
        ([[policies(ONE)]], [ONE], None),
        ([[policies(ONE)]], [], None),
        ([[policies(ONE)]], [TWO], "policy-not-allowed"),
        ([[policies(ONE), requires(0)]], [], "policy-required"),
        ([[policies(ONE), requires(0)]], [ONE], None),
        ([[]], [TWO], None),
    ],
)
def test_what_may_be_signed_below(levels, asked, code):
    errors = policy_errors(chain(*levels).chain, asked, field="issuer")
    assert [each.code for each in errors] == ([code] if code else [])


def test_a_leaf_is_planned_within_them():
    ca = chain([policies(ONE), requires(0)])
    issuer = Authority(certificate=ca.certificate, key=ca.key, ancestors=ca.above).facts
    wish = a_wish("CN=www.example.com", "www.example.com", validity=DAY)
    values = {"issuer": issuer, "wish": wish, "serial": x509.random_serial_number(), "now": datetime.now(UTC)}
    with pytest.raises(Invalid) as refusal:
        plan_leaf(profile=profile(), **values)
    assert [(each.field, each.code) for each in refusal.value.errors] == [("issuer", "policy-required")]
    plan_leaf(profile=profile(template={"certificate_policies": [ONE.dotted_string]}), **values)


def test_a_ca_below_hands_them_on():
    ca = chain([policies(ONE, TWO)])
    issuer = Authority(certificate=ca.certificate, key=ca.key, ancestors=ca.above).facts
    wish = AuthorityWish(subject=parse_name("CN=Below"), public_key=a_key().public_key(), validity=DAY)
    plan = plan_authority(issuer=issuer, wish=wish, serial=x509.random_serial_number(), now=datetime.now(UTC))
    (stated,) = [value for value, _critical in plan.extensions() if isinstance(value, CertificatePolicies)]
    assert [each.policy_identifier for each in stated] == [ONE, TWO]


def test_where_nobody_speaks_of_policies_nor_do_we():
    ca = chain([])
    issuer = Authority(certificate=ca.certificate, key=ca.key, ancestors=ca.above).facts
    wish = AuthorityWish(subject=parse_name("CN=Below"), public_key=a_key().public_key(), validity=DAY)
    plan = plan_authority(issuer=issuer, wish=wish, serial=x509.random_serial_number(), now=datetime.now(UTC))
    assert not [value for value, _critical in plan.extensions() if isinstance(value, CertificatePolicies)]


@pytest.mark.parametrize(
    ("extra", "holds"),
    [
        ([policies(ONE)], True),
        ([policies(ONE, TWO)], True),
        ([policies(ANY)], True),
        ([policies(TWO)], False),
        ([], False),
    ],
)
def test_a_certificate_of_others_needs_one_where_one_is_required(extra, holds):
    ca = chain([policies(ONE), requires(0)])
    leaf = ca.sign(parse_name("CN=x"), generate(KeyAlgorithm.ECDSA_P256).public_key(), is_ca=False, extra=extra)
    codes = [each.code for each in chain_errors(leaf, ca.chain, datetime.now(UTC))]
    assert codes == ([] if holds else ["policy-required"])


def test_mappings_that_cannot_be_read_are_no_mappings():
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), b"\x30\x02\x30\x00")
    with pytest.raises(ValueError, match="tag"):
        mappings(elsewhere.root().below(extra=[(broken, True)]).certificate)


def test_a_ca_without_crl_sign_signs_no_list():
    ca = elsewhere.root().below(crl_sign=False)
    tbs = crl_to_be_signed(issuer=ca.certificate, number=1, this_update=NOW, next_update=NOW + DAY, entries=())
    with pytest.raises(Misissuance, match="may not sign CRLs"):
        sign_crl(tbs, Signer(ca.certificate, SoftwareKey(ca.key)))
