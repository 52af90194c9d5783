"""CAs and their CRLs, in ScaiVault's words."""

from __future__ import annotations

from typing import Final

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from api.common.files import file_response
from api.common.openapi import a_file, operation
from api.common.problems import Family
from api.scaivault.authority_inputs import AuthorityIn, RevokeAuthorityIn
from api.scaivault.authority_outputs import AuthorityOut, CrlOut
from api.scaivault.dialect import ScaiVaultViewSet
from api.scaivault.outputs import listing
from cas import selectors
from cas.chains import chain_of
from cas.core.formats import crl_to_pem
from cas.models import CertificateAuthority
from certificates.bundles import Download, Format, bundle
from certificates.models import Crl
from certificates.selectors import newest_crl
from certificates.services.authorities import establish_authority, publish_everything
from certificates.services.revocation import revoke_authority
from certificates.statistics import with_issued_counts
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

_DER, _PEM = "application/pkix-crl", "application/x-pem-file"
_PEM_TYPES: Final = (_PEM, "application/pem-certificate-chain")


class Authorities(ScaiVaultViewSet):
    """Certificate authorities."""

    title = "Certificate authorities"
    permissions = {
        # The document has this list for administrators alone.
        "list": Permission.CAS_WRITE,
        "create": Permission.CAS_CREATE,
        "retrieve": Permission.CAS_READ,
        "certificate": Permission.CAS_READ,
        "revoke": Permission.CAS_REVOKE,
        "crl": Permission.CAS_READ,
        "publish_crl": Permission.CRLS_PUBLISH,
    }
    downloads = frozenset({"certificate", "crl"})
    field_names = {"key_algorithm": "key_type", "validity": "validity_days", "public_key": "key_type"}

    @operation("List CAs", answers={200: listing(AuthorityOut)})
    def list(self, request: Request) -> Response:
        return self.page(AuthorityOut, self._rows())

    @operation(
        "Create a CA",
        body=AuthorityIn,
        answers={201: AuthorityOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """A root, or an intermediate under `parent_ca_id`, with a key that is made here. It signs approved CSRs too."""
        order = AuthorityIn.read(request.data, home=self.home)
        ca = establish_authority(actor=self.actor, order=order)
        return self.show(AuthorityOut, self._rows().get(pk=ca.pk), status=201)

    @operation("Show a CA", answers={200: AuthorityOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self._shown(ref)

    @operation("Download a CA's certificate", answers=a_file(_PEM))
    def certificate(self, request: Request, ref: Ref) -> HttpResponse:
        ca = self._ca(ref)
        certificate, *above = chain_of(ca).certificates
        return file_response(bundle(certificate, above, Format.PEM, name=ca.slug))

    @operation("Revoke a CA", body=RevokeAuthorityIn, answers={200: AuthorityOut}, refusals=(Family.CONFLICT,))
    def revoke(self, request: Request, ref: Ref) -> Response:
        """With every CA and certificate below it."""
        ca = self._ca(ref)
        revoke_authority(actor=self.actor, order=RevokeAuthorityIn.read(request.data, Ref("pk", ca.pk)))
        return self._shown(ref)

    @operation("Publish a CA's CRL", answers={200: CrlOut}, refusals=(Family.TOO_MANY,))
    def publish_crl(self, request: Request, ref: Ref) -> Response:
        """Now, instead of when it is due."""
        ca = self._ca(ref)
        publish_everything(actor=self.actor, ca=ca)
        return self.show(CrlOut, _newest_crl(ca))

    @operation("Download a CA's CRL", answers=a_file(_DER, _PEM))
    def crl(self, request: Request, ref: Ref) -> HttpResponse:
        """The newest: in DER, or in PEM where `Accept` prefers that."""
        ca = self._ca(ref)
        body = bytes(_newest_crl(ca).body)
        if _prefers_pem(request):
            response = file_response(Download(crl_to_pem(body), _PEM, f"{ca.slug}.crl.pem"))
        else:
            response = file_response(Download(body, _DER, f"{ca.slug}.crl"))
        response.headers["Vary"] = "Accept"
        return response

    def _ca(self, ref: Ref) -> CertificateAuthority:
        return selectors.get_ca(ref, visible_to=self.actor)

    def _rows(self) -> QuerySet[CertificateAuthority]:
        return with_issued_counts(selectors.authorities(visible_to=self.actor).prefetch_related("certificates"))

    def _shown(self, ref: Ref) -> Response:
        return self.show(AuthorityOut, self._rows().get(pk=self._ca(ref).pk))


def _newest_crl(ca: CertificateAuthority) -> Crl:
    crl = newest_crl(ca.pk)
    if crl is None:
        raise NotFound(_("%(ca)s has published no CRL."), code="crl-not-found", ca=ca.name)
    return crl


def _prefers_pem(request: Request) -> bool:
    """DER where `Accept` says nothing, or does not mind (RFC 9110 section 12.5.1)."""
    preferred = request._request.get_preferred_type([_DER, *_PEM_TYPES])
    return preferred in _PEM_TYPES
