"""Organizations and their members."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.models import Organization, User
from accounts.services.features import set_features
from accounts.services.organizations import add_member, change_member_role, create_organization, remove_member
from api.common.openapi import operation
from api.common.problems import Family
from api.native.dialect import NativeViewSet
from api.native.inputs import MemberChangeIn, MemberIn, OrganizationChangeIn, OrganizationIn
from api.native.outputs import MemberOut, OrganizationOut, listing
from kernel.errors import Invalid
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _


class Organizations(NativeViewSet):
    """Tenants: what one owns is invisible to every other."""

    title = "Organizations"
    permissions = {
        "list": Permission.ORGANIZATIONS_READ,
        "create": Permission.ORGANIZATIONS_WRITE,
        "retrieve": Permission.ORGANIZATIONS_READ,
        "partial_update": Permission.ORGANIZATIONS_WRITE,
    }

    @operation("List organizations", answers={200: listing(OrganizationOut)})
    def list(self, request: Request) -> Response:
        return self.page(OrganizationOut, selectors.organizations(visible_to=self.actor))

    @operation(
        "Create an organization",
        body=OrganizationIn,
        answers={201: OrganizationOut},
        refusals=(Family.CONFLICT,),
    )
    def create(self, request: Request) -> Response:
        """Superusers only."""
        values = OrganizationIn.values(request.data, version=self.version)
        return self.created(self.show(OrganizationOut, create_organization(actor=self.actor, **values)))

    @operation("Show an organization", answers={200: OrganizationOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(OrganizationOut, selectors.get_organization(ref, visible_to=self.actor)))

    @operation("Say what an organization is licensed for", body=OrganizationChangeIn, answers={200: OrganizationOut})
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """Superusers only. What is there already stays and works on."""
        values = OrganizationChangeIn.values(request.data, version=self.version)
        organization = selectors.get_organization(ref, visible_to=self.actor)
        if "features" in values:
            set_features(actor=self.actor, organization=organization, features=values["features"])
        return self.retrieve(request, ref)


class Members(NativeViewSet):
    """Who belongs to an organization, and what they may do there."""

    title = "Members"
    permissions = {
        "list": Permission.MEMBERS_READ,
        "create": Permission.MEMBERS_WRITE,
        "retrieve": Permission.MEMBERS_READ,
        "partial_update": Permission.MEMBERS_WRITE,
        "destroy": Permission.MEMBERS_WRITE,
    }

    @operation("List members", answers={200: listing(MemberOut)})
    def list(self, request: Request) -> Response:
        return self.page(MemberOut, selectors.memberships(visible_to=self.actor))

    @operation("Add a member", body=MemberIn, answers={201: MemberOut}, refusals=(Family.CONFLICT,))
    def create(self, request: Request) -> Response:
        """Somebody who has an account already."""
        values = MemberIn.values(request.data, version=self.version)
        organization = self.organization_of(values)
        user = _user_by(values["email"], organization)
        member = add_member(actor=self.actor, organization=organization, user=user, role=values["role"])
        return self.created(self.show(MemberOut, member))

    @operation("Show a member", answers={200: MemberOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(MemberOut, selectors.get_membership(ref, visible_to=self.actor)))

    @operation("Change a member's rights", body=MemberChangeIn, answers={200: MemberOut}, refusals=(Family.CONFLICT,))
    def partial_update(self, request: Request, ref: Ref) -> Response:
        values = MemberChangeIn.values(request.data, version=self.version)
        member = selectors.get_membership(ref, visible_to=self.actor)
        change_member_role(actor=self.actor, membership=member, **({"role": member.role} | values))
        return self.retrieve(request, ref)

    @operation("Remove a member", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """The member's keys stop working with the membership."""
        remove_member(actor=self.actor, membership=selectors.get_membership(ref, visible_to=self.actor))
        return Response(status=204)


def _user_by(email: str, organization: Organization) -> User:
    """Whoever another organization's identity provider has made is nobody here."""
    user = selectors.find_user(email)
    if user is None or user.managed_by_id not in (None, organization.pk):
        raise Invalid.of("email", "unknown-user", _("Nobody with this e-mail address has an account here."))
    return user
