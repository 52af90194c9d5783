"""Judging a certificate that somebody shows."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from django.utils.translation import gettext
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.fields import Flag, Id, Made, Moment, Text, Texts, required
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, flag, moment, text
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.dialect import NativeViewSet
from api.native.outputs import STRING
from cas.core.formats import to_der, to_pem
from cas.core.general_names import general_name
from cas.core.names import format_name
from cas.core.usages import EXTENDED_USAGES, parse_extended_key_usage
from cas.core.validation.verdict import Aspect
from certificates.services.validation import LONGEST_CHAIN, validate_certificate
from certificates.validation_orders import ValidationOrder
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

_LONGEST_CRL: Final = 900_000
_MAYBE_FLAG: Final = {
    "type": ["boolean", "null"],
    "description": "False where one of the chain was revoked; null where that is not known of one, or not asked.",
}
_WHERE: Final = {
    "type": ["integer", "null"],
    "description": "Place in the chain, from 0: the certificate itself; null where it is about the whole.",
}


class ValidationIn(Input):
    """A certificate, and what it is to be judged by."""

    example = {
        "certificate": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n",
        "purpose": "server_auth",
        "peer_name": "www.example.com",
    }

    certificate = Text(max_length=LONGEST_CHAIN, help_text="PEM. What follows the first certificate counts as chain.")
    chain = Text(
        required=False,
        max_length=LONGEST_CHAIN,
        help_text="PEM: CAs that may stand above it, in any order. Nothing in it is trusted.",
    )
    organization_id = Id(required=False)
    trust_anchors = Text(
        required=False,
        max_length=LONGEST_CHAIN,
        help_text="PEM: only these are trusted, in place of what the organization trusts.",
    )
    crls = Texts(required=False, longest=_LONGEST_CRL, most=32, help_text="PEM.")
    at = Moment(required=False, help_text="Judged as at this time; now where it is missing.")
    purpose = Text(
        required=False, help_text=f"What it is to be used for: {', '.join(EXTENDED_USAGES)}, or an object identifier."
    )
    peer_name = Text(
        required=False,
        max_length=255,
        help_text="Whom it must be for: a DNS name, an IP address or an e-mail address.",
    )
    check_revocation = Flag(default=True)
    require_status = Flag(default=False, help_text="Where it is not known whether one is revoked, that is an error.")
    fetch = Flag(default=False, help_text="Also ask the OCSP responders and fetch the CRLs that a trusted chain names.")

    @classmethod
    def read(cls, data: Any, *, version: str, home: Ref | None) -> ValidationOrder:
        """The order, for the organization that the body names, else for `home`. Raises Invalid."""
        values = cls.values(data, version=version)
        organization = values.get("organization_id", home)
        if organization is None:
            raise Invalid(errors=[required("organization_id")])
        anchors = values.get("trust_anchors")
        return ValidationOrder(
            certificate=values["certificate"].encode(),
            organization=organization,
            chain=values.get("chain", "").encode(),
            trust_anchors=None if anchors is None else anchors.encode(),
            crls=tuple(each.encode() for each in values.get("crls", ())),
            at=values.get("at"),
            purpose=_purpose(values["purpose"]) if "purpose" in values else None,
            peer_name=general_name(values["peer_name"], field="peer_name") if "peer_name" in values else None,
            check_revocation=values["check_revocation"],
            require_status=values["require_status"],
            fetch=values["fetch"],
        )


def _purpose(name: str) -> Any:
    purpose = parse_extended_key_usage(name)
    if purpose is None:
        raise Invalid.of("purpose", "unknown-value", _("Known values are %(known)s."), known=", ".join(EXTENDED_USAGES))
    return purpose


class ChainFindingOut(Output):
    """Something that is wrong, or odd."""

    code = text()
    aspect = Made(lambda finding: finding.aspect, {"type": "string", "enum": list(Aspect)})
    position = Made(lambda finding: finding.position, _WHERE)
    fingerprint = text(help_text="SHA-256 of the certificate that it is about, in hex; empty where there is none.")
    detail = Made(lambda finding: finding.message.render(gettext), STRING)


class ShownCertificateOut(Output):
    """A certificate of the chain."""

    subject = Made(lambda certificate: format_name(certificate.subject), STRING)
    issuer = Made(lambda certificate: format_name(certificate.issuer), STRING)
    fingerprint = Made(lambda certificate: _fingerprint(certificate), STRING)
    not_before = moment(source="not_valid_before_utc")
    not_after = moment(source="not_valid_after_utc")
    pem = Made(to_pem, STRING)


class VerdictOut(Output):
    """What is to be thought of the certificate. It is valid where there is no error."""

    valid = flag()
    chain_valid = flag(help_text="Nothing is wrong with signatures, names, limits and the anchor.")
    not_expired = flag(help_text="Every certificate of the chain was valid at the time.")
    not_revoked = Made(lambda verdict: verdict.not_revoked, _MAYBE_FLAG)
    trusted_anchor = ShownCertificateOut(read_only=True, allow_null=True)
    chain = ShownCertificateOut(many=True, read_only=True)
    errors = ChainFindingOut(many=True, read_only=True)  # type: ignore[assignment]
    warnings = ChainFindingOut(many=True, read_only=True)


class Validation(NativeViewSet):
    """Whether a certificate may be believed, and why not."""

    title = "Validation"
    has_items = False
    permissions = {"create": Permission.CERTIFICATES_READ}
    limits = {"create": ISSUE}
    repeatable = frozenset({"create"})

    @operation("Validate a certificate", body=ValidationIn, answers={200: VerdictOut}, refusals=(Family.UNLICENSED,))
    def create(self, request: Request) -> Response:
        """By RFC 5280 section 6, against the organization's own CAs and its trust anchors, or against those in the
        body. Nothing is written, and a certificate that is not valid is answered with 200 and the reasons.
        """
        order = ValidationIn.read(request.data, version=self.version, home=self.home)
        verdict = validate_certificate(actor=acting_in(self.actor, order.organization), order=order)
        return Response(self.show(VerdictOut, verdict))


def _fingerprint(certificate: Any) -> str:
    return sha256(to_der(certificate)).hexdigest()
