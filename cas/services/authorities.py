"""CAs: created, taken out of service, retired. (Revoking one, with all below it, is the register's work.)"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts import policy
from accounts.models import Organization
from accounts.selectors import get_organization
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from cas import keystore, selectors
from cas.core.authority import AuthorityPlan, AuthorityWish, plan_authority
from cas.core.names import format_name
from cas.core.signing import prepare, sign_certificate
from cas.guards import require_sealed_log
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from cas.orders import AuthorityOrder
from cas.services.approvals import approval_errors
from cas.services.serials import new_serial, reserve_serial, serial_text, shard_of
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

Status = CertificateAuthority.Status

CRL_LIFETIME: Final = timedelta(days=7)
# A locked CA publishes only while somebody is there with its passphrase.
LOCKED_CRL_LIFETIME: Final = timedelta(days=180)
_CRL_LIFETIMES: Final = (timedelta(hours=1), timedelta(days=400))
_MOST_SHARDS: Final = 128
_LONGEST_NAME: Final = 120
_LONGEST_DESCRIPTION: Final = 500
_LONGEST_URL: Final = 200


def create_authority(*, actor: Actor, order: AuthorityOrder) -> CertificateAuthority:
    """A root, or an intermediate under `order.parent`, with a key of its own.

    The key is made before the transaction begins. Raises NotFound (organization, parent), Denied, Invalid with
    every violation, Conflict (the name is taken), Unavailable (the parent cannot sign).
    """
    organization, parent = _place(actor, order)
    _check_order(order)
    key = keystore.generate_key(order.key_algorithm)
    with transaction.atomic():
        return _create(actor, order, organization, parent, key)


@transaction.atomic
def retire_ca(*, actor: Actor, ca: CertificateAuthority) -> CertificateAuthority:
    """It issues nothing more, and goes on answering for what it has issued. Raises Denied, Conflict."""
    return _change_status(
        actor, ca, Status.RETIRED, EventName.CA_RETIRED, allowed_from={Status.ACTIVE, Status.DISABLED}
    )


@transaction.atomic
def disable_ca(*, actor: Actor, ca: CertificateAuthority) -> CertificateAuthority:
    """It issues nothing, nor does any CA below it, until it is enabled. Raises Denied, Conflict."""
    return _change_status(actor, ca, Status.DISABLED, EventName.CA_DISABLED, allowed_from={Status.ACTIVE})


@transaction.atomic
def enable_ca(*, actor: Actor, ca: CertificateAuthority) -> CertificateAuthority:
    """Raises Denied, Conflict (it was not disabled)."""
    return _change_status(actor, ca, Status.ACTIVE, EventName.CA_ENABLED, allowed_from={Status.DISABLED})


@transaction.atomic
def update_ca(
    *,
    actor: Actor,
    ca: CertificateAuthority,
    description: str | None = None,
    base_url: str | None = None,
    crl_lifetime: timedelta | None = None,
    allow_leaf_certificates: bool | None = None,
    requires_approval: bool | None = None,
    approver_role: str | None = None,
    approvals_needed: int | None = None,
) -> CertificateAuthority:
    """Change what may change of a CA; None leaves a field as it is. Raises Denied, Invalid."""
    policy.require(actor, Permission.CAS_WRITE, organization_id=ca.organization_id, ca_id=ca.pk)
    changes: dict[str, Any] = {
        "description": description,
        "base_url": base_url,
        "crl_lifetime": crl_lifetime,
        "allow_leaf_certificates": allow_leaf_certificates,
        "requires_approval": requires_approval,
        "approver_role": approver_role,
        "approvals_needed": approvals_needed,
    }
    given = {field: value for field, value in changes.items() if value is not None}
    if errors := _policy_errors(**given):
        raise Invalid(errors=errors)
    if base_url is not None:
        given["base_url"] = base_url.rstrip("/")
    row = selectors.lock_subtree(ca.pk)[0]
    for field, value in given.items():
        setattr(row, field, value)
    row.save(update_fields=list(given))
    audit.record(actor, EventName.CA_UPDATED, reference(row), organization_id=row.organization_id, fields=sorted(given))
    return row


def reference(ca: CertificateAuthority) -> Resource:
    """A CA as the audit log names it."""
    return Resource("ca", ca.pk, ca.name, public_id=ca.public_id)


def _place(actor: Actor, order: AuthorityOrder) -> tuple[Organization, CertificateAuthority | None]:
    organization = get_organization(order.organization, visible_to=actor)
    parent = selectors.get_ca(order.parent, visible_to=actor) if order.parent else None
    if parent is not None and parent.organization_id != organization.pk:
        raise selectors.ca_not_found()
    policy.require(actor, Permission.CAS_CREATE, organization_id=organization.pk, ca_id=parent.pk if parent else None)
    return organization, parent


def _check_order(order: AuthorityOrder) -> None:
    errors = [
        *text_errors("name", order.name, longest=_LONGEST_NAME, required=True),
        *_policy_errors(
            description=order.description,
            base_url=order.base_url,
            crl_lifetime=order.crl_lifetime,
            approver_role=order.approver_role,
            approvals_needed=order.approvals_needed,
        ),
        *keystore.passphrase_errors(order.passphrase),
    ]
    if not 0 <= order.crl_shards <= _MOST_SHARDS:
        errors.append(field_error("crl_shards", "out-of-range", _("0 to %(most)s shards."), most=_MOST_SHARDS))
    if errors:
        raise Invalid(errors=errors)


def _policy_errors(
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


def _create(
    actor: Actor,
    order: AuthorityOrder,
    organization: Organization,
    parent: CertificateAuthority | None,
    key: keystore.NewKey,
) -> CertificateAuthority:
    now = timezone.now()
    require_sealed_log(now)
    serial = new_serial()
    plan = _plan(order, parent, key, serial, now)
    draft = prepare(plan)
    ca = _insert(order, organization, parent, key, plan)
    signing_ca = parent or ca
    reserve_serial(
        signing_ca,
        serial,
        IssuedSerial.Kind.CA,
        not_after=plan.not_after,
        tbs_sha256=draft.tbs_sha256,
        shard=shard_of(serial, signing_ca) if parent else 0,
    )
    with keystore.open_signer(signing_ca, passphrase=_passphrase(order, parent)) as signer:
        certificate = sign_certificate(draft, signer)
    keep_ca_certificate(ca, certificate, issuer=signing_ca)
    audit.record(
        actor,
        EventName.CA_CREATED,
        reference(ca),
        organization_id=organization.pk,
        event_id=ca.event,
        parent=parent.name if parent else None,
        serial=serial_text(serial),
        subject=ca.subject,
        key_algorithm=ca.key_algorithm,
        not_after=plan.not_after,
    )
    return ca


def _plan(
    order: AuthorityOrder,
    parent: CertificateAuthority | None,
    key: keystore.NewKey,
    serial: int,
    now: datetime,
) -> AuthorityPlan:
    issuer = None
    if parent is not None:
        chain = selectors.lock_chain(parent.pk)
        selectors.require_able_to_sign(chain)
        issuer = selectors.certificates_of(chain).facts(shard=shard_of(serial, parent))
    wish = AuthorityWish(
        subject=order.subject,
        public_key=key.public_key,
        validity=order.lifetime,
        path_length=order.path_length,
        permitted=order.permitted_names,
        excluded=order.excluded_names,
        extended_key_usage=order.extended_key_usage,
    )
    return plan_authority(issuer=issuer, wish=wish, serial=serial, now=now)


def _passphrase(order: AuthorityOrder, parent: CertificateAuthority | None) -> Secret | None:
    return order.parent_passphrase if parent else order.passphrase


def _insert(
    order: AuthorityOrder,
    organization: Organization,
    parent: CertificateAuthority | None,
    key: keystore.NewKey,
    plan: AuthorityPlan,
) -> CertificateAuthority:
    locked = order.passphrase is not None
    kept = keystore.keep_key(key, organization=organization, passphrase=order.passphrase)
    ca = CertificateAuthority(
        organization=organization,
        name=order.name.strip(),
        # The number is known only after the insert, and the address shall be readable.
        slug=str(uuid.uuid4()),
        description=order.description,
        parent=parent,
        key=kept,
        subject=format_name(plan.subject),
        subject_hash=sha256(plan.subject.public_bytes()).hexdigest(),
        key_hash=kept.key_hash,
        key_algorithm=key.algorithm,
        path_length=plan.path_length,
        passphrase_protected=locked,
        base_url=(order.base_url or settings.PUBLIC_URL).rstrip("/"),
        allow_leaf_certificates=order.allow_leaf_certificates,
        requires_approval=order.requires_approval,
        approver_role=order.approver_role,
        approvals_needed=order.approvals_needed,
        crl_lifetime=order.crl_lifetime or (LOCKED_CRL_LIFETIME if locked else CRL_LIFETIME),
        crl_shards=order.crl_shards,
        event=audit.new_event_id(),
    )
    try:
        with transaction.atomic():
            ca.save(force_insert=True)
            ca.slug = f"{slugify(ca.name)[:120] or 'ca'}-{ca.pk}"
            ca.save(update_fields=["slug"])
    except IntegrityError as error:
        text = _("A CA named %(name)s exists already.")
        raise Conflict(text, code="ca-exists", name=ca.name) from error
    return ca


def keep_ca_certificate(
    ca: CertificateAuthority, certificate: x509.Certificate, *, issuer: CertificateAuthority
) -> CaCertificate:
    """A step: store the certificate of a CA as its preferred one."""
    der = certificate.public_bytes(Encoding.DER)
    return CaCertificate.objects.create(
        organization_id=ca.organization_id,
        ca=ca,
        issuer=issuer,
        kind=CaCertificate.Kind.SELF_SIGNED if issuer == ca else CaCertificate.Kind.ISSUED,
        serial=serial_text(certificate.serial_number),
        der=der,
        fingerprint=sha256(der).hexdigest(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        event=ca.event,
    )


def _change_status(
    actor: Actor, ca: CertificateAuthority, status: Status, event: EventName, *, allowed_from: set[Status]
) -> CertificateAuthority:
    policy.require(actor, Permission.CAS_WRITE, organization_id=ca.organization_id, ca_id=ca.pk)
    row = selectors.lock_subtree(ca.pk)[0]
    if row.status not in allowed_from:
        text = _("%(ca)s is %(status)s; this cannot be done with it.")
        raise Conflict(text, code="wrong-status", ca=row.name, status=row.status)
    row.status = status
    row.save(update_fields=["status"])
    audit.record(actor, event, reference(row), organization_id=row.organization_id)
    return row
