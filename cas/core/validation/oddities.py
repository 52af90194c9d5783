"""What a certificate ought not to be like, and is believed all the same."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from cryptography.x509 import BasicConstraints, DNSName, KeyUsage
from cryptography.x509.oid import ExtensionOID

from cas.core import der
from cas.core.reading import raw_field
from cas.core.validation.facts import Facts
from cas.core.validation.findings import Findings
from cas.core.validation.verdict import Aspect
from kernel.text import _

_CHAIN: Final = Aspect.CHAIN
_LONGEST_SERIAL_BITS: Final = 159  # RFC 5280 4.1.2.2: 20 octets, the first bit of which is a sign
_HOST: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")
_FIRST_GENERALIZED_YEAR: Final = 2050
# RFC 5280 4.2: what has to be critical, and what must not be.
_ALWAYS_CRITICAL: Final = {ExtensionOID.NAME_CONSTRAINTS, ExtensionOID.POLICY_CONSTRAINTS}
_NEVER_CRITICAL: Final = {ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.SUBJECT_KEY_IDENTIFIER}


def note_oddities(found: Findings) -> None:
    """Warnings about every certificate of the path."""
    for position, facts in enumerate(found.path):
        _note_serial(found, position)
        _note_names(found, position)
        _note_times(found, position)
        _note_criticality(found, position)
        _note_usage(found, position)
        if facts.is_authority and facts.subject_key_id is None:
            found.warn(_CHAIN, position, "no-subject-key-identifier", _("%(name)s has no subject key identifier"))
    for position, (facts, issuer) in enumerate(pairwise(found.path)):
        _note_key_identifiers(found, position, facts, issuer)


def _note_serial(found: Findings, position: int) -> None:
    serial = found.path[position].certificate.serial_number
    if serial <= 0:
        found.warn(_CHAIN, position, "serial-not-positive", _("the serial number of %(name)s is not positive"))
    if serial.bit_length() > _LONGEST_SERIAL_BITS:
        found.warn(_CHAIN, position, "serial-too-long", _("the serial number of %(name)s has more than 20 octets"))


def _note_names(found: Findings, position: int) -> None:
    facts = found.path[position]
    if not facts.subject and facts.is_authority:
        found.warn(_CHAIN, position, "no-subject", _("a CA without a name cannot be named as an issuer"))
    elif not facts.subject and not facts.sans:
        found.warn(_CHAIN, position, "no-subject", _("the certificate names nobody: neither subject nor SAN"))
    elif not facts.subject and not facts.is_critical(ExtensionOID.SUBJECT_ALTERNATIVE_NAME):
        text = _("without a subject, the SAN must be critical (RFC 5280 4.2.1.6)")
        found.warn(_CHAIN, position, "san-not-critical", text)
    for name in facts.sans:
        if isinstance(name, DNSName) and not _HOST.fullmatch(name.value):
            text = _("%(name)s has a DNS name that is none: %(text)s")
            found.warn(_CHAIN, position, "odd-name", text, text=repr(name.value)[:120])


def _note_times(found: Findings, position: int) -> None:
    """RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime after it."""
    certificate = found.path[position].certificate
    validity = der.Reader(raw_field(certificate, "validity")).enter()
    for moment in (certificate.not_valid_before_utc, certificate.not_valid_after_utc):
        is_long = validity.next_is(der.GENERALIZED_TIME)
        validity.read(der.GENERALIZED_TIME if is_long else der.UTC_TIME)
        if is_long != (moment.year >= _FIRST_GENERALIZED_YEAR):
            found.warn(_CHAIN, position, "time-encoding", _("%(name)s writes a time in the wrong type"))


def _note_criticality(found: Findings, position: int) -> None:
    facts = found.path[position]
    wanted = _ALWAYS_CRITICAL | ({ExtensionOID.BASIC_CONSTRAINTS} if facts.is_authority else set())
    for oid, extension in facts.extensions.items():
        if oid in wanted and not extension.critical:
            text = _("the extension %(oid)s of %(name)s is not critical, as it ought to be")
            found.warn(_CHAIN, position, "not-critical", text, oid=oid.dotted_string)
        if oid in _NEVER_CRITICAL and extension.critical:
            text = _("the extension %(oid)s of %(name)s is critical, as it must not be")
            found.warn(_CHAIN, position, "critical", text, oid=oid.dotted_string)


def _note_usage(found: Findings, position: int) -> None:
    """RFC 5280 4.2.1.3 and 4.2.1.9: keyCertSign and path lengths are for CAs alone."""
    facts = found.path[position]
    usage, limits = facts.extension(KeyUsage), facts.extension(BasicConstraints)
    if facts.is_authority and usage is None:
        found.warn(_CHAIN, position, "no-key-usage", _("%(name)s is a CA and does not say what its key is for"))
    if not facts.is_authority and usage is not None and usage.key_cert_sign:
        text = _("%(name)s is not a CA, and its key usage says that it signs certificates")
        found.warn(_CHAIN, position, "contradicting-usage", text)
    if limits is not None and limits.path_length is not None and not limits.ca:
        found.warn(_CHAIN, position, "contradicting-usage", _("%(name)s has a path length, and is not a CA"))


def _note_key_identifiers(found: Findings, position: int, facts: Facts, issuer: Facts) -> None:
    wanted, offered = facts.authority_key_id, issuer.subject_key_id
    if wanted is None:
        if facts.extensions:
            text = _("%(name)s does not say which key of its issuer has signed it")
            found.warn(_CHAIN, position, "no-authority-key-identifier", text)
    elif offered is not None and wanted != offered:
        text = _("%(name)s names another key of its issuer than the one that has signed it")
        found.warn(_CHAIN, position, "key-identifier-mismatch", text)
