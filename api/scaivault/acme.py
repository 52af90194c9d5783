"""Certificates from public CAs: accounts there, what is ordered, and how names are proven."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from acme_client import selectors
from acme_client.services.accounts import deactivate_account, register_account
from acme_client.services.orders import complete_challenge, refresh_order, start_order
from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.scaivault.acme_inputs import AcmeAccountIn, AcmeIssueIn, AcmeOrderQuery
from api.scaivault.acme_outputs import AcmeAccountOut, AcmeIssueOut, AcmeOrderOut
from api.scaivault.dialect import ScaiVaultViewSet
from api.scaivault.outputs import listing
from kernel.permissions import Permission
from kernel.ref import Ref

_READ, _WRITE, _ISSUE = Permission.ACME_READ, Permission.ACME_WRITE, Permission.CERTIFICATES_ISSUE


class AcmeAccounts(ScaiVaultViewSet):
    """Accounts at public CAs, by which certificates are ordered."""

    title = "ACME"
    permissions = {"list": _READ, "create": _WRITE, "retrieve": _READ, "destroy": _WRITE}
    field_names = {"eab_key": "eab_hmac_key"}

    @operation("List ACME accounts", answers={200: listing(AcmeAccountOut)})
    def list(self, request: Request) -> Response:
        return self.page(AcmeAccountOut, selectors.visible_accounts(visible_to=self.actor))

    @operation(
        "Register an ACME account", body=AcmeAccountIn, answers={201: AcmeAccountOut}, refusals=(Family.CONFLICT,)
    )
    def create(self, request: Request) -> Response:
        """`pending` until the server has answered. Whoever registers it agrees to the server's terms."""
        row = register_account(actor=self.actor, order=AcmeAccountIn.read(request.data, home=self.home))
        return self._shown(Ref("pk", row.pk), status=201)

    @operation("Show an ACME account", answers={200: AcmeAccountOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self._shown(ref)

    @operation("Deactivate an ACME account", answers={200: AcmeAccountOut}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """At the server too, and for ever. What was issued by it stays as it is."""
        deactivate_account(actor=self.actor, account=ref)
        return self._shown(ref)

    def _shown(self, ref: Ref, *, status: int = 200) -> Response:
        return self.show(AcmeAccountOut, selectors.get_account(ref, visible_to=self.actor), status=status)


class AcmeOrders(ScaiVaultViewSet):
    """Certificates that are on their way from public CAs, and those that have come or will not."""

    title = "ACME"
    permissions = {"issue": _ISSUE, "list": _READ, "retrieve": _READ, "refresh": _ISSUE}
    permissions_to_see = {"refresh": frozenset({_READ})}
    limits = dict.fromkeys(("issue", "refresh"), ISSUE)
    queries = {"list": AcmeOrderQuery}
    field_names = {"names": "domains", "account": "account_id"}

    @operation(
        "Order a public certificate",
        body=AcmeIssueIn,
        answers={202: AcmeIssueOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT, Family.TOO_MANY),
    )
    def issue(self, request: Request) -> Response:
        """It is followed at `Location`. Where the account asks for approvals, it is `waiting` first."""
        order = start_order(actor=self.actor, order=AcmeIssueIn.read(request.data))
        shown = selectors.get_order(Ref("pk", order.pk), visible_to=self.actor)
        answer = self.show(AcmeIssueOut, shown, status=202)
        answer.headers["Location"] = f"{request.path.removesuffix('/issue')}/orders/{shown.public_id}"
        return answer

    @operation("List ACME orders", answers={200: listing(AcmeOrderOut)}, refusals=(Family.NOT_FOUND,))
    def list(self, request: Request) -> Response:
        status, account = self.parameters.get("status", ""), self.parameters.get("account_id")
        rows = selectors.visible_orders(visible_to=self.actor, status=status, account=account)
        return self.page(AcmeOrderOut, rows)

    @operation("Show an ACME order", answers={200: AcmeOrderOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self._shown(ref)

    @operation("Look after an ACME order", answers={200: AcmeOrderOut}, refusals=(Family.CONFLICT, Family.TOO_MANY))
    def refresh(self, request: Request, ref: Ref) -> Response:
        """The server is asked again now, and not when it would be asked anyway."""
        refresh_order(actor=self.actor, order=ref)
        return self._shown(ref)

    def _shown(self, ref: Ref) -> Response:
        return self.show(AcmeOrderOut, selectors.get_order(ref, visible_to=self.actor))


class AcmeChallenges(ScaiVaultViewSet):
    """How the names of an order are proven."""

    title = "ACME"
    permissions = {"complete": _ISSUE}
    limits = {"complete": ISSUE}
    permissions_to_see = {"complete": frozenset({_READ})}

    @operation(
        "Say that a challenge is answered", answers={200: AcmeOrderOut}, refusals=(Family.CONFLICT, Family.TOO_MANY)
    )
    def complete(self, request: Request, ref: Ref) -> Response:
        """You have published the answer yourself: the server is told to look. Shown is its order."""
        complete_challenge(actor=self.actor, challenge=ref)
        order = selectors.get_challenge(ref, visible_to=self.actor).authorization.order
        return self.show(AcmeOrderOut, selectors.get_order(Ref("pk", order.pk), visible_to=self.actor))
