"""The public CAs that are known by name: where they are asked, and what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from acme_client.models import AcmeAccount

Provider = AcmeAccount.Provider
Environment = AcmeAccount.Environment


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """`caa`: the names by which CAA records allow it (RFC 8659 section 4.2). `has_ended`: it takes no orders."""

    directories: Mapping[str, str] = field(default_factory=dict)
    caa: tuple[str, ...] = ()
    needs_binding: bool = False
    has_ended: bool = False


KNOWN: Final[Mapping[str, KnownProvider]] = {
    Provider.LETS_ENCRYPT: KnownProvider(
        directories={
            Environment.PRODUCTION: "https://acme-v02.api.letsencrypt.org/directory",
            Environment.STAGING: "https://acme-staging-v02.api.letsencrypt.org/directory",
        },
        caa=("letsencrypt.org",),
    ),
    Provider.ZEROSSL: KnownProvider(
        directories={Environment.PRODUCTION: "https://acme.zerossl.com/v2/DV90"},
        caa=("sectigo.com",),
        needs_binding=True,
    ),
    Provider.GOOGLE: KnownProvider(
        directories={
            Environment.PRODUCTION: "https://dv.acme-v02.api.pki.goog/directory",
            Environment.STAGING: "https://dv.acme-v02.test-api.pki.goog/directory",
        },
        caa=("pki.goog",),
        needs_binding=True,
    ),
    # Its service ended in October 2025; accounts that came from elsewhere can still be read.
    Provider.BUYPASS: KnownProvider(
        directories={
            Environment.PRODUCTION: "https://api.buypass.com/acme/directory",
            Environment.STAGING: "https://api.test4.buypass.no/acme/directory",
        },
        caa=("buypass.com",),
        has_ended=True,
    ),
    Provider.CUSTOM: KnownProvider(),
}


def directory_of(provider: str, environment: str) -> str | None:
    """The directory of a known provider; None where it has none of this environment."""
    return KNOWN[provider].directories.get(environment)


def caa_names_of(provider: str) -> tuple[str, ...]:
    """By which names CAA records allow it; nothing of a server that is not known by name."""
    return KNOWN[provider].caa
