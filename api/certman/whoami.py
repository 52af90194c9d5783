"""Who a credential is, in Certman's words."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey, Organization, User
from accounts.whoami import identify
from api.certman.dialect import CertmanViewSet
from cas.selectors import authorities
from kernel.actor import Actor
from kernel.permissions import Permission

_READ, _ISSUE, _REVOKE = (
    Permission.CERTIFICATES_READ,
    Permission.CERTIFICATES_ISSUE,
    Permission.CERTIFICATES_REVOKE,
)
_PREFIX_LENGTH = 7


class Whoami(CertmanViewSet):
    """What a credential is told of itself."""

    needs_no_permission = frozenset({"retrieve"})

    def retrieve(self, request: Request) -> Response:
        """For keys of both kinds, for tokens and for sessions."""
        who = identify(self.actor)
        return Response(
            {
                "user": _user(who.person),
                "workspace": _workspace(who.organization),
                "apiKey": _api_key(who.credential) if isinstance(who.credential, ApiKey) else None,
                "permissions": _permissions(self.actor),
            }
        )


def _user(person: User | None) -> dict[str, str] | None:
    return {"id": str(person.public_id), "email": person.email} if person else None


def _workspace(organization: Organization | None) -> dict[str, str] | None:
    if organization is None:
        return None
    return {"id": str(organization.public_id), "name": organization.name, "slug": organization.slug}


def _api_key(key: ApiKey) -> dict[str, str]:
    return {"id": str(key.public_id), "name": key.name, "prefix": key.prefix[:_PREFIX_LENGTH]}


def _permissions(actor: Actor) -> dict[str, dict[str, bool]]:
    """By CA: those that it is let to, or all that it sees where it is not let to single ones."""
    granted = None if actor.grants is None else {grant.ca_id: grant.permissions for grant in actor.grants}
    return {
        str(ca.public_id): _rights(actor.permissions if granted is None else granted[ca.pk])
        for ca in authorities(visible_to=actor)
    }


def _rights(held: frozenset[Permission]) -> dict[str, Any]:
    return {"canRead": _READ in held, "canIssue": _ISSUE in held, "canRevoke": _REVOKE in held}
