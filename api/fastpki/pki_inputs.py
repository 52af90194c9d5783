"""What the FastPKI API takes about CAs and certificates: bodies to orders.

The shape of a body is judged while it is read (422). What it says is judged here or by the services, by rules (400).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from cryptography import x509
from django.conf import settings
from drf_spectacular.utils import extend_schema_field

from api.common.fields import Choice, Flag, Id, Text, Texts, Whole
from api.common.inputs import Input, Number, Query
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import CsrFacts, read_csr
from cas.core.general_names import NameKind, general_name, kind_of
from cas.core.keys import KeyAlgorithm
from cas.core.names import common_name, name_from_mapping, parse_name
from cas.core.reasons import reason_in_words
from cas.models import CertificateAuthority
from cas.orders import AuthorityOrder, AuthorityRequestOrder, Dialect
from cas.standing import Slot
from certificates.orders import IssueOrder, Managed, RenewOrder, RevokeOrder
from kernel.errors import FieldError, Invalid, field_error
from kernel.ref import Ref
from kernel.text import _

AUTHORITY: Final = "ca"
SLOTS: Final[Mapping[str, Slot]] = {
    "server": Slot.FASTPKI_SERVER,
    "client": Slot.FASTPKI_CLIENT,
    "dual_purpose": Slot.FASTPKI_DUAL_PURPOSE,
}
TYPES: Final = (*SLOTS, AUTHORITY)
_SIZES: Final = {2048: KeyAlgorithm.RSA_2048, 3072: KeyAlgorithm.RSA_3072, 4096: KeyAlgorithm.RSA_4096}
_SANS: Final = {
    "san_dns_names": NameKind.DNS,
    "san_ip_addresses": NameKind.IP,
    "san_email_addresses": NameKind.EMAIL,
}
# What the templates of each type let in besides; said here once more because these sentences are in the document.
_REFUSED_SANS: Final = {
    "server": {NameKind.EMAIL: _("Email SANs are not allowed for server certificates")},
    "client": {
        NameKind.DNS: _("DNS SANs are not allowed for client certificates"),
        NameKind.IP: _("IP SANs are not allowed for client certificates"),
    },
}
_LONGEST_DN: Final = 4096
# The year 9999 is closer.
_LONGEST_DAYS: Final = 3_000_000
_MOST_SANS: Final = 1000
MOST_ROWS: Final = 1000


@extend_schema_field({"type": "integer", "enum": [*_SIZES]})
class KeySize(Whole):
    """Bits of an RSA key."""

    def to_internal_value(self, data: Any) -> int:
        """Raises Invalid."""
        size = super().to_internal_value(data)
        if size not in _SIZES:
            known = ", ".join(map(str, _SIZES))
            raise Invalid.of(str(self.field_name), "unknown-value", _("Known values are %(known)s."), known=known)
        return size


def _days(default: str) -> Whole:
    return Whole(required=False, min_value=1, max_value=_LONGEST_DAYS, help_text=f"`{default}` by default.")


def _sans(what: str) -> Texts:
    return Texts(required=False, allow_null=True, longest=2048, most=_MOST_SANS, help_text=what)


class AuthorityIn(Input):
    """A new CA: a root, or an intermediate under `parent_ca_id`."""

    example = {"name": "Acme Issuing CA", "subject_dn": "CN=Acme Issuing CA,O=Acme Corp,C=US", "path_length": 0}

    name = Text(max_length=120)
    subject_dn = Text(max_length=_LONGEST_DN, help_text="RFC 4514, most specific first.")
    description = Text(required=False, allow_null=True, allow_blank=True, max_length=500)
    key_size = KeySize(required=False, help_text="`CA_KEY_SIZE` by default.")
    valid_days = _days("CA_CERT_DAYS")
    parent_ca_id = Id(required=False, allow_null=True)
    path_length = Whole(required=False, allow_null=True, min_value=0, max_value=32)
    allow_leaf_certs = Flag(default=True)
    crl_base_url = Text(required=False, allow_null=True, max_length=200, help_text="Where its CRL and OCSP are found.")


def authority_order(values: Mapping[str, Any], *, organization: Ref) -> AuthorityOrder:
    """Raises Invalid."""
    return AuthorityOrder(
        organization=organization,
        name=values["name"],
        subject=parse_name(values["subject_dn"], field="subject_dn"),
        description=values.get("description") or "",
        key_algorithm=_SIZES[values.get("key_size", settings.CA_KEY_SIZE)],
        validity=timedelta(days=values.get("valid_days", settings.CA_CERT_DAYS)),
        may_end_earlier=True,
        parent=values.get("parent_ca_id"),
        path_length=values.get("path_length"),
        allow_leaf_certificates=values["allow_leaf_certs"],
        base_url=values.get("crl_base_url"),
        dialect=Dialect.FASTPKI,
    )


class ListQuery(Query):
    """Which certificates are listed. Those of a CA that is not there are none."""

    ca_id = Number(required=False, min_value=1, help_text="Issued by this CA.")
    skip = Number(required=False, default=0, min_value=0, help_text="So many of the oldest are left out.")
    limit = Number(required=False, default=MOST_ROWS, min_value=1, max_value=MOST_ROWS)


class IssuerQuery(Query):
    """Under which CA."""

    ca_id = Number(min_value=1)


class CertificateIn(Input):
    """A certificate whose key is made here."""

    example = {
        "common_name": "api.example.com",
        "subject_dn": "CN=api.example.com,O=Acme Corp,C=US",
        "certificate_type": "server",
    }

    common_name = Text(max_length=64)
    subject_dn = Text(max_length=_LONGEST_DN, help_text="RFC 4514; it says the common name too.")
    certificate_type = Choice(TYPES, help_text="`ca` makes a CA, and needs the permission for that.")
    key_size = KeySize(required=False, help_text="`CERT_KEY_SIZE` by default.")
    valid_days = _days("CERT_DAYS")
    include_private_key = Flag(default=True, help_text="False: it is made, kept nowhere and shown to nobody.")
    san_dns_names = _sans("The common name by default, where the type is not `client`.")
    san_ip_addresses = _sans("Not for clients.")
    san_email_addresses = _sans("Not for servers; a client's common name by default, where it is an address.")


class CsrIn(Input):
    """A certificate for the key of a CSR. What the body says goes before what the CSR says."""

    csr = Text(max_length=LONGEST_CSR, help_text="PEM.")
    certificate_type = Choice(TYPES, help_text="`ca` certifies a CA, and needs the permission for that.")
    ca_id = Id(required=False, allow_null=True, help_text="This, or `ca_name`.")
    ca_name = Text(required=False, allow_null=True, max_length=120)
    valid_days = _days("CERT_DAYS")
    common_name = Text(required=False, allow_null=True, max_length=64)
    subject_dn = Text(required=False, allow_null=True, max_length=_LONGEST_DN)
    san_dns_names = _sans("In place of those of the CSR.")
    san_ip_addresses = _sans("In place of those of the CSR.")
    san_email_addresses = _sans("In place of those of the CSR.")


class RevokeIn(Input):
    """Why; in words, which may be those of RFC 5280. The body may be absent."""

    example = {"reason": "Key compromise"}

    reason = Text(required=False, allow_null=True, allow_blank=True, max_length=1000)


class RenewIn(Input):
    """For a certificate that came by CSR: another CSR. The body may be absent."""

    csr = Text(required=False, allow_null=True, max_length=LONGEST_CSR, help_text="PEM; its key alone is read.")


def issuer_of(values: Mapping[str, Any]) -> Ref:
    """The CA that `ca_id` or `ca_name` names. Raises Invalid."""
    ca_id, name = values.get("ca_id"), values.get("ca_name")
    if (ca_id is None) == (name is None):
        raise Invalid.of("ca_id", "required", _("Either ca_id or ca_name must be given."))
    return ca_id or Ref("name", str(name))


def issue_order(values: Mapping[str, Any], *, template: str, ca: Ref) -> IssueOrder:
    """A certificate with a key that is made here. Raises Invalid."""
    subject = _subject(values)
    return IssueOrder(
        template=template,
        ca=ca,
        key=Managed(_size(values), is_forgotten=not values["include_private_key"]),
        subject=subject,
        sans=_names(values, subject, ()),
        validity=_validity(values),
        may_end_earlier=True,
    )


def csr_order(values: Mapping[str, Any], *, template: str, ca: Ref) -> IssueOrder:
    """A certificate for the key of a CSR. Raises Invalid."""
    csr = read_csr(values["csr"])
    subject = _subject_of_csr(values, csr)
    return IssueOrder(
        template=template,
        ca=ca,
        key=csr,
        subject=subject,
        sans=_names(values, subject, csr.sans),
        validity=_validity(values),
        may_end_earlier=True,
    )


def subordinate_order(values: Mapping[str, Any], *, parent: CertificateAuthority) -> AuthorityOrder:
    """A CA that issues certificates and has no CA below it. Raises Invalid."""
    _require_no_sans(values)
    return AuthorityOrder(
        organization=Ref("pk", parent.organization_id),
        name=values["common_name"],
        subject=_subject(values),
        key_algorithm=_size(values),
        validity=_validity(values),
        may_end_earlier=True,
        parent=Ref("pk", parent.pk),
        path_length=0,
        dialect=Dialect.FASTPKI,
    )


def subordinate_csr_order(values: Mapping[str, Any], *, parent: CertificateAuthority) -> AuthorityRequestOrder:
    """The same with a key that is elsewhere. Raises Invalid."""
    _require_no_sans(values)
    csr = read_csr(values["csr"])
    subject = _subject_of_csr(values, csr)
    return AuthorityRequestOrder(
        parent=Ref("pk", parent.pk),
        name=common_name(subject) or "",
        csr=csr,
        subject=subject,
        validity=_validity(values),
        may_end_earlier=True,
        path_length=0,
    )


def revoke_order(values: Mapping[str, Any], certificate: Ref) -> RevokeOrder:
    """Free text that is no reason stays as the comment."""
    words = values.get("reason") or ""
    return RevokeOrder(certificate=certificate, reason=reason_in_words(words), comment=words)


def renew_order(values: Mapping[str, Any], certificate: Ref) -> RenewOrder:
    """Raises Invalid."""
    text = values.get("csr")
    csr = None if text is None else read_csr(text)
    return RenewOrder(
        certificate=certificate, key=csr, as_long=True, may_end_earlier=True, again=True, same_origin=True
    )


def _size(values: Mapping[str, Any]) -> KeyAlgorithm:
    return _SIZES[values.get("key_size", settings.CERT_KEY_SIZE)]


def _validity(values: Mapping[str, Any]) -> timedelta:
    return timedelta(days=values.get("valid_days", settings.CERT_DAYS))


def _subject(values: Mapping[str, Any]) -> x509.Name:
    """What `subject_dn` says, with the very name that `common_name` says: what is shown is what is certified."""
    subject = parse_name(values["subject_dn"], field="subject_dn")
    wanted = values.get("common_name")
    names = [attribute.value for attribute in subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if wanted is not None and names != [wanted]:
        raise Invalid.of("common_name", "contradiction", _("The subject names another common name, or none."))
    return subject


def _subject_of_csr(values: Mapping[str, Any], csr: CsrFacts) -> x509.Name:
    if values.get("subject_dn") is not None:
        return _subject(values)
    wanted = values.get("common_name")
    if wanted is None:
        return csr.subject
    others = [rdn for rdn in csr.subject.rdns if not rdn.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    return x509.Name([*others, *name_from_mapping({"common_name": wanted}).rdns])


def _names(
    values: Mapping[str, Any], subject: x509.Name, asked: tuple[x509.GeneralName, ...]
) -> tuple[x509.GeneralName, ...]:
    """The names of the certificate: those of the body, of the CSR where it has none of a kind, and those that follow
    from the common name. Raises Invalid with every violation.
    """
    names: list[x509.GeneralName] = []
    errors: list[FieldError] = []
    for field, kind in _SANS.items():
        texts = values.get(field)
        if texts is None:
            names += [name for name in asked if kind_of(name) is kind]
            continue
        for index, text in enumerate(texts):
            try:
                names.append(general_name(text, kind, field=f"{field}[{index}]"))
            except Invalid as error:
                errors += error.errors
    # Of other kinds there are none that the body could say; the template judges them.
    names += [name for name in asked if kind_of(name) not in _SANS.values()]
    errors += _refused(values["certificate_type"], names)
    if errors:
        raise Invalid(errors=errors)
    return (*names, *_implied(values["certificate_type"], subject, names))


def _refused(kind_of_certificate: str, names: list[x509.GeneralName]) -> Iterator[FieldError]:
    refused = _REFUSED_SANS.get(kind_of_certificate, {})
    fields = {kind: field for field, kind in _SANS.items()}
    for kind in dict.fromkeys(map(kind_of, names)):
        if kind in refused:
            yield field_error(fields[kind], "name-not-allowed", refused[kind])


def _implied(
    kind_of_certificate: str, subject: x509.Name, names: list[x509.GeneralName]
) -> tuple[x509.GeneralName, ...]:
    """The common name where it is to stand among the SANs. Raises Invalid where it must and cannot."""
    said = common_name(subject)
    kinds = set(map(kind_of, names))
    if said is None:
        return ()
    if kind_of_certificate == "client":
        return () if NameKind.EMAIL in kinds or "@" not in said else _mailbox(said)
    if NameKind.DNS in kinds or said in {str(name.value) for name in names if isinstance(name, x509.IPAddress)}:
        return ()
    return (general_name(said, NameKind.DNS, field="common_name"),)


def _mailbox(text: str) -> tuple[x509.GeneralName, ...]:
    try:
        return (general_name(text, NameKind.EMAIL),)
    except Invalid:
        return ()


def _require_no_sans(values: Mapping[str, Any]) -> None:
    given = [field for field in _SANS if values.get(field)]
    if given:
        text = _("A CA has no subject alternative names.")
        raise Invalid(errors=[field_error(field, "name-not-allowed", text) for field in given])
