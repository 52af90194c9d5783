"""What CertMate's clients send: bodies and addresses to orders."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from cryptography import x509

from api.certmate.dialect import VERSION
from api.common.fields import Choice, Flag, Text, Whole, required
from api.common.inputs import Input, Query
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import read_csr
from cas.core.general_names import NameKind, general_name
from cas.core.names import name_from_mapping
from cas.core.reasons import reason_in_words
from cas.models import CertificateAuthority
from cas.standing import Slot
from certificates.identified import IdentifiedFilter
from certificates.orders import IssueOrder, Managed, RenewOrder, RevokeOrder
from kernel.errors import FieldError, Invalid, field_error
from kernel.ref import Ref
from kernel.text import _

USUAL_USAGE: Final = "api-mtls"
USUAL_DAYS: Final = 365
LONGEST_DAYS: Final = 3650
RENEWAL_DAYS: Final = 30
IDENTIFIER: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,119}"
FILES: Final = ("fullchain.pem", "privkey.pem", "combined.pem")
_LONGEST_SLUG: Final = 80
# No answer holds it: it is downloaded where the role keeps keys, and waits for its requester where it does not.
_KEPT: Final = Managed(collect_later=True)


class CreateIn(Input):
    """A client certificate that is wished for, with a key that is made here and kept, or for a CSR."""

    example = {
        "common_name": "user@example.com",
        "email": "user@example.com",
        "organization": "ACME Corp",
        "organizational_unit": "Engineering",
        "cert_usage": "api-mtls",
        "days_valid": 365,
        "generate_key": True,
        "notes": "Production certificate",
    }

    common_name = Text(max_length=64)
    email = Text(required=False, allow_blank=True, max_length=254, help_text="Stands among the certificate's names.")
    organization = Text(required=False, allow_blank=True, max_length=64)
    organizational_unit = Text(required=False, allow_blank=True, max_length=64)
    cert_usage = Text(default=USUAL_USAGE, max_length=80, help_text="`api-mtls`, `vpn`, or any other word.")
    days_valid = Whole(default=USUAL_DAYS, min_value=1, max_value=LONGEST_DAYS)
    generate_key = Flag(required=False, help_text="`true` by default; `false` needs a `csr`.")
    csr = Text(required=False, max_length=LONGEST_CSR, help_text="A PKCS#10 request in PEM, in place of a key.")
    notes = Text(required=False, allow_blank=True, max_length=1000)

    @classmethod
    def read(cls, data: Any, ca: CertificateAuthority) -> IssueOrder:
        """Raises Invalid with every violation."""
        return order_of(cls.values(data, version=VERSION), ca)


class RenewIn(Input):
    """Nothing, or a CSR: of a certificate whose key was not made here."""

    csr = Text(required=False, max_length=LONGEST_CSR, help_text="Its key alone is read.")

    @classmethod
    def read(cls, data: Any, row: Any) -> RenewOrder:
        """Raises Invalid."""
        values = cls.values(data, version=VERSION)
        return RenewOrder(
            certificate=Ref("pk", row.pk),
            key=read_csr(values["csr"]) if "csr" in values else _KEPT,
            identifier=new_identifier(row.common_name),
            as_long=True,
            keep_csr=True,
        )


class RevokeIn(Input):
    """Why: in any words. The body may be absent."""

    example = {"reason": "compromised"}

    reason = Text(required=False, allow_blank=True, max_length=200, help_text="`unspecified` by default.")

    @classmethod
    def read(cls, data: Any, identifier: str) -> RevokeOrder:
        """The reason of RFC 5280 that the words say, if any, and the words. Raises Invalid."""
        words = cls.values(data, version=VERSION).get("reason", "").strip()
        return RevokeOrder(certificate=Ref("identifier", identifier), reason=reason_in_words(words), comment=words)


class ListQuery(Query):
    """Which certificates; together they narrow."""

    usage = Text(required=False, allow_blank=True, max_length=80, help_text="Exactly this usage.")
    revoked = Choice(("true", "false"), required=False)
    search = Text(required=False, allow_blank=True, max_length=64, help_text="A part of the common name, in any case.")


def filter_of(values: Mapping[str, Any]) -> IdentifiedFilter:
    revoked = values.get("revoked")
    return IdentifiedFilter(
        usage=values.get("usage") or None,
        is_revoked=None if revoked is None else revoked == "true",
        common_name_part=values.get("search", ""),
    )


class BundleQuery(Query):
    """A ZIP archive with all files, or one of them, or all of them in JSON."""

    file = Choice(FILES, required=False)
    format = Choice(("json",), required=False)

    @classmethod
    def values(cls, data: Any, *, version: str) -> dict[str, Any]:
        values = super().values(data, version=version)
        if len(values) > 1:
            raise Invalid.of("format", "contradiction", _("Ask for one file, or for all of them in JSON."))
        return values


def order_of(values: Mapping[str, Any], ca: CertificateAuthority) -> IssueOrder:
    """The order that values of `CreateIn` are, to the client CA. Raises Invalid with every violation."""
    errors = list(_contradictions(values))
    csr = _read(lambda: read_csr(values["csr"]), errors) if "csr" in values else None
    subject = _read(lambda: _subject(values), errors)
    email = values.get("email")
    mailbox = _read(lambda: general_name(email, NameKind.EMAIL, field="email"), errors) if email else None
    if errors:
        raise Invalid(errors=errors)
    return IssueOrder(
        template=Slot.CERTMATE_CLIENT.code(ca.pk),
        ca=Ref("pk", ca.pk),
        key=csr or _KEPT,
        subject=subject,
        sans=(mailbox,) if mailbox else None,
        validity=timedelta(days=values["days_valid"]),
        identifier=new_identifier(values["common_name"]),
        usage=values["cert_usage"],
        description=values.get("notes", ""),
        keep_csr=True,
        renew_ahead=None if csr else timedelta(days=RENEWAL_DAYS),
    )


def new_identifier(common_name: str) -> str:
    """A name for addresses and files: what of the common name can stand in one, and eight hexadecimal digits."""
    slug = re.sub(r"[^a-z0-9]+", lambda found: "." if found[0] == "." else "-", common_name.lower())
    return f"{slug.strip('.-')[:_LONGEST_SLUG] or 'cert'}-{secrets.token_hex(4)}"


def _subject(values: Mapping[str, Any]) -> x509.Name:
    names = ("common_name", "organization", "organizational_unit")
    return name_from_mapping({name: values[name] for name in names if values.get(name)})


def _contradictions(values: Mapping[str, Any]) -> Iterator[FieldError]:
    makes_key = values.get("generate_key")
    if makes_key is False and "csr" not in values:
        yield required("csr")
    if not values["cert_usage"].strip():
        yield required("cert_usage")
    if makes_key and "csr" in values:
        yield field_error("generate_key", "contradiction", _("A CSR brings its own key."))


def _read(read: Any, errors: list[FieldError]) -> Any:
    try:
        return read()
    except Invalid as error:
        errors += error.errors
        return None
