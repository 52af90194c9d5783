"""Roles, and what is issued by their names."""

from __future__ import annotations

import re

from rest_framework.request import Request
from rest_framework.response import Response

from api.common.openapi import operation
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.scaivault.authority_inputs import RoleChangeIn, RoleIn
from api.scaivault.authority_outputs import RoleOut
from api.scaivault.dialect import ScaiVaultViewSet
from api.scaivault.inputs import IssueIn, SignIn
from api.scaivault.outputs import Handed, IssuedOut, IssuedWithKeyOut, listing
from cas import selectors
from cas.services.issuing_roles import create_issuing_role, retire_issuing_role, update_issuing_role
from cas.services.roles import order_of
from certificates.delivery import PLAIN, deliver
from certificates.services.issuance import issue_at_once
from kernel.permissions import Permission
from kernel.ref import Ref

_REFUSALS = (Family.NOT_FOUND, Family.CONFLICT, Family.TOO_MANY)


class Roles(ScaiVaultViewSet):
    """What a CA may be asked for, and by which name."""

    title = "PKI roles"
    permissions = {
        "list": Permission.ROLES_READ,
        "create": Permission.ROLES_WRITE,
        "retrieve": Permission.ROLES_READ,
        "partial_update": Permission.ROLES_WRITE,
        "destroy": Permission.ROLES_WRITE,
    }
    field_names = {"validity": "max_ttl", "key_algorithm": "key_type", "common_name": "require_cn"}

    @operation("List roles", answers={200: listing(RoleOut)})
    def list(self, request: Request) -> Response:
        return self.page(RoleOut, selectors.roles(visible_to=self.actor))

    @operation("Create a role", body=RoleIn, answers={201: RoleOut}, refusals=(Family.NOT_FOUND, Family.CONFLICT))
    def create(self, request: Request) -> Response:
        """With a template of its own, `scaivault.` and its name, by which certificates are issued under it."""
        return self.show(RoleOut, create_issuing_role(actor=self.actor, order=RoleIn.read(request.data)), status=201)

    @operation("Show a role", answers={200: RoleOut})
    def retrieve(self, request: Request, name: Ref) -> Response:
        return self.show(RoleOut, selectors.get_role(name, visible_to=self.actor))

    @operation("Change a role", body=RoleChangeIn, answers={200: RoleOut}, refusals=(Family.CONFLICT,))
    def partial_update(self, request: Request, name: Ref) -> Response:
        """What is given changes, the rest stays."""
        role = selectors.get_role(name, visible_to=self.actor)
        order = RoleChangeIn.change(request.data, order_of(role))
        return self.show(RoleOut, update_issuing_role(actor=self.actor, role=role, order=order))

    @operation("Delete a role", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, name: Ref) -> Response:
        """Nothing is issued by it any more, and its name is free again; what was issued stays."""
        retire_issuing_role(actor=self.actor, role=selectors.get_role(name, visible_to=self.actor))
        return Response(status=204)


class Issuance(ScaiVaultViewSet):
    """Certificates by the name of a role."""

    title = "Issuance"
    permissions = {"issue": Permission.CERTIFICATES_ISSUE, "sign": Permission.CERTIFICATES_ISSUE}
    limits = {"issue": ISSUE, "sign": ISSUE}
    # Of the names in an order, so many come from `alt_names`; the others from `ip_sans`.
    alternative_names: int | None = None

    @operation("Issue a certificate", body=IssueIn, answers={201: IssuedWithKeyOut}, refusals=_REFUSALS)
    def issue(self, request: Request, name: Ref) -> Response:
        """With a key that is made here, and handed out in this answer alone."""
        template = selectors.issuing_template(name, visible_to=self.actor)
        wish = IssueIn.read(request.data, template)
        self.alternative_names = wish.alternative_names
        issued = issue_at_once(actor=self.actor, order=wish.order)
        delivered = deliver(issued.x509, issued.chain, issued.private_key, PLAIN, name=str(issued.certificate))
        return self.show(IssuedWithKeyOut, Handed(issued, delivered.private_key), status=201)

    @operation("Sign a CSR", body=SignIn, answers={201: IssuedOut}, refusals=_REFUSALS)
    def sign(self, request: Request, name: Ref) -> Response:
        """At once: nobody is asked to approve it. What the role does not allow is refused."""
        template = selectors.issuing_template(name, visible_to=self.actor)
        issued = issue_at_once(actor=self.actor, order=SignIn.read(request.data, template))
        return self.show(IssuedOut, issued, status=201)

    def field_name(self, field: str) -> str:
        if self.alternative_names is None:
            return super().field_name(field)
        if place := re.fullmatch(r"sans\[([0-9]+)\]", field):
            number = int(place[1])
            beyond = number - self.alternative_names
            return f"alt_names[{number}]" if beyond < 0 else f"ip_sans[{beyond}]"
        return "alt_names" if field == "sans" else super().field_name(field)
