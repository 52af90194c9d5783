"""Applications that an organization has made for its people, and what people let applications do (OAuth 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import oauth_selectors as selectors
from accounts.models import OAuthConsent
from accounts.services.oauth_clients import NewClient, create_client, revoke_client, rotate_client_secret
from accounts.services.oauth_consents import withdraw_consent
from api.common.fields import Id, Made, Text, Texts
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, flag, identity, moment, text, texts
from api.common.problems import Family
from api.native.dialect import NativeViewSet
from api.native.outputs import SECRET, listing
from kernel.permissions import Permission
from kernel.ref import Ref

_READ, _WRITE = Permission.API_KEYS_READ, Permission.API_KEYS_WRITE
_TICKS: Final = ("can_read", "can_issue", "can_revoke")
_RIGHTS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "pki_id": {"type": "string", "format": "uuid"},
            **{tick: {"type": "boolean"} for tick in _TICKS},
        },
        "required": ["pki_id", *_TICKS],
        "additionalProperties": False,
    },
}


class OAuthClientIn(Input):
    """A confidential client, for the organization's own people."""

    example = {"name": "Build server", "redirect_uris": ["https://ci.example.com/callback"]}

    organization_id = Id(required=False)
    name = Text(max_length=120, help_text="What people read when they are asked.")
    redirect_uris = Texts(
        longest=500,
        min_length=1,
        help_text="In full: answers go to exactly these. https, or http to a loopback address, with any port.",
    )


class OAuthClientOut(Output):
    """An application that the organization answers for. Those that have registered themselves are nobody's."""

    id = identity()
    organization_id = identity(source="organization")
    client_id = text()
    name = text()
    owner = text(source="owner.email")
    redirect_uris = texts()
    revoked_at = moment(allow_null=True)
    created_at = moment()


class SecretOut(Output):
    """What is shown once of a client."""

    client_secret = Made(
        lambda new: new.secret.reveal().decode(),
        SECRET
        | {"pattern": "^cm_secret_[A-Za-z0-9]{32}$", "description": "Shown this once; only a keyed hash is kept."},
    )


class NewOAuthClientOut(OAuthClientOut, SecretOut):
    """A client, and the secret that it sends as `client_secret`."""


class OAuthClients(NativeViewSet):
    """Applications of the organization's own, each with a secret; they act for its people alone, once these agree."""

    title = "OAuth clients"
    permissions = {
        "list": _READ,
        "create": _WRITE,
        "retrieve": _READ,
        "destroy": _WRITE,
        "rotate": _WRITE,
    }

    @operation("List OAuth clients", answers={200: listing(OAuthClientOut)})
    def list(self, request: Request) -> Response:
        return self.page(OAuthClientOut, selectors.oauth_clients(visible_to=self.actor))

    @operation("Create an OAuth client", body=OAuthClientIn, answers={201: NewOAuthClientOut})
    def create(self, request: Request) -> Response:
        """The secret is in this answer and nowhere else."""
        values = OAuthClientIn.values(request.data, version=self.version)
        new = create_client(actor=self.actor, organization=self.organization_of(values), **values)
        return self.created(self._shown_once(new))

    @operation("Show an OAuth client", answers={200: OAuthClientOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(OAuthClientOut, selectors.get_oauth_client(ref, visible_to=self.actor)))

    @operation("Replace the secret of an OAuth client", answers={200: NewOAuthClientOut}, refusals=(Family.CONFLICT,))
    def rotate(self, request: Request, ref: Ref) -> Response:
        """The old secret is good no more; what people have agreed to stands."""
        client = selectors.get_oauth_client(ref, visible_to=self.actor)
        return Response(self._shown_once(rotate_client_secret(actor=self.actor, client=client)))

    @operation("Revoke an OAuth client", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """All that it was given stops working at once; the row stays."""
        revoke_client(actor=self.actor, client=selectors.get_oauth_client(ref, visible_to=self.actor))
        return Response(status=204)

    def _shown_once(self, new: NewClient) -> dict[str, Any]:
        shown: dict[str, Any] = self.show(OAuthClientOut, new.row) | self.show(SecretOut, new)
        return shown


def _rights(row: OAuthConsent) -> list[dict[str, Any]] | None:
    if not row.is_per_ca:
        return None
    return [
        {"pki_id": str(each.ca.public_id), **{tick: getattr(each, tick) for tick in _TICKS}} for each in row.cas.all()
    ]


class OAuthConsentOut(Output):
    """What one person lets one application do in one organization."""

    id = identity()
    organization_id = identity(source="organization")
    client_id = text(source="client.client_id")
    client_name = text(source="client.name")
    verified = flag(source="client.is_verified", help_text="Whether an organization answers for the application.")
    person = text(source="user.email")
    scopes = texts()
    resource = text(help_text="The part of the API that its tokens are for.")
    grants = Made(_rights, {"oneOf": [_RIGHTS, {"type": "null"}], "description": "null: all that the scopes allow."})
    expires_at = moment()
    last_used_at = moment(allow_null=True)
    created_at = moment()


class OAuthConsents(NativeViewSet):
    """What people let applications do here, as long as it stands: one's own; everybody's for who may read API keys."""

    title = "OAuth consents"
    permissions = dict.fromkeys(("list", "retrieve", "destroy"), Permission.ORGANIZATIONS_READ)

    @operation("List OAuth consents", answers={200: listing(OAuthConsentOut)})
    def list(self, request: Request) -> Response:
        return self.page(OAuthConsentOut, selectors.consents_in_force(visible_to=self.actor))

    @operation("Show an OAuth consent", answers={200: OAuthConsentOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(OAuthConsentOut, selectors.get_oauth_consent(ref, visible_to=self.actor)))

    @operation("Withdraw an OAuth consent", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """The application can do nothing by it any more. The person may, in person, and who may write API keys."""
        consent = selectors.get_oauth_consent(ref, visible_to=self.actor)
        withdraw_consent(actor=self.actor, consent=consent)
        return Response(status=204)


OAUTH_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, str]], ...]] = (
    ("oauth-clients", OAuthClients, {"get": "list", "post": "create"}),
    ("oauth-clients/<public_id:ref>", OAuthClients, {"get": "retrieve", "delete": "destroy"}),
    ("oauth-clients/<public_id:ref>/rotate", OAuthClients, {"post": "rotate"}),
    ("oauth-consents", OAuthConsents, {"get": "list"}),
    ("oauth-consents/<public_id:ref>", OAuthConsents, {"get": "retrieve", "delete": "destroy"}),
)
