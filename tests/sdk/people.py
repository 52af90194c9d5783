"""Who asks: an organization for each player of the scenario, and its credentials.

`manage.py shell -c "from tests.sdk.people import main; main('python', 'go')"` writes them as one line of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from accounts.console import console_actor
from accounts.models import Membership, Organization, User
from accounts.roles import OrganizationRole
from accounts.selectors import find_user
from accounts.services.api_keys import create_api_key
from accounts.services.oauth_clients import register_client
from accounts.services.oauth_consents import ConsentOrder, give_consent
from accounts.services.organizations import add_member, change_member_role, create_organization
from accounts.services.people import actor_for_user, create_user
from kernel.permissions import Permission

_READER = (Permission.CERTIFICATES_READ,)
_APPROVER = (Permission.REQUESTS_READ, Permission.REQUESTS_DECIDE)


def main(*names: str) -> None:
    print(json.dumps({name: credentials(name) for name in names}))  # noqa: T201


def consent(name: str, redirect_uri: str, challenge: str) -> None:
    """An application, and the code by which the owner of this organization has let it act for him."""
    organization = Organization.objects.get(name=_name(name))
    owner = find_user(_email("owner", organization))
    assert owner is not None
    application = register_client(actor=console_actor(), name="An application", redirect_uris=[redirect_uri])
    order = ConsentOrder(client=application, scopes=["pki:read"], resource="", grants=None)
    code = give_consent(
        actor=actor_for_user(owner, organization=organization),
        order=order,
        redirect_uri=redirect_uri,
        challenge=challenge,
    )
    print(json.dumps({"client_id": application.client_id, "code": code.reveal().decode()}))  # noqa: T201


def credentials(name: str) -> dict[str, str]:
    """A new organization of this name, and its API keys by what they are for."""
    organization = create_organization(actor=console_actor(), name=_name(name))
    owner, approver = _member(organization, "owner"), _member(organization, "approver")
    everything = actor_for_user(owner, organization=organization).permissions - {Permission.REQUESTS_DECIDE}
    return {
        "officer": _key(organization, owner, "officer", everything),
        "reader": _key(organization, owner, "reader", _READER),
        "approver": _key(organization, approver, "approver", _APPROVER),
        # Well formed, and nobody's.
        "stranger": "pkf_" + "A" * 32,
    }


def _name(name: str) -> str:
    return f"Office of {name}"


def _email(role: str, organization: Organization) -> str:
    return f"{role}@{organization.slug}.example"


def _member(organization: Organization, role: str) -> User:
    email = _email(role, organization)
    user = find_user(email) or create_user(actor=console_actor(), email=email, password=None)
    membership: Membership = add_member(
        actor=console_actor(organization), organization=organization, user=user, role=OrganizationRole(role)
    )
    # Who decides on requests makes the key for it himself.
    change_member_role(
        actor=console_actor(organization),
        membership=membership,
        role=OrganizationRole(role),
        capabilities=[Permission.API_KEYS_WRITE, Permission.REQUESTS_READ],
    )
    return user


def _key(organization: Organization, owner: User, name: str, permissions: Collection[str]) -> str:
    made = create_api_key(
        actor=actor_for_user(owner, organization=organization),
        organization=organization,
        owner=owner,
        name=name,
        permissions=sorted(permissions),
    )
    return made.token.reveal().decode()
