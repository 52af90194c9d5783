"""The last steps of an order: the CSR goes to the CA, the certificate comes, is looked at, and is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from cryptography import x509
from django.db import transaction
from django.utils import timezone

from accounts import queue
from acme_client import wire
from acme_client.client import Client
from acme_client.models import AcmeOrder
from acme_client.services import names as public_names
from acme_client.services.ordering import record
from acme_client.services.upstream import client_of, open_order_key
from acme_client.wire import AcmeError, Lie
from audit.events import EventName
from cas.core.chain import is_issued_by
from cas.core.csr import read_csr
from cas.core.formats import read_certificates
from cas.core.general_names import general_name_text
from cas.core.keys import same_key, supported
from cas.core.names import common_name
from cas.core.reading import extension_of, is_authority
from certificates.services.minting import renewal_time
from certificates.services.public_certificates import PublicArrival, store_public_certificate
from certificates.services.public_requests import close_public_request
from certificates.services.scheduling import USUAL_AHEAD
from kernel.actor import Actor, ActorKind
from kernel.errors import Invalid

Status = AcmeOrder.Status

_PAUSE: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A certificate and the CAs above it, its issuer first, as a server has sent them."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def ends_in(self) -> str:
        """What a preferred chain is named by: the issuer of the last certificate in it."""
        return common_name((self.chain[-1] if self.chain else self.certificate).issuer) or ""


def finish(actor: Actor, row: AcmeOrder) -> None:
    """A step: send the CSR, wait for the certificate, or take it. Raises AcmeError, Invalid (names that are not the
    organization's any more, before the CSR was sent), Lost.
    """
    client = client_of(row.account)
    if not row.certificate_url:
        _issue(client, row)
        return
    bundle = choose(_bundles(client.download(row.certificate_url)), row.account.preferred_chain)
    require_ordered(bundle, row, timezone.now())
    _keep(actor, row, bundle)


def requester_of(row: AcmeOrder) -> Actor:
    """A step: whoever has ordered, as the register names them; nothing is allowed by this."""
    return Actor(
        kind=ActorKind(row.requester_kind),
        id=row.requester_id,
        label=row.requester_label,
        organization_id=row.organization_id,
        permissions=frozenset(),
        person_id=row.owner_id,
    )


def choose(bundles: Sequence[Bundle], preferred: str) -> Bundle:
    """The chain that ends in the root of this name, else the one that the server has sent first."""
    return next((each for each in bundles if preferred and each.ends_in == preferred), bundles[0])


def require_ordered(bundle: Bundle, row: AcmeOrder, at: datetime) -> None:
    """That this is the certificate which was ordered: its key, exactly its names, good now. Raises Lie."""
    certificate, csr = bundle.certificate, read_csr(bytes(row.csr))
    sans = extension_of(certificate.extensions, x509.SubjectAlternativeName) or ()
    if not same_key(supported(certificate.public_key()), csr.public_key):
        raise Lie("the certificate is about another key")
    if {general_name_text(each).lower() for each in sans} != set(row.names):
        raise Lie("the certificate is about other names")
    if is_authority(certificate):
        raise Lie("the certificate is one of a CA")
    if certificate.not_valid_after_utc <= at:
        raise Lie("the certificate has expired")
    if not bundle.chain or not all(
        is_issued_by(below, above) for below, above in pairwise([certificate, *bundle.chain])
    ):
        raise Lie("the chain of the certificate does not hold")


def _issue(client: Client, row: AcmeOrder) -> None:
    """Go on towards the address of the certificate. The CSR is the same at each attempt: there is one certificate."""
    remote = client.order(row.order_url)
    if remote.names != frozenset(row.names):
        raise Lie("the server has an order for other names")
    if remote.status == "ready":
        public_names.require_own(row.organization, row.names)
        remote = client.finalize(row.finalize_url, bytes(row.csr), row.order_url)
    if remote.status == "invalid":
        raise AcmeError(remote.error or "the server has given the order up", is_final=True)
    with transaction.atomic():
        row = queue.still_held(row)
        if remote.status == "valid" and remote.certificate_url:
            queue.settle(row, due_at=timezone.now(), certificate_url=remote.certificate_url)
        else:
            queue.settle(row, due_at=timezone.now() + _pause(remote))


def _pause(remote: wire.RemoteOrder) -> timedelta:
    return remote.retry_after or _PAUSE


def _bundles(texts: Sequence[str]) -> list[Bundle]:
    """Raises Lie where the first cannot be read; another one is left out."""
    bundles = []
    for index, text in enumerate(texts):
        try:
            leaf, *chain = read_certificates(text)
        except Invalid as error:
            if index == 0:
                raise Lie(f"the certificate cannot be read: {error}") from error
            continue
        bundles.append(Bundle(leaf, tuple(chain)))
    return bundles


@transaction.atomic
def _keep(actor: Actor, row: AcmeOrder, bundle: Bundle) -> None:
    row = queue.still_held(row)
    certificate = bundle.certificate
    renew_at = renewal_time(certificate.not_valid_before_utc, certificate.not_valid_after_utc, USUAL_AHEAD)
    kept = store_public_certificate(
        actor=actor,
        requester=requester_of(row),
        arrival=PublicArrival(
            organization_id=row.organization_id,
            certificate=certificate,
            chain=bundle.chain,
            private_key=open_order_key(row),
            replaces=row.replaces,
            tags=tuple(row.tags),
            description=row.description,
            renew_at=renew_at if row.auto_renew else None,
        ),
    )
    now = timezone.now()
    queue.settle(row, due_at=now, status=Status.VALID, certificate=kept, closed_at=now, sealed_key=None)
    if row.request is not None and row.request.is_open:
        close_public_request(actor, row.request, kept)
    record(actor, EventName.ACME_ORDER_FULFILLED, row, certificate=kept.public_id, serial=kept.serial)
