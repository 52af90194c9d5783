"""What ScaiVault's clients are shown of CAs, roles and trust anchors."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone

from api.common.fields import Made, Serial
from api.common.outputs import Output, flag, identity, moment, one_of, text, texts, whole
from api.scaivault.fields import SHOWN_TYPES, Lifetime, shape_of
from cas.core.formats import crl_to_pem, to_pem
from cas.core.names import common_name, parse_name
from cas.models import CertificateAuthority

_PEM: Final = {"type": "string", "description": "PEM."}
_MAYBE_WHOLE: Final = {"type": ["integer", "null"]}
_ROOT, _INTERMEDIATE = "root", "intermediate"


class AuthorityOut(Output):
    """A certificate authority."""

    id = identity()
    name = text()
    common_name = Made(lambda ca: common_name(parse_name(ca.subject)), {"type": ["string", "null"]})
    ca_type = Made(
        lambda ca: _ROOT if ca.parent_id is None else _INTERMEDIATE, {"type": "string", "enum": [_ROOT, _INTERMEDIATE]}
    )
    parent_ca_id = identity(source="parent", allow_null=True)
    key_type = Made(lambda ca: shape_of(ca.key_algorithm)[0], {"type": "string", "enum": list(SHOWN_TYPES)})
    key_size = Made(lambda ca: shape_of(ca.key_algorithm)[1], _MAYBE_WHOLE)
    valid_from = moment(source="preferred_certificate.not_before", allow_null=True)
    valid_until = moment(source="preferred_certificate.not_after", allow_null=True)
    is_active = Made(lambda ca: _is_active(ca), {"type": "boolean"})
    status = one_of(CertificateAuthority.Status.values)
    certificates_issued = whole()
    created_at = moment()


class CrlOut(Output):
    """A CRL that was published now."""

    crl_pem = Made(lambda crl: crl_to_pem(bytes(crl.body)).decode("ascii"), _PEM)
    # As text: JSON numbers lose digits in many clients.
    crl_number = Made(lambda crl: str(crl.number), {"type": "string"})
    this_update = moment()
    next_update = moment()


class RoleOut(Output):
    """A role: what may be issued by its name."""

    id = identity()
    name = text()
    ca_id = identity(source="ca")
    allowed_domains = texts()
    allow_subdomains = flag()
    allow_ip_sans = flag()
    max_ttl = Lifetime(read_only=True)
    key_type = Made(
        lambda role: _shape(role)[0],
        {"type": ["string", "null"], "enum": [*SHOWN_TYPES, None], "description": "Null: it does not say one."},
    )
    key_bits = Made(lambda role: _shape(role)[1], _MAYBE_WHOLE)
    require_cn = Made(lambda role: role.common_name == "required", {"type": "boolean"})
    store_private_keys = flag()
    created_at = moment()
    updated_at = moment()


class TrustAnchorOut(Output):
    """A CA elsewhere that is trusted."""

    id = identity()
    name = text()
    subject = text(help_text="As RFC 4514 text, most specific first.")
    issuer = text(source="issuer_name")
    serial_number = Serial(source="serial", read_only=True)
    fingerprint = text(help_text="SHA-256 of the DER bytes, in hex.")
    not_before = moment()
    not_after = moment()
    certificate_pem = Made(lambda row: to_pem(row.certificate), _PEM)
    created_at = moment()


def _is_active(ca: CertificateAuthority) -> bool:
    shown = ca.preferred_certificate
    return ca.status == CertificateAuthority.Status.ACTIVE and shown is not None and shown.not_after > timezone.now()


def _shape(role: Any) -> tuple[str | None, int | None]:
    """Of its keys, where there is one shape."""
    return shape_of(role.key_algorithms[0]) if len(role.key_algorithms) == 1 else (None, None)
