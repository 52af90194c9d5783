"""Accounts at ACME servers: what is said of them, and how they are shown."""

from __future__ import annotations

from typing import Any

from acme_client.models import AcmeAccount
from acme_client.orders import AccountChange, AccountOrder
from acme_client.providers import KnownProvider
from api.common.fields import Choice, Flag, Id, Made, SecretText, Text, Whole
from api.common.inputs import Input, Query
from api.common.outputs import Output, identity, moment, one_of, text, whole
from api.native.input_parts import OrganizationOf
from kernel.ref import Ref

_LONGEST_ROOTS = 65_536
_MOST_APPROVALS = 10
_DIRECTORIES = {
    "type": "array",
    "description": "None of `custom`, which is told where it is.",
    "items": {
        "type": "object",
        "properties": {
            "environment": {"type": "string", "enum": AcmeAccount.Environment.values},
            "url": {"type": "string"},
        },
        "required": ["environment", "url"],
        "additionalProperties": False,
    },
}


class AcmeAccountChangeIn(Input):
    """What may change of an account: its contact there, and under which rules certificates are ordered by it here."""

    all_optional = True
    example = {"email": "pki@example.com", "approvals_needed": 1}

    name = Text(max_length=80)
    email = Text(max_length=254, help_text="Who is told by the server when something is wrong.")
    preferred_chain = Text(
        allow_blank=True, max_length=200, help_text="The name of its root, where the server offers several chains."
    )
    approvals_needed = Whole(min_value=0, max_value=_MOST_APPROVALS)
    approver_role = Text(allow_blank=True, max_length=80, help_text="Who approves; empty: every approver.")

    @classmethod
    def read(cls, data: Any) -> AccountChange:
        return AccountChange(**cls.values(data, version="v2"))


class DeactivationQuery(Query):
    """How an account is deactivated."""

    here_only = Choice(("true", "false"), required=False, help_text="`true`: the server is gone, and is not asked.")


class AcmeAccountIn(Input):
    """An account to be registered at an ACME server. Its key is made here and stays here, sealed."""

    example = {
        "name": "Let’s Encrypt",
        "provider": "letsencrypt",
        "email": "pki@example.com",
        "agrees_to_terms": True,
    }

    organization_id = Id(required=False)
    name = Text(max_length=80)
    provider = Choice(AcmeAccount.Provider.values)
    environment = Choice(AcmeAccount.Environment.values, default=AcmeAccount.Environment.PRODUCTION.value)
    directory_url = Text(required=False, max_length=500, help_text="https; of `custom` alone, which must have one.")
    server_roots = Text(
        required=False,
        allow_blank=True,
        max_length=_LONGEST_ROOTS,
        help_text="PEM; of a server whose own certificate no public CA has issued.",
    )
    email = Text(max_length=254, help_text="Who is told by the server when something is wrong.")
    eab_key_id = Text(required=False, allow_blank=True, max_length=200, help_text="External account binding.")
    eab_key = SecretText(required=False, max_length=500, help_text="Its MAC key, in base64url; forgotten once used.")
    agrees_to_terms = Flag(help_text="To the terms that the server's directory names.")
    preferred_chain = Text(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="The name of its root, where the server offers several chains.",
    )
    approvals_needed = Whole(required=False, min_value=0, max_value=_MOST_APPROVALS, help_text="Of each order; 0.")
    approver_role = Text(
        required=False, allow_blank=True, max_length=80, help_text="Who approves; empty: every approver."
    )

    @classmethod
    def read(cls, data: Any, organization_of: OrganizationOf) -> AccountOrder:
        """Raises Denied (the organization), Invalid."""
        values = cls.values(data, version="v2")
        return AccountOrder(organization=Ref("pk", organization_of(values).pk), **values)


class AcmeAccountOut(Output):
    """An account at an ACME server. No key is ever shown."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    provider = one_of(AcmeAccount.Provider.values)
    environment = one_of(AcmeAccount.Environment.values)
    directory_url = text()
    server_roots = text()
    email = text()
    status = one_of(AcmeAccount.Status.values, help_text="`pending` until the server has answered.")
    account_url = text(help_text="What the server calls it; empty until it is registered.")
    eab_key_id = text()
    terms_agreed_at = moment()
    preferred_chain = text()
    approvals_needed = whole()
    approver_role = text()
    is_busy = Made(
        lambda row: row.due_at is not None,
        {"type": "boolean", "description": "Whether something is still to be said to the server."},
    )
    last_error = text(help_text="What it has said to the last try, where that failed.")
    created_at = moment()


def _directories(known: tuple[str, KnownProvider]) -> list[dict[str, str]]:
    return [{"environment": str(environment), "url": url} for environment, url in known[1].directories.items()]


class AcmeProviderOut(Output):
    """A server that is known by name."""

    provider = Made(lambda known: str(known[0]), {"type": "string", "enum": AcmeAccount.Provider.values})
    directories = Made(_directories, _DIRECTORIES)
    needs_binding = Made(
        lambda known: known[1].needs_binding,
        {"type": "boolean", "description": "Whether it takes no account without an external account binding."},
    )
    has_ended = Made(
        lambda known: known[1].has_ended,
        {"type": "boolean", "description": "Whether it takes no new accounts any more."},
    )


class AcmeProvidersOut(Output):
    """All of them."""

    data = AcmeProviderOut(many=True, read_only=True)  # type: ignore[assignment]
