"""The door: who holds the permission that an action names comes in. What they may touch is asked at the object."""

from __future__ import annotations

from typing import Any, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import policy
from kernel.actor import Actor
from kernel.errors import Denied, Unauthenticated
from kernel.text import _


class HoldsPermission(BasePermission):
    """Asks `view.permissions[view.action]`, or one of `view.permissions_for_own`; an action that names no permission
    is refused, unless it is one of `view.public`. Who is let to single CAs goes on with those where they hold it, or
    one of `view.permissions_to_see`.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raises Unauthenticated, Denied."""
        if str(request.method).lower() not in view.action_map:
            # The view has no such method: what follows is a 405.
            return True
        actor = request.user
        if view.action in view.public:
            return True
        if actor is None:
            raise Unauthenticated(_("This needs a credential: an API key, or a signed-in session."))
        if view.action in view.needs_no_permission:
            return True
        needed = view.permissions.get(view.action)
        if needed is None:
            raise Denied(_("Nobody may do this."))
        opening = {needed, *view.permissions_for_own.get(view.action, ())}
        if not any(policy.holds(cast(Actor, actor), permission) for permission in opening):
            raise Denied(_("This needs the permission %(permission)s."), permission=needed.value)
        seeing = opening | view.permissions_to_see.get(view.action, frozenset())
        cast(Any, request).user = policy.narrowed(cast(Actor, actor), seeing)
        return True
