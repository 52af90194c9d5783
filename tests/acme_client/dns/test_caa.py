"""Which CAs a domain allows, by a real name server (RFC 8659)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from acme_client.dns import caa

LOOPBACK = [ip_network("127.0.0.0/8")]
ONLY = "CAA of {} allows only {}."


@pytest.mark.needs("knotd")
@pytest.mark.parametrize(
    ("name", "issuer", "sentence"),
    [
        ("caa.test", "letsencrypt.org", None),
        ("caa.test", "LetsEncrypt.org", None),
        ("a.b.caa.test", "letsencrypt.org", None),
        ("*.caa.test", "letsencrypt.org", None),
        ("a.b.caa.test", "zerossl.com", ONLY.format("caa.test", "letsencrypt.org")),
        ("nobody.caa.test", "letsencrypt.org", "CAA of nobody.caa.test allows no CA at all."),
        ("alias.caa.test", "letsencrypt.org", "CAA of alias.caa.test allows no CA at all."),
        ("wild.caa.test", "letsencrypt.org", None),
        ("*.wild.caa.test", "zerossl.com", None),
        ("*.wild.caa.test", "letsencrypt.org", ONLY.format("wild.caa.test", "zerossl.com")),
        ("mail.caa.test", "zerossl.com", None),
        ("example.test", "zerossl.com", None),
        ("nowhere.invalid", "zerossl.com", None),
        ("192.0.2.1", "zerossl.com", None),
    ],
)
def test_what_stands_closest_decides(internet, name, issuer, sentence):
    said = caa.check([name], [issuer], private_ranges=LOOPBACK)
    assert [str(text) for text in said] == ([sentence] if sentence else [])


@pytest.mark.needs("knotd")
def test_a_critical_property_that_nobody_knows_forbids_all(internet):
    (said,) = caa.check(["critical.caa.test"], ["letsencrypt.org"], private_ranges=LOOPBACK)
    assert "critical property tbs" in str(said)


@pytest.mark.needs("knotd")
def test_each_reason_is_said_once_and_any_name_of_the_ca_will_do(internet):
    names = ["a.caa.test", "b.caa.test", "caa.test"]
    assert len(caa.check(names, ["zerossl.com"], private_ranges=LOOPBACK)) == 1
    assert caa.check(names, ["sectigo.com", "letsencrypt.org"], private_ranges=LOOPBACK) == ()


def test_of_a_ca_without_names_nothing_is_said():
    assert caa.check(["caa.test"], []) == ()
