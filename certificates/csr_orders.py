"""What is asked of CSRs that are approved before anybody has chosen who signs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from cryptography import x509

from cas.core.csr import CsrFacts
from cas.core.keys import KeyAlgorithm
from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrOrder:
    """A CSR that somebody brings, or a subject and names for one whose key is made here and stays here."""

    organization: Ref
    key: CsrFacts | KeyAlgorithm
    subject: x509.Name = field(default_factory=lambda: x509.Name([]))
    sans: tuple[x509.GeneralName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignCsrOrder:
    """A template that an approved CSR is signed by. `sans` None: all that were approved; else some of them."""

    request: Ref
    ca: Ref
    template: str
    sans: tuple[x509.GeneralName, ...] | None = None
    validity: timedelta | None = None
    passphrase: Secret | None = None
