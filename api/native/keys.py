"""API keys and service accounts: what programs come in with."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.models import ApiKey, Organization, User
from accounts.services.api_keys import NewApiKey, create_api_key, revoke_api_key, rotate_api_key
from accounts.services.service_accounts import (
    create_service_account,
    disable_service_account,
    enable_service_account,
    update_service_account,
)
from api.common.openapi import operation
from api.common.problems import Family
from api.native.dialect import NativeViewSet
from api.native.key_shapes import (
    ApiKeyIn,
    ApiKeyOut,
    NewApiKeyOut,
    RotationIn,
    ServiceAccountChangeIn,
    ServiceAccountIn,
    ServiceAccountOut,
    TokenOut,
    read_grants,
)
from api.native.outputs import listing
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

_READ, _WRITE = Permission.API_KEYS_READ, Permission.API_KEYS_WRITE


class _CredentialViewSet(NativeViewSet):
    """What is made for an owner, with permissions or with grants."""

    def for_owner(self, values: dict[str, Any]) -> dict[str, Any]:
        """The same values, with rows in the place of what a body calls them by. Raises Denied, Invalid."""
        organization = self.organization_of(values)
        owner = self._owner(values.pop("owner", None), organization)
        return {"organization": organization, "owner": owner, **self.with_grants(values, organization)}

    def with_grants(self, values: dict[str, Any], organization: Organization) -> dict[str, Any]:
        if "grants" not in values:
            return values
        grants = read_grants(values["grants"], organization, self.actor, version=self.version)
        return values | {"grants": grants}

    def _owner(self, email: str | None, organization: Organization) -> User:
        if email is None:
            return selectors.person_of(self.actor)
        owner = selectors.find_member(organization, email)
        if owner is None:
            raise Invalid.of("owner", "unknown-member", _("No member of the organization has this e-mail address."))
        return owner

    def field_name(self, field: str) -> str:
        return field.replace("].ca_id", "].pki_id")


class ApiKeys(_CredentialViewSet):
    """Credentials for programs."""

    title = "API keys"
    permissions = {"list": _READ, "create": _WRITE, "retrieve": _READ, "destroy": _WRITE, "rotate": _WRITE}

    @operation("List API keys", answers={200: listing(ApiKeyOut)})
    def list(self, request: Request) -> Response:
        return self.page(ApiKeyOut, selectors.api_keys(visible_to=self.actor))

    @operation("Create an API key", body=ApiKeyIn, answers={201: NewApiKeyOut}, refusals=(Family.UNLICENSED,))
    def create(self, request: Request) -> Response:
        """With permissions, or for single CAs. The token is in this answer and nowhere else."""
        values = self.for_owner(ApiKeyIn.values(request.data, version=self.version))
        return self.created(self._shown_once(create_api_key(actor=self.actor, **values)))

    @operation("Show an API key", answers={200: ApiKeyOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(ApiKeyOut, selectors.get_api_key(ref, visible_to=self.actor)))

    @operation("Replace an API key", body=RotationIn, answers={201: NewApiKeyOut}, refusals=(Family.CONFLICT,))
    def rotate(self, request: Request, ref: Ref) -> Response:
        """A new key with the same rights; the old one works on for the time of the overlap."""
        values = RotationIn.values(request.data, version=self.version)
        key = selectors.get_api_key(ref, visible_to=self.actor)
        new = rotate_api_key(actor=self.actor, key=key, **values)
        return self.created(self._shown_once(new), among=request.path.rpartition(f"/{key.public_id}/")[0])

    @operation("Revoke an API key", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """It stops working at once; the row stays."""
        revoke_api_key(actor=self.actor, key=selectors.get_api_key(ref, visible_to=self.actor))
        return Response(status=204)

    def _shown_once(self, new: NewApiKey) -> dict[str, Any]:
        row: ApiKey = selectors.get_api_key(Ref("pk", new.row.pk), visible_to=self.actor)
        shown: dict[str, Any] = self.show(ApiKeyOut, row) | self.show(TokenOut, new)
        return shown


class ServiceAccounts(_CredentialViewSet):
    """Machines that act for an organization under a name of their own."""

    title = "Service accounts"
    permissions = {
        "list": _READ,
        "create": _WRITE,
        "retrieve": _READ,
        "partial_update": _WRITE,
        "disable": _WRITE,
        "enable": _WRITE,
    }

    @operation("List service accounts", answers={200: listing(ServiceAccountOut)})
    def list(self, request: Request) -> Response:
        return self.page(ServiceAccountOut, selectors.service_accounts(visible_to=self.actor))

    @operation(
        "Create a service account",
        body=ServiceAccountIn,
        answers={201: ServiceAccountOut},
        refusals=(Family.CONFLICT, Family.UNLICENSED),
    )
    def create(self, request: Request) -> Response:
        """It has no way in yet. Only people make one."""
        values = self.for_owner(ServiceAccountIn.values(request.data, version=self.version))
        row = create_service_account(actor=self.actor, **values)
        return self.created(self._shown(Ref("pk", row.pk)))

    @operation("Show a service account", answers={200: ServiceAccountOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self._shown(ref))

    @operation(
        "Change a service account",
        body=ServiceAccountChangeIn,
        answers={200: ServiceAccountOut},
        refusals=(Family.CONFLICT, Family.UNLICENSED),
    )
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """Permissions take the place of all that it might do before, and so do grants."""
        values = ServiceAccountChangeIn.values(request.data, version=self.version)
        account = selectors.get_service_account(ref, visible_to=self.actor)
        values = self.with_grants(values, account.organization)
        update_service_account(actor=self.actor, account=account, **values)
        return self.retrieve(request, ref)

    @operation("Disable a service account", answers={200: ServiceAccountOut}, refusals=(Family.CONFLICT,))
    def disable(self, request: Request, ref: Ref) -> Response:
        """It stops working at once, whatever it signs in with."""
        disable_service_account(actor=self.actor, account=selectors.get_service_account(ref, visible_to=self.actor))
        return self.retrieve(request, ref)

    @operation("Enable a service account", answers={200: ServiceAccountOut}, refusals=(Family.CONFLICT,))
    def enable(self, request: Request, ref: Ref) -> Response:
        """Who may do this might make it as it is."""
        enable_service_account(actor=self.actor, account=selectors.get_service_account(ref, visible_to=self.actor))
        return self.retrieve(request, ref)

    def _shown(self, ref: Ref) -> Any:
        return self.show(ServiceAccountOut, selectors.get_service_account(ref, visible_to=self.actor))
