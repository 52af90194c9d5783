"""What is revoked, for whoever asks: the status of a serial number, and the CRL."""

from __future__ import annotations

from typing import Any, Final

from cryptography import x509
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from api.certmate.dialect import CertMateViewSet
from api.certmate.outputs import STRING, CrlInfoOut
from api.common.fields import Made
from api.common.files import file_response
from api.common.formats import time_text
from api.common.openapi import a_file, operation
from api.common.outputs import Output
from api.common.throttles import CERTMATE_CRL, CERTMATE_OCSP
from cas.core.formats import crl_to_pem
from cas.core.ocsp import Revoked
from cas.core.reasons import reason_name
from certificates.bundles import Download
from certificates.client_authority import SerialStatus, current_crl, serial_status

# The document's word for who answers; what relying parties verify is at the OCSP address in the certificate.
RESPONDER: Final = "CertMate OCSP Responder"
_PEM: Final = "application/x-pem-file"
_DER: Final = "application/pkix-crl"


class StatusOut(Output):
    """What a serial number stands for now. `revocation_time` and `revocation_reason` are there where it is revoked."""

    response_status = Made(lambda _found: "successful", {"type": "string", "const": "successful"})
    certificate_status = Made(
        lambda found: type(found.status).__name__.lower(), {"type": "string", "enum": ["good", "revoked", "unknown"]}
    )
    certificate_serial = Made(lambda found: found.serial, {"type": "integer", "minimum": 0})
    this_update = Made(lambda _found: time_text(timezone.now()), STRING | {"format": "date-time"})
    next_update = Made(lambda _found: None, {"type": "null"})
    responder_name = Made(lambda _found: RESPONDER, STRING)
    revocation_time = serializers.DateTimeField(required=False)
    revocation_reason = serializers.CharField(required=False)

    def to_representation(self, instance: SerialStatus) -> dict[str, Any]:
        shown = {name: self.fields[name].to_representation(instance) for name in _ALWAYS}
        if isinstance(instance.status, Revoked):
            shown["revocation_time"] = time_text(instance.status.at)
            shown["revocation_reason"] = reason_name(instance.status.reason)
        return shown


_ALWAYS: Final = (
    "response_status",
    "certificate_status",
    "certificate_serial",
    "this_update",
    "next_update",
    "responder_name",
)


class OcspStatus(CertMateViewSet):
    """The status of certificates of the client CA, in JSON."""

    title = "Revocation"
    public = frozenset({"retrieve"})
    limits = {"retrieve": CERTMATE_OCSP}
    resource_type = "ocsp"
    operations = {"retrieve": "ocsp_status"}

    @operation("Show the status of a serial number", answers={200: StatusOut})
    def retrieve(self, request: Request, serial: int) -> Any:
        """With or without a credential; without one, of the only organization that has client certificates. Digits
        are a decimal number; what else is hexadecimal may have `0x` and colons.
        """
        return self.show(StatusOut, serial_status(serial, visible_to=self.asker))


class CrlDownload(CertMateViewSet):
    """The CRL of the client CA."""

    title = "Revocation"
    public = frozenset({"pem", "der", "info"})
    limits = dict.fromkeys(public, CERTMATE_CRL)
    downloads = frozenset({"pem", "der"})
    resource_type = "crl"
    operations = dict.fromkeys(public, "crl_download")

    @operation("Download the CRL in PEM", answers=a_file(_PEM))
    def pem(self, request: Request) -> HttpResponse:
        """With or without a credential."""
        content = crl_to_pem(bytes(current_crl(visible_to=self.asker).body))
        return file_response(Download(content, _PEM, "ca.crl"))

    @operation("Download the CRL in DER", answers=a_file(_DER))
    def der(self, request: Request) -> HttpResponse:
        """With or without a credential."""
        content = bytes(current_crl(visible_to=self.asker).body)
        return file_response(Download(content, _DER, "ca.crl"))

    @operation("Show what the CRL says", answers={200: CrlInfoOut})
    def info(self, request: Request) -> Any:
        """With or without a credential."""
        body = bytes(current_crl(visible_to=self.asker).body)
        return self.show(CrlInfoOut, x509.load_der_x509_crl(body))
