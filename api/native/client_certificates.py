"""Certificates that service accounts sign in with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from api.common.fields import Flag, Id
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, flag, identity, moment, text
from api.common.problems import Family
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from certificates import client_selectors
from certificates.selectors import get_certificate
from certificates.services.client_bindings import bind_client_certificate, unbind_client_certificate
from kernel.permissions import Permission
from kernel.ref import Ref

_WRITE: Final = Permission.ORGANIZATIONS_WRITE


class ClientCertificateIn(Input):
    """A certificate that shall be a credential."""

    example = {
        "certificate_id": "0b5c2e1a-7f3d-4c0e-9a64-5d8f1b2c3e4f",
        "service_account_id": "5c1f9a7e-2d84-4f36-8b0a-6e7d3c9b1f20",
    }

    certificate_id = Id()
    service_account_id = Id()
    follows_renewal = Flag(
        required=False,
        default=False,
        help_text="Whether what renews it under the same names signs in, too: whoever may renew it makes that one.",
    )


class ClientCertificateOut(Output):
    """A certificate that is a credential of a service account."""

    id = identity()
    organization_id = identity(source="organization")
    certificate_id = identity(source="certificate")
    fingerprint = text(source="certificate.fingerprint", help_text="SHA-256 of the DER bytes, in hex.")
    service_account_id = identity(source="service_account")
    follows_renewal = flag()
    bound_by = text(source="maker.email", default=None, allow_null=True)
    last_used_at = moment(allow_null=True)
    created_at = moment()


class ClientCertificates(NativeViewSet):
    """Certificates issued here that are credentials. They are bound by owners, in person."""

    title = "Client certificates"
    permissions = {"list": _WRITE, "create": _WRITE, "retrieve": _WRITE, "destroy": _WRITE}

    @operation("List client certificates", answers={200: listing(ClientCertificateOut)})
    def list(self, request: Request) -> Response:
        return self.page(ClientCertificateOut, client_selectors.client_bindings(visible_to=self.actor))

    @operation(
        "Bind a client certificate",
        body=ClientCertificateIn,
        answers={201: ClientCertificateOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT),
    )
    def create(self, request: Request) -> Response:
        """From now on whoever shows it to the proxy, and has its key, is the service account."""
        values = ClientCertificateIn.values(request.data, version=self.version)
        row = bind_client_certificate(
            actor=self.actor,
            certificate=get_certificate(values["certificate_id"], visible_to=self.actor),
            account=selectors.get_service_account(values["service_account_id"], visible_to=self.actor),
            follows_renewal=values.get("follows_renewal", False),
        )
        return self.created(self.show(ClientCertificateOut, row))

    @operation("Show a client certificate", answers={200: ClientCertificateOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(
            self.show(ClientCertificateOut, client_selectors.get_client_binding(ref, visible_to=self.actor))
        )

    @operation("Unbind a client certificate", answers={204: None})
    def destroy(self, request: Request, ref: Ref) -> Response:
        """It is no credential any more, and neither is what renews it. The certificate stays good for other uses."""
        row = client_selectors.get_client_binding(ref, visible_to=self.actor)
        unbind_client_certificate(actor=self.actor, binding=row)
        return Response(status=204)


CLIENT_CERTIFICATE_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, str]], ...]] = (
    ("client-certificates", ClientCertificates, {"get": "list", "post": "create"}),
    ("client-certificates/<public_id:ref>", ClientCertificates, {"get": "retrieve", "delete": "destroy"}),
)
