"""What the native API takes about CAs: bodies to orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography import x509

from api.common.fields import Choice, Duration, Flag, Id, Reason, SecretText, Subject, Text, Texts, Whole, required
from api.common.inputs import Input
from api.common.paging import PageQuery
from api.native.authority_fields import ConstraintNames, FileText, KnownSerials, Purposes, SecretFile, TokenKey
from api.native.certificate_inputs import LONGEST_DAYS, validity_errors, validity_of
from api.native.input_parts import approvals, note, tuples
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import read_csr
from cas.core.foreign_crl import LONGEST as LONGEST_CRL
from cas.core.formats import LONGEST as LONGEST_CERTIFICATES
from cas.core.keyfiles import LONGEST as LONGEST_KEY_FILE
from cas.core.keys import KeyAlgorithm
from cas.models import CaKey, CertificateAuthority
from cas.orders import (
    AuthorityImportOrder,
    AuthorityOrder,
    AuthorityRequestOrder,
    CrossOrder,
    ForeignAuthorityOrder,
    PendingAuthorityOrder,
    SuccessorOrder,
)
from cas.search import AuthorityFilter
from certificates.orders import RevokeAuthorityOrder
from kernel.errors import Invalid
from kernel.ref import Ref


def _in_base64(length: int) -> int:
    """How many characters a file of this length takes, with line breaks."""
    return length * 3 // 2


class AuthorityQuery(PageQuery):
    """Which CAs are listed: those that all of this is true of."""

    parent = Id(required=False, help_text="Directly below this CA.")  # type: ignore[assignment]
    status = Choice(CertificateAuthority.Status.values, required=False)
    kind = Choice(CertificateAuthority.Kind.values, required=False)
    name = Text(required=False, max_length=120, help_text="A part of its name, in upper or lower case.")

    @staticmethod
    def filter(values: dict[str, Any]) -> AuthorityFilter:
        return AuthorityFilter(
            parent=values.get("parent"),
            status=values.get("status"),
            kind=values.get("kind"),
            name=values.get("name", ""),
        )


class TermsFields(Input):
    """What a CA with a key here is called and how it works."""

    organization_id = Id(required=False)
    name = Text(max_length=120)
    description = note()
    passphrase = SecretText(required=False, help_text="Protects the key; nothing is signed without it.")
    base_url = Text(required=False, max_length=200, help_text="Where CRL and OCSP of this CA are found.")
    allow_leaf_certificates = Flag(default=True)
    requires_approval = Flag(default=False)
    approver_role = Text(required=False, allow_blank=True, max_length=80)
    approvals_needed = approvals()
    crl_lifetime = Duration(required=False)
    crl_shards = Whole(default=0, min_value=0, max_value=128)


class LimitFields(Input):
    """What a CA certificate allows, and for how long."""

    validity_days = Whole(required=False, min_value=1, max_value=LONGEST_DAYS)
    validity = Duration(required=False, help_text="In place of `validity_days`.")
    path_length = Whole(required=False, min_value=0, max_value=32, help_text="How many CAs may stand below it.")
    permitted_names = ConstraintNames(required=False, help_text="Name constraints: only names below these.")
    excluded_names = ConstraintNames(required=False, help_text="Name constraints: no names below these.")
    extended_key_usage = Purposes(required=False, help_text="What all below it is limited to; everything if absent.")


class PendingAuthorityIn(TermsFields):
    """A CA that another one shall certify: its key is made here, or found on the token."""

    example = {"name": "Issuing CA", "subject": {"common_name": "Example Issuing CA", "organization": "Example Ltd"}}

    subject = Subject()
    key_algorithm = Choice(KeyAlgorithm, default=KeyAlgorithm.ECDSA_P256.value)
    key_backend = Choice(CaKey.Backend.values, default=CaKey.Backend.SEALED.value, help_text="Where the key is kept.")
    token_key = TokenKey(required=False, help_text="A key that is on the token already; superusers only.")

    @classmethod
    def read(cls, data: Any, *, version: str, home: Ref | None) -> PendingAuthorityOrder:
        return PendingAuthorityOrder(**_founding(cls, data, version, home))


class AuthorityIn(PendingAuthorityIn, LimitFields):
    """A new CA: a root, or an intermediate under `parent_id`."""

    example = {
        "name": "Issuing CA",
        "subject": {"common_name": "Example Issuing CA", "organization": "Example Ltd", "country": "DE"},
        "parent_id": None,
        "path_length": 0,
    }

    parent_id = Id(required=False, help_text="The CA that signs it; a root signs itself.")
    parent_passphrase = SecretText(required=False, help_text="The parent's, where it has one.")
    validity_days = Whole(
        required=False, min_value=1, max_value=LONGEST_DAYS, help_text="3650 for a root, 1825 below one by default."
    )

    @classmethod
    def read(cls, data: Any, *, version: str, home: Ref | None) -> AuthorityOrder:
        """The order, in the organization that the body names, else in `home`. Raises Invalid."""
        values = _founding(cls, data, version, home)
        return AuthorityOrder(parent=values.pop("parent_id", None), **values)


class AuthorityImportIn(TermsFields):
    """A CA that worked elsewhere, with its key."""

    example = {
        "name": "Old CA",
        "key_file": "MIIKYQIBAzCCCicGCSqGSIb3DQEHAaCCChgEggoUMIIK…",
        "password": "correct horse battery staple",
        "certificates": "-----BEGIN CERTIFICATE-----\n…",
        "last_crl_number": 4711,
        "public_paths": ["/crl/old-ca.crl"],
    }

    key_file = SecretFile(
        max_length=_in_base64(LONGEST_KEY_FILE),
        help_text="The key: PEM, or DER or PKCS#12 in base64; encrypted or not.",
    )
    password = SecretText(required=False, help_text="Of the key file.")
    certificates = FileText(
        required=False,
        max_length=_in_base64(LONGEST_CERTIFICATES),
        help_text="Its own and those above it, where the key file does not hold them: PEM, or DER in base64.",
    )
    issued = KnownSerials(required=False, help_text="What it has issued. What its last CRL lists is known already.")
    last_crl = FileText(
        required=False,
        max_length=_in_base64(LONGEST_CRL),
        help_text="PEM, or DER in base64. Without it, what was revoked would be good again.",
    )
    last_crl_number = Whole(required=False, min_value=0, help_text="Where only the number of the last CRL is known.")
    public_paths = Texts(
        required=False, longest=250, help_text="The addresses in its certificates, such as `/crl/old-ca.crl`."
    )

    @classmethod
    def read(cls, data: Any, *, version: str, home: Ref | None) -> AuthorityImportOrder:
        return AuthorityImportOrder(**_founding(cls, data, version, home))


class ForeignAuthorityIn(Input):
    """A CA whose key is elsewhere, by its certificate."""

    example = {"certificates": "-----BEGIN CERTIFICATE-----\n…"}

    organization_id = Id(required=False)
    certificates = FileText(
        max_length=_in_base64(LONGEST_CERTIFICATES),
        help_text="Its own first, then those above it that are not known here: PEM, or DER or PKCS#7 in base64.",
    )
    name = Text(required=False, allow_blank=True, max_length=120, help_text="Taken from the certificate where absent.")
    description = note()

    @classmethod
    def read(cls, data: Any, *, version: str, home: Ref | None) -> ForeignAuthorityOrder:
        return ForeignAuthorityOrder(**_founding(cls, data, version, home))


class AuthorityRequestIn(LimitFields):
    """A CA whose key is somebody else's, to be certified by its CSR."""

    example = {"name": "Partner CA", "csr": "-----BEGIN CERTIFICATE REQUEST-----\n…", "path_length": 0}

    name = Text(max_length=120, help_text="What it is called here.")
    csr = Text(max_length=LONGEST_CSR, help_text="PEM. Beyond name and key, what it asks for are wishes.")
    subject = Subject(required=False, help_text="In place of the one in the CSR.")
    description = note()
    parent_passphrase = SecretText(required=False, help_text="Of the CA that signs, where it has one.")

    @classmethod
    def read(cls, data: Any, parent: Ref, *, version: str) -> AuthorityRequestOrder:
        values = _limited(cls, data, version)
        return AuthorityRequestOrder(parent=parent, csr=read_csr(values.pop("csr")), **values)


class CrossIn(LimitFields):
    """Another CA of ours that shall certify this one as well."""

    example = {"issuer_id": None, "validity": "365d"}

    issuer_id = Id(help_text="The CA that signs.")
    issuer_passphrase = SecretText(required=False, help_text="The issuer's, where it has one.")

    @classmethod
    def read(cls, data: Any, ca: Ref, *, version: str) -> CrossOrder:
        values = _limited(cls, data, version)
        return CrossOrder(ca=ca, issuer=values.pop("issuer_id"), **values)


class RenewalIn(Input):
    """How long the next certificate of the same key shall last."""

    example = {"validity_days": 1825}

    validity_days = Whole(required=False, min_value=1, max_value=LONGEST_DAYS, help_text="As long as before if absent.")
    validity = Duration(required=False, help_text="In place of `validity_days`.")
    issuer_passphrase = SecretText(required=False, help_text="The issuer's, where it has one; a root's own.")

    @classmethod
    def read(cls, data: Any, *, version: str) -> dict[str, Any]:
        return _limited(cls, data, version)


class SuccessorIn(Input):
    """What a successor does not take over from the CA before it."""

    example = {"name": "Issuing CA G2"}

    name = Text(max_length=120)
    subject = Subject(required=False, help_text="The same where absent; the key tells the two apart.")
    key_algorithm = Choice(KeyAlgorithm, required=False)
    key_backend = Choice(CaKey.Backend.values, required=False)
    validity_days = Whole(required=False, min_value=1, max_value=LONGEST_DAYS)
    validity = Duration(required=False, help_text="In place of `validity_days`.")
    passphrase = SecretText(required=False, help_text="Protects its key; required where the one before has one.")
    parent_passphrase = SecretText(required=False, help_text="The parent's, where it has one.")

    @classmethod
    def read(cls, data: Any, *, version: str) -> SuccessorOrder:
        return SuccessorOrder(**_limited(cls, data, version))


class MoveTemplatesIn(Input):
    """Where the roles and templates of a CA go."""

    example = {"successor_id": None}

    successor_id = Id(help_text="A CA that follows this one.")


class CompletionIn(Input):
    """The certificate of a CA, as the CA that has signed it hands it out."""

    example = {"certificates": "-----BEGIN CERTIFICATE-----\n…"}

    certificates = FileText(
        max_length=_in_base64(LONGEST_CERTIFICATES),
        help_text="With those above it that are not known here: PEM, or DER or PKCS#7 in base64.",
    )
    passphrase = SecretText(required=False, help_text="The CA's own, where it has one: then its first CRL is signed.")


class NextCertificateIn(Input):
    """Another certificate for a CA in service, from whoever has signed it."""

    example = {"certificates": "-----BEGIN CERTIFICATE-----\n…"}

    certificates = FileText(
        max_length=_in_base64(LONGEST_CERTIFICATES),
        help_text="With those above it that are not known here: PEM, or DER or PKCS#7 in base64.",
    )


class AuthorityChangeIn(Input):
    """What may change of a CA."""

    example = {"description": "Servers only", "crl_lifetime": "3d"}

    description = note()
    base_url = Text(required=False, max_length=200)
    crl_lifetime = Duration(required=False)
    allow_leaf_certificates = Flag(required=False)
    requires_approval = Flag(required=False)
    approver_role = Text(required=False, allow_blank=True, max_length=80)
    approvals_needed = approvals()


@dataclass(frozen=True, slots=True)
class Why:
    """Why something is revoked."""

    reason: x509.ReasonFlags
    comment: str


class RevokeAuthorityIn(Input):
    """Why a CA, or one certificate of it, is revoked."""

    example = {"reason": "cessationOfOperation", "comment": "moved to the new hierarchy"}

    reason = Reason()
    comment = Text(required=False, allow_blank=True, max_length=1000)

    @classmethod
    def why(cls, data: Any, *, version: str) -> Why:
        values = cls.values(data, version=version)
        return Why(values["reason"], values.get("comment", ""))

    @classmethod
    def read(cls, data: Any, ca: Ref, *, version: str) -> RevokeAuthorityOrder:
        why = cls.why(data, version=version)
        return RevokeAuthorityOrder(ca=ca, reason=why.reason, comment=why.comment)


class PassphraseIn(Input):
    """A passphrase for a CA that needs one to sign."""

    example = {"passphrase": "correct horse battery staple"}

    passphrase = SecretText(required=False)


def _founding(body: type[Input], data: Any, version: str, home: Ref | None) -> dict[str, Any]:
    """The body's words as an order's, in the organization that it names, else in `home`. Raises Invalid."""
    values = body.values(data, version=version)
    errors = list(validity_errors(values))
    organization = values.pop("organization_id", home)
    if not organization:
        errors.append(required("organization_id"))
    if errors:
        raise Invalid(errors=errors)
    return _order_words(values) | {"organization": organization}


def _limited(body: type[Input], data: Any, version: str) -> dict[str, Any]:
    """The body's words as an order's. Raises Invalid."""
    values = body.values(data, version=version)
    if errors := list(validity_errors(values)):
        raise Invalid(errors=errors)
    return _order_words(values)


def _order_words(values: dict[str, Any]) -> dict[str, Any]:
    validity = validity_of(values)
    values.pop("validity_days", None)
    if validity is not None:
        values["validity"] = validity
    if "key_algorithm" in values:
        values["key_algorithm"] = KeyAlgorithm(values["key_algorithm"])
    return tuples(values)
