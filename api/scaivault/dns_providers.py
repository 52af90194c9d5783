"""DNS providers, in ScaiVault's words."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from acme_client import name_selectors as selectors
from acme_client.services.dns_providers import create_dns_provider, delete_dns_provider, update_dns_provider
from api.common.openapi import operation
from api.common.problems import Family
from api.scaivault.acme_inputs import DnsProviderChangeIn, DnsProviderIn
from api.scaivault.acme_outputs import DnsProviderOut
from api.scaivault.dialect import ScaiVaultViewSet
from api.scaivault.outputs import listing
from kernel.permissions import Permission
from kernel.ref import Ref

_READ, _WRITE = Permission.ACME_READ, Permission.ACME_WRITE


class DnsProviders(ScaiVaultViewSet):
    """Who changes DNS for the organization, so that names are proven by dns-01."""

    title = "DNS providers"
    permissions = {
        "list": _READ,
        "create": _WRITE,
        "retrieve": _READ,
        "partial_update": _WRITE,
        "destroy": _WRITE,
    }

    @operation("List DNS providers", answers={200: listing(DnsProviderOut)})
    def list(self, request: Request) -> Response:
        return self.page(DnsProviderOut, selectors.visible_providers(visible_to=self.actor))

    @operation("Add a DNS provider", body=DnsProviderIn, answers={201: DnsProviderOut}, refusals=(Family.CONFLICT,))
    def create(self, request: Request) -> Response:
        """For every zone that no other provider has."""
        row = create_dns_provider(actor=self.actor, order=DnsProviderIn.read(request.data, home=self.home))
        return self._shown(Ref("pk", row.pk), status=201)

    @operation("Show a DNS provider", answers={200: DnsProviderOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self._shown(ref)

    @operation(
        "Change a DNS provider", body=DnsProviderChangeIn, answers={200: DnsProviderOut}, refusals=(Family.CONFLICT,)
    )
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays."""
        update_dns_provider(actor=self.actor, provider=ref, change=DnsProviderChangeIn.read(request.data))
        return self._shown(ref)

    @operation("Remove a DNS provider", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """Its credentials are forgotten."""
        delete_dns_provider(actor=self.actor, provider=ref)
        return Response(status=204)

    def _shown(self, ref: Ref, *, status: int = 200) -> Response:
        return self.show(DnsProviderOut, selectors.get_provider(ref, visible_to=self.actor), status=status)
