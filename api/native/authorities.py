"""CAs: made, shown, taken out of service, revoked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.fields import Choice
from api.common.inputs import Query
from api.common.openapi import a_file, operation
from api.common.problems import Family
from api.native.dialect import NativeViewSet, file_response
from api.native.inputs import AuthorityChangeIn, AuthorityIn, PublishIn, RevokeAuthorityIn
from api.native.outputs import AuthorityOut, CrlOut, listing
from cas import selectors
from cas.models import CertificateAuthority
from cas.services.authorities import disable_ca, enable_ca, retire_ca, update_ca
from certificates.bundles import Format, bundle
from certificates.selectors import newest_crl
from certificates.services.authorities import establish_authority, publish_everything
from certificates.services.revocation import revoke_authority
from kernel.errors import Unavailable
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

_CERTIFICATE_FORMATS: Final = (Format.PEM, Format.DER)
_CHAIN_FORMATS: Final = (Format.PEM, Format.P7B)


class CertificateQuery(Query):
    """The format of a CA's certificate."""

    fmt = Choice(_CERTIFICATE_FORMATS, default=Format.PEM.value)


class ChainQuery(Query):
    """The format of a CA's chain."""

    fmt = Choice(_CHAIN_FORMATS, default=Format.PEM.value)


class Authorities(NativeViewSet):
    """Certificate authorities: what signs, and how it answers for what it has signed."""

    title = "Certificate authorities"
    permissions = {
        "list": Permission.CAS_READ,
        "create": Permission.CAS_CREATE,
        "retrieve": Permission.CAS_READ,
        "partial_update": Permission.CAS_WRITE,
        "certificate": Permission.CAS_READ,
        "chain": Permission.CAS_READ,
        "revoke": Permission.CAS_REVOKE,
        "retire": Permission.CAS_WRITE,
        "disable": Permission.CAS_WRITE,
        "enable": Permission.CAS_WRITE,
        "publish_crl": Permission.CRLS_PUBLISH,
    }
    downloads = frozenset({"certificate", "chain"})
    queries = {"certificate": CertificateQuery, "chain": ChainQuery}
    field_names = {"permitted": "permitted_names", "excluded": "excluded_names"}
    # Another CRL takes a number of its own, and a snapshot that no transaction around it may spoil.
    repeatable = frozenset({"publish_crl"})

    @operation("List CAs", answers={200: listing(AuthorityOut)})
    def list(self, request: Request) -> Response:
        rows = selectors.authorities(visible_to=self.actor).prefetch_related("certificates")
        return self.page(AuthorityOut, rows)

    @operation(
        "Create a CA",
        body=AuthorityIn,
        answers={201: AuthorityOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """A root, or an intermediate under `parent_id`; with a key of its own, a first CRL and an OCSP responder."""
        order = AuthorityIn.read(request.data, version=self.version, home=self.home)
        ca = establish_authority(actor=acting_in(self.actor, order.organization), order=order)
        return self.created(self.show(AuthorityOut, ca))

    @operation("Show a CA", answers={200: AuthorityOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(AuthorityOut, self._ca(ref)))

    @operation("Change a CA", body=AuthorityChangeIn, answers={200: AuthorityOut})
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays. What it has signed keeps the addresses that stand in it."""
        values = AuthorityChangeIn.values(request.data, version=self.version)
        return Response(self.show(AuthorityOut, update_ca(actor=self.actor, ca=self._ca(ref), **values)))

    @operation("Download a CA's certificate", answers=a_file("application/x-pem-file", "application/pkix-cert"))
    def certificate(self, request: Request, ref: Ref) -> HttpResponse:
        return self._file(ref, Format(self.parameters["fmt"]))

    @operation("Download a CA's chain", answers=a_file("application/x-pem-file", "application/x-pkcs7-certificates"))
    def chain(self, request: Request, ref: Ref) -> HttpResponse:
        """The CA first, its root last."""
        fmt = Format(self.parameters["fmt"])
        return self._file(ref, Format.FULLCHAIN if fmt is Format.PEM else fmt)

    @operation("Revoke a CA", body=RevokeAuthorityIn, answers={200: AuthorityOut}, refusals=(Family.CONFLICT,))
    def revoke(self, request: Request, ref: Ref) -> Response:
        """With every CA and certificate below it. It goes on answering for what it has issued."""
        order = RevokeAuthorityIn.read(request.data, ref, version=self.version)
        return Response(self.show(AuthorityOut, revoke_authority(actor=self.actor, order=order)))

    @operation("Retire a CA", answers={200: AuthorityOut}, refusals=(Family.CONFLICT,))
    def retire(self, request: Request, ref: Ref) -> Response:
        """It issues nothing more, for ever."""
        return self._change(ref, retire_ca)

    @operation("Disable a CA", answers={200: AuthorityOut}, refusals=(Family.CONFLICT,))
    def disable(self, request: Request, ref: Ref) -> Response:
        """It issues nothing, nor does any CA below it, until it is enabled."""
        return self._change(ref, disable_ca)

    @operation("Enable a CA", answers={200: AuthorityOut}, refusals=(Family.CONFLICT,))
    def enable(self, request: Request, ref: Ref) -> Response:
        """The end of being disabled."""
        return self._change(ref, enable_ca)

    @operation("Publish a CA's CRL", body=PublishIn, answers={200: CrlOut}, refusals=(Family.TOO_MANY,))
    def publish_crl(self, request: Request, ref: Ref) -> Response:
        """Now, instead of when it is due. A CA with a passphrase needs it for this."""
        values = PublishIn.values(request.data, version=self.version)
        ca = self._ca(ref)
        publish_everything(actor=self.actor, ca=ca, passphrase=values.get("passphrase"))
        crl = newest_crl(ca.pk)
        if crl is None:
            raise Unavailable(_("Another publisher is making the first CRL of this CA."), code="crl-in-progress")
        return Response(self.show(CrlOut, crl))

    def _ca(self, ref: Ref) -> CertificateAuthority:
        return selectors.get_ca(ref, visible_to=self.actor)

    def _change(self, ref: Ref, change: Callable[..., Any]) -> Response:
        return Response(self.show(AuthorityOut, change(actor=self.actor, ca=self._ca(ref))))

    def _file(self, ref: Ref, fmt: Format) -> HttpResponse:
        ca = self._ca(ref)
        certificate, *above = selectors.chain_of(ca).certificates
        return file_response(bundle(certificate, above, fmt, name=ca.slug))
