"""What is asked about a certificate that somebody shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.x509 import GeneralName, ObjectIdentifier

from kernel.ref import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationOrder:
    """A certificate to be judged, and by what.

    `certificate` is PEM or DER; what follows the first in it counts as chain, as does `chain` (PEM, in any order, also
    more than is needed). `trust_anchors` (PEM): these alone are trusted, in place of what the organization trusts; a
    certificate in it need not be self-signed. `crls`: each PEM (also several) or DER. `at` None: now. `purpose` None:
    any. `peer_name`: a DNS name, an address or an e-mail address that must be its. `fetch`: also ask where the
    certificates say that their revocation is told. `require_status`: that a status is not known is an error.
    """

    certificate: bytes
    organization: Ref
    chain: bytes = b""
    trust_anchors: bytes | None = None
    crls: tuple[bytes, ...] = ()
    at: datetime | None = None
    purpose: ObjectIdentifier | None = None
    peer_name: GeneralName | None = None
    check_revocation: bool = True
    require_status: bool = False
    fetch: bool = False
