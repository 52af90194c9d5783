"""Service accounts, their tokens, and what may be issued for them."""

from __future__ import annotations

from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ServiceAccount
from accounts.people_selectors import (
    get_issuance_policy,
    get_open_organization,
    get_open_service_account,
    get_service_token,
    open_service_accounts,
    service_tokens,
)
from accounts.selectors import acting_in, person_of
from accounts.services.issuance_policies import remove_issuance_policy, set_issuance_policy
from accounts.services.service_accounts import (
    close_service_account,
    create_service_account,
    disable_service_account,
    enable_service_account,
    update_service_account,
)
from accounts.services.service_tokens import create_service_token, revoke_service_token
from api.common.openapi import operation
from api.common.problems import Family
from api.fastpki.capabilities import ALL, READING, permissions_of, taken_flags
from api.fastpki.dialect import FastPkiViewSet
from api.fastpki.identity_inputs import (
    PolicyIn,
    ServiceAccountChangeIn,
    ServiceAccountIn,
    ServiceTokenIn,
    policy_order,
)
from api.fastpki.identity_outputs import (
    NewServiceTokenOut,
    PolicyOut,
    ServiceAccountOut,
    ServiceTokenOut,
    accounts_shown,
)
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

_READ: Final = Permission.API_KEYS_READ
_WRITE: Final = Permission.API_KEYS_WRITE


class ServiceAccounts(FastPkiViewSet):
    """Machines that act under a name of their own."""

    title = "Service accounts"
    permissions = {
        "list": _READ,
        "create": _WRITE,
        "retrieve": _READ,
        "partial_update": _WRITE,
        "destroy": _WRITE,
        "tokens": _READ,
        "create_token": _WRITE,
        "revoke_token": _WRITE,
        "policy": _READ,
        "set_policy": _WRITE,
        "remove_policy": _WRITE,
    }

    @operation("List service accounts", answers={200: ServiceAccountOut(many=True)})
    def list(self, request: Request) -> Response:
        return self.show_all(ServiceAccountOut, accounts_shown(open_service_accounts(visible_to=self.actor)))

    @operation(
        "Create a service account",
        body=ServiceAccountIn,
        answers={201: ServiceAccountOut},
        refusals=(Family.UNLICENSED,),
    )
    def create(self, request: Request) -> Response:
        """It sees what its organization has, and has nothing issued before it has a policy."""
        values = self.read(ServiceAccountIn)
        actor = acting_in(self.actor, values.pop("organization_id", None))
        if actor.organization_id is None:
            raise Invalid.of("organization_id", "required", _("organization_id is required"))
        account = create_service_account(
            actor=self.actor,
            organization=get_open_organization(Ref("pk", actor.organization_id), visible_to=actor),
            owner=person_of(self.actor),
            permissions=sorted(READING | permissions_of(taken_flags(values))),
            needs_policy=True,
            name=values["name"],
            description=values.get("description") or "",
        )
        return self.show(ServiceAccountOut, accounts_shown([account])[0], status=201)

    @operation("Show a service account", answers={200: ServiceAccountOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return self.show(ServiceAccountOut, accounts_shown([self._account(ref)])[0])

    @operation(
        "Change a service account",
        body=ServiceAccountChangeIn,
        answers={200: ServiceAccountOut},
        refusals=(Family.CONFLICT,),
    )
    def partial_update(self, request: Request, ref: Ref) -> Response:
        account, values = self._account(ref), self.read(ServiceAccountChangeIn)
        flags, is_disabled = taken_flags(values), values.pop("disabled", None)
        if "description" in values:
            values["description"] = values["description"] or ""
        if flags:
            values["permissions"] = _with_flags(account, flags)
        if values:
            update_service_account(actor=self.actor, account=account, **values)
        if is_disabled is not None and is_disabled == account.is_active:
            switch = disable_service_account if is_disabled else enable_service_account
            switch(actor=self.actor, account=account)
        return self.retrieve(request, ref)

    @operation("Delete a service account", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """It stops working at once; what it has done stays under its name."""
        close_service_account(actor=self.actor, account=self._account(ref))
        return Response(status=204)

    @operation("List the tokens of a service account", answers={200: ServiceTokenOut(many=True)})
    def tokens(self, request: Request, ref: Ref) -> Response:
        return self.show_all(
            ServiceTokenOut, service_tokens(visible_to=self.actor).filter(service_account=self._account(ref))
        )

    @operation(
        "Make a token for a service account",
        body=ServiceTokenIn,
        answers={201: NewServiceTokenOut},
        refusals=(Family.CONFLICT,),
    )
    def create_token(self, request: Request, ref: Ref) -> Response:
        """The token is in this answer and nowhere else. Owners only, in person."""
        account, values = self._account(ref), self.read(ServiceTokenIn)
        made = create_service_token(
            actor=self.actor, account=account, name=values.get("name") or "", expires_at=values.get("expires_at")
        )
        return self.show(NewServiceTokenOut, made, status=201)

    @operation("Revoke a token", answers={204: None}, refusals=(Family.CONFLICT,))
    def revoke_token(self, request: Request, ref: Ref, token: Ref) -> Response:
        found = get_service_token(self._account(ref), token, visible_to=self.actor)
        revoke_service_token(actor=self.actor, token=found)
        return Response(status=204)

    @operation("Show what may be issued for a service account", answers={200: PolicyOut})
    def policy(self, request: Request, ref: Ref) -> Response:
        return self.show(PolicyOut, get_issuance_policy(self._account(ref), visible_to=self.actor))

    @operation("Say what may be issued for a service account", body=PolicyIn, answers={200: PolicyOut})
    def set_policy(self, request: Request, ref: Ref) -> Response:
        """Judged on each certificate as it would be signed. An empty list allows nothing of its kind."""
        account, order = self._account(ref), policy_order(self.read(PolicyIn))
        return self.show(PolicyOut, set_issuance_policy(actor=self.actor, account=account, order=order))

    @operation("Let nothing be issued for a service account", answers={204: None})
    def remove_policy(self, request: Request, ref: Ref) -> Response:
        found = get_issuance_policy(self._account(ref), visible_to=self.actor)
        remove_issuance_policy(actor=self.actor, issuance_policy=found)
        return Response(status=204)

    def _account(self, ref: Ref) -> ServiceAccount:
        return get_open_service_account(ref, visible_to=self.actor)


def _with_flags(account: ServiceAccount, flags: dict[str, bool]) -> list[str]:
    """The permissions of the account, with these capabilities as they are to be; all others stay."""
    named = permissions_of(dict.fromkeys(flags, True)) & ALL
    return sorted((set(account.permissions) - named) | permissions_of(flags))
