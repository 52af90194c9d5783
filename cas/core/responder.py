"""The certificate of a delegated OCSP responder (RFC 6960 4.2.2.2)."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, Name, NameAttribute, OCSPNoCheck
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cas.core import constraints, names
from cas.core.keys import PublicKey
from cas.core.plan import (
    IssuerFacts,
    Plan,
    Planned,
    authority_information_access,
    key_errors,
    last_second,
    whole_seconds,
)
from cas.core.usages import key_usage
from kernel.errors import Invalid

_SUFFIX: Final = "OCSP"
_LONGEST_COMMON_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderPlan(Plan):
    """A responder's certificate. Made by `plan_responder` alone."""

    issuer: IssuerFacts

    def extensions(self) -> Iterator[Planned]:
        yield BasicConstraints(ca=False, path_length=None), True
        yield key_usage(("digital_signature",)), True
        yield ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False
        yield self.subject_key_identifier(), False
        yield self.authority_key_identifier(), False
        # 4.2.2.2.1: nobody asks about the responder itself, so its certificate is short-lived and names no OCSP.
        yield OCSPNoCheck(), False
        yield from authority_information_access(self.issuer, with_ocsp=False)


def plan_responder(
    *,
    issuer: IssuerFacts,
    public_key: PublicKey,
    validity: timedelta,
    serial: int,
    now: datetime,
    forbidden_keys: Container[str] = (),
) -> ResponderPlan:
    """A responder of this issuer, named after it.

    It ends with its issuer where that comes first. Raises Invalid on `public_key`, `validity`, `subject` and `issuer`.
    """
    now = whole_seconds(now)
    subject = _responder_name(issuer.certificate.subject)
    errors = key_errors(public_key, forbidden_keys, issuer) + constraints.authority_errors(issuer.chain, now)
    errors += constraints.name_errors(issuer.chain, subject, ())
    not_after = now
    try:
        not_after = min(last_second(now, validity), *(each.not_valid_after_utc for each in issuer.chain))
    except Invalid as error:
        errors += error.errors
    if errors:
        raise Invalid(errors=errors)
    return ResponderPlan(
        issuer=issuer,
        subject=subject,
        public_key=public_key,
        serial=serial,
        not_before=now,
        not_after=not_after,
        lint=True,
    )


def _responder_name(issuer: Name) -> Name:
    """The issuer's name with "OCSP" behind its common name, so that its name constraints go on holding."""
    issuer_cn = names.common_name(issuer) or ""
    own = NameAttribute(NameOID.COMMON_NAME, f"{_shortened(issuer_cn)} {_SUFFIX}".strip())
    kept = [rdn for rdn in issuer.rdns if not rdn.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return Name([*kept, *Name([own]).rdns])


def _shortened(common_name: str) -> str:
    room = _LONGEST_COMMON_NAME - len(_SUFFIX) - 1
    return common_name.encode()[:room].decode(errors="ignore").strip()
