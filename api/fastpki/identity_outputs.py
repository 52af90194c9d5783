"""How the FastPKI API shows people, organizations, service accounts and what happened."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from accounts.models import Membership, Organization, ServiceAccount, User
from accounts.people_selectors import home_of_person
from api.common.fields import Made
from api.common.formats import time_text
from api.common.outputs import Output, flag, moment, text, texts, whole
from api.fastpki.audit_names import action_of
from api.fastpki.capabilities import ROLES, flags_of, role_of
from audit.changes import last_told
from audit.document import SYSTEM_LOG
from audit.events import EventName
from audit.models import AuditEvent
from kernel.actor import Actor, ActorKind
from kernel.secret import Secret

_NUMBER: Final = {"type": "integer"}
_NULLABLE_NUMBER: Final = {"type": ["integer", "null"]}
_NULLABLE_TEXT: Final = {"type": ["string", "null"]}
_NUMBERS: Final = {"type": "array", "items": {"type": "integer"}}
_FLAG: Final = {"type": "boolean"}
_NULLABLE_TIME: Final = {"type": ["string", "null"], "format": "date-time"}

_ABOUT_PEOPLE: Final = (
    EventName.USER_CREATED,
    EventName.USER_UPDATED,
    EventName.USER_DISABLED,
    EventName.USER_ENABLED,
    EventName.PASSWORD_CHANGED,
    EventName.PASSWORD_RESET,
)
_ABOUT_ORGANIZATIONS: Final = (EventName.ORGANIZATION_CREATED, EventName.ORGANIZATION_UPDATED)
_ABOUT_ACCOUNTS: Final = (
    EventName.SERVICE_ACCOUNT_CREATED,
    EventName.SERVICE_ACCOUNT_UPDATED,
    EventName.SERVICE_ACCOUNT_DISABLED,
    EventName.SERVICE_ACCOUNT_ENABLED,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A row, and what is shown of it that does not stand in it."""

    row: Any
    updated_at: datetime
    membership: Membership | None = None
    disabled_at: datetime | None = None


class TokenPairOut(Output):
    """An access token for a quarter of an hour, and a refresh token, each shown once."""

    access_token = Made(lambda pair: _revealed(pair.access), {"type": "string"})
    refresh_token = Made(lambda pair: _revealed(pair.refresh), {"type": "string"})
    token_type = Made(lambda _pair: "bearer", {"type": "string", "enum": ["bearer"]})


class UserOut(Output):
    """Somebody with an account. Rights are those in `organization_id`."""

    id = whole(source="row.pk")
    username = text(source="row.username")
    email = text(source="row.email")
    role = Made(lambda shown: role_of(shown.row, shown.membership), {"type": "string", "enum": list(ROLES)})
    is_active = flag(source="row.is_active")
    organization_id = Made(lambda shown: shown.membership and shown.membership.organization_id, _NULLABLE_NUMBER)
    can_create_ca = Made(lambda shown: _flag(shown, "can_create_ca"), _FLAG)
    can_create_cert = Made(lambda shown: _flag(shown, "can_create_cert"), _FLAG)
    can_revoke_cert = Made(lambda shown: _flag(shown, "can_revoke_cert"), _FLAG)
    can_export_private_key = Made(lambda shown: _flag(shown, "can_export_private_key"), _FLAG)
    can_delete_ca = Made(lambda shown: _flag(shown, "can_delete_ca"), _FLAG)
    created_at = moment(source="row.created_at")
    updated_at = moment()


class OrganizationOut(Output):
    """A tenant."""

    id = whole(source="row.pk")
    name = text(source="row.name")
    description = Made(lambda shown: shown.row.description or None, _NULLABLE_TEXT)
    created_at = moment(source="row.created_at")
    updated_at = moment()


class ServiceAccountOut(Output):
    """A machine under a name of its own."""

    id = whole(source="row.pk")
    name = text(source="row.name")
    description = Made(lambda shown: shown.row.description or None, _NULLABLE_TEXT)
    organization_id = whole(source="row.organization_id")
    created_by_user_id = Made(lambda shown: shown.row.maker_id or shown.row.owner_id, _NULLABLE_NUMBER)
    created_at = moment(source="row.created_at")
    updated_at = moment()
    disabled_at = Made(lambda shown: _time(shown.disabled_at), _NULLABLE_TIME)
    can_create_ca = Made(lambda shown: flags_of(shown.row.permissions)["can_create_ca"], _FLAG)
    can_create_cert = Made(lambda shown: flags_of(shown.row.permissions)["can_create_cert"], _FLAG)
    can_revoke_cert = Made(lambda shown: flags_of(shown.row.permissions)["can_revoke_cert"], _FLAG)
    can_export_private_key = Made(lambda shown: flags_of(shown.row.permissions)["can_export_private_key"], _FLAG)
    can_delete_ca = Made(lambda shown: flags_of(shown.row.permissions)["can_delete_ca"], _FLAG)


class ServiceTokenOut(Output):
    """A token of a service account, without the token."""

    id = whole(source="pk")
    public_id = text(source="prefix")
    name = Made(lambda row: row.name or None, _NULLABLE_TEXT)
    created_at = moment()
    last_used_at = Made(lambda row: _time(row.last_used_at), _NULLABLE_TIME)
    expires_at = Made(lambda row: _time(row.expires_at), _NULLABLE_TIME)
    revoked = Made(lambda row: row.revoked_at is not None, _FLAG)


class NewServiceTokenOut(Output):
    """A token of a service account, shown once."""

    id = whole(source="row.pk")
    public_id = text(source="row.prefix")
    name = Made(lambda made: made.row.name or None, _NULLABLE_TEXT)
    created_at = moment(source="row.created_at")
    last_used_at = Made(lambda made: _time(made.row.last_used_at), _NULLABLE_TIME)
    expires_at = Made(lambda made: _time(made.row.expires_at), _NULLABLE_TIME)
    revoked = Made(lambda made: made.row.revoked_at is not None, _FLAG)
    token = Made(lambda made: _revealed(made.token), {"type": "string"})


class PolicyOut(Output):
    """All that a service account may have issued."""

    id = whole(source="pk")
    service_account_id = whole()
    cn_patterns = texts()
    san_dns_patterns = texts()
    san_ip_cidrs = texts()
    san_email_domains = texts()
    allowed_ca_ids = Made(lambda row: row.allowed_ca_ids, _NUMBERS)
    allowed_certificate_types = texts()
    max_validity_days = whole()
    created_at = moment()
    updated_at = moment()


class AuditLogOut(Output):
    """Something that happened."""

    id = whole(source="pk")
    created_at = moment(source="at")
    action = Made(lambda event: action_of(event.name), {"type": "string"})
    user_id = Made(lambda event: event.actor_id if event.actor_kind == ActorKind.USER else None, _NULLABLE_NUMBER)
    username = Made(lambda event: event.actor_label or None, _NULLABLE_TEXT)
    organization_id = Made(lambda event: event.log if event.log != SYSTEM_LOG else None, _NULLABLE_NUMBER)
    resource_type = Made(lambda event: event.resource_type or None, _NULLABLE_TEXT)
    resource_id = Made(lambda event: event.resource_id, _NULLABLE_NUMBER)
    detail = Made(lambda event: _detail(event), _NULLABLE_TEXT)


def people_shown(users: Iterable[User], *, seen_by: Actor) -> list[Shown]:
    rows = list(users)
    told = last_told("user", [row.pk for row in rows], logs=[SYSTEM_LOG], names=_ABOUT_PEOPLE)
    return [Shown(row, told.get(row.pk, row.created_at), home_of_person(row, seen_by=seen_by)) for row in rows]


def organizations_shown(organizations: Iterable[Organization]) -> list[Shown]:
    rows = list(organizations)
    numbers = [row.pk for row in rows]
    told = last_told("organization", numbers, logs=numbers, names=_ABOUT_ORGANIZATIONS)
    return [Shown(row, told.get(row.pk, row.created_at)) for row in rows]


def accounts_shown(accounts: Iterable[ServiceAccount]) -> list[Shown]:
    rows = list(accounts)
    numbers, logs = [row.pk for row in rows], {row.organization_id for row in rows}
    told = last_told("service_account", numbers, logs=logs, names=_ABOUT_ACCOUNTS)
    disabled = last_told("service_account", numbers, logs=logs, names=[EventName.SERVICE_ACCOUNT_DISABLED])
    return [
        Shown(
            row,
            told.get(row.pk, row.created_at),
            disabled_at=None if row.is_active else disabled.get(row.pk, row.created_at),
        )
        for row in rows
    ]


def _flag(shown: Shown, name: str) -> bool:
    """What the person may do in this organization; a superuser may do everything, and is not said to."""
    held = shown.membership.permissions if shown.membership is not None else frozenset()
    return flags_of(held)[name]


def _detail(event: AuditEvent) -> str | None:
    facts = event.document.get("metadata") or {}
    return json.dumps(facts, ensure_ascii=False, sort_keys=True) if facts else None


def _time(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def _revealed(secret: Secret) -> str:
    return secret.reveal().decode()
