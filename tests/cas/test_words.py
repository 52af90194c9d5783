"""Roles and templates, said in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cas.admin.words import duration_text, in_words, role_rules, template_rules
from cas.models import CertificateAuthority, Role, Template

_DAY = timedelta(days=1)


def rules_of(role: dict[str, object], template: dict[str, object]) -> str:
    ca = CertificateAuthority(name="Issuing")
    guard = Role(ca=ca, **{"max_ttl": 397 * _DAY, **role})
    recipe = Template(ca=ca, role=guard, **{"validity": 90 * _DAY, "key_algorithm": "ECDSA_P256", **template})
    return in_words(template_rules(recipe))


@pytest.mark.parametrize(
    ("role", "template", "words"),
    [
        ({}, {}, "90 days, at most 397 days · no names · ECDSA P-256 · any purpose · no approval"),
        (
            {
                "allowed_domains": ["example.com"],
                "allow_subdomains": True,
                "key_algorithms": ["RSA_2048", "RSA_3072", "RSA_4096", "ECDSA_P256"],
                "requires_approval": True,
            },
            {
                "validity": 397 * _DAY,
                "any_key_algorithm": True,
                "extended_key_usage": ["server_auth", "1.2.3.4"],
                "requires_approval": True,
                "approver_role": "security",
                "approvals_needed": 2,
            },
            "up to 397 days · example.com, names below example.com · RSA 2048 or stronger or ECDSA P-256 · "
            "TLS server, 1.2.3.4 · 1 approval + 2 approvals by security",
        ),
        (
            {
                "allow_any_name": True,
                "allow_wildcards": True,
                "allow_ip_sans": True,
                "allowed_ip_ranges": ["10.0.0.0/8"],
            },
            {"any_key_algorithm": True},
            "90 days, at most 397 days · any DNS name, wildcards, IP addresses (10.0.0.0/8) · any kind of key · "
            "any purpose · no approval",
        ),
    ],
)
def test_a_template_in_words(role, template, words):
    assert rules_of(role, template) == words


def test_a_long_list_is_shortened():
    role = Role(ca=CertificateAuthority(), max_ttl=_DAY, allowed_domains=[f"n{i}.test" for i in range(9)])
    assert "n0.test, n1.test, n2.test, 6 more" in in_words(role_rules(role))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(86_400, "1 day"), (90_000, "1 day 1 hour"), (3_600, "1 hour"), (60, "1 minute"), (5, "less than a minute")],
)
def test_how_long_it_lasts(seconds, words):
    assert duration_text(seconds) == words
