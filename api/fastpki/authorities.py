"""CAs: made, listed, shown, retired."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import home_of
from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.fastpki.pki import PkiViewSet
from api.fastpki.pki_inputs import AuthorityIn, authority_order
from api.fastpki.pki_outputs import AuthorityDetailOut, AuthorityOut, authorities_shown
from cas.chains import chain_of
from cas.services.authorities import retire_childless_ca
from cas.services.exporting import export_ca_key
from kernel.permissions import Permission
from kernel.ref import Ref


class Authorities(PkiViewSet):
    """The CAs that certificates are issued by."""

    title = "Certificate authorities"
    permissions = {
        "list": Permission.CAS_READ,
        "create": Permission.CAS_CREATE,
        "retrieve": Permission.CAS_READ,
        "destroy": Permission.CAS_WRITE,
        "chain": Permission.CAS_READ,
        "children": Permission.CAS_READ,
        "private_key": Permission.CAS_EXPORT_KEY,
    }
    limits = {"create": ISSUE}

    @operation("List CAs", answers={200: AuthorityOut(many=True)})
    def list(self, request: Request) -> Response:
        return self.show_all(AuthorityOut, authorities_shown(self.authorities()))

    @operation(
        "Create a CA",
        body=AuthorityIn,
        answers={201: AuthorityDetailOut},
        refusals=(Family.NOT_FOUND, Family.INVALID, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """A root, or an intermediate under `parent_ca_id`, open to the clients of this API. Its private key is in the
        answer for those who may export it.
        """
        values = self.read(AuthorityIn)
        self.about = values.get("parent_ca_id")
        parent = self.authority(self.about) if self.about is not None else None
        home = parent.organization_id if parent else home_of(self.actor).pk
        order = authority_order(values, organization=Ref("pk", home))
        return self.show(AuthorityDetailOut, self.founded(order), status=201)

    @operation("Show a CA", answers={200: AuthorityOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self.show(AuthorityOut, self.shown(self.authority(ref)))

    @operation("Delete a CA", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """It issues nothing more, and is shown here no more. What it has issued stays, and so does its CRL."""
        retire_childless_ca(actor=self.actor, ca=self.authority(ref))
        return Response(status=204)

    @operation("Show the chain of a CA", answers={200: AuthorityOut(many=True)})
    def chain(self, request: Request, ref: Ref) -> Response:
        """Itself first, its root last."""
        return self.show_all(AuthorityOut, authorities_shown(chain_of(self.authority(ref)).authorities))

    @operation("List the CAs directly below a CA", answers={200: AuthorityOut(many=True)})
    def children(self, request: Request, ref: Ref) -> Response:
        below = self.authorities().filter(parent=self.authority(ref))
        return self.show_all(AuthorityOut, authorities_shown(below))

    @operation("Show a CA with its private key", answers={200: AuthorityDetailOut})
    def private_key(self, request: Request, ref: Ref) -> Response:
        """Not of a key that is on a token or behind a passphrase, nor of a CA that is not open to these clients."""
        ca = self.authority(ref)
        return self.show(AuthorityDetailOut, self.shown(ca, key=export_ca_key(actor=self.actor, ca=ca)))
