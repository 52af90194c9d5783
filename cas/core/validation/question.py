"""What a certificate is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.x509 import Certificate, GeneralName, ObjectIdentifier

from cas.core.validation.evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A certificate, what is trusted, and what it is wanted for. `others` may help to reach an anchor; nothing in it is
    believed. `purpose` None: any. `peer_name`: a DNS name, an address, or an e-mail address.
    """

    certificate: Certificate
    anchors: Sequence[Certificate]
    others: Sequence[Certificate] = ()
    at: datetime
    purpose: ObjectIdentifier | None = None
    peer_name: GeneralName | None = None
    evidence: Evidence = field(default_factory=Evidence)
    check_revocation: bool = True
    require_status: bool = False
