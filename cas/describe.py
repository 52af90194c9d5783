"""A certificate in words: what stands in it, extension by extension, for people who read it.

Labels are marked for translation and translated by whoever shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from cas.core.keys import algorithm_of
from cas.core.names import format_name
from cas.core.reading import UNREADABLE
from kernel.errors import DomainError
from kernel.text import _


@dataclass(frozen=True, slots=True)
class ExtensionText:
    """One extension: its name, its OID, and its value, one statement to a line."""

    label: str
    oid: str
    is_critical: bool
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Extended(Protocol):
    """A certificate, a request or a CRL."""

    @property
    def extensions(self) -> x509.Extensions: ...


@dataclass(frozen=True, slots=True)
class CertificateText:
    """Everything about a certificate that a person would look for."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key: str
    signature_algorithm: str
    names: tuple[tuple[str, str], ...]
    extensions: tuple[ExtensionText, ...]
    sha256: str
    sha1: str
    pem: str
    is_self_signed: bool

    @property
    def is_authority(self) -> bool:
        return any(part.oid == "2.5.29.19" and "CA" in part.lines for part in self.extensions)

    @property
    def common_name(self) -> str:
        return next((part[3:] for part in self.subject.split(",") if part.startswith("CN=")), self.subject)


def key_words(algorithm: str) -> str:
    """A key algorithm as people write it: RSA 2048, ECDSA P-256, Ed25519, ML-DSA-65."""
    if algorithm.startswith("ML_"):
        return algorithm.replace("_", "-")
    return algorithm.replace("_P", " P-").replace("_", " ").replace("ED2", "Ed2")


def purpose_words(oid: x509.ObjectIdentifier) -> str:
    """An extended key usage as people call it; its dotted OID where nobody does."""
    return _PURPOSES.get(oid, oid_words(oid))


def usage_words(name: str) -> str:
    """A key usage as people call it, by our name for it."""
    return _USAGES.get(name, name)


def oid_words(oid: x509.ObjectIdentifier) -> str:
    """The name that an object identifier goes by; dotted where it has none."""
    name = oid._name
    return oid.dotted_string if name == "Unknown OID" else name


def pairs(digits: str) -> str:
    """Hexadecimal as people compare it: pairs of capitals, with colons between them."""
    padded = digits if len(digits) % 2 == 0 else f"0{digits}"
    return ":".join(padded[i : i + 2] for i in range(0, len(padded), 2)).upper()


def describe(certificate: x509.Certificate) -> CertificateText:
    """Never raises for what parses: an extension that is not understood is shown as its bytes."""
    return CertificateText(
        subject=format_name(certificate.subject),
        issuer=format_name(certificate.issuer),
        serial=pairs(f"{certificate.serial_number:x}"),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=key_of(certificate),
        signature_algorithm=oid_words(certificate.signature_algorithm_oid),
        names=alternative_names(certificate),
        extensions=extensions_of(certificate),
        sha256=pairs(certificate.fingerprint(SHA256()).hex()),
        sha1=pairs(certificate.fingerprint(SHA1()).hex()),  # noqa: S303
        pem=certificate.public_bytes(Encoding.PEM).decode(),
        is_self_signed=certificate.issuer == certificate.subject,
    )


def key_of(holder: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """What kind of key it has, also where it is none of ours."""
    try:
        public_key = holder.public_key()
    except UNREADABLE:
        return oid_words(holder.public_key_algorithm_oid) if isinstance(holder, x509.Certificate) else "–"
    try:
        return key_words(algorithm_of(public_key))
    except DomainError:
        if isinstance(public_key, rsa.RSAPublicKey):
            return f"RSA {public_key.key_size}"
        return public_key.curve.name if isinstance(public_key, ec.EllipticCurvePublicKey) else type(public_key).__name__


def alternative_names(holder: Extended) -> tuple[tuple[str, str], ...]:
    """Kind and text of each subject alternative name."""
    try:
        extension = holder.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return ()
    return tuple(map(name_words, extension.value))


def extensions_of(holder: Extended) -> tuple[ExtensionText, ...]:
    """Its extensions in words; none where they cannot be read."""
    try:
        return describe_extensions((each.value, each.critical) for each in holder.extensions)
    except UNREADABLE:
        return ()


def describe_extensions(extensions: Iterable[tuple[x509.ExtensionType, bool]]) -> tuple[ExtensionText, ...]:
    """Extensions in words, each of them given with whether it is critical."""
    return tuple(
        ExtensionText(
            label=_LABELS.get(value.oid.dotted_string, oid_words(value.oid)),
            oid=value.oid.dotted_string,
            is_critical=is_critical,
            lines=tuple(_WRITERS.get(type(value), _unknown)(value)),
        )
        for value, is_critical in extensions
    )


def name_words(name: x509.GeneralName) -> tuple[str, str]:
    """What kind of name it is, and the name."""
    match name:
        case x509.DNSName():
            return "DNS", name.value
        case x509.IPAddress():
            return "IP", str(name.value)
        case x509.RFC822Name():
            return "e-mail", name.value
        case x509.UniformResourceIdentifier():
            return "URI", name.value
        case x509.DirectoryName():
            return "DN", format_name(name.value)
        case x509.RegisteredID():
            return "OID", name.value.dotted_string
        case x509.OtherName():
            return oid_words(name.type_id), name.value.hex()
        case _other:
            return type(name).__name__, repr(name)


def _basic_constraints(value: x509.BasicConstraints) -> Iterator[str]:
    yield "CA" if value.ca else _("Not a CA")
    if value.path_length is not None:
        yield f"pathLen {value.path_length}"


def _key_usage(value: x509.KeyUsage) -> Iterator[str]:
    for name in _USAGES:
        if name in ("encipher_only", "decipher_only") and not value.key_agreement:
            continue
        if getattr(value, name):
            yield _USAGES[name]


def _extended_key_usage(value: x509.ExtendedKeyUsage) -> Iterator[str]:
    for oid in value:
        yield purpose_words(oid)


def _general_names(value: Any) -> Iterator[str]:
    for name in value:
        yield " ".join(name_words(name))


def _authority_key(value: x509.AuthorityKeyIdentifier) -> Iterator[str]:
    if value.key_identifier is not None:
        yield pairs(value.key_identifier.hex())
    for name in value.authority_cert_issuer or ():
        yield " ".join(name_words(name))
    if value.authority_cert_serial_number is not None:
        yield pairs(f"{value.authority_cert_serial_number:x}")


def _subject_key(value: x509.SubjectKeyIdentifier) -> Iterator[str]:
    yield pairs(value.digest.hex())


def _access(value: x509.AuthorityInformationAccess) -> Iterator[str]:
    for description in value:
        yield f"{oid_words(description.access_method)}: {name_words(description.access_location)[1]}"


def _distribution_points(value: x509.CRLDistributionPoints) -> Iterator[str]:
    for point in value:
        for name in (*(point.full_name or ()), *(point.crl_issuer or ())):
            yield name_words(name)[1]


def _name_constraints(value: x509.NameConstraints) -> Iterator[str]:
    for name in value.permitted_subtrees or ():
        yield "+ " + " ".join(name_words(name))
    for name in value.excluded_subtrees or ():
        yield "− " + " ".join(name_words(name))


def _policies(value: x509.CertificatePolicies) -> Iterator[str]:
    for policy in value:
        yield policy.policy_identifier.dotted_string


def _nothing(value: Any) -> Iterator[str]:
    yield _("present")


def _unknown(value: Any) -> Iterator[str]:
    yield pairs(value.value.hex()) if isinstance(value, x509.UnrecognizedExtension) else repr(value)


def _crl_number(value: x509.CRLNumber | x509.DeltaCRLIndicator) -> Iterator[str]:
    yield str(value.crl_number)


_WRITERS: Final[dict[type[Any], Callable[[Any], Iterator[str]]]] = {
    x509.BasicConstraints: _basic_constraints,
    x509.KeyUsage: _key_usage,
    x509.ExtendedKeyUsage: _extended_key_usage,
    x509.SubjectAlternativeName: _general_names,
    x509.IssuerAlternativeName: _general_names,
    x509.AuthorityKeyIdentifier: _authority_key,
    x509.SubjectKeyIdentifier: _subject_key,
    x509.AuthorityInformationAccess: _access,
    x509.CRLDistributionPoints: _distribution_points,
    x509.NameConstraints: _name_constraints,
    x509.CertificatePolicies: _policies,
    x509.CRLNumber: _crl_number,
    x509.DeltaCRLIndicator: _crl_number,
    x509.OCSPNoCheck: _nothing,
    x509.PrecertPoison: _nothing,
}

_LABELS: Final = {
    "2.5.29.19": _("Basic constraints"),
    "2.5.29.15": _("Key usage"),
    "2.5.29.37": _("Extended key usage"),
    "2.5.29.17": _("Subject alternative names"),
    "2.5.29.18": _("Issuer alternative names"),
    "2.5.29.35": _("Authority key identifier"),
    "2.5.29.14": _("Subject key identifier"),
    "1.3.6.1.5.5.7.1.1": _("Authority information access"),
    "2.5.29.31": _("CRL distribution points"),
    "2.5.29.30": _("Name constraints"),
    "2.5.29.32": _("Certificate policies"),
    "2.5.29.20": _("CRL number"),
    "2.5.29.27": _("Delta CRL indicator"),
    "2.5.29.28": _("Issuing distribution point"),
    "1.3.6.1.5.5.7.48.1.5": _("OCSP no check"),
    "1.3.6.1.5.5.7.1.24": _("TLS feature"),
}

_USAGES: Final = {
    "digital_signature": _("Digital signature"),
    "content_commitment": _("Content commitment"),
    "key_encipherment": _("Key encipherment"),
    "data_encipherment": _("Data encipherment"),
    "key_agreement": _("Key agreement"),
    "key_cert_sign": _("Certificate signing"),
    "crl_sign": _("CRL signing"),
    "encipher_only": _("Encipher only"),
    "decipher_only": _("Decipher only"),
}

_PURPOSES: Final = {
    ExtendedKeyUsageOID.SERVER_AUTH: _("TLS server"),
    ExtendedKeyUsageOID.CLIENT_AUTH: _("TLS client"),
    ExtendedKeyUsageOID.CODE_SIGNING: _("Code signing"),
    ExtendedKeyUsageOID.EMAIL_PROTECTION: _("E-mail protection"),
    ExtendedKeyUsageOID.TIME_STAMPING: _("Time stamping"),
    ExtendedKeyUsageOID.OCSP_SIGNING: _("OCSP signing"),
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: _("Any purpose"),
    ExtendedKeyUsageOID.SMARTCARD_LOGON: _("Smart card sign-in"),
    ExtendedKeyUsageOID.KERBEROS_PKINIT_KDC: _("Kerberos KDC"),
    ExtendedKeyUsageOID.IPSEC_IKE: _("IPsec IKE"),
    ExtendedKeyUsageOID.BUNDLE_SECURITY: _("Bundle security"),
}
