"""Refusals, written to the audit log after whatever was attempted has been rolled back."""

from __future__ import annotations

import logging

from django.http import HttpRequest

from api.common.auth import INVALID_TOKEN, nobody
from api.common.problems import Family, Problem
from audit.events import EventName
from audit.resource import Resource
from audit.services import record_refusal
from kernel.actor import Actor

log = logging.getLogger(__name__)

_BY_CODE = {
    INVALID_TOKEN: EventName.CREDENTIAL_REFUSED,
    "approval-required": EventName.POLICY_REFUSED,
    "policy-violation": EventName.POLICY_REFUSED,
    "service-account-has-no-policy": EventName.POLICY_REFUSED,
    "wrong-passphrase": EventName.PASSPHRASE_REFUSED,
    "passphrase-locked": EventName.PASSPHRASE_REFUSED,
}


def note_refusal(request: HttpRequest, problem: Problem, actor: Actor | None) -> None:
    """Record a bad credential, a missing right, a policy or a passphrase that said no; other problems are none.

    An audit log that cannot be written does not turn the refusal into something else: it is logged instead.
    """
    event = _BY_CODE.get(problem.code)
    if event is None and problem.family is Family.DENIED:
        event = EventName.PERMISSION_REFUSED
    if event is None:
        return
    who = actor or nobody(request)
    resource = Resource("endpoint", None, _endpoint(request, is_known=actor is not None))
    try:
        record_refusal(who, event, resource, organization_id=who.organization_id, code=problem.code)
    except Exception:
        log.exception("a refusal could not be recorded", extra={"code": problem.code})


def _endpoint(request: HttpRequest, *, is_known: bool) -> str:
    """What was asked for. Of somebody unknown only which of our routes it was: of addresses and methods they could make
    up new ones for ever, and each would be another refusal to be written down.
    """
    if is_known or request.resolver_match is None:
        return f"{request.method} {request.path}"[:200]
    return f"/{request.resolver_match.route}"
