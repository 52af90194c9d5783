"""Which certificates of ours are credentials, and of which service account."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.db import IntegrityError, transaction

from accounts import policy
from accounts.models import ServiceAccount
from accounts.services.service_logins import require_binder
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from certificates.client_models import ClientCertificateBinding
from certificates.models import Certificate
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, Invalid
from kernel.permissions import Permission
from kernel.text import _


@transaction.atomic
def bind_client_certificate(
    *, actor: Actor, certificate: Certificate, account: ServiceAccount, follows_renewal: bool = False
) -> ClientCertificateBinding:
    """From now on whoever shows this certificate at the door for client certificates, and has its key, is the account.

    With `follows_renewal`, what renews it under the same names is a credential in its turn: whoever may renew it then
    makes logins. Raises Denied (also for actors that are no persons, and where the account can do more than the
    actor), Invalid (not issued here, or not for clients), Conflict (bound already).
    """
    require_binder(actor, account)
    if certificate.organization_id != account.organization_id:
        raise Denied(_("This needs the permission %(permission)s."), permission=Permission.ORGANIZATIONS_WRITE.value)
    if certificate.source != Certificate.Source.INTERNAL or certificate.ca_id is None:
        raise Invalid.of("certificate_id", "not-ours", _("Only a certificate that was issued here can be bound."))
    if not is_for_clients(certificate.body.x509):
        text = _("The certificate does not say that clients sign in with it (extended key usage clientAuth).")
        raise Invalid.of("certificate_id", "not-for-clients", text)
    row = ClientCertificateBinding(
        organization_id=account.organization_id,
        certificate=certificate,
        service_account=account,
        follows_renewal=follows_renewal,
        maker_id=actor.doer_id,
        event=audit.new_event_id(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("The certificate is bound already."), code="client-certificate-exists") from error
    _record(actor, EventName.CLIENT_CERTIFICATE_BOUND, row, event_id=row.event)
    return row


@transaction.atomic
def unbind_client_certificate(*, actor: Actor, binding: ClientCertificateBinding) -> None:
    """It is no credential any more, and neither is what renews it. Raises Denied."""
    policy.require(actor, Permission.ORGANIZATIONS_WRITE, organization_id=binding.organization_id)
    _record(actor, EventName.CLIENT_CERTIFICATE_UNBOUND, binding)
    binding.delete()


def is_for_clients(certificate: x509.Certificate) -> bool:
    """Whether it says so itself, by clientAuth and, where it names key usages, a signature (RFC 5280 4.2.1.12)."""
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    try:
        signs = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        signs = True
    return signs and ExtendedKeyUsageOID.CLIENT_AUTH in purposes


def _record(actor: Actor, event: EventName, row: ClientCertificateBinding, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("client_certificate", row.pk, str(row.certificate)),
        organization_id=row.organization_id,
        event_id=event_id,
        fingerprint=row.certificate.fingerprint,
        service_account=row.service_account.name,
        follows_renewal=row.follows_renewal,
    )
