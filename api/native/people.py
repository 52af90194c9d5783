"""Who may join an organization, what its own roles are, and through which providers its people sign in."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.models import Invitation
from accounts.services.custom_roles import create_custom_role, delete_custom_role, update_custom_role
from accounts.services.invitations import cancel_invitation, invite, resend_invitation
from accounts.services.sign_in_providers import (
    ProviderOrder,
    create_sign_in_provider,
    delete_sign_in_provider,
    update_sign_in_provider,
)
from api.common.fields import Flag, Id, Made, SecretText, Text, Texts
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, flag, identity, moment, text, texts
from api.common.problems import Family
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from kernel.permissions import Permission
from kernel.ref import Ref

_READ, _WRITE = Permission.MEMBERS_READ, Permission.MEMBERS_WRITE
_STATES = ("open", "expired", "accepted", "cancelled")


class CustomRoleIn(Input):
    """A new role of an organization's own."""

    example = {"name": "PKI approvers", "slug": "pki-approver", "permissions": ["requests:read", "requests:decide"]}

    organization_id = Id(required=False)
    name = Text(max_length=120)
    slug = Text(required=False, max_length=80, help_text="Made of the name where it is absent; it stays for ever.")
    permissions = Texts(longest=40, min_length=1)


class CustomRoleChangeIn(Input):
    """Another name, or other permissions."""

    example = {"permissions": ["requests:read"]}

    name = Text(required=False, max_length=120)
    permissions = Texts(required=False, longest=40, min_length=1)


class CustomRoleOut(Output):
    """A role that an organization made for itself; members hold it, and templates ask for it, by its slug."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    slug = text()
    permissions = texts()
    created_at = moment()


class CustomRoles(NativeViewSet):
    """Roles of members beside owner, operator, approver, auditor and member."""

    title = "Roles of members"
    permissions = {"list": _READ, "create": _WRITE, "retrieve": _READ, "partial_update": _WRITE, "destroy": _WRITE}

    @operation("List the organization's own roles of members", answers={200: listing(CustomRoleOut)})
    def list(self, request: Request) -> Response:
        return self.page(CustomRoleOut, selectors.custom_roles(visible_to=self.actor))

    @operation(
        "Create a role of members",
        body=CustomRoleIn,
        answers={201: CustomRoleOut},
        refusals=(Family.CONFLICT, Family.UNLICENSED),
    )
    def create(self, request: Request) -> Response:
        """With no permission that the actor lacks, but the one to decide on requests, which owners give."""
        values = CustomRoleIn.values(request.data, version=self.version)
        organization = self.organization_of(values)
        return self.created(
            self.show(CustomRoleOut, create_custom_role(actor=self.actor, organization=organization, **values))
        )

    @operation("Show a role of members", answers={200: CustomRoleOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(CustomRoleOut, selectors.get_custom_role(ref, visible_to=self.actor)))

    @operation("Change a role of members", body=CustomRoleChangeIn, answers={200: CustomRoleOut})
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """Whoever holds it has the new permissions at once, keys and tokens included."""
        values = CustomRoleChangeIn.values(request.data, version=self.version)
        role = selectors.get_custom_role(ref, visible_to=self.actor)
        update_custom_role(actor=self.actor, role=role, **values)
        return self.retrieve(request, ref)

    @operation("Delete a role of members", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """When nobody holds it."""
        delete_custom_role(actor=self.actor, role=selectors.get_custom_role(ref, visible_to=self.actor))
        return Response(status=204)


class InvitationIn(Input):
    """Somebody who shall join."""

    example = {"email": "alice@example.com", "role": "operator"}

    organization_id = Id(required=False)
    email = Text(max_length=254)
    role = Text(max_length=80, help_text="One of every organization's roles, or the slug of one of its own.")


def _state(row: Invitation) -> str:
    if row.accepted_at is not None:
        return "accepted"
    if row.cancelled_at is not None:
        return "cancelled"
    return "expired" if row.is_expired else "open"


class InvitationOut(Output):
    """An invitation by mail. The link in the mail is nowhere else."""

    id = identity()
    organization_id = identity(source="organization")
    email = text()
    role = text()
    status = Made(_state, {"type": "string", "enum": [*_STATES]})
    invited_by = text(source="inviter.email")
    mail_error = text(help_text="Why the last mail has not gone out yet; empty where nothing is wrong.")
    expires_at = moment()
    accepted_at = moment(allow_null=True)
    cancelled_at = moment(allow_null=True)
    created_at = moment()


class Invitations(NativeViewSet):
    """Invitations by mail: good for 7 days, once."""

    title = "Invitations"
    permissions = {"list": _READ, "create": _WRITE, "retrieve": _READ, "destroy": _WRITE, "resend": _WRITE}

    @operation("List invitations", answers={200: listing(InvitationOut)})
    def list(self, request: Request) -> Response:
        return self.page(InvitationOut, selectors.invitations(visible_to=self.actor))

    @operation("Invite somebody", body=InvitationIn, answers={201: InvitationOut}, refusals=(Family.CONFLICT,))
    def create(self, request: Request) -> Response:
        """The mail goes out within seconds, in the language of this request. Whoever invites answers for it: what they
        may no longer give when it is accepted, it does not give.
        """
        values = InvitationIn.values(request.data, version=self.version)
        organization, language = self.organization_of(values), get_language() or "en"
        row = invite(actor=self.actor, organization=organization, language=language, **values)
        return self.created(self.show(InvitationOut, row))

    @operation("Show an invitation", answers={200: InvitationOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(InvitationOut, selectors.get_invitation(ref, visible_to=self.actor)))

    @operation("Cancel an invitation", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """Its link ends; the row stays."""
        cancel_invitation(actor=self.actor, invitation=selectors.get_invitation(ref, visible_to=self.actor))
        return Response(status=204)

    @operation("Send an invitation again", answers={200: InvitationOut}, refusals=(Family.CONFLICT,))
    def resend(self, request: Request, ref: Ref) -> Response:
        """With a new link, good for another 7 days; the old one ends. At most 5 mails go out in all."""
        resend_invitation(actor=self.actor, invitation=selectors.get_invitation(ref, visible_to=self.actor))
        return self.retrieve(request, ref)


class ProviderChangeIn(Input):
    """How people of a provider become members."""

    example = {"role_claim": "groups", "role_map": {"pki-operators": "operator"}, "makes_members": True}

    name = Text(required=False, max_length=80)
    client_secret = SecretText(required=False, help_text="Sealed, and never shown again.")
    role_claim = Text(required=False, allow_blank=True, max_length=100, help_text="`groups`, or `realm_access.roles`.")
    role_map = serializers.DictField(
        child=Text(max_length=80), required=False, help_text="Which value of the claim stands for which role."
    )
    default_role = Text(required=False, allow_blank=True, max_length=80, help_text="Where the claim says nothing.")
    makes_members = Flag(required=False, help_text="Whether whoever signs in becomes a member.")
    is_listed = Flag(required=False, help_text="Whether the sign-in page shows a button for it.")
    is_active = Flag(required=False)


class ProviderIn(ProviderChangeIn):
    """An OpenID Connect provider whose people may sign in."""

    example = {
        "name": "Example ID",
        "issuer": "https://id.example.com",
        "client_id": "chancery",
        "client_secret": "what only the two know",
        "default_role": "member",
        "makes_members": True,
    }

    organization_id = Id(required=False)
    name = Text(max_length=80)
    issuer = Text(max_length=300, help_text="It stays for ever.")
    client_id = Text(max_length=200)


class ProviderOut(Output):
    """An OpenID Connect provider. Its secret is not shown."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    issuer = text()
    client_id = text()
    role_claim = text()
    role_map = serializers.DictField(child=serializers.CharField(), read_only=True)
    default_role = text()
    makes_members = flag()
    is_listed = flag()
    is_active = flag()
    created_at = moment()


class SignInProviders(NativeViewSet):
    """Identity providers through which an organization's people sign in to its pages, and to nothing else."""

    title = "Sign-in providers"
    permissions = {
        "list": Permission.ORGANIZATIONS_WRITE,
        "create": Permission.ORGANIZATIONS_WRITE,
        "retrieve": Permission.ORGANIZATIONS_WRITE,
        "partial_update": Permission.ORGANIZATIONS_WRITE,
        "destroy": Permission.ORGANIZATIONS_WRITE,
    }

    @operation("List sign-in providers", answers={200: listing(ProviderOut)})
    def list(self, request: Request) -> Response:
        return self.page(ProviderOut, selectors.sign_in_providers(visible_to=self.actor))

    @operation(
        "Add a sign-in provider",
        body=ProviderIn,
        answers={201: ProviderOut},
        refusals=(Family.CONFLICT, Family.UNLICENSED),
    )
    def create(self, request: Request) -> Response:
        """It never gives a role that decides on requests or changes members: such people are bound by hand."""
        values = ProviderIn.values(request.data, version=self.version)
        organization = self.organization_of(values)
        facts: dict[str, Any] = {key: values.pop(key) for key in ("issuer", "client_id")}
        row = create_sign_in_provider(
            actor=self.actor,
            organization=organization,
            client_secret=values.pop("client_secret", None),
            order=ProviderOrder(**values),
            **facts,
        )
        return self.created(self.show(ProviderOut, row))

    @operation("Show a sign-in provider", answers={200: ProviderOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self.show(ProviderOut, selectors.get_sign_in_provider(ref, visible_to=self.actor)))

    @operation("Change a sign-in provider", body=ProviderChangeIn, answers={200: ProviderOut})
    def partial_update(self, request: Request, ref: Ref) -> Response:
        values = ProviderChangeIn.values(request.data, version=self.version)
        row = selectors.get_sign_in_provider(ref, visible_to=self.actor)
        secret = values.pop("client_secret", None)
        present = {key: getattr(row, key) for key in ProviderOrder.__dataclass_fields__}
        order = ProviderOrder(**(present | values))
        update_sign_in_provider(actor=self.actor, provider=row, order=order, client_secret=secret)
        return self.retrieve(request, ref)

    @operation("Remove a sign-in provider", answers={204: None})
    def destroy(self, request: Request, ref: Ref) -> Response:
        """Nobody signs in through it any more; memberships stay."""
        delete_sign_in_provider(actor=self.actor, provider=selectors.get_sign_in_provider(ref, visible_to=self.actor))
        return Response(status=204)
