"""What the services of public certificates accept: frozen, typed, with no word of any dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cas.core.csr import CsrFacts
from certificates.orders import Managed
from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOrder:
    """An account that is to be registered at an ACME server.

    `directory_url` and `server_roots` (PEM) are of another server than the known ones. `eab_key` is the MAC key of the
    external account binding (RFC 8555 section 7.3.4), in base64url, as providers show it.
    """

    organization: Ref
    name: str
    provider: str
    environment: str
    email: str
    agrees_to_terms: bool
    directory_url: str = ""
    server_roots: str = ""
    eab_key_id: str = ""
    eab_key: Secret | None = None
    preferred_chain: str = ""
    approvals_needed: int = 0
    approver_role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """What is to change about an account; None stays as it is."""

    email: str | None = None
    name: str | None = None
    preferred_chain: str | None = None
    approvals_needed: int | None = None
    approver_role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicOrder:
    """A certificate that is wished for from a public CA. `names`: host names, wildcards, addresses, in any spelling.

    Of a CSR only the key is read besides its names, which must be the same.
    """

    account: Ref
    names: tuple[str, ...]
    challenge_type: str
    key: Managed | CsrFacts
    auto_renew: bool = True
    tags: tuple[str, ...] = ()
    description: str = ""
    replaces: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsProviderOrder:
    """Somebody who is to change DNS for the organization. `config`: the fields of its type, credentials among them.

    `zones`: what it is asked for; empty: all that no other one has.
    """

    organization: Ref
    name: str
    type: str
    config: Mapping[str, str]
    zones: tuple[str, ...] = ()
    propagation_seconds: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsProviderChange:
    """What is to change about a DNS provider; None stays as it is.

    Of `config` only the named fields change; an empty text takes one away.
    """

    name: str | None = None
    config: Mapping[str, str] | None = None
    zones: tuple[str, ...] | None = None
    propagation_seconds: int | None = None
