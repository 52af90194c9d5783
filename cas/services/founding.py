"""Steps towards a CA in our books: whether its terms make sense, its key, its row, and the certificates it has."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.models import Organization
from audit import services as audit
from audit.resource import Resource
from cas import keystore
from cas.chains import stands_below
from cas.core.keys import PublicKey, algorithm_of, public_key_sha256
from cas.core.names import format_name
from cas.core.reading import path_length
from cas.models import CaCertificate, CaKey, CertificateAuthority
from cas.orders import AuthorityTerms, PendingAuthorityOrder
from cas.services.approvals import approval_errors
from cas.services.serials import serial_text
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, FieldError, field_error
from kernel.limits import text_errors
from kernel.text import _

Kind = CaCertificate.Kind

CRL_LIFETIME: Final = timedelta(days=7)
# A locked CA publishes only while somebody is there with its passphrase.
LOCKED_CRL_LIFETIME: Final = timedelta(days=180)
LONGEST_NAME: Final = 120
_CRL_LIFETIMES: Final = (timedelta(hours=1), timedelta(days=400))
_MOST_SHARDS: Final = 128
_LONGEST_DESCRIPTION: Final = 500
_LONGEST_URL: Final = 200


def reference(ca: CertificateAuthority) -> Resource:
    """A CA as the audit log names it."""
    return Resource("ca", ca.pk, ca.name, public_id=ca.public_id)


def wrong_status(ca: CertificateAuthority) -> Conflict:
    """What is said where the present status of a CA forbids what is asked."""
    text = _("%(ca)s is %(status)s; this cannot be done with it.")
    return Conflict(text, code="wrong-status", ca=ca.name, status=ca.status)


def name_errors(name: str) -> list[FieldError]:
    return text_errors("name", name, longest=LONGEST_NAME, required=True)


def terms_errors(terms: AuthorityTerms, backend: str = CaKey.Backend.SEALED) -> list[FieldError]:
    """What is wrong with the terms of a new CA."""
    errors = [
        *name_errors(terms.name),
        *policy_errors(
            description=terms.description,
            base_url=terms.base_url,
            crl_lifetime=terms.crl_lifetime,
            approver_role=terms.approver_role,
            approvals_needed=terms.approvals_needed,
        ),
        *keystore.passphrase_errors(terms.passphrase, backend),
    ]
    if not 0 <= terms.crl_shards <= _MOST_SHARDS:
        errors.append(field_error("crl_shards", "out-of-range", _("0 to %(most)s shards."), most=_MOST_SHARDS))
    return errors


def policy_errors(
    *,
    description: str = "",
    base_url: str | None = None,
    crl_lifetime: timedelta | None = None,
    approver_role: str = "",
    approvals_needed: int = 1,
    **_flags: bool,
) -> list[FieldError]:
    """What is wrong with the fields that may be changed later."""
    return [
        *text_errors("description", description, longest=_LONGEST_DESCRIPTION, several_lines=True),
        *_base_url_errors(base_url),
        *_crl_lifetime_errors(crl_lifetime),
        *approval_errors(approvals_needed, approver_role),
    ]


@contextmanager
def new_key(actor: Actor, order: PendingAuthorityOrder) -> Iterator[keystore.NewKey]:
    """The key that the order asks for; taken back from the token if the block fails.

    Any key on the token could be asked for by its name, so only superusers may. Raises Denied, Invalid, Unavailable.
    """
    if order.token_key is not None:
        if not actor.is_superuser:
            raise Denied(_("Only a superuser may use a key that is on the token already."), code="superuser-only")
        yield keystore.find_token_key(label=order.token_key.label, identifier=order.token_key.identifier)
        return
    key = keystore.generate_key(order.key_algorithm, order.key_backend)
    try:
        yield key
    except BaseException:
        keystore.discard_key(key)
        raise


def insert_authority(
    terms: AuthorityTerms,
    *,
    organization: Organization,
    subject: x509.Name,
    public_key: PublicKey,
    key: CaKey | None,
    status: str = CertificateAuthority.Status.ACTIVE,
    predecessor: CertificateAuthority | None = None,
    event: str | None = None,
) -> CertificateAuthority:
    """The row, without any certificate yet; `event` is the one that tells of it, a new one where it is None.

    Raises Conflict (the name is taken, or this CA is known already).
    """
    ca = CertificateAuthority(
        organization=organization,
        # The number is known only after the insert, and the address should be readable.
        slug=str(uuid.uuid4()),
        predecessor=predecessor,
        status=status,
        subject=format_name(subject),
        subject_hash=name_hash(subject),
        key_hash=public_key_sha256(public_key),
        key_algorithm=algorithm_of(public_key),
        event=event or audit.new_event_id(),
        **_columns(terms, key),
    )
    _require_new(ca)
    with _name_is_free(ca.name):
        ca.save(force_insert=True)
        ca.slug = f"{slugify(ca.name)[:120] or 'ca'}-{ca.pk}"
        ca.save(update_fields=["slug"])
    return ca


def take_over_terms(ca: CertificateAuthority, terms: AuthorityTerms, key: CaKey) -> CertificateAuthority:
    """A CA that was known by its certificate alone gets its key, and works on these terms. Raises Conflict."""
    columns = _columns(terms, key)
    for field, value in columns.items():
        setattr(ca, field, value)
    with _name_is_free(ca.name):
        ca.save(update_fields=[*columns])
    return ca


def _columns(terms: AuthorityTerms, key: CaKey | None) -> dict[str, Any]:
    locked = key is not None and key.passphrase_protected
    return {
        "name": terms.name.strip(),
        "description": terms.description,
        "key": key,
        "passphrase_protected": locked,
        "base_url": (terms.base_url or settings.PUBLIC_URL).rstrip("/"),
        "allow_leaf_certificates": terms.allow_leaf_certificates,
        "requires_approval": terms.requires_approval,
        "approver_role": terms.approver_role,
        "approvals_needed": terms.approvals_needed,
        "crl_lifetime": terms.crl_lifetime or (LOCKED_CRL_LIFETIME if locked else CRL_LIFETIME),
        "crl_shards": terms.crl_shards,
    }


@contextmanager
def _name_is_free(name: str) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise Conflict(_("A CA named %(name)s exists already."), code="ca-exists", name=name) from error


def keep_ca_certificate(
    ca: CertificateAuthority,
    certificate: x509.Certificate,
    *,
    issuer: CertificateAuthority,
    kind: str | None = None,
    preferred: bool = True,
    event: str | None = None,
) -> CaCertificate:
    """Store a certificate of a CA; `kind` None: self-signed, issued, or external, as the issuer is.

    Raises Conflict where it stands there already.
    """
    der = certificate.public_bytes(Encoding.DER)
    fingerprint = sha256(der).hexdigest()
    if CaCertificate.objects.filter(organization_id=ca.organization_id, fingerprint=fingerprint).exists():
        raise Conflict(_("This certificate of %(ca)s is known already."), code="certificate-known", ca=ca.name)
    row = CaCertificate.objects.create(
        organization_id=ca.organization_id,
        ca=ca,
        issuer=issuer,
        kind=kind or _kind(ca, issuer),
        serial=serial_text(certificate.serial_number),
        der=der,
        fingerprint=fingerprint,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        preferred=False,
        event=event or ca.event,
    )
    if preferred:
        set_preferred(ca, row)
    return row


def set_preferred(ca: CertificateAuthority, row: CaCertificate) -> None:
    """From now on the CA signs under this certificate, and stands below its issuer. Raises Conflict for a circle."""
    if makes_circle(row):
        text = _("%(ca)s would stand below itself.")
        raise Conflict(text, code="chain-loop", ca=ca.name)
    CaCertificate.objects.filter(ca=ca, preferred=True).exclude(pk=row.pk).update(preferred=False)
    row.preferred = True
    row.save(update_fields=["preferred"])
    ca.parent_id = None if row.issuer_id == ca.pk else row.issuer_id
    ca.path_length = path_length(row.certificate)
    ca.save(update_fields=["parent", "path_length"])


def makes_circle(row: CaCertificate) -> bool:
    """Whether the issuer of a CA's certificate stands below that CA."""
    return row.issuer_id is not None and row.issuer_id != row.ca_id and stands_below(row.issuer_id, row.ca_id)


def name_hash(name: x509.Name) -> str:
    """How a CA's name is found: 64 lower-case hex digits over its DER."""
    return sha256(name.public_bytes()).hexdigest()


def _kind(ca: CertificateAuthority, issuer: CertificateAuthority) -> str:
    if issuer == ca:
        return Kind.SELF_SIGNED
    return Kind.ISSUED if issuer.has_key else Kind.EXTERNAL


def _require_new(ca: CertificateAuthority) -> None:
    here = CertificateAuthority.objects.filter(organization=ca.organization)
    same = here.filter(subject_hash=ca.subject_hash, key_hash=ca.key_hash).first()
    if same is not None:
        text = _("This CA, by its name and key, is known here already as %(name)s.")
        raise Conflict(text, code="ca-known", name=same.name)


def _base_url_errors(url: str | None) -> list[FieldError]:
    """Paths are put behind it, and it stands in certificates: no query, no fragment, no password."""
    if url is None:
        return []
    try:
        URLValidator(schemes=["http", "https"])(url)
        is_plain = not urlsplit(url).username and not {"?", "#"} & set(url)
    except ValidationError:
        is_plain = False
    if is_plain and len(url) <= _LONGEST_URL:
        return []
    text = _("The base URL must be an http or https address of at most %(longest)s characters, without a query.")
    return [field_error("base_url", "invalid", text, longest=_LONGEST_URL)]


def _crl_lifetime_errors(lifetime: timedelta | None) -> list[FieldError]:
    shortest, longest = _CRL_LIFETIMES
    if lifetime is None or shortest <= lifetime <= longest:
        return []
    return [field_error("crl_lifetime", "out-of-range", _("A CRL lives from one hour to 400 days."))]
