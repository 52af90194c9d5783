"""Who a credential is, and what it may do now."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiKey
from accounts.whoami import Identity, identify
from api.common.fields import Made
from api.common.openapi import operation
from api.common.outputs import Output, flag, identity, moment, one_of, text, texts
from api.native.dialect import NativeViewSet
from api.native.outputs import STRING
from cas.selectors import authorities
from kernel.actor import ActorKind
from kernel.permissions import Grant


class PersonOut(Output):
    """The person who answers for what is done."""

    id = identity()
    email = text()
    name = text()


class WorkplaceOut(Output):
    """The organization that is acted in."""

    id = identity()
    name = text()
    slug = text()


class HeldOut(Output):
    """What may be done with one CA now."""

    pki_id = identity(source="ca")
    pki_name = text(source="ca.name")
    permissions = texts()


def _id_of_credential(who: Identity) -> str | None:
    return str(who.credential.public_id) if who.credential is not None else None


def _prefix(who: Identity) -> str | None:
    return who.credential.prefix if isinstance(who.credential, ApiKey) else None


class CredentialOut(Output):
    """What the request came in with."""

    kind = one_of(ActorKind, source="actor.kind", help_text="`user`: a person's session, or a token of theirs.")
    id = Made(_id_of_credential, {"type": ["string", "null"], "format": "uuid"})
    name = text(source="actor.label")
    prefix = Made(_prefix, {"type": ["string", "null"], "description": "The beginning of an API key."})
    expires_at = moment(source="actor.expires_at", allow_null=True)


def _grants(who: Identity) -> list[dict[str, Any]] | None:
    if who.actor.grants is None:
        return None
    # Whoever may only issue at a CA knows what it is called, too.
    known = {ca.pk: ca for ca in authorities(visible_to=who.actor)}
    granted = [grant for grant in who.actor.grants if grant.ca_id in known]
    held = [{"ca": known[grant.ca_id], "permissions": _names(grant)} for grant in granted]
    return [dict(each) for each in HeldOut(held, many=True, context={"version": "v2"}).data]


def _names(grant: Grant) -> list[str]:
    return sorted(permission.value for permission in grant.permissions)


class WhoamiOut(Output):
    """A credential, and what it may do at this moment: what it was given, as far as its owner still may."""

    credential = CredentialOut(source="*", read_only=True)
    user = PersonOut(source="person", read_only=True, allow_null=True)
    organization = WorkplaceOut(read_only=True, allow_null=True)
    is_superuser = flag(source="actor.is_superuser")
    permissions = Made(
        lambda who: sorted(permission.value for permission in who.actor.permissions),
        {"type": "array", "items": STRING},
    )
    grants = Made(
        _grants,
        {
            "type": ["array", "null"],
            "items": {"type": "object"},
            "description": "Where it is let to single CAs: each with its permissions. Null: all of the organization.",
        },
    )


class Whoami(NativeViewSet):
    """What a credential is told of itself."""

    title = "Who am I"
    has_items = False
    needs_no_permission = frozenset({"retrieve"})

    @operation("Show the credential", answers={200: WhoamiOut})
    def retrieve(self, request: Request) -> Response:
        """For every kind of credential, whatever it may do."""
        return Response(self.show(WhoamiOut, identify(self.actor)))
