"""Names and comments as Go has them."""

from __future__ import annotations

import pytest

from sdk.generate.go_text import about, columns, comment, exported, singular, third_person, unexported


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("max_ttl", "MaxTTL"),
        ("id", "ID"),
        ("replaced_by_ids", "ReplacedByIDs"),
        ("cas", "CAs"),
        ("sans", "SANs"),
        ("dns_providers", "DNSProviders"),
        ("oauth_clients", "OAuthClients"),
        ("publish_crl", "PublishCRL"),
        ("AcmeOrder", "ACMEOrder"),
        ("OAuthClientRequest", "OAuthClientRequest"),
        ("CaCertificate", "CACertificate"),
        ("whoami", "Whoami"),
        ("certificate_list_params", "CertificateListParams"),
    ],
)
def test_initials_are_capitals(name: str, wanted: str) -> None:
    assert exported(name) == wanted


def test_an_argument_begins_small() -> None:
    assert [unexported(name) for name in ("id", "event_id", "fingerprint")] == ["id", "eventID", "fingerprint"]


def test_one_of_many() -> None:
    names = ["deliveries", "certificates", "cas", "machine_identities", "stats", "whoami", "audit"]
    assert [singular(name) for name in names] == [
        "delivery",
        "certificate",
        "ca",
        "machine_identity",
        "stats",
        "whoami",
        "audit",
    ]


def test_a_summary_becomes_what_the_method_does() -> None:
    summaries = [
        "Issue a certificate",
        "Publish a CRL",
        "Cross-certify a CA",
        "Say it",
        "Try again",
        "Retire",
    ]
    assert [third_person(each) for each in summaries] == [
        "issues a certificate",
        "publishes a CRL",
        "cross-certifies a CA",
        "says it",
        "tries again",
        "retires",
    ]


def test_a_comment_begins_with_its_name() -> None:
    assert about("Csr", "A certificate signing request.") == "Csr is a certificate signing request."
    assert about("Counts", "Every certificate is in one.") == "Counts: Every certificate is in one."
    assert about("Nothing", "") == ""


def test_paragraphs_are_filled_anew() -> None:
    lines = comment(["One\nline.\n\n" + "word " * 30, "", "Last."], "\t")
    assert lines == [
        "\t// One line.",
        "\t//",
        "\t// " + " ".join(["word"] * 22),
        "\t// " + " ".join(["word"] * 8),
        "\t//",
        "\t// Last.",
    ]


def test_columns_stand_below_each_other() -> None:
    rows = [("A", "string", "`x`"), ("Longer", "[]int", "`y`")]
    assert columns(rows, "\t") == ["\tA      string `x`", "\tLonger []int  `y`"]
