"""Who a credential is, in Certman's words."""

from __future__ import annotations

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey
from accounts.whoami import Identity, identify
from api.certman.dialect import CertmanViewSet
from api.common.fields import Made
from api.common.openapi import operation
from api.common.outputs import Output, identity, text
from cas.selectors import authorities
from kernel.actor import Actor
from kernel.permissions import Permission

_READ, _ISSUE, _REVOKE = (
    Permission.CERTIFICATES_READ,
    Permission.CERTIFICATES_ISSUE,
    Permission.CERTIFICATES_REVOKE,
)
_PREFIX_LENGTH: Final = 7
_RIGHTS: Final = ("canRead", "canIssue", "canRevoke")
_RIGHTS_SCHEMA: Final = {
    "type": "object",
    "properties": {name: {"type": "boolean"} for name in _RIGHTS},
    "required": [*_RIGHTS],
    "additionalProperties": False,
}


class UserOut(Output):
    """The person who answers for what is done."""

    id = identity()
    email = text()


class WorkspaceOut(Output):
    """The organization that is acted in."""

    id = identity()
    name = text()
    slug = text()


class ApiKeyOut(Output):
    """The key that the request came in with."""

    id = identity()
    name = text()
    prefix = Made(lambda key: key.prefix[:_PREFIX_LENGTH], {"type": "string", "description": "Its beginning."})


class WhoamiOut(Output):
    """Who a credential is, and what it may do with each CA."""

    user = UserOut(source="person", read_only=True, allow_null=True)
    workspace = WorkspaceOut(
        source="organization", read_only=True, allow_null=True, help_text="Null for a superuser above all of them."
    )
    apiKey = ApiKeyOut(
        source="api_key", read_only=True, allow_null=True, help_text="Null for tokens of applications, and in browsers."
    )
    permissions = Made(
        lambda told: told["permissions"],
        {"type": "object", "additionalProperties": _RIGHTS_SCHEMA, "description": "By the id of the CA."},
    )


class Whoami(CertmanViewSet):
    """What a credential is told of itself."""

    title = "Who am I"
    needs_no_permission = frozenset({"retrieve"})

    @operation("Show who I am", answers={200: WhoamiOut})
    def retrieve(self, request: Request) -> Response:
        """For keys of both kinds, for tokens and for sessions."""
        return self.show(WhoamiOut, _told(self.actor, identify(self.actor)))


def _told(actor: Actor, who: Identity) -> dict[str, Any]:
    return {
        "person": who.person,
        "organization": who.organization,
        "api_key": who.credential if isinstance(who.credential, ApiKey) else None,
        "permissions": _permissions(actor),
    }


def _permissions(actor: Actor) -> dict[str, dict[str, bool]]:
    """By CA: those that it is let to, or all that it sees where it is not let to single ones."""
    granted = None if actor.grants is None else {grant.ca_id: grant.permissions for grant in actor.grants}
    return {
        str(ca.public_id): _rights(actor.permissions if granted is None else granted[ca.pk])
        for ca in authorities(visible_to=actor)
    }


def _rights(held: frozenset[Permission]) -> dict[str, bool]:
    return {"canRead": _READ in held, "canIssue": _ISSUE in held, "canRevoke": _REVOKE in held}
