"""What the native API takes about certificates: bodies and addresses to orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from cryptography import x509

from api.common.fields import (
    Choice,
    Duration,
    Flag,
    GeneralNames,
    Id,
    Moment,
    Reason,
    SecretText,
    Subject,
    Text,
    Texts,
    Whole,
    required,
)
from api.common.inputs import Input, Query
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import read_csr
from cas.core.keys import KeyAlgorithm
from cas.core.names import common_name, name_from_mapping
from certificates.bundles import Format
from certificates.delivery import Delivery, KeyFormat
from certificates.orders import IssueOrder, Managed, RenewOrder, RevokeOrder, SameKey
from kernel.errors import FieldError, Invalid, field_error
from kernel.ref import Ref
from kernel.text import _

_DELIVERY_FORMATS: Final = (Format.PEM, Format.DER, Format.P7B, Format.P12, Format.ZIP)
_KEY_FIELDS: Final = ("key_algorithm", "key_format", "password", "key_delivery")
LONGEST_DAYS: Final = 36_600


def _file_format() -> Choice:
    about = "A file with everything, beside the PEM in the answer."
    return Choice(_DELIVERY_FORMATS, default=Format.PEM.value, help_text=about)


class WishFields(Input):
    """What can be wished of every certificate: a key made here or a CSR, how long, and what is said of it."""

    csr = Text(
        required=False,
        max_length=LONGEST_CSR,
        help_text="A PKCS#10 request in PEM. Its subject and names hold where the body has none.",
    )
    key_algorithm = Choice(
        KeyAlgorithm, required=False, help_text="Of a key that is made here; the template's by default."
    )
    key_format = Choice(
        KeyFormat, required=False, help_text="How a key that is made here is written; `pem` by default."
    )
    key_delivery = Choice(
        ("now", "later"), required=False, help_text="`later`: the key waits, sealed, until it is collected once."
    )
    password = SecretText(required=False, help_text="Encrypts the private key; a PKCS#12 file must have one.")
    validity_days = Whole(required=False, min_value=1, max_value=LONGEST_DAYS)
    validity = Duration(required=False, help_text="In place of `validity_days`.")
    tags = Texts(required=False, longest=64, most=50)
    description = Text(required=False, allow_blank=True, max_length=1000)


class SubjectFields(WishFields):
    """And for whom."""

    subject = Subject(required=False, help_text="Required, unless `common_name` or a CSR says it.")
    common_name = Text(required=False, max_length=64, help_text="Short for a subject with this and nothing else.")
    sans = GeneralNames(
        required=False,
        help_text="Subject alternative names. The kind is inferred, or said by a prefix: dns:, ip:, email:, uri:.",
    )


class IssueIn(SubjectFields):
    """A certificate that is wished for: by a template, for a subject, with a key made here or a CSR."""

    example = {
        "template_code": "web-tls",
        "subject": {"common_name": "api.example.com"},
        "sans": ["api.example.com", "10.0.0.5"],
    }

    template_code = Text(max_length=80, help_text="Which template to issue from.")
    organization_id = Id(required=False, help_text="Needed only by a superuser without an organization.")
    delivery_format = _file_format()
    passphrase = SecretText(required=False, help_text="The CA's, where its key is protected by one.")

    @classmethod
    def read(cls, data: Any, *, version: str) -> tuple[IssueOrder, Ref | None]:
        """The order, and the organization it names. Raises Invalid with every violation."""
        values = cls.values(data, version=version)
        order = replace(wish_of(values, values["template_code"]), passphrase=values.get("passphrase"))
        return order, values.get("organization_id")


class RenewIn(WishFields):
    """What the successor of a certificate shall have that its predecessor has not. The body may be absent."""

    example = {"key": "new", "validity_days": 90}

    csr = Text(required=False, max_length=LONGEST_CSR, help_text="Its key alone is read.")
    key = Choice(
        ("new", "same"),
        required=False,
        help_text="`new` where the old one was made here, else `same`, if the template lets it; a CSR brings its own.",
    )
    key_algorithm = Choice(
        KeyAlgorithm, required=False, help_text="Of a key that is made here; the predecessor's by default."
    )
    delivery_format = _file_format()
    passphrase = SecretText(required=False, help_text="The CA's, where its key is protected by one.")
    again = Flag(default=False, help_text="Also where it has a successor already.")

    @classmethod
    def read(cls, data: Any, certificate: Ref, *, version: str) -> RenewOrder:
        """Raises Invalid with every violation."""
        values = cls.values(data, version=version)
        errors = list(_renewal_contradictions(values))
        csr = _read(lambda: read_csr(values["csr"]), errors) if "csr" in values else None
        if errors:
            raise Invalid(errors=errors)
        return RenewOrder(
            certificate=certificate,
            key=csr or _renewed_key(values),
            validity=validity_of(values),
            passphrase=values.get("passphrase"),
            tags=tuple(values["tags"]) if "tags" in values else None,
            description=values.get("description"),
            delivery=_delivery(values),
            again=values["again"],
        )


class RevokeIn(Input):
    """Why a certificate is revoked; `certificateHold` puts it on hold, and a hold can be lifted."""

    example = {"reason": "superseded", "comment": "replaced by a longer one"}

    reason = Reason(required=False, help_text="`unspecified` by default.")
    comment = Text(required=False, allow_blank=True, max_length=1000)
    invalidity_date = Moment(required=False, help_text="Since when the key is thought to be lost.")
    upstream = Flag(default=False, help_text="At the public CA that has issued it first, then here.")

    @classmethod
    def read(cls, data: Any, certificate: Ref, *, version: str) -> tuple[RevokeOrder, bool]:
        """The order, and whether a public CA is to be asked. Raises Invalid."""
        values = cls.values(data, version=version)
        if values["upstream"] and "invalidity_date" in values:
            raise Invalid.of("invalidity_date", "contradiction", _("A public CA is told of no such date."))
        order = RevokeOrder(
            certificate=certificate,
            reason=values.get("reason", x509.ReasonFlags.unspecified),
            comment=values.get("comment", ""),
            invalidity=values.get("invalidity_date"),
        )
        return order, values["upstream"]


class CollectIn(Input):
    """How a private key shall be written."""

    example = {"key_format": "pkcs8"}

    key_format = Choice(KeyFormat, default=KeyFormat.PEM.value)
    password = SecretText(required=False, help_text="Encrypts the key; a PKCS#12 file must have one.")

    @classmethod
    def read(cls, data: Any, *, version: str) -> Delivery:
        return _delivery(cls.values(data, version=version))


class LabelsIn(Input):
    """What people say about a certificate."""

    example = {"tags": ["prod", "critical"], "description": "The shop."}

    tags = Texts(required=False, longest=64, most=50)
    description = Text(required=False, allow_blank=True, max_length=1000)
    owner = Text(required=False, max_length=254, help_text="Who answers for it: the e-mail address of a member.")


class DownloadQuery(Query):
    """The format of a download."""

    fmt = Choice(
        (*Format, "pfx"), default=Format.PEM.value, help_text="`p12` (or `pfx`) and the others hold no private key."
    )


def validity_of(values: Mapping[str, Any]) -> timedelta | None:
    """The lifetime that `validity_days` or `validity` says; None where neither does."""
    days: int | None = values.get("validity_days")
    length: timedelta | None = values.get("validity")
    return length if days is None else timedelta(days=days)


def validity_errors(values: Mapping[str, Any]) -> Iterator[FieldError]:
    if "validity" in values and "validity_days" in values:
        yield field_error("validity", "contradiction", _("Give validity_days or validity, not both."))


def wish_of(values: Mapping[str, Any], template: str) -> IssueOrder:
    """The order that values of `SubjectFields` are, by this template. Raises Invalid with every violation."""
    errors = list(_contradictions(values))
    csr = _read(lambda: read_csr(values["csr"]), errors) if "csr" in values else None
    subject = _read(lambda: _subject(values), errors)
    if errors:
        raise Invalid(errors=errors)
    return IssueOrder(
        template=template,
        key=csr or _managed(values),
        subject=subject,
        sans=values.get("sans"),
        validity=validity_of(values),
        tags=tuple(values.get("tags", ())),
        description=values.get("description", ""),
        delivery=_delivery(values),
    )


def _contradictions(values: Mapping[str, Any]) -> Iterator[FieldError]:
    yield from validity_errors(values)
    if not {"subject", "common_name", "csr"} & values.keys():
        yield required("subject")
    if "csr" in values:
        yield from _handed_out(values, _("The key of a CSR is not here to be handed out."))


def _renewal_contradictions(values: Mapping[str, Any]) -> Iterator[FieldError]:
    yield from validity_errors(values)
    if "csr" in values:
        if "key" in values:
            yield field_error("key", "contradiction", _("A CSR brings its own key."))
        yield from _handed_out(values, _("The key of a CSR is not here to be handed out."))
    elif values.get("key") == "same":
        yield from _handed_out(values, _("A key that stays the same is not handed out again."))


def _handed_out(values: Mapping[str, Any], sentence: str) -> Iterator[FieldError]:
    """What is said of a key that is made here, where none is."""
    yield from (field_error(field, "contradiction", sentence) for field in _KEY_FIELDS if field in values)


def _managed(values: Mapping[str, Any]) -> Managed:
    algorithm = values.get("key_algorithm")
    return Managed(KeyAlgorithm(algorithm) if algorithm else None, collect_later=values.get("key_delivery") == "later")


def _renewed_key(values: Mapping[str, Any]) -> Managed | SameKey | None:
    """None: as the service has it where nothing is said."""
    if values.get("key") == "same":
        return SameKey()
    return _managed(values) if {"key", *_KEY_FIELDS} & values.keys() else None


def _subject(values: Mapping[str, Any]) -> x509.Name | None:
    subject: x509.Name | None = values.get("subject")
    flat: str | None = values.get("common_name")
    if flat is None or (subject is not None and common_name(subject) == flat):
        return subject
    if subject is not None:
        raise Invalid.of("common_name", "contradiction", _("The subject names another common name, or none."))
    return name_from_mapping({"common_name": flat})


def _delivery(values: Mapping[str, Any]) -> Delivery:
    return Delivery(
        key_format=KeyFormat(values.get("key_format", KeyFormat.PEM)),
        file_format=Format(values.get("delivery_format", Format.PEM)),
        password=values.get("password"),
    )


def _read(read: Any, errors: list[FieldError]) -> Any:
    try:
        return read()
    except Invalid as error:
        errors += error.errors
        return None
