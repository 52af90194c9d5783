"""What the pages of certificates and authorities show of the bytes themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from django.urls import reverse

from audit.admin.html import Status, status_of
from cas.chains import CaChain, chain_of
from cas.describe import CertificateText, describe
from cas.models import CertificateAuthority
from certificates.models import Certificate
from certificates.selectors import newest_crl
from kernel.errors import DomainError


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One certificate of a chain as a box: its name, its state, and where to read more."""

    name: str
    status: Status
    text: CertificateText
    url: str
    is_current: bool = False


def decoded_from(certificate: x509.Certificate) -> dict[str, Any]:
    return {"decoded": describe(certificate)}


def record_of_authority(ca: CertificateAuthority) -> str:
    return reverse("admin:cas_certificateauthority_change", args=[ca.pk])


def chain_to_show(ca: CertificateAuthority | None) -> CaChain | None:
    """None where the CA is not known, or one above it has no certificate yet."""
    if ca is None:
        return None
    try:
        return chain_of(ca)
    except DomainError:
        return None


def decoded_context(
    chain: CaChain | None,
    leaf: Certificate | None,
    address_of: Callable[[CertificateAuthority], str] = record_of_authority,
) -> dict[str, Any]:
    """The chain, root first, and the certificate that the page is about: the leaf, else that of the first CA."""
    links = _authority_links(chain, address_of, is_last=leaf is None) if chain is not None else []
    if leaf is not None:
        text = describe(leaf.body.x509)
        links.append(ChainLink(str(leaf), status_of(leaf.state, leaf.not_after), text, "", is_current=True))
    return {"chain": links, "decoded": links[-1].text if links else None}


def latest_crl(ca: CertificateAuthority) -> Any:
    return newest_crl(ca.pk)


def _authority_links(
    chain: CaChain, address_of: Callable[[CertificateAuthority], str], *, is_last: bool
) -> list[ChainLink]:
    pairs = zip(reversed(chain.authorities), reversed(chain.certificates), strict=True)
    return [
        ChainLink(
            name=authority.name,
            status=status_of(authority.status, certificate.not_valid_after_utc),
            text=describe(certificate),
            url=address_of(authority),
            is_current=is_last and authority.pk == chain.authorities[0].pk,
        )
        for authority, certificate in pairs
    ]
