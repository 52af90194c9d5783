"""CAs, in Certman's words."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from api.certman.dialect import CertmanViewSet
from api.certman.inputs import AuthorityIn
from api.certman.outputs import AuthoritiesOut, AuthorityAnswerOut, ChainOut, ShownChain, shown
from api.certman.queries import AuthorityQuery
from api.common.openapi import operation
from api.common.problems import Family
from cas import selectors
from cas.chains import chain_of
from cas.models import CertificateAuthority
from cas.search import find_authorities, find_certified
from certificates.services.authorities import establish_authority
from kernel.permissions import Permission
from kernel.ref import Ref


class Authorities(CertmanViewSet):
    """Certificate authorities that the credential may read."""

    title = "Certificate authorities"
    permissions = {
        "list": Permission.CAS_READ,
        "create": Permission.CAS_CREATE,
        "retrieve": Permission.CAS_READ,
        "chain": Permission.CAS_READ,
    }
    queries = {"list": AuthorityQuery}

    @operation("List CAs", answers={200: AuthoritiesOut})
    def list(self, request: Request) -> Response:
        """All of them that were not revoked, oldest first."""
        rows = find_authorities(self._rows(), AuthorityQuery.filter(self.parameters))
        return self.show(AuthoritiesOut, {"cas": shown(list(rows))})

    @operation(
        "Create a CA",
        body=AuthorityIn,
        answers={200: AuthorityAnswerOut},
        refusals=(Family.NOT_FOUND, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """A root, or an intermediate under `parentCaId`, open to Certman's clients from its beginning."""
        ca = establish_authority(actor=self.actor, order=AuthorityIn.read(request.data, home=self.home))
        return self._answer_with(Ref("pk", ca.pk))

    @operation("Show a CA", answers={200: AuthorityAnswerOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        """With its certificate; also one that was revoked."""
        return self._answer_with(ref)

    @operation("Show the chain of a CA", answers={200: ChainOut})
    def chain(self, request: Request, ref: Ref) -> Response:
        """From the CA up to its root."""
        ca = find_certified(self._rows(), ref)
        return self.show(ChainOut, ShownChain(ca, chain_of(ca)))

    def _rows(self) -> QuerySet[CertificateAuthority]:
        return selectors.authorities(visible_to=self.actor).prefetch_related("certificates")

    def _answer_with(self, ref: Ref) -> Response:
        (placed,) = shown([find_certified(self._rows(), ref)])
        return self.show(AuthorityAnswerOut, {"ca": placed})
