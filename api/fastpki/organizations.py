"""Organizations, and who belongs to them."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.people_selectors import get_open_organization, get_person, open_organizations, people
from accounts.selectors import memberships
from accounts.services.organizations import (
    close_organization,
    create_organization,
    remove_member,
    update_organization,
)
from accounts.services.person_accounts import admit_person
from api.common.openapi import operation
from api.common.problems import Family
from api.fastpki.dialect import FastPkiViewSet
from api.fastpki.identity_inputs import OrganizationChangeIn, OrganizationIn
from api.fastpki.identity_outputs import OrganizationOut, UserOut, organizations_shown, people_shown
from kernel.errors import NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _


class Organizations(FastPkiViewSet):
    """Tenants."""

    title = "Organizations"
    permissions = {
        "list": Permission.ORGANIZATIONS_READ,
        "create": Permission.ORGANIZATIONS_WRITE,
        "retrieve": Permission.ORGANIZATIONS_READ,
        "update": Permission.ORGANIZATIONS_WRITE,
        "destroy": Permission.ORGANIZATIONS_WRITE,
        "users": Permission.MEMBERS_READ,
        "add_user": Permission.MEMBERS_WRITE,
        "remove_user": Permission.MEMBERS_WRITE,
    }

    @operation("List organizations", answers={200: OrganizationOut(many=True)})
    def list(self, request: Request) -> Response:
        return self.show_all(OrganizationOut, organizations_shown(open_organizations(visible_to=self.actor)))

    @operation("Create an organization", body=OrganizationIn, answers={201: OrganizationOut})
    def create(self, request: Request) -> Response:
        """Superusers only."""
        values = self.read(OrganizationIn)
        values["description"] = values.get("description") or ""
        made = create_organization(actor=self.actor, **values)
        return self.show(OrganizationOut, organizations_shown([made])[0], status=201)

    @operation("Show an organization", answers={200: OrganizationOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        row = get_open_organization(ref, visible_to=self.actor)
        return self.show(OrganizationOut, organizations_shown([row])[0])

    @operation("Change an organization", body=OrganizationChangeIn, answers={200: OrganizationOut})
    def update(self, request: Request, ref: Ref) -> Response:
        row = get_open_organization(ref, visible_to=self.actor)
        values = self.read(OrganizationChangeIn)
        if "description" in values:
            values["description"] = values["description"] or ""
        update_organization(actor=self.actor, organization=row, **values)
        return self.retrieve(request, ref)

    @operation("Delete an organization", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """Superusers only, and only where nobody belongs to it. What it has issued stays, and is answered for."""
        close_organization(actor=self.actor, organization=get_open_organization(ref, visible_to=self.actor))
        return Response(status=204)

    @operation("List the users of an organization", answers={200: UserOut(many=True)})
    def users(self, request: Request, ref: Ref) -> Response:
        row = get_open_organization(ref, visible_to=self.actor)
        rows = people(visible_to=self.actor).filter(memberships__organization=row)
        return self.show_all(UserOut, people_shown(rows, seen_by=self.actor))

    @operation("Add a user to an organization", answers={200: UserOut}, refusals=(Family.CONFLICT,))
    def add_user(self, request: Request, ref: Ref, person: Ref) -> Response:
        """The user sees what is the organization's, and is given capabilities one by one."""
        row = get_open_organization(ref, visible_to=self.actor)
        admit_person(actor=self.actor, organization=row, user=get_person(person, visible_to=self.actor))
        return self._user(person)

    @operation("Remove a user from an organization", answers={200: UserOut}, refusals=(Family.CONFLICT,))
    def remove_user(self, request: Request, ref: Ref, person: Ref) -> Response:
        """The user's keys and tokens can do nothing there any more."""
        row = get_open_organization(ref, visible_to=self.actor)
        user = get_person(person, visible_to=self.actor)
        membership = memberships(visible_to=self.actor).filter(organization=row, user=user).first()
        if membership is None:
            raise NotFound(_("User not found"), code="user-not-found")
        remove_member(actor=self.actor, membership=membership)
        user.refresh_from_db()
        return self.show(UserOut, people_shown([user], seen_by=self.actor)[0])

    def _user(self, ref: Ref) -> Response:
        found = get_person(ref, visible_to=self.actor)
        return self.show(UserOut, people_shown([found], seen_by=self.actor)[0])
