"""CRLs: read again by the library, entry by entry."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from cas.core.crl import crl_to_be_signed, entry_der
from cas.core.keys import KeyAlgorithm
from cas.core.reasons import CODES
from cas.core.signing import sign_crl
from tests.pki import DAY, NOW, intermediate

_AT = NOW - timedelta(hours=3)


def _crl(entries=(), *, authority=None, **changes):
    authority = authority or intermediate()
    values = {"number": 7, "this_update": NOW, "next_update": NOW + 7 * DAY} | changes
    tbs = crl_to_be_signed(issuer=authority.certificate, entries=entries, **values)
    return x509.load_der_x509_crl(sign_crl(tbs, authority.signer))


@pytest.mark.parametrize("algorithm", [a for a in KeyAlgorithm if a is not KeyAlgorithm.RSA_4096])
def test_a_crl_of_every_algorithm_verifies(algorithm):
    authority = intermediate(algorithm)
    assert _crl([entry_der(5, _AT)], authority=authority).is_signature_valid(authority.certificate.public_key())


def test_what_stands_in_a_crl():
    crl = _crl()
    issuer = intermediate().certificate
    assert crl.issuer == issuer.subject
    assert (crl.last_update_utc, crl.next_update_utc) == (NOW, NOW + 7 * DAY)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert {type(each.value).__name__: each.critical for each in crl.extensions} == {
        "AuthorityKeyIdentifier": False,
        "CRLNumber": False,
    }
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 7
    assert crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == identifier


def test_without_entries_the_list_is_absent():
    assert len(_crl()) == 0
    # version, signature, issuer, thisUpdate, nextUpdate, and then the extensions at once
    assert b"\x30\x00" not in _crl().tbs_certlist_bytes


@pytest.mark.parametrize("reason", CODES)
def test_an_entry_tells_serial_time_and_reason(reason):
    (entry,) = _crl([entry_der(2**158 + 1, _AT, reason)])
    assert (entry.serial_number, entry.revocation_date_utc) == (2**158 + 1, _AT)
    extensions = [each.value for each in entry.extensions]
    assert extensions == ([] if reason is x509.ReasonFlags.unspecified else [x509.CRLReason(reason)])


def test_an_entry_tells_since_when_the_key_was_invalid():
    (entry,) = _crl([entry_der(9, _AT, x509.ReasonFlags.key_compromise, NOW - 5 * DAY)])
    date = entry.extensions.get_extension_for_class(x509.InvalidityDate)
    assert (date.value.invalidity_date_utc, date.critical) == (NOW - 5 * DAY, False)


def test_the_library_encodes_an_entry_in_the_same_bytes():
    builder = x509.RevokedCertificateBuilder().serial_number(77).revocation_date(_AT)
    theirs = builder.add_extension(x509.CRLReason(x509.ReasonFlags.superseded), critical=False).build()
    ours = entry_der(77, _AT, x509.ReasonFlags.superseded)
    from cryptography.hazmat.primitives import hashes

    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(intermediate().certificate.subject)
        .last_update(NOW)
        .next_update(NOW + DAY)
        .add_revoked_certificate(theirs)
        .sign(intermediate().key, hashes.SHA256())
    )
    assert ours in crl.tbs_certlist_bytes


def test_a_shard_says_critically_that_it_is_one():
    crl = _crl(issuing_distribution_point="http://pki.example.com/crl/1/3")
    point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert point.critical
    assert [name.value for name in point.value.full_name] == ["http://pki.example.com/crl/1/3"]


def test_entries_stand_in_the_order_given():
    assert [entry.serial_number for entry in _crl([entry_der(n, _AT) for n in (3, 1, 2)])] == [3, 1, 2]


def test_times_after_2049_are_generalized():
    after = datetime(2051, 1, 1, tzinfo=UTC)
    crl = _crl([entry_der(1, after)], this_update=after, next_update=after + DAY)
    assert crl.last_update_utc == after
    assert crl[0].revocation_date_utc == after


@pytest.mark.parametrize(
    "make",
    [
        lambda: entry_der(1, _AT, x509.ReasonFlags.remove_from_crl),
        lambda: entry_der(0, _AT),
        lambda: _crl(next_update=NOW),
        lambda: _crl(number=-1),
        lambda: _crl(number=2**159),
    ],
)
def test_what_no_full_crl_can_say_is_refused(make):
    with pytest.raises(ValueError, match=r".+"):
        make()


def test_a_hundred_thousand_entries_are_a_join():
    entries = [entry_der(2**150 + n, _AT, x509.ReasonFlags.superseded) for n in range(1000)] * 100
    assert len(_crl(entries)) == 100_000
