"""What an actor may see of the certificates that service accounts sign in with."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.selectors import of_whole_organization
from certificates.client_models import ClientCertificateBinding
from certificates.models import Certificate
from certificates.selectors import certificates
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ref import Ref
from kernel.text import _


def client_bindings(*, visible_to: Actor) -> QuerySet[ClientCertificateBinding]:
    rows = ClientCertificateBinding.objects.select_related("organization", "certificate", "service_account", "maker")
    return of_whole_organization(rows.order_by("id"), visible_to)


def get_client_binding(ref: Ref, *, visible_to: Actor) -> ClientCertificateBinding:
    """Raises NotFound."""
    try:
        return client_bindings(visible_to=visible_to).get(**{ref.by: ref.value})
    except ClientCertificateBinding.DoesNotExist as error:
        raise NotFound(_("There is no such client certificate."), code="client-certificate-not-found") from error


def certificate_by_fingerprint(fingerprint: str, *, visible_to: Actor) -> Certificate:
    """By the SHA-256 of its bytes, in hex with colons or without. Raises NotFound."""
    plain = fingerprint.replace(":", "").strip().lower()
    row = certificates(visible_to=visible_to).select_related("body").filter(fingerprint=plain).first()
    if row is None:
        raise NotFound(_("There is no such certificate."), code="certificate-not-found")
    return row
