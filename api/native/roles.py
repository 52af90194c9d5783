"""Roles: the guard rails of issuance under one CA."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.dialect import NativeViewSet
from api.native.impact_outputs import ImpactOut
from api.native.inputs import RoleChangeIn, RoleIn
from api.native.outputs import RoleOut, listing
from cas import selectors
from cas.services.roles import create_role, order_of, retire_role, update_role
from certificates.services.impact import impact_of_role
from kernel.permissions import Permission
from kernel.ref import Ref


class Roles(NativeViewSet):
    """Which names, keys and lifetimes a CA may be asked for. Every template stands on one role."""

    title = "Roles"
    permissions = {
        "list": Permission.ROLES_READ,
        "create": Permission.ROLES_WRITE,
        "retrieve": Permission.ROLES_READ,
        "partial_update": Permission.ROLES_WRITE,
        "destroy": Permission.ROLES_WRITE,
        "impact": Permission.CERTIFICATES_READ,
    }
    limits = {"impact": ISSUE}
    repeatable = frozenset({"impact"})
    field_names = {"ca": "pki_id"}

    @operation("List roles", answers={200: listing(RoleOut)})
    def list(self, request: Request) -> Response:
        return self.page(RoleOut, selectors.roles(visible_to=self.actor))

    @operation("Create a role", body=RoleIn, answers={201: RoleOut}, refusals=(Family.NOT_FOUND, Family.CONFLICT))
    def create(self, request: Request) -> Response:
        order, organization = RoleIn.read(request.data, version=self.version)
        role = create_role(actor=acting_in(self.actor, organization), order=order)
        return self.created(self.show(RoleOut, role))

    @operation("Show a role", answers={200: RoleOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(RoleOut, selectors.get_role(ref, visible_to=self.actor)))

    @operation("Change a role", body=RoleChangeIn, answers={200: RoleOut}, refusals=(Family.CONFLICT,))
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays; every template on it gets a new version."""
        role = selectors.get_role(ref, visible_to=self.actor)
        order = RoleChangeIn.change(request.data, order_of(role), version=self.version)
        return Response(self.show(RoleOut, update_role(actor=self.actor, role=role, order=order)))

    @operation("Retire a role", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """It can be used no more, and its name is free again."""
        retire_role(actor=self.actor, role=selectors.get_role(ref, visible_to=self.actor))
        return Response(status=204)

    @operation("Foresee a change of a role", body=RoleChangeIn, answers={200: ImpactOut})
    def impact(self, request: Request, ref: Ref) -> Response:
        """What this change would refuse of what was issued in the last 90 days, and which renewals of the next 90 days,
        with the reasons. Nothing is written, and what pkilint would say is not asked. Needs `roles:read` as well.
        """
        role = selectors.get_role(ref, visible_to=self.actor)
        order = RoleChangeIn.change(request.data, order_of(role), version=self.version)
        return Response(self.show(ImpactOut, impact_of_role(actor=self.actor, role=role, order=order)))
