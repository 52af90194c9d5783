"""Reasons of revocation and their spellings."""

import pytest
from cryptography.x509 import ReasonFlags

from cas.core.reasons import AUTHORITY_REASONS, CODES, LEAF_REASONS, parse_reason, reason_name
from kernel.errors import Invalid


@pytest.mark.parametrize("spelling", ["keyCompromise", "key_compromise", "Key compromise", "KEY-COMPROMISE", "1", 1])
def test_every_usual_spelling_is_read(spelling):
    assert parse_reason(spelling) is ReasonFlags.key_compromise


@pytest.mark.parametrize("reason", CODES)
def test_a_reason_is_read_from_its_own_name_and_number(reason):
    assert parse_reason(reason_name(reason)) is reason
    assert parse_reason(CODES[reason]) is reason


@pytest.mark.parametrize("text", ["removeFromCRL", "8", "7", "because", "", "-1", "1.0"])
def test_what_is_no_reason_of_a_person_is_refused(text):
    with pytest.raises(Invalid) as caught:
        parse_reason(text)
    assert [error.field for error in caught.value.errors] == ["reason"]


def test_a_leaf_is_offered_no_ca_compromise_and_a_ca_no_hold():
    assert ReasonFlags.ca_compromise not in LEAF_REASONS
    assert ReasonFlags.certificate_hold not in AUTHORITY_REASONS
    assert ReasonFlags.remove_from_crl not in LEAF_REASONS | AUTHORITY_REASONS
