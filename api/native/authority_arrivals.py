"""CAs that begin or live elsewhere: certified by another CA, moved in, known by a certificate, certified by us."""

from __future__ import annotations

from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.openapi import operation
from api.common.parser import StrictJsonParser
from api.common.problems import Family
from api.native.authority_base import AuthorityViewSet
from api.native.authority_inputs import (
    AuthorityImportIn,
    AuthorityRequestIn,
    CompletionIn,
    ForeignAuthorityIn,
    PassphraseIn,
    PendingAuthorityIn,
)
from api.native.authority_outputs import AuthorityDetailOut, CsrOut
from cas.services.foreign import add_foreign_authority, sign_authority_request
from cas.services.pending import cancel_authority, create_pending_authority, sign_authority_csr
from certificates.services.authorities import complete_authority, import_authority
from kernel.permissions import Permission
from kernel.ref import Ref

_NEW: Final = (Family.NOT_FOUND, Family.CONFLICT, Family.TOO_MANY)


class PendingAuthorities(AuthorityViewSet):
    """CAs that wait for the certificate that another CA, an offline root for one, shall sign."""

    title = "Pending CAs"
    permissions = {
        "create": Permission.CAS_CREATE,
        "csr": Permission.CAS_WRITE,
        "complete": Permission.CAS_CREATE,
        "cancel": Permission.CAS_CREATE,
    }

    @operation("Create a pending CA", body=PendingAuthorityIn, answers={201: AuthorityDetailOut}, refusals=_NEW)
    def create(self, request: Request) -> Response:
        """Its key is made here. `POST …/csr` gives out what the other CA needs, `POST …/complete` takes its answer."""
        order = PendingAuthorityIn.read(request.data, version=self.version, home=self.home)
        return self.founded(create_pending_authority(actor=acting_in(self.actor, order.organization), order=order))

    @operation(
        "Sign a CSR for a CA", body=PassphraseIn, answers={200: CsrOut}, refusals=(Family.CONFLICT, Family.TOO_MANY)
    )
    def csr(self, request: Request, ref: Ref) -> Response:
        """For its first certificate, or for one that follows; as often as it is asked for."""
        ca = self.ca(ref)
        values = PassphraseIn.values(request.data, version=self.version)
        made = sign_authority_csr(actor=self.actor, ca=ca, passphrase=values.get("passphrase"))
        return Response(self.show(CsrOut, made))

    @operation(
        "Complete a pending CA",
        body=CompletionIn,
        answers={200: AuthorityDetailOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def complete(self, request: Request, ref: Ref) -> Response:
        """Its certificate has come, and it is in service. CAs above it that are not known yet are added."""
        ca = self.ca(ref)
        complete_authority(actor=self.actor, ca=ca, **CompletionIn.values(request.data, version=self.version))
        return self.shown(ref)

    @operation("Give up a pending CA", answers={200: AuthorityDetailOut}, refusals=(Family.CONFLICT,))
    def cancel(self, request: Request, ref: Ref) -> Response:
        """Its key is destroyed and its name is free again; a certificate that still comes is taken no more."""
        cancel_authority(actor=self.actor, ca=self.ca(ref))
        return self.shown(ref)


class ImportParser(StrictJsonParser):
    """The last CRL of a CA may be long: about a million entries fit."""

    largest = 64 * 1024 * 1024


class ArrivingAuthorities(AuthorityViewSet):
    """CAs that worked elsewhere and move in with their key."""

    title = "CAs that move in"
    permissions = {"create": Permission.CAS_CREATE}
    parser_classes = [ImportParser]

    @operation("Import a CA with its key", body=AuthorityImportIn, answers={201: AuthorityDetailOut}, refusals=_NEW)
    def create(self, request: Request) -> Response:
        """With what it has revoked, above its last CRL number, and under its old addresses. A root that was known by
        its certificate gets its key.
        """
        order = AuthorityImportIn.read(request.data, version=self.version, home=self.home)
        return self.founded(import_authority(actor=acting_in(self.actor, order.organization), order=order))


class ForeignAuthorities(AuthorityViewSet):
    """CAs whose keys are elsewhere."""

    title = "CAs from outside"
    permissions = {"create": Permission.CAS_CREATE, "certify": Permission.CAS_CREATE}
    field_names = AuthorityViewSet.field_names | {"public_key": "csr"}

    @operation("Add a CA by its certificate", body=ForeignAuthorityIn, answers={201: AuthorityDetailOut}, refusals=_NEW)
    def create(self, request: Request) -> Response:
        """It is trusted in chains. Those above it that are not known yet are added too."""
        order = ForeignAuthorityIn.read(request.data, version=self.version, home=self.home)
        return self.founded(add_foreign_authority(actor=acting_in(self.actor, order.organization), order=order))

    @operation(
        "Certify somebody else's CA",
        body=AuthorityRequestIn,
        answers={201: AuthorityDetailOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def certify(self, request: Request, ref: Ref) -> Response:
        """By its CSR, below this CA. It stands in the books without its key, and is revoked like every other."""
        ca = self.ca(ref)
        order = AuthorityRequestIn.read(request.data, Ref("pk", ca.pk), version=self.version)
        return self.founded(sign_authority_request(actor=self.actor, order=order))
