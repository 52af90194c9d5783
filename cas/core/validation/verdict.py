"""What is found when a certificate is judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cryptography.x509 import Certificate

from kernel.text import Text


class Aspect(StrEnum):
    """What a finding is about."""

    CHAIN = "chain"
    TIME = "time"
    REVOCATION = "revocation"
    USE = "use"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or odd. `position` counts from the certificate that was asked about (0) to the anchor;
    None where it is about the whole, or about what stands in no chain. `fingerprint` is SHA-256 in lower-case hex,
    empty where it is about no certificate.
    """

    aspect: Aspect
    code: str
    message: Text
    position: int | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be thought of a certificate, for one purpose and at one time.

    `valid`: there is no error. `chain_valid`: none about the chain: signatures, constraints, an anchor at its end.
    `not_expired`: every certificate of the chain was valid at the time. `not_revoked`: False where one was revoked,
    None where that was not asked or is not known of one of them. `chain` begins with the certificate and goes as far
    as it could be followed; where it is trusted, `trusted_anchor` is its last one. Errors and warnings stand in the
    order of the chain.
    """

    chain: tuple[Certificate, ...]
    trusted_anchor: Certificate | None
    not_revoked: bool | None
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        return not self.errors

    @property
    def chain_valid(self) -> bool:
        return all(error.aspect is not Aspect.CHAIN for error in self.errors)

    @property
    def not_expired(self) -> bool:
        return all(error.aspect is not Aspect.TIME for error in self.errors)
