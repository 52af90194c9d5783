"""Accounts at ACME servers: registered, changed, given another key, deactivated."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from acme_client import selectors
from acme_client.providers import KNOWN
from acme_client.services.accounts import (
    deactivate_account,
    register_account,
    retry_account,
    roll_account_key,
    update_account,
)
from api.common.openapi import operation
from api.common.problems import Family
from api.native.acme_account_shapes import (
    AcmeAccountChangeIn,
    AcmeAccountIn,
    AcmeAccountOut,
    AcmeProvidersOut,
    DeactivationQuery,
)
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from kernel.permissions import Permission
from kernel.ref import Ref

_READ, _WRITE = Permission.ACME_READ, Permission.ACME_WRITE


class AcmeAccounts(NativeViewSet):
    """Accounts at public CAs, or at any server that speaks RFC 8555, by which certificates are ordered."""

    title = "ACME accounts"
    permissions = {
        "list": _READ,
        "providers": _READ,
        "create": _WRITE,
        "retrieve": _READ,
        "partial_update": _WRITE,
        "roll_key": _WRITE,
        "retry": _WRITE,
        "destroy": _WRITE,
    }
    # The server is asked meanwhile; that is no work for the inside of a transaction.
    repeatable = frozenset({"roll_key"})
    queries = {"destroy": DeactivationQuery}

    @operation("List ACME accounts", answers={200: listing(AcmeAccountOut)})
    def list(self, request: Request) -> Response:
        return self.page(AcmeAccountOut, selectors.visible_accounts(visible_to=self.actor))

    @operation("List known ACME servers", answers={200: AcmeProvidersOut})
    def providers(self, request: Request) -> Response:
        """Those that are known by name, and where they are asked. Others are `custom`, by their directory."""
        return Response(self.show(AcmeProvidersOut, {"data": KNOWN.items()}))

    @operation(
        "Register an ACME account", body=AcmeAccountIn, answers={201: AcmeAccountOut}, refusals=(Family.CONFLICT,)
    )
    def create(self, request: Request) -> Response:
        """It is `pending` until the server has answered, which is seconds later as a rule."""
        row = register_account(actor=self.actor, order=AcmeAccountIn.read(request.data, self.organization_of))
        return self.created(self._shown(Ref("pk", row.pk)))

    @operation("Show an ACME account", answers={200: AcmeAccountOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self._shown(ref))

    @operation(
        "Change an ACME account", body=AcmeAccountChangeIn, answers={200: AcmeAccountOut}, refusals=(Family.CONFLICT,)
    )
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays. A new contact is told to the server."""
        update_account(actor=self.actor, account=ref, change=AcmeAccountChangeIn.read(request.data))
        return Response(self._shown(ref))

    @operation("Give an ACME account another key", answers={200: AcmeAccountOut}, refusals=(Family.CONFLICT,))
    def roll_key(self, request: Request, ref: Ref) -> Response:
        """There and here (RFC 8555 section 7.3.5). Where that is cut short, `is_busy` says until when."""
        roll_account_key(actor=self.actor, account=ref)
        return Response(self._shown(ref))

    @operation("Try again with an ACME account", answers={200: AcmeAccountOut}, refusals=(Family.CONFLICT,))
    def retry(self, request: Request, ref: Ref) -> Response:
        """A registration that the server has refused, or for which it has not been reached yet."""
        retry_account(actor=self.actor, account=ref)
        return Response(self._shown(ref))

    @operation("Deactivate an ACME account", answers={200: AcmeAccountOut}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """At the server too, and for ever. Orders that are open fail; certificates and the row stay."""
        here_only = self.parameters.get("here_only") == "true"
        deactivate_account(actor=self.actor, account=ref, here_only=here_only)
        return Response(self._shown(ref))

    def _shown(self, ref: Ref) -> dict[str, object]:
        shown: dict[str, object] = self.show(AcmeAccountOut, selectors.get_account(ref, visible_to=self.actor))
        return shown
