"""The certificates of a CA, its chains, and the CA that goes on where it ends."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.openapi import operation
from api.common.paging import PageQuery
from api.common.problems import Family
from api.native.authority_base import AuthorityViewSet
from api.native.authority_inputs import (
    CrossIn,
    MoveTemplatesIn,
    NextCertificateIn,
    RenewalIn,
    RevokeAuthorityIn,
    SuccessorIn,
)
from api.native.authority_outputs import (
    AuthorityDetailOut,
    ChainsOut,
    OwnCertificateOut,
    SerialsOut,
    TemplatesMovedOut,
)
from api.native.outputs import listing
from cas import selectors
from cas.chains import chains_of
from cas.services.ca_certificates import cross_certify, prefer_certificate, renew_authority
from cas.services.pending import add_authority_certificate
from cas.services.successors import move_templates
from certificates.services.authorities import establish_successor
from certificates.services.ca_certificates import revoke_ca_certificate
from certificates.services.intents import abandon_intents
from kernel.permissions import Permission
from kernel.ref import Ref


class AuthorityCertificates(AuthorityViewSet):
    """A CA has one certificate or many: renewed under the same key, or from several issuers."""

    title = "CA certificates"
    permissions = {
        "list_certificates": Permission.CAS_READ,
        "show_certificate": Permission.CAS_READ,
        "chains": Permission.CAS_READ,
        "add": Permission.CAS_CREATE,
        "renew": Permission.CAS_CREATE,
        "cross": Permission.CAS_CREATE,
        "prefer": Permission.CAS_WRITE,
        "revoke": Permission.CAS_REVOKE,
    }
    queries = {"list_certificates": PageQuery}

    @operation("List the certificates of a CA", answers={200: listing(OwnCertificateOut)})
    def list_certificates(self, request: Request, ref: Ref) -> Response:
        """Expired and revoked ones too."""
        return self.page(OwnCertificateOut, selectors.ca_certificates(self.ca(ref)))

    @operation("Show a certificate of a CA", answers={200: OwnCertificateOut})
    def show_certificate(self, request: Request, ref: Ref, fingerprint: str) -> Response:
        row = selectors.get_ca_certificate(self.ca(ref), fingerprint)
        return Response(self.show(OwnCertificateOut, row))

    @operation("List the chains of a CA", answers={200: ChainsOut})
    def chains(self, request: Request, ref: Ref) -> Response:
        """The one that is handed out first, then every other that leads to a root: at most sixteen."""
        return Response(self.show(ChainsOut, {"data": chains_of(self.ca(ref))}))

    @operation(
        "Add a certificate to a CA",
        body=NextCertificateIn,
        answers={201: OwnCertificateOut},
        refusals=(Family.CONFLICT,),
    )
    def add(self, request: Request, ref: Ref) -> Response:
        """One that a CA elsewhere has signed for the same name and key; it becomes the preferred one."""
        ca = self.ca(ref)
        values = NextCertificateIn.values(request.data, version=self.version)
        return self.certified(add_authority_certificate(actor=self.actor, ca=ca, **values))

    @operation(
        "Renew the certificate of a CA",
        body=RenewalIn,
        answers={201: OwnCertificateOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def renew(self, request: Request, ref: Ref) -> Response:
        """The same name, key, limits and issuer; it becomes the preferred one, and the one before stays valid."""
        ca = self.ca(ref)
        wishes = RenewalIn.read(request.data, version=self.version)
        return self.certified(renew_authority(actor=self.actor, ca=ca, **wishes))

    @operation(
        "Cross-certify a CA",
        body=CrossIn,
        answers={201: OwnCertificateOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def cross(self, request: Request, ref: Ref) -> Response:
        """`issuer_id` certifies this CA as well: one more chain, for those who trust the other root."""
        ca = self.ca(ref)
        order = CrossIn.read(request.data, Ref("pk", ca.pk), version=self.version)
        return self.certified(cross_certify(actor=self.actor, order=order))

    @operation("Prefer a certificate of a CA", answers={200: OwnCertificateOut}, refusals=(Family.CONFLICT,))
    def prefer(self, request: Request, ref: Ref, fingerprint: str) -> Response:
        """The CA stands below its issuer from now on, and hands out its chain."""
        row = prefer_certificate(actor=self.actor, ca=self.ca(ref), fingerprint=fingerprint)
        return Response(self.show(OwnCertificateOut, row))

    @operation(
        "Revoke a certificate of a CA",
        body=RevokeAuthorityIn,
        answers={200: OwnCertificateOut},
        refusals=(Family.CONFLICT,),
    )
    def revoke(self, request: Request, ref: Ref, fingerprint: str) -> Response:
        """This one alone; the CA goes on under another. One that has no other is revoked as a CA."""
        ca = self.ca(ref)
        why = RevokeAuthorityIn.why(request.data, version=self.version)
        row = revoke_ca_certificate(
            actor=self.actor, ca=ca, fingerprint=fingerprint, reason=why.reason, comment=why.comment
        )
        return Response(self.show(OwnCertificateOut, row))


class AuthoritySuccession(AuthorityViewSet):
    """How one CA goes on where another ends."""

    title = "CA succession"
    permissions = {
        "succeed": Permission.CAS_CREATE,
        "move_templates": Permission.TEMPLATES_WRITE,
        "abandon": Permission.CAS_REVOKE,
    }

    @operation(
        "Create a successor of a CA",
        body=SuccessorIn,
        answers={201: AuthorityDetailOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def succeed(self, request: Request, ref: Ref) -> Response:
        """The same parent, limits and terms, and a key of its own. Below a CA from outside it is pending at first."""
        ca = self.ca(ref)
        order = SuccessorIn.read(request.data, version=self.version)
        return self.founded(establish_successor(actor=self.actor, ca=ca, order=order))

    @operation(
        "Move templates to a successor",
        body=MoveTemplatesIn,
        answers={200: TemplatesMovedOut},
        refusals=(Family.CONFLICT,),
    )
    def move_templates(self, request: Request, ref: Ref) -> Response:
        """All roles and templates of this CA, under their names. Needs `roles:write` too."""
        source = self.ca(ref)
        values = MoveTemplatesIn.values(request.data, version=self.version)
        moved = move_templates(actor=self.actor, source=source, target=self.ca(values["successor_id"]))
        return Response(self.show(TemplatesMovedOut, {"templates": moved}))

    @operation("Revoke what was to be signed and never stored", answers={200: SerialsOut})
    def abandon(self, request: Request, ref: Ref) -> Response:
        """Serial numbers that were announced to a token, and whose certificates nobody has. Those of the last minutes
        are left alone.
        """
        serials = abandon_intents(actor=self.actor, ca=self.ca(ref))
        return Response(self.show(SerialsOut, {"serials": serials}))
