"""How the native API shows CAs: in lists, in full, as a tree, and their certificates."""

from __future__ import annotations

from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.common.fields import Duration, Made, Serial
from api.common.outputs import Output, flag, identity, moment, one_of, text, whole
from api.common.shapes import kept
from api.native.outputs import PKI_TYPE, STRING, PkiOut
from cas import addresses
from cas.chains import CaChain, chains_of
from cas.core.formats import to_pem
from cas.core.keys import KeyAlgorithm
from cas.models import CaCertificate, CaKey, CertificateAuthority

_URL: Final = {"type": "string", "format": "uri"}
_PEM: Final = STRING | {"description": "PEM."}


class CaCertificateOut(Output):
    """A CA's own certificate."""

    serial = Serial(read_only=True)
    fingerprint = text(help_text="SHA-256 of the DER bytes, in hex.")
    kind = one_of(CaCertificate.Kind.values)
    not_before = moment()
    not_after = moment()
    pem = Made(lambda row: to_pem(row.certificate), _PEM)


class OwnCertificateOut(CaCertificateOut):
    """One of the certificates of a CA."""

    issuer = PkiOut(read_only=True, allow_null=True, help_text="The CA itself where it signed itself.")
    preferred = flag(help_text="Whether it is copied into what the CA signs, and handed out.")
    revoked_at = moment(allow_null=True)


class CrlStateOut(Output):
    """The newest full CRL of a CA."""

    number = whole()
    this_update = moment()
    next_update = moment()
    entries = whole()
    is_current = flag(help_text="Whether `next_update` lies ahead.")
    is_due = flag(help_text="Whether another one is to be signed now: a CA behind a passphrase waits for it.")

    def get_attribute(self, instance: Any) -> dict[str, Any] | None:
        if getattr(instance, "crl_number", None) is None:
            return None
        return {
            "number": instance.crl_number,
            "this_update": instance.crl_this_update,
            "next_update": instance.crl_next_update,
            "entries": instance.crl_entries,
            "is_current": instance.crl_next_update > timezone.now(),
            "is_due": instance.crl_is_due,
        }


class AuthorityOut(Output):
    """A certificate authority: a subject name and a key."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    type = Made(lambda _ca: "internal", PKI_TYPE)
    kind = one_of(CertificateAuthority.Kind.values, help_text="`foreign`: known by its certificate, without its key.")
    description = text()
    parent = PkiOut(read_only=True, allow_null=True, help_text="Null for a root.")
    predecessor = PkiOut(read_only=True, allow_null=True, help_text="The CA that it goes on for.")
    status = one_of(CertificateAuthority.Status.values)
    subject = text(help_text="As RFC 4514 text, most specific first.")
    key_algorithm = one_of(KeyAlgorithm)
    key_backend = Made(
        lambda ca: ca.key.backend if ca.key else None,
        {"type": ["string", "null"], "enum": [*CaKey.Backend.values, None], "description": "Null: it is not here."},
    )
    path_length = whole(allow_null=True)
    passphrase_protected = flag(help_text="Whether nothing is signed without a passphrase.")
    base_url = text()
    allow_leaf_certificates = flag()
    requires_approval = flag()
    approver_role = text()
    approvals_needed = whole()
    crl_lifetime = Duration(read_only=True)
    crl_shards = whole()
    crl_url = Made(addresses.crl_url, _URL)
    ocsp_url = Made(addresses.ocsp_url, _URL)
    ca_issuers_url = Made(addresses.ca_issuers_url, _URL)
    certificate = CaCertificateOut(source="preferred_certificate", read_only=True, allow_null=True)
    crl = CrlStateOut(read_only=True, allow_null=True)
    created_at = moment()


class ChainOut(Output):
    """A way from a CA up to a root."""

    authorities = PkiOut(many=True, read_only=True, help_text="The CA itself first, the root last.")
    pem = Made(lambda chain: to_pem(*chain.certificates), _PEM)


class PreferredChainOut(ChainOut):
    """The chain that is handed out; null where the CA has no certificate."""

    def get_attribute(self, instance: Any) -> CaChain | None:
        return next(iter(chains_of(instance)), None)


class AuthorityDetailOut(AuthorityOut):
    """A CA with the chain that it hands out."""

    chain = PreferredChainOut(read_only=True, allow_null=True)


class ChainsOut(Output):
    """Every chain of a CA, the preferred one first; at most sixteen."""

    data = ChainOut(many=True, read_only=True)  # type: ignore[assignment]


@extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/AuthorityNode"}})
class Children(serializers.Field):
    """The CAs directly below one."""

    def to_representation(self, value: Any) -> Any:
        return [kept(AuthorityNodeOut, self.context["version"]).to_representation(each) for each in value]


class AuthorityNodeOut(Output):
    """A CA in the tree."""

    id = identity(source="ca")
    name = text(source="ca.name")
    kind = one_of(CertificateAuthority.Kind.values, source="ca.kind")
    status = one_of(CertificateAuthority.Status.values, source="ca.status")
    not_after = moment(allow_null=True, help_text="When its certificate ends; null where it has none.")
    children = Children(read_only=True)


class AuthorityTreeOut(Output):
    """The CAs as they stand below each other."""

    data = AuthorityNodeOut(many=True, read_only=True)  # type: ignore[assignment]
    total = whole(help_text="CAs in the tree.")
    is_complete = flag(help_text="False where there are more than the tree shows.")


class CsrOut(Output):
    """A certificate signing request."""

    csr = Made(lambda request: _csr_pem(request), _PEM)


class TemplateMovedOut(Output):
    """A template that issues under another CA from now on."""

    id = identity()
    code = text()
    version = whole()


class TemplatesMovedOut(Output):
    """What was moved."""

    templates = TemplateMovedOut(many=True, read_only=True)


class SerialsOut(Output):
    """Serial numbers."""

    serials = serializers.ListField(child=Serial(), read_only=True)


class KeyHealthOut(Output):
    """Whether the key of a CA could sign now."""

    backend = one_of(CaKey.Backend.values, allow_null=True, help_text="Null: the key is not here.")
    algorithm = one_of(KeyAlgorithm)
    key_hash = text(help_text="SHA-256 of the SubjectPublicKeyInfo, in hex.")
    passphrase_protected = flag(help_text="A locked key is well: it is not opened to be asked.")
    is_well = serializers.BooleanField(read_only=True, allow_null=True, help_text="Null: the key is not here.")
    fault = Made(lambda health: health.fault.render(gettext) if health.fault else None, {"type": ["string", "null"]})


class CrlOut(Output):
    """A CRL as it was published."""

    number = whole()
    this_update = moment()
    next_update = moment()
    entries = whole()
    sha256 = text()


def _csr_pem(request: x509.CertificateSigningRequest) -> str:
    return request.public_bytes(Encoding.PEM).decode("ascii")
