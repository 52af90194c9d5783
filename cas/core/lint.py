"""The last look before a key moves: our own checks of a draft against its plan, then pkilint's of the draft itself."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from cas.core.authority import AuthorityPlan
from cas.core.general_names import NameKind, canonical, general_name, general_name_text, uri_host
from cas.core.keys import algorithm_of, spki
from cas.core.plan import Plan
from cas.core.reading import AnyExtension, raw_field
from cas.core.schemes import algorithm_identifier
from cas.core.usages import AUTHORITY_USAGES, LEAF_USAGES, key_usage_names
from kernel.errors import FieldError, Invalid, field_error
from kernel.text import _

# RFC 5280 4.1.2.2: at most 20 octets, so at most 159 bits; BR 7.1: at least 64 bits from a generator.
_MOST_SERIAL_BITS: Final = 159
_LEAST_SERIAL_BITS: Final = 64

_NAME_SYNTAX: Final = {"pkix.invalid_domain_name_syntax": NameKind.DNS, "pkix.invalid_uri_syntax": NameKind.URI}


class Misissuance(Exception):
    """We were about to sign, or have signed, something that we must not: our bug, never the asker's mistake."""


class LintRefused(Invalid):
    """pkilint found something that relying parties may stumble over; `errors` says what, on `certificate`."""

    code = "lint-refused"


def check(draft: x509.Certificate, plan: Plan) -> None:
    """Raises Misissuance where the draft is not what was planned, LintRefused where pkilint objects to it."""
    if surprises := own_findings(draft, plan):
        raise Misissuance("; ".join(surprises))
    if plan.lint and (findings := pkilint_findings(draft)):
        raise LintRefused(_("The certificate would not pass its lint."), errors=findings)


def own_findings(draft: x509.Certificate, plan: Plan) -> list[str]:
    """What differs from the plan, and what no certificate of ours may have whatever the plan says."""
    checks = {
        "version": draft.version is x509.Version.v3,
        "serial number": draft.serial_number == plan.serial,
        "size of the serial number": _LEAST_SERIAL_BITS < plan.serial.bit_length() <= _MOST_SERIAL_BITS,
        "signature algorithm": raw_field(draft, "signature") == algorithm_identifier(plan.issuer_key),
        "issuer name": raw_field(draft, "issuer") == _issuer_name(plan),
        "subject": draft.subject == plan.subject,
        "notBefore": draft.not_valid_before_utc == plan.not_before,
        "notAfter": draft.not_valid_after_utc == plan.not_after,
        "order of notBefore and notAfter": plan.not_before <= plan.not_after,
        "public key": raw_field(draft, "spki") == spki(plan.public_key),
        "extensions": [(each.value, each.critical) for each in draft.extensions] == list(plan.extensions()),
    }
    findings = [what for what, is_right in checks.items() if not is_right]
    findings += _name_findings(draft)
    return findings + (_authority_findings if isinstance(plan, AuthorityPlan) else _leaf_findings)(draft)


def _issuer_name(plan: Plan) -> bytes:
    return raw_field(plan.issuer.certificate, "subject") if plan.issuer else plan.subject.public_bytes()


def _name_findings(draft: x509.Certificate) -> list[str]:
    sans = _find(draft, x509.SubjectAlternativeName)
    if sans is None:
        return [] if draft.subject.rdns else ["neither subject nor SAN"]
    findings = []
    listed = list(sans.value)
    if not listed:
        findings.append("empty SAN")
    if len(set(listed)) != len(listed):
        findings.append("repeated SAN")
    if any(canonical(name) != name for name in listed):
        findings.append("SAN not in canonical form")
    if sans.critical == bool(draft.subject.rdns):
        findings.append("criticality of the SAN")
    return findings


def _leaf_findings(draft: x509.Certificate) -> list[str]:
    constraints, usage = _find(draft, x509.BasicConstraints), _find(draft, x509.KeyUsage)
    purposes = _find(draft, x509.ExtendedKeyUsage)
    allowed = LEAF_USAGES[algorithm_of(draft.public_key()).family]
    findings = []
    if constraints is None or not constraints.critical or constraints.value.ca:
        findings.append("basic constraints of a leaf")
    if usage is None or not usage.critical or not set(key_usage_names(usage.value)) <= allowed:
        findings.append("key usage of a leaf")
    if purposes and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in purposes.value:
        findings.append("the purpose any")
    return findings


def _authority_findings(draft: x509.Certificate) -> list[str]:
    constraints, usage = _find(draft, x509.BasicConstraints), _find(draft, x509.KeyUsage)
    findings = []
    if constraints is None or not constraints.critical or not constraints.value.ca:
        findings.append("basic constraints of a CA")
    if usage is None or not usage.critical or set(key_usage_names(usage.value)) != AUTHORITY_USAGES:
        findings.append("key usage of a CA")
    if not draft.subject.rdns:
        findings.append("a CA without a name")
    return findings


def _find(draft: x509.Certificate, kind: type[AnyExtension]) -> x509.Extension[AnyExtension] | None:
    try:
        return draft.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def pkilint_findings(draft: x509.Certificate) -> list[FieldError]:
    """What pkilint calls a WARNING or worse, except that internal names are names to us."""
    from pkilint import loader
    from pkilint.validation import ValidationFindingSeverity

    document = loader.load_der_certificate(draft.public_bytes(Encoding.DER))
    return [
        field_error(
            "certificate",
            "lint",
            _("%(finding)s: %(message)s"),
            finding=found.finding.code,
            message=found.message or result.node.path,
        )
        for result in _pkilint().validate(document.root)
        for found in result.finding_descriptions
        # Smaller is worse.
        if found.finding.severity <= ValidationFindingSeverity.WARNING
        and not _is_internal_name(found.finding.code, str(result.node.pdu))
    ]


def _is_internal_name(finding: str, value: str) -> bool:
    """A wildcard, a single label, or a URI with such a host: pkilint's syntax of names knows public ones only."""
    kind = _NAME_SYNTAX.get(finding)
    try:
        host = uri_host(value) if kind is NameKind.URI else value
        return kind is not None and general_name_text(general_name(value, kind)) == value and _is_internal_host(host)
    except Invalid:
        return False


def _is_internal_host(host: str | None) -> bool:
    return host is not None and (host.startswith("*.") or "." not in host)


@cache
def _pkilint() -> Any:
    """Imported on first use: it takes a third of a second, and not every process lints."""
    from cas.core.lint_index import IndexedContainer

    return IndexedContainer(rfc5280_validators())


def rfc5280_validators() -> Any:
    """What pkilint has for RFC 5280, as it comes."""
    from pkilint.pkix import certificate, extension, name

    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container(),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container(),
            certificate.create_extensions_validator_container(),
            certificate.create_spki_validator_container(),
        ],
    )
