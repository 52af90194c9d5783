"""Another master key for the same database."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from accounts import vault
from audit import keys as audit_keys
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Denied
from kernel.seal import fingerprint
from kernel.secret import Secret
from kernel.text import _


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was wrapped anew, and the names of the two keys."""

    before: str
    after: str
    wrapping_keys: int
    server_secrets: int
    audit_keys: int


@transaction.atomic
def rotate_master_key(*, actor: Actor, new_key: Secret) -> Rotation:
    """Wrap by `new_key` whatever the master key of this process wraps, all of it or nothing. Superusers only.

    From the commit on every process that has the old key is one with a wrong key, this one too. Raises Denied,
    Conflict (it is the same key, or something does not open), vault.WrongMasterKey (this process has another key than
    the database).
    """
    if not actor.is_superuser or actor.organization_id is not None:
        raise Denied(_("Only a superuser can rotate the master key."))
    if new_key == settings.MASTER_KEY:
        raise Conflict(_("The new master key is the one in use."))
    rewrapped = vault.rewrap(new_key)
    done = Rotation(
        before=fingerprint(settings.MASTER_KEY),
        after=fingerprint(new_key),
        wrapping_keys=rewrapped["wrapping_keys"],
        server_secrets=rewrapped["server_secrets"],
        audit_keys=len(audit_keys.genuine_public_keys()),
    )
    audit.record(
        actor,
        EventName.MASTER_KEY_ROTATED,
        Resource("master_key", None, done.after),
        organization_id=None,
        before=done.before,
        wrapping_keys=done.wrapping_keys,
        server_secrets=done.server_secrets,
        audit_keys=done.audit_keys,
    )
    # Not before: what has just been told was signed by a key that opens under the old one.
    audit_keys.rewrap(new_key)
    return done
