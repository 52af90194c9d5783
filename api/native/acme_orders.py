"""Orders at ACME servers: placed, followed, tried again, given up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from acme_client import selectors
from acme_client.models import AcmeOrder
from acme_client.services.orders import cancel_order, complete_challenge, refresh_order, retry_order, start_order
from api.common.inputs import Query
from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.acme_accounts import AcmeAccounts
from api.native.acme_order_shapes import AcmeOrderDetailOut, AcmeOrderIn, AcmeOrderOut, AcmeOrderQuery
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from kernel.permissions import Permission
from kernel.ref import Ref

# Where they stand.
ORDERS: Final = "/api/v2/acme/orders"
_READ, _ISSUE = Permission.ACME_READ, Permission.CERTIFICATES_ISSUE


class AcmeOrders(NativeViewSet):
    """Certificates that are on their way from public CAs, and those that have come or will not."""

    title = "ACME orders"
    permissions = {
        "list": _READ,
        "create": _ISSUE,
        "retrieve": _READ,
        "refresh": _ISSUE,
        "cancel": _ISSUE,
        "retry": _ISSUE,
    }
    permissions_to_see = dict.fromkeys(("refresh", "cancel", "retry"), frozenset({_READ}))
    limits = dict.fromkeys(("create", "refresh", "retry"), ISSUE)
    # The server is asked meanwhile; that is no work for the inside of a transaction.
    repeatable = frozenset({"refresh"})
    field_names = {"account": "account_id", "replaces": "replaces_id"}

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        return AcmeOrderQuery if action == "list" else super().query_of(action, version)

    @operation("List ACME orders", answers={200: listing(AcmeOrderOut)}, refusals=(Family.NOT_FOUND,))
    def list(self, request: Request) -> Response:
        status, account = self.parameters.get("status", ""), self.parameters.get("account_id")
        rows = selectors.visible_orders(visible_to=self.actor, status=status, account=account)
        return self.page(AcmeOrderOut, rows)

    @operation(
        "Order a public certificate",
        body=AcmeOrderIn,
        answers={202: AcmeOrderDetailOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT, Family.TOO_MANY),
    )
    def create(self, request: Request) -> Response:
        """It stands at `Location`, and is followed there: names are proven and the certificate is fetched meanwhile."""
        return self._accepted(start_order(actor=self.actor, order=AcmeOrderIn.read(request.data)))

    @operation("Show an ACME order", answers={200: AcmeOrderDetailOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self._shown(ref))

    @operation(
        "Look after an ACME order",
        answers={200: AcmeOrderDetailOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def refresh(self, request: Request, ref: Ref) -> Response:
        """The server is asked again now, and not when it would be asked anyway."""
        refresh_order(actor=self.actor, order=ref)
        return Response(self._shown(ref))

    @operation("Cancel an ACME order", answers={200: AcmeOrderDetailOut}, refusals=(Family.CONFLICT,))
    def cancel(self, request: Request, ref: Ref) -> Response:
        """What was published for it is taken away, and a key that was made for it is destroyed."""
        cancel_order(actor=self.actor, order=ref)
        return Response(self._shown(ref))

    @operation(
        "Try an ACME order again", answers={202: AcmeOrderDetailOut}, refusals=(Family.CONFLICT, Family.TOO_MANY)
    )
    def retry(self, request: Request, ref: Ref) -> Response:
        """One that has failed, as a new order, which stands at `Location`."""
        return self._accepted(retry_order(actor=self.actor, order=ref))

    def _accepted(self, order: AcmeOrder) -> Response:
        return accepted(self._shown(Ref("pk", order.pk)))

    def _shown(self, ref: Ref) -> dict[str, Any]:
        shown: dict[str, Any] = self.show(AcmeOrderDetailOut, selectors.get_order(ref, visible_to=self.actor))
        return shown


class AcmeChallenges(NativeViewSet):
    """How the names of an order are proven."""

    title = "ACME challenges"
    permissions = {"complete": _ISSUE}
    limits = {"complete": ISSUE}
    repeatable = frozenset({"complete"})
    permissions_to_see = {"complete": frozenset({_READ})}

    @operation(
        "Say that a challenge is answered",
        answers={200: AcmeOrderDetailOut},
        refusals=(Family.CONFLICT, Family.TOO_MANY),
    )
    def complete(self, request: Request, ref: Ref) -> Response:
        """You have published the answer yourself: the server is told to look. Shown is its order."""
        complete_challenge(actor=self.actor, challenge=ref)
        order = selectors.get_challenge(ref, visible_to=self.actor).authorization.order
        return Response(self.show(AcmeOrderDetailOut, selectors.get_order(Ref("pk", order.pk), visible_to=self.actor)))


def accepted(body: Mapping[str, Any]) -> Response:
    """202 with an order, which stands at `Location`."""
    return Response(body, status=202, headers={"Location": f"{ORDERS}/{body['id']}"})


_ACCOUNT: Final = "acme/accounts/<public_id:ref>"
_ORDER: Final = "acme/orders/<public_id:ref>"

ACME_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, str]], ...]] = (
    ("acme/providers", AcmeAccounts, {"get": "providers"}),
    ("acme/accounts", AcmeAccounts, {"get": "list", "post": "create"}),
    (_ACCOUNT, AcmeAccounts, {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    (f"{_ACCOUNT}/roll-key", AcmeAccounts, {"post": "roll_key"}),
    (f"{_ACCOUNT}/retry", AcmeAccounts, {"post": "retry"}),
    ("acme/orders", AcmeOrders, {"get": "list", "post": "create"}),
    (_ORDER, AcmeOrders, {"get": "retrieve"}),
    (f"{_ORDER}/refresh", AcmeOrders, {"post": "refresh"}),
    (f"{_ORDER}/cancel", AcmeOrders, {"post": "cancel"}),
    (f"{_ORDER}/retry", AcmeOrders, {"post": "retry"}),
    ("acme/challenges/<public_id:ref>/complete", AcmeChallenges, {"post": "complete"}),
)
