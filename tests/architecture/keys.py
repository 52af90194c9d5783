"""The calls and the events of services about API keys and service accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import ServiceAccount
from accounts.services import api_keys, service_accounts
from accounts.services.features import set_features
from kernel.permissions import Permission
from tests import cast


def _account(s: Any) -> ServiceAccount:
    return service_accounts.create_service_account(
        actor=s.owner,
        organization=s.office.organization,
        owner=s.office.person.user,
        name="deploy",
        permissions=[Permission.CERTIFICATES_READ],
    )


def _disabled(s: Any) -> ServiceAccount:
    return service_accounts.disable_service_account(actor=s.owner, account=_account(s))


CREATED = "service_account.created"
KEY_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "accounts.rotate_api_key": (lambda s: api_keys.rotate_api_key(actor=s.owner, key=s.key), ["api_key.rotated"]),
    "accounts.set_features": (
        lambda s: set_features(actor=cast.SUPERUSER, organization=s.office.organization, features=[]),
        ["organization.updated"],
    ),
    "accounts.create_service_account": (_account, [CREATED]),
    "accounts.update_service_account": (
        lambda s: service_accounts.update_service_account(actor=s.owner, account=_account(s), name="other"),
        [CREATED, "service_account.updated"],
    ),
    "accounts.disable_service_account": (_disabled, [CREATED, "service_account.disabled"]),
    "accounts.enable_service_account": (
        lambda s: service_accounts.enable_service_account(actor=s.owner, account=_disabled(s)),
        [CREATED, "service_account.disabled", "service_account.enabled"],
    ),
}
