"""People."""

from __future__ import annotations

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.people_selectors import everybody, get_open_organization, get_person
from accounts.selectors import acting_in
from accounts.services.person_accounts import PersonChange, PersonOrder, close_user, create_person, update_person
from api.common.openapi import operation
from api.common.problems import Family
from api.fastpki.capabilities import ADMIN, ALL, SUPERUSER, permissions_of, taken_flags
from api.fastpki.dialect import FastPkiViewSet
from api.fastpki.identity_inputs import PageQuery, UserChangeIn, UserIn
from api.fastpki.identity_outputs import Shown, UserOut, people_shown
from kernel.actor import ActorKind
from kernel.errors import Unauthenticated
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import _

_WRITE: Final = Permission.MEMBERS_WRITE


class Users(FastPkiViewSet):
    """People with accounts."""

    title = "Users"
    permissions = {"list": _WRITE, "create": _WRITE, "partial_update": _WRITE, "destroy": _WRITE}
    needs_no_permission = frozenset({"me", "retrieve"})
    queries = {"list": PageQuery}

    @operation("List users", answers={200: UserOut(many=True)})
    def list(self, request: Request) -> Response:
        """Superusers only."""
        rows = everybody(visible_to=self.actor)
        skip, limit = self.parameters["skip"], self.parameters["limit"]
        return self.show_all(UserOut, people_shown(rows[skip : skip + limit], seen_by=self.actor))

    @operation("Create a user", body=UserIn, answers={201: UserOut})
    def create(self, request: Request) -> Response:
        """Whoever may change the members of an organization makes users in it; superusers make every kind."""
        values = self.read(UserIn)
        role = values.pop("role", None)
        flags, wanted = taken_flags(values), values.pop("organization_id", None)
        actor = acting_in(self.actor, wanted)
        home = Ref("pk", actor.organization_id) if actor.organization_id is not None else None
        order = PersonOrder(
            organization=get_open_organization(home, visible_to=actor) if home else None,
            is_owner=role == ADMIN,
            is_superuser=role == SUPERUSER,
            capabilities=permissions_of(flags),
            **values,
        )
        user = create_person(actor=self.actor, order=order)
        return self.show(UserOut, self._shown(Ref("pk", user.pk)), status=201)

    @operation("Show oneself", answers={200: UserOut})
    def me(self, request: Request) -> Response:
        """For people, not for service accounts."""
        if self.actor.kind is ActorKind.SERVICE_ACCOUNT or self.actor.person_id is None:
            raise Unauthenticated(_("Could not validate credentials"), code="invalid-token")
        return self.show(UserOut, self._shown(Ref("pk", self.actor.person_id)))

    @operation("Show a user", answers={200: UserOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        """Oneself, or somebody of one's organization."""
        return self.show(UserOut, self._shown(ref))

    @operation("Change a user", body=UserChangeIn, answers={200: UserOut})
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """Role, organization and whether somebody is active are for superusers to change."""
        user = get_person(ref, visible_to=self.actor)
        update_person(actor=self.actor, user=user, change=self._change(self.read(UserChangeIn)))
        return self.show(UserOut, self._shown(ref))

    @operation("Delete a user", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """They belong nowhere and sign in nowhere any more; what they have done stays under their name."""
        close_user(actor=self.actor, user=get_person(ref, visible_to=self.actor))
        return Response(status=204)

    def _shown(self, ref: Ref) -> Shown:
        return people_shown([get_person(ref, visible_to=self.actor)], seen_by=self.actor)[0]

    def _change(self, values: dict[str, Any]) -> PersonChange:
        flags = taken_flags(values)
        role, leaves = values.pop("role", None), False
        if "organization_id" in values:
            wanted = values.pop("organization_id")
            leaves = wanted is None
            values["organization"] = get_open_organization(wanted, visible_to=self.actor) if wanted else None
        if role is not None:
            values |= {"is_superuser": role == SUPERUSER, "is_owner": None if role == SUPERUSER else role == ADMIN}
        named = permissions_of(dict.fromkeys(flags, True)) & ALL
        capabilities = permissions_of(flags) if flags else None
        return PersonChange(leaves=leaves, capabilities=capabilities, among=named, **values)
