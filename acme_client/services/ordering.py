"""An order on its way into the database: judged, its key made, and a request filed where the account asks for one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import IntegrityError, transaction
from django.utils import timezone

from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.order_names import csr_errors, general_names, read_names
from acme_client.orders import PublicOrder
from acme_client.services import names as public_names
from acme_client.services.registering import not_now
from acme_client.services.upstream import sealed
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from cas import selectors as cas_selectors
from cas.core.csr import CsrFacts
from cas.core.csr_signing import make_csr
from cas.core.keys import (
    KeyAlgorithm,
    PublicKey,
    algorithm_of,
    generate,
    public_key_sha256,
    serialize_private_key,
)
from cas.core.plan import key_errors
from cas.services.restrictions import restriction_of
from certificates.models import Certificate, Request
from certificates.selectors import lock_certificate
from certificates.services import approval
from certificates.services.labels import label_errors
from certificates.services.public_requests import PublicWish, file_public_request
from certificates.services.renewal import require_renewable
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, FieldError, Invalid, field_error
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _

Status = AcmeOrder.Status

# From the first attempt to the last: what a person has to publish by hand may take days.
LIFETIME: Final[dict[str, timedelta]] = {
    AcmeOrder.Challenge.HTTP: timedelta(days=1),
    AcmeOrder.Challenge.TLS_ALPN: timedelta(days=1),
    AcmeOrder.Challenge.DNS: timedelta(days=6),
}
# CA/Browser Forum BR 6.1.5: no public CA takes others.
_PUBLIC_KEYS: Final = frozenset(
    {
        KeyAlgorithm.RSA_2048,
        KeyAlgorithm.RSA_3072,
        KeyAlgorithm.RSA_4096,
        KeyAlgorithm.ECDSA_P256,
        KeyAlgorithm.ECDSA_P384,
    }
)
_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order that nothing is wrong with. The private key (PKCS#8 DER) is there where it was made here."""

    account: AcmeAccount
    order: PublicOrder
    names: list[str]
    csr: bytes
    public_key: PublicKey
    private_key: Secret | None


def judge(actor: Actor, account: AcmeAccount, order: PublicOrder) -> Wanted:
    """A step: read the order, and make its key; an RSA key takes up to seconds, so not in a transaction.

    Raises Denied, Conflict (the account is not active), Invalid with everything that is wrong.
    """
    _require_unrestricted(actor)
    if account.status in (AcmeAccount.Status.FAILED, AcmeAccount.Status.DEACTIVATED):
        raise not_now(account)
    if order.challenge_type not in AcmeOrder.Challenge.values:
        known = ", ".join(AcmeOrder.Challenge.values)
        raise Invalid.of("challenge_type", "unknown", _("Challenges are %(known)s."), known=known)
    names, errors = read_names(order.names, order.challenge_type)
    errors += label_errors(order.tags, order.description)
    errors += _key_errors(account, order, names)
    if not errors:
        public_names.require_own(account.organization, names)
    if errors:
        raise Invalid(errors=errors)
    if isinstance(order.key, CsrFacts):
        csr = order.key.request.public_bytes(Encoding.DER)
        return Wanted(account, order, names, csr, order.key.public_key, None)
    key = generate(order.key.algorithm or KeyAlgorithm.ECDSA_P256)
    request = make_csr(x509.Name([]), general_names(names), key)
    private_key = serialize_private_key(key, encoding="der")
    return Wanted(account, order, names, request.public_bytes(Encoding.DER), key.public_key(), private_key)


def write(actor: Actor, requester: Actor, wanted: Wanted) -> AcmeOrder:
    """A step, in a transaction: the order as a row, told of, in the name of `requester`.

    Raises NotFound (the predecessor), Conflict (it has a successor, or a renewal is under way; it is revoked).
    """
    row = _row(requester, wanted)
    if wanted.order.replaces is not None:
        row.replaces = _predecessor(requester, wanted.order.replaces, wanted.account)
    if wanted.account.approvals_needed and not _inherits_approval(row):
        row.status, row.due_at = Status.WAITING, None
        row.request = file_public_request(actor, requester, _wish(row, wanted))
        row.expires_at = row.request.expires_at
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("A renewal of this certificate is under way."), code="renewal-under-way") from error
    record(
        actor,
        EventName.ACME_ORDER_CREATED,
        row,
        event_id=row.event,
        account=wanted.account.public_id,
        names=row.names[:_MOST_TOLD],
        challenge=str(row.challenge_type),
        replaces=row.replaces.public_id if row.replaces else None,
        approvals_needed=wanted.account.approvals_needed if row.request else 0,
    )
    return row


def record(actor: Actor, event: EventName, row: AcmeOrder, event_id: str | None = None, **facts: object) -> None:
    """A step of every service of orders."""
    audit.record(
        actor,
        event,
        Resource("acme_order", row.pk, str(row)[:200], public_id=row.public_id),
        organization_id=row.organization_id,
        event_id=event_id,
        **facts,
    )


def _require_unrestricted(actor: Actor) -> None:
    """An issuance policy lists the CAs of ours that a credential may use: a public one is never among them."""
    if restriction_of(actor) is not None:
        text = _("The issuance policy of this credential allows no public certificates.")
        raise Denied(text, code="policy-violation")


def _key_errors(account: AcmeAccount, order: PublicOrder, names: list[str]) -> list[FieldError]:
    if isinstance(order.key, CsrFacts):
        key = order.key.public_key
        forbidden = cas_selectors.forbidden_keys({public_key_sha256(key)}, organization_id=account.organization_id)
        errors = [*key_errors(key, forbidden), *csr_errors(order.key, names)]
        algorithm = order.key.algorithm
    else:
        errors, algorithm = [], order.key.algorithm or KeyAlgorithm.ECDSA_P256
    if account.provider != AcmeAccount.Provider.CUSTOM and algorithm not in _PUBLIC_KEYS:
        allowed = ", ".join(sorted(_PUBLIC_KEYS))
        text = _("Public CAs take these key algorithms: %(allowed)s.")
        errors.append(field_error("key_algorithm", "key-not-allowed", text, allowed=allowed))
    return errors


def _row(requester: Actor, wanted: Wanted) -> AcmeOrder:
    now = timezone.now()
    row = AcmeOrder(
        organization_id=wanted.account.organization_id,
        account=wanted.account,
        names=wanted.names,
        challenge_type=wanted.order.challenge_type,
        key_algorithm=algorithm_of(wanted.public_key),
        csr=wanted.csr,
        key_made_here=wanted.private_key is not None,
        # Nobody here could make the next CSR.
        auto_renew=wanted.order.auto_renew and wanted.private_key is not None,
        expires_at=now + LIFETIME[wanted.order.challenge_type],
        due_at=now,
        tags=list(dict.fromkeys(wanted.order.tags)),
        description=wanted.order.description,
        requester_kind=requester.kind,
        requester_id=requester.id,
        requester_label=requester.label,
        owner_id=requester.person_id,
        event=audit.new_event_id(),
    )
    if wanted.private_key is not None:
        row.sealed_key = sealed(row, "sealed_key", wanted.private_key)
    return row


def _predecessor(requester: Actor, replaces: Ref, account: AcmeAccount) -> Certificate:
    row = lock_certificate(replaces, visible_to=requester)
    if row.organization_id != account.organization_id:
        raise Conflict(_("The certificate is another organization's."), code="foreign-certificate")
    require_renewable(row, again=False)
    return row


def _inherits_approval(row: AcmeOrder) -> bool:
    """Whether the predecessor was approved for the same names, account and kind of key, by those whom the account asks
    for today.
    """
    demands = approval.written([approval.Demand(row.account.approvals_needed, row.account.approver_role)])
    before = AcmeOrder.objects.filter(certificate=row.replaces).first() if row.replaces else None
    while before is not None:
        if _agreed_to(before) != _agreed_to(row):
            return False
        if before.request is not None:
            return before.request.status == Request.Status.FULFILLED and before.request.demands == demands
        before = AcmeOrder.objects.filter(certificate=before.replaces).first() if before.replaces else None
    return False


def _agreed_to(row: AcmeOrder) -> tuple[object, ...]:
    """Of a key only its kind, and whether it is made here: who has it is another person otherwise."""
    return row.account_id, row.key_algorithm, row.key_made_here, frozenset(row.names)


def _wish(row: AcmeOrder, wanted: Wanted) -> PublicWish:
    return PublicWish(
        organization_id=row.organization_id,
        issuer=f"{wanted.account.name} ({wanted.account.directory_url})",
        account=str(wanted.account.public_id),
        sans=tuple(general_names(wanted.names)),
        csr=wanted.csr,
        public_key=wanted.public_key,
        made_here=wanted.private_key is not None,
        approvals_needed=wanted.account.approvals_needed,
        approver_role=wanted.account.approver_role,
        tags=tuple(row.tags),
        description=row.description,
    )
