"""Issuers elsewhere whose access tokens are credentials here, and the machines that sign in with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import oidc_selectors, selectors
from accounts.jwks import ALGORITHMS
from accounts.services.machine_identities import bind_machine_identity, delete_machine_identity
from accounts.services.oidc_issuers import (
    IssuerOrder,
    create_oidc_issuer,
    delete_oidc_issuer,
    update_oidc_issuer,
)
from api.common.fields import Flag, Id, Text, Texts
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, flag, identity, moment, text, texts
from api.common.problems import Family
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from kernel.permissions import Permission
from kernel.ref import Ref

_WRITE: Final = Permission.ORGANIZATIONS_WRITE


class IssuerChangeIn(Input):
    """Which tokens of an issuer are taken, and whom they are about."""

    example = {"role_claim": "groups", "role_map": {"pki-operators": "operator"}, "makes_members": True}

    name = Text(required=False, max_length=80)
    audience = Text(
        required=False, max_length=300, help_text="Whom its tokens must be for: your own, and nobody else's."
    )
    algorithms = Texts(required=False, longest=10, min_length=1, help_text=f"Of {', '.join(ALGORITHMS)}.")
    role_claim = Text(required=False, allow_blank=True, max_length=100, help_text="`groups`, or `realm_access.roles`.")
    role_map = serializers.DictField(
        child=Text(max_length=80), required=False, help_text="Which value of the claim stands for which role."
    )
    default_role = Text(required=False, allow_blank=True, max_length=80, help_text="Where the claim says nothing.")
    email_claim = Text(required=False, max_length=100, help_text="Where the address of somebody new stands.")
    makes_members = Flag(required=False, help_text="Whether whoever has a token becomes a member.")
    is_active = Flag(required=False)


class IssuerIn(IssuerChangeIn):
    """An OpenID Connect issuer whose access tokens shall be taken."""

    example = {
        "name": "Example ID",
        "issuer": "https://id.example.com",
        "audience": "https://pki.example.com",
        "role_claim": "groups",
        "role_map": {"pki-operators": "operator"},
    }

    organization_id = Id(required=False)
    name = Text(max_length=80)
    issuer = Text(max_length=300, help_text="It stays for ever.")
    audience = Text(max_length=300, help_text="Whom its tokens must be for: your own, and nobody else's.")


class IssuerOut(Output):
    """An issuer whose access tokens are taken."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    issuer = text()
    audience = text()
    algorithms = texts()
    role_claim = text()
    role_map = serializers.DictField(child=serializers.CharField(), read_only=True)
    default_role = text()
    email_claim = text()
    makes_members = flag()
    is_active = flag()
    keys_fetched_at = moment(allow_null=True, help_text="When its keys were there last.")
    keys_error = text(help_text="Why they could not be fetched since; empty where nothing is wrong.")
    created_at = moment()


class TokenIssuers(NativeViewSet):
    """Issuers of OpenID Connect whose access tokens are credentials of the API, for one organization."""

    title = "Token issuers"
    permissions = {"list": _WRITE, "create": _WRITE, "retrieve": _WRITE, "partial_update": _WRITE, "destroy": _WRITE}

    @operation("List token issuers", answers={200: listing(IssuerOut)})
    def list(self, request: Request) -> Response:
        return self.page(IssuerOut, oidc_selectors.oidc_issuers(visible_to=self.actor))

    @operation(
        "Add a token issuer",
        body=IssuerIn,
        answers={201: IssuerOut},
        refusals=(Family.CONFLICT, Family.UNLICENSED),
    )
    def create(self, request: Request) -> Response:
        """Its keys are fetched when the first token comes. No token gives a role that decides on requests or changes
        members: such people are bound by hand.
        """
        values = IssuerIn.values(request.data, version=self.version)
        organization, issuer = self.organization_of(values), values.pop("issuer")
        row = create_oidc_issuer(
            actor=self.actor, organization=organization, issuer=issuer, order=IssuerOrder(**values)
        )
        return self.created(self.show(IssuerOut, row))

    @operation("Show a token issuer", answers={200: IssuerOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(IssuerOut, oidc_selectors.get_oidc_issuer(ref, visible_to=self.actor)))

    @operation("Change a token issuer", body=IssuerChangeIn, answers={200: IssuerOut}, refusals=(Family.CONFLICT,))
    def partial_update(self, request: Request, ref: Ref) -> Response:
        values = IssuerChangeIn.values(request.data, version=self.version)
        row = oidc_selectors.get_oidc_issuer(ref, visible_to=self.actor)
        present: dict[str, Any] = {key: getattr(row, key) for key in IssuerOrder.__dataclass_fields__}
        update_oidc_issuer(actor=self.actor, issuer=row, order=IssuerOrder(**(present | values)))
        return self.retrieve(request, ref)

    @operation("Remove a token issuer", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """Its tokens are good no more; memberships stay."""
        delete_oidc_issuer(actor=self.actor, issuer=oidc_selectors.get_oidc_issuer(ref, visible_to=self.actor))
        return Response(status=204)


class MachineIdentityIn(Input):
    """A subject that shall speak for a service account."""

    example = {
        "issuer_id": "0b5c2e1a-7f3d-4c0e-9a64-5d8f1b2c3e4f",
        "subject": "ci@clients",
        "service_account_id": "5c1f9a7e-2d84-4f36-8b0a-6e7d3c9b1f20",
    }

    issuer_id = Id()
    subject = Text(max_length=255, help_text="The `sub` of its tokens.")
    service_account_id = Id()


class MachineIdentityOut(Output):
    """A subject of a token issuer that speaks for a service account."""

    id = identity()
    organization_id = identity(source="organization")
    issuer_id = identity(source="issuer")
    subject = text()
    service_account_id = identity(source="service_account")
    bound_by = text(source="maker.email", default=None, allow_null=True)
    last_used_at = moment(allow_null=True)
    created_at = moment()


class MachineIdentities(NativeViewSet):
    """Which subjects of token issuers are service accounts. They are bound by owners, in person."""

    title = "Machine identities"
    permissions = {"list": _WRITE, "create": _WRITE, "retrieve": _WRITE, "destroy": _WRITE}

    @operation("List machine identities", answers={200: listing(MachineIdentityOut)})
    def list(self, request: Request) -> Response:
        return self.page(MachineIdentityOut, oidc_selectors.machine_identities(visible_to=self.actor))

    @operation(
        "Bind a machine identity",
        body=MachineIdentityIn,
        answers={201: MachineIdentityOut},
        refusals=(Family.NOT_FOUND, Family.CONFLICT),
    )
    def create(self, request: Request) -> Response:
        """From now on tokens of this subject speak for the service account, with its rights and no claim's."""
        values = MachineIdentityIn.values(request.data, version=self.version)
        row = bind_machine_identity(
            actor=self.actor,
            issuer=oidc_selectors.get_oidc_issuer(values["issuer_id"], visible_to=self.actor),
            subject=values["subject"],
            account=selectors.get_service_account(values["service_account_id"], visible_to=self.actor),
        )
        return self.created(self.show(MachineIdentityOut, row))

    @operation("Show a machine identity", answers={200: MachineIdentityOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        row = oidc_selectors.get_machine_identity(ref, visible_to=self.actor)
        return Response(self.show(MachineIdentityOut, row))

    @operation("Remove a machine identity", answers={204: None})
    def destroy(self, request: Request, ref: Ref) -> Response:
        """Its tokens speak for nobody any more."""
        row = oidc_selectors.get_machine_identity(ref, visible_to=self.actor)
        delete_machine_identity(actor=self.actor, identity=row)
        return Response(status=204)


TOKEN_ISSUER_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, str]], ...]] = (
    ("token-issuers", TokenIssuers, {"get": "list", "post": "create"}),
    (
        "token-issuers/<public_id:ref>",
        TokenIssuers,
        {"get": "retrieve", "patch": "partial_update", "delete": "destroy"},
    ),
    ("machine-identities", MachineIdentities, {"get": "list", "post": "create"}),
    ("machine-identities/<public_id:ref>", MachineIdentities, {"get": "retrieve", "delete": "destroy"}),
)
