"""The calls and the events of services about how machines sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.services import (
    issuance_policies,
    machine_identities,
    oidc_issuers,
    private_ranges,
    service_accounts,
    service_tokens,
)
from accounts.services.issuance_policies import PolicyOrder
from accounts.services.oidc_issuers import IssuerOrder
from certificates.services import client_bindings
from kernel.permissions import Permission
from tests import cast
from tests.architecture.programs import PROGRAM_CALLS
from tests.clients import client_certificate

_ORDER = IssuerOrder(name="Example", audience="https://pki.example.com")


def issuer_of(s: Any) -> Any:
    return oidc_issuers.create_oidc_issuer(
        actor=s.owner, organization=s.office.organization, issuer="https://id.example.com", order=_ORDER
    )


def account_of(s: Any) -> Any:
    return service_accounts.create_service_account(
        actor=s.owner,
        organization=s.office.organization,
        owner=s.office.person.user,
        name="build server",
        permissions=[Permission.CERTIFICATES_READ],
    )


def _bind(s: Any) -> Any:
    return machine_identities.bind_machine_identity(
        actor=s.owner, issuer=issuer_of(s), subject="ci@clients", account=account_of(s)
    )


def _allow(s: Any) -> Any:
    return private_ranges.allow_private_range(
        actor=cast.SUPERUSER, organization=s.office.organization, network="10.20.0.0/16"
    )


def _bind_certificate(s: Any) -> Any:
    return client_bindings.bind_client_certificate(
        actor=s.owner, certificate=client_certificate(s.office).certificate, account=account_of(s)
    )


_POLICY = PolicyOrder(max_validity_days=90, cn_patterns=["*.acme.test"])


def _token(s: Any) -> Any:
    return service_tokens.create_service_token(actor=s.owner, account=account_of(s)).row


def _policy(s: Any) -> Any:
    return issuance_policies.set_issuance_policy(actor=s.owner, account=account_of(s), order=_POLICY)


ISSUED = ["template.created", "certificate.issued"]
ISSUER, ACCOUNT, TOKEN = "oidc_issuer.created", "service_account.created", "service_account_token.created"
MACHINE_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "accounts.create_oidc_issuer": (issuer_of, [ISSUER]),
    "accounts.update_oidc_issuer": (
        lambda s: oidc_issuers.update_oidc_issuer(actor=s.owner, issuer=issuer_of(s), order=_ORDER),
        [ISSUER, "oidc_issuer.updated"],
    ),
    "accounts.delete_oidc_issuer": (
        lambda s: oidc_issuers.delete_oidc_issuer(actor=s.owner, issuer=issuer_of(s)),
        [ISSUER, "oidc_issuer.deleted"],
    ),
    "accounts.bind_machine_identity": (_bind, [ISSUER, ACCOUNT, "machine_identity.bound"]),
    "accounts.delete_machine_identity": (
        lambda s: machine_identities.delete_machine_identity(actor=s.owner, identity=_bind(s)),
        [ISSUER, ACCOUNT, "machine_identity.bound", "machine_identity.deleted"],
    ),
    "accounts.allow_private_range": (_allow, ["private_range.allowed"]),
    "accounts.forbid_private_range": (
        lambda s: private_ranges.forbid_private_range(actor=cast.SUPERUSER, private_range=_allow(s)),
        ["private_range.allowed", "private_range.forbidden"],
    ),
    **PROGRAM_CALLS,
    "accounts.create_service_token": (_token, [ACCOUNT, TOKEN]),
    "accounts.revoke_service_token": (
        lambda s: service_tokens.revoke_service_token(actor=s.owner, token=_token(s)),
        [ACCOUNT, TOKEN, "service_account_token.revoked"],
    ),
    "accounts.set_issuance_policy": (_policy, [ACCOUNT, "issuance_policy.set"]),
    "accounts.remove_issuance_policy": (
        lambda s: issuance_policies.remove_issuance_policy(actor=s.owner, issuance_policy=_policy(s)),
        [ACCOUNT, "issuance_policy.set", "issuance_policy.removed"],
    ),
    "accounts.close_service_account": (
        lambda s: service_accounts.close_service_account(actor=s.owner, account=account_of(s)),
        [ACCOUNT, "service_account.closed"],
    ),
    "certificates.bind_client_certificate": (_bind_certificate, [*ISSUED, ACCOUNT, "client_certificate.bound"]),
    "certificates.unbind_client_certificate": (
        lambda s: client_bindings.unbind_client_certificate(actor=s.owner, binding=_bind_certificate(s)),
        [*ISSUED, ACCOUNT, "client_certificate.bound", "client_certificate.unbound"],
    ),
}
