"""CAs: made, looked for, shown, taken out of service, revoked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.fields import Choice
from api.common.files import file_response
from api.common.inputs import Query
from api.common.openapi import a_file, operation
from api.common.problems import Family
from api.native.authority_base import AuthorityViewSet
from api.native.authority_inputs import (
    AuthorityChangeIn,
    AuthorityIn,
    AuthorityQuery,
    PassphraseIn,
    RevokeAuthorityIn,
)
from api.native.authority_outputs import AuthorityDetailOut, AuthorityOut, AuthorityTreeOut, CrlOut, KeyHealthOut
from api.native.outputs import listing
from cas import selectors
from cas.chains import chain_of
from cas.search import find_authorities, tree_of, with_ends
from cas.services.authorities import disable_ca, enable_ca, retire_ca, update_ca
from certificates.bundles import Format, bundle
from certificates.health import key_health
from certificates.selectors import newest_crl
from certificates.services.authorities import establish_authority, publish_everything
from certificates.services.revocation import revoke_authority
from kernel.errors import Unavailable
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

_CERTIFICATE_FORMATS: Final = (Format.PEM, Format.DER)
_CHAIN_FORMATS: Final = (Format.PEM, Format.P7B)
# A tree is read whole, so it ends somewhere.
_LARGEST_TREE: Final = 5000


class CertificateQuery(Query):
    """The format of a CA's certificate."""

    fmt = Choice(_CERTIFICATE_FORMATS, default=Format.PEM.value)


class ChainQuery(Query):
    """The format of a CA's chain."""

    fmt = Choice(_CHAIN_FORMATS, default=Format.PEM.value)


class Authorities(AuthorityViewSet):
    """Certificate authorities: what signs, and how it answers for what it has signed."""

    title = "Certificate authorities"
    permissions = {
        "list": Permission.CAS_READ,
        "tree": Permission.CAS_READ,
        "create": Permission.CAS_CREATE,
        "retrieve": Permission.CAS_READ,
        "partial_update": Permission.CAS_WRITE,
        "certificate": Permission.CAS_READ,
        "chain": Permission.CAS_READ,
        "key": Permission.CAS_READ,
        "revoke": Permission.CAS_REVOKE,
        "retire": Permission.CAS_WRITE,
        "disable": Permission.CAS_WRITE,
        "enable": Permission.CAS_WRITE,
        "publish_crl": Permission.CRLS_PUBLISH,
    }
    downloads = frozenset({"certificate", "chain"})
    queries = {"certificate": CertificateQuery, "chain": ChainQuery}
    # Another CRL takes a number of its own, and a snapshot that no transaction around it may spoil.
    repeatable = frozenset({"publish_crl"})

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        return AuthorityQuery if action == "list" else super().query_of(action, version)

    @operation("List CAs", answers={200: listing(AuthorityOut)})
    def list(self, request: Request) -> Response:
        """All of them, or those with this parent, status, kind and part of a name."""
        return self.page(AuthorityOut, find_authorities(self.rows(), AuthorityQuery.filter(self.parameters)))

    @operation("Show the tree of CAs", answers={200: AuthorityTreeOut})
    def tree(self, request: Request) -> Response:
        """Every CA below the one that has certified it. At most 5,000 are shown."""
        visible = with_ends(selectors.authorities(visible_to=self.actor))
        rows = list(visible[: _LARGEST_TREE + 1])
        shown = rows[:_LARGEST_TREE]
        tree = {"data": tree_of(shown), "total": len(shown), "is_complete": len(shown) == len(rows)}
        return Response(self.show(AuthorityTreeOut, tree))

    @operation(
        "Create a CA",
        body=AuthorityIn,
        answers={201: AuthorityDetailOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """A root, or an intermediate under `parent_id`; with a key of its own, a first CRL and an OCSP responder."""
        order = AuthorityIn.read(request.data, version=self.version, home=self.home)
        return self.founded(establish_authority(actor=acting_in(self.actor, order.organization), order=order))

    @operation("Show a CA", answers={200: AuthorityDetailOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self.shown(ref)

    @operation("Change a CA", body=AuthorityChangeIn, answers={200: AuthorityDetailOut})
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays. What it has signed keeps the addresses that stand in it."""
        values = AuthorityChangeIn.values(request.data, version=self.version)
        update_ca(actor=self.actor, ca=self.ca(ref), **values)
        return self.shown(ref)

    @operation("Download a CA's certificate", answers=a_file("application/x-pem-file", "application/pkix-cert"))
    def certificate(self, request: Request, ref: Ref) -> HttpResponse:
        return self._file(ref, Format(self.parameters["fmt"]))

    @operation("Download a CA's chain", answers=a_file("application/x-pem-file", "application/x-pkcs7-certificates"))
    def chain(self, request: Request, ref: Ref) -> HttpResponse:
        """The CA first, its root last."""
        fmt = Format(self.parameters["fmt"])
        return self._file(ref, Format.FULLCHAIN if fmt is Format.PEM else fmt)

    @operation("Ask a CA's key whether it is well", answers={200: KeyHealthOut})
    def key(self, request: Request, ref: Ref) -> Response:
        """It is opened, or looked for on its token; nothing is signed."""
        return Response(self.show(KeyHealthOut, key_health(self.ca(ref))))

    @operation("Revoke a CA", body=RevokeAuthorityIn, answers={200: AuthorityDetailOut}, refusals=(Family.CONFLICT,))
    def revoke(self, request: Request, ref: Ref) -> Response:
        """With every CA and certificate below it. It goes on answering for what it has issued."""
        revoke_authority(actor=self.actor, order=RevokeAuthorityIn.read(request.data, ref, version=self.version))
        return self.shown(ref)

    @operation("Retire a CA", answers={200: AuthorityDetailOut}, refusals=(Family.CONFLICT,))
    def retire(self, request: Request, ref: Ref) -> Response:
        """It issues nothing more, for ever."""
        return self._change(ref, retire_ca)

    @operation("Disable a CA", answers={200: AuthorityDetailOut}, refusals=(Family.CONFLICT,))
    def disable(self, request: Request, ref: Ref) -> Response:
        """It issues nothing, nor does any CA below it, until it is enabled."""
        return self._change(ref, disable_ca)

    @operation("Enable a CA", answers={200: AuthorityDetailOut}, refusals=(Family.CONFLICT,))
    def enable(self, request: Request, ref: Ref) -> Response:
        """The end of being disabled."""
        return self._change(ref, enable_ca)

    @operation("Publish a CA's CRL", body=PassphraseIn, answers={200: CrlOut}, refusals=(Family.TOO_MANY,))
    def publish_crl(self, request: Request, ref: Ref) -> Response:
        """Now, instead of when it is due. A CA with a passphrase needs it for this."""
        values = PassphraseIn.values(request.data, version=self.version)
        ca = self.ca(ref)
        publish_everything(actor=self.actor, ca=ca, passphrase=values.get("passphrase"))
        crl = newest_crl(ca.pk)
        if crl is None:
            raise Unavailable(_("Another publisher is making the first CRL of this CA."), code="crl-in-progress")
        return Response(self.show(CrlOut, crl))

    def _change(self, ref: Ref, change: Callable[..., Any]) -> Response:
        change(actor=self.actor, ca=self.ca(ref))
        return self.shown(ref)

    def _file(self, ref: Ref, fmt: Format) -> HttpResponse:
        ca = self.ca(ref)
        certificate, *above = chain_of(ca).certificates
        return file_response(bundle(certificate, above, fmt, name=ca.slug))
