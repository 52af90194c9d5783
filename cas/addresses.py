"""The public addresses of a CA: what certificates point to, and where `certificates.public` answers.

They are made of the CA's own base URL, never of a request's Host header.
"""

from __future__ import annotations

from cas.models import CertificateAuthority


def ca_path(ca: CertificateAuthority) -> str:
    return f"ca/{ca.slug}"


def crl_path(ca: CertificateAuthority, shard: int = 0) -> str:
    return f"crl/{ca.slug}/{shard}" if shard else f"crl/{ca.slug}"


def ocsp_path(ca: CertificateAuthority) -> str:
    return f"ocsp/{ca.slug}"


def ca_issuers_url(ca: CertificateAuthority) -> str:
    return f"{ca.base_url.rstrip('/')}/{ca_path(ca)}.crt"


def crl_url(ca: CertificateAuthority, shard: int = 0) -> str:
    return f"{ca.base_url.rstrip('/')}/{crl_path(ca, shard)}"


def ocsp_url(ca: CertificateAuthority) -> str:
    return f"{ca.base_url.rstrip('/')}/{ocsp_path(ca)}"
