"""What happened, in the words of FastPKI. What it has no word for is shown by ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.events import EventName

_ACTIONS: Final[Mapping[str, tuple[EventName, ...]]] = {
    "ca_create": (EventName.CA_CREATED, EventName.CA_IMPORTED, EventName.CA_COMPLETED, EventName.CA_ADDED),
    "ca_update": (EventName.CA_UPDATED, EventName.CA_DISABLED, EventName.CA_ENABLED),
    "ca_delete": (EventName.CA_RETIRED,),
    "ca_export_private_key": (EventName.CA_KEY_EXPORTED,),
    "cert_create": (EventName.CERTIFICATE_ISSUED,),
    "cert_revoke": (EventName.CERTIFICATE_REVOKED,),
    "cert_export_private_key": (EventName.CERTIFICATE_KEY_COLLECTED,),
    "login_success": (EventName.SESSION_STARTED,),
    "login_failure": (EventName.SESSION_REFUSED,),
    "user_create": (EventName.USER_CREATED,),
    "user_update": (
        EventName.USER_UPDATED,
        EventName.USER_DISABLED,
        EventName.USER_ENABLED,
        EventName.USER_CLOSED,
        EventName.PASSWORD_CHANGED,
        EventName.MEMBERSHIP_CHANGED,
    ),
    "org_create": (EventName.ORGANIZATION_CREATED,),
    "org_delete": (EventName.ORGANIZATION_CLOSED,),
    "org_add_user": (EventName.MEMBERSHIP_CREATED,),
    "org_remove_user": (EventName.MEMBERSHIP_REMOVED,),
    "service_account_create": (EventName.SERVICE_ACCOUNT_CREATED,),
    "service_account_update": (
        EventName.SERVICE_ACCOUNT_UPDATED,
        EventName.SERVICE_ACCOUNT_DISABLED,
        EventName.SERVICE_ACCOUNT_ENABLED,
        EventName.ISSUANCE_POLICY_SET,
        EventName.ISSUANCE_POLICY_REMOVED,
    ),
    "service_account_delete": (EventName.SERVICE_ACCOUNT_CLOSED,),
    "service_account_token_create": (EventName.SERVICE_ACCOUNT_TOKEN_CREATED,),
    "service_account_token_revoke": (EventName.SERVICE_ACCOUNT_TOKEN_REVOKED,),
}
_BY_EVENT: Final = {str(event): action for action, events in _ACTIONS.items() for event in events}
# Everything that a filter may ask for.
KNOWN_ACTIONS: Final = (*_ACTIONS, *(str(event) for event in EventName if str(event) not in _BY_EVENT))


def action_of(event: str) -> str:
    return _BY_EVENT.get(event, event)


def events_of(action: str) -> list[str]:
    return [str(event) for event in _ACTIONS[action]] if action in _ACTIONS else [action]
