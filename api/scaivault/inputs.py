"""What ScaiVault's clients send about certificates: bodies and addresses to orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography import x509

from api.common.fields import Choice, Flag, Id, Reason, SecretText, Text, Texts
from api.common.inputs import Input
from api.common.paging import PageQuery
from api.scaivault.fields import Lifetime, Names
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import read_csr
from cas.core.formats import LONGEST as LONGEST_CERTIFICATES
from cas.core.general_names import NameKind
from cas.core.keyfiles import LONGEST as LONGEST_KEY
from cas.core.names import name_from_mapping
from cas.models import Template
from certificates.filters import read_serial
from certificates.import_orders import ImportOrder
from certificates.orders import (
    CertificateFilter,
    IssueOrder,
    Managed,
    OneOf,
    Period,
    RenewOrder,
    SerialNumber,
    Status,
    Term,
)
from certificates.validation_orders import ValidationOrder
from kernel.errors import Invalid
from kernel.ref import Ref
from kernel.text import _

_VERSION: Final = "v2"
_TRUE: Final = "true"
_NOT_REVOKED: Final = (Status.ISSUED, Status.EXPIRED, Status.HELD)


class CertificateQuery(PageQuery):
    """Which certificates are listed."""

    ca_id = Id(required=False, help_text="Those of this CA.")
    expiring_within = Lifetime(required=False, help_text="Those that end between now and then: `30d`.")
    include_revoked = Choice((_TRUE, "false"), default="false")

    @staticmethod
    def filter(values: Mapping[str, Any], *, at: datetime) -> CertificateFilter:
        terms: list[Term] = []
        if "ca_id" in values:
            terms.append(OneOf("ca", (str(values["ca_id"]),)))
        if "expiring_within" in values:
            terms.append(Period("expires", since=at, before=at + values["expiring_within"]))
        if values["include_revoked"] != _TRUE:
            terms.append(OneOf("status", _NOT_REVOKED))
        return CertificateFilter(at=at, terms=tuple(terms))


class IssueIn(Input):
    """A certificate with a key that is made here."""

    example = {"common_name": "www.example.com", "alt_names": ["example.com"], "ttl": "720h"}

    common_name = Text(max_length=64)
    alt_names = Names(required=False, help_text="A list, or text with commas.")
    ip_sans = Names(NameKind.IP, required=False, help_text="A list, or text with commas.")
    ttl = Lifetime(required=False, help_text="The template's if absent; never more than the role allows.")

    @classmethod
    def read(cls, data: Any, template: Template) -> Wish:
        """Raises Invalid with every violation."""
        values = cls.values(data, version=_VERSION)
        names = values.get("alt_names", ())
        order = IssueOrder(
            template=template.code,
            ca=Ref("pk", template.ca_id),
            key=Managed(),
            subject=name_from_mapping({"common_name": values["common_name"]}),
            sans=(*names, *values.get("ip_sans", ())),
            validity=values.get("ttl"),
        )
        return Wish(order, len(names))


@dataclass(frozen=True, slots=True)
class Wish:
    """An order, and how many of its names come from `alt_names`: the others are from `ip_sans`."""

    order: IssueOrder
    alternative_names: int


class SignIn(Input):
    """A certificate for the key of a CSR."""

    example = {"csr_pem": "-----BEGIN CERTIFICATE REQUEST-----\n…", "ttl": "90d"}

    csr_pem = Text(max_length=LONGEST_CSR)
    ttl = Lifetime(required=False, help_text="The template's if absent; never more than the role allows.")
    san = Names(required=False, help_text="In place of the names in the CSR: a list, or text with commas.")

    @classmethod
    def read(cls, data: Any, template: Template) -> IssueOrder:
        """Raises Invalid with every violation."""
        values = cls.values(data, version=_VERSION)
        return IssueOrder(
            template=template.code,
            ca=Ref("pk", template.ca_id),
            key=read_csr(values["csr_pem"]),
            sans=values.get("san"),
            validity=values.get("ttl"),
        )


class LabelsIn(Input):
    """What people say about a certificate."""

    all_optional = True
    example = {"tags": ["prod"], "description": "The shop."}

    tags = Texts(required=False, longest=64, most=50)
    description = Text(required=False, allow_blank=True, max_length=1000)


class RenewIn(Input):
    """What is not taken over from the certificate before."""

    csr_pem = Text(required=False, max_length=LONGEST_CSR, help_text="Where its key was never here: the new one.")
    ttl = Lifetime(required=False, help_text="The template's if absent.")

    @classmethod
    def read(cls, data: Any, certificate: Ref) -> RenewOrder:
        values = cls.values(data, version=_VERSION)
        key = read_csr(values["csr_pem"]) if "csr_pem" in values else None
        return RenewOrder(certificate=certificate, key=key, validity=values.get("ttl"))


class ImportIn(Input):
    """A certificate that was issued elsewhere."""

    example = {"certificate_pem": "-----BEGIN CERTIFICATE-----\n…"}

    certificate_pem = Text(max_length=LONGEST_CERTIFICATES)
    private_key_pem = SecretText(required=False, max_length=LONGEST_KEY, help_text="Kept sealed.")
    chain_pem = Text(required=False, max_length=LONGEST_CERTIFICATES, help_text="The CAs above it, in any order.")
    ca_id = Id(required=False, help_text="The CA here that has signed it; refused where that is not so.")

    @classmethod
    def read(cls, data: Any, *, home: Ref) -> ImportOrder:
        values = cls.values(data, version=_VERSION)
        return ImportOrder(
            organization=home,
            certificate=values["certificate_pem"].encode(),
            private_key=values.get("private_key_pem"),
            chain=values.get("chain_pem", "").encode(),
            ca=values.get("ca_id"),
        )


class ValidateIn(Input):
    """A certificate to be judged by what the organization trusts."""

    example = {"certificate_pem": "-----BEGIN CERTIFICATE-----\n…", "check_revocation": True}

    certificate_pem = Text(max_length=LONGEST_CERTIFICATES)
    chain_pem = Text(required=False, max_length=LONGEST_CERTIFICATES, help_text="In any order.")
    check_revocation = Flag(default=True, help_text="By what is known here; nothing is fetched.")

    @classmethod
    def read(cls, data: Any, *, home: Ref) -> ValidationOrder:
        values = cls.values(data, version=_VERSION)
        return ValidationOrder(
            organization=home,
            certificate=values["certificate_pem"].encode(),
            chain=values.get("chain_pem", "").encode(),
            check_revocation=values["check_revocation"],
        )


@dataclass(frozen=True, slots=True)
class Revocation:
    """Which certificate is revoked, and why."""

    serial: SerialNumber
    reason: x509.ReasonFlags
    # At the public CA that has issued it, too.
    use_acme: bool


class RevokeIn(Input):
    """A certificate to be revoked, by its serial number."""

    example = {"serial_number": "3F:A1:B2:C3", "reason": "keyCompromise"}

    serial_number = Text(max_length=100, help_text="Hexadecimal or decimal, with colons, with 0x.")
    reason = Reason(required=False, help_text="Of RFC 5280, in any usual spelling; `unspecified` if absent.")
    use_acme = Flag(default=False, help_text="Of a certificate that came over ACME: at its CA, too.")

    @classmethod
    def read(cls, data: Any) -> Revocation:
        """Raises Invalid."""
        values = cls.values(data, version=_VERSION)
        serial = read_serial(values["serial_number"])
        if serial is None:
            raise Invalid.of("serial_number", "invalid", _("This is no serial number."))
        return Revocation(serial, values.get("reason", x509.ReasonFlags.unspecified), values["use_acme"])
