"""CA keys, handed out: to clients of the one system that promises them, and to nobody else."""

from __future__ import annotations

from django.db import transaction

from accounts import policy
from audit import services as audit
from audit.events import EventName
from cas import keystore, selectors
from cas.models import CertificateAuthority
from cas.services.founding import reference
from cas.standing import Slot
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret


@transaction.atomic
def export_ca_key(*, actor: Actor, ca: CertificateAuthority) -> Secret:
    """The private key of a CA (PKCS#8 DER). Only FastPKI's clients are promised it, so the CA must be open to them.

    Raises Denied (permission; the CA is not open to them; the key is on a token, or behind a passphrase), NotFound (no
    key here), Unavailable.
    """
    policy.require(actor, Permission.CAS_EXPORT_KEY, organization_id=ca.organization_id, ca_id=ca.pk)
    selectors.standing_template(Ref("pk", ca.pk), Slot.FASTPKI_SERVER, visible_to=actor)
    key = keystore.export_key(ca)
    audit.record(actor, EventName.CA_KEY_EXPORTED, reference(ca), organization_id=ca.organization_id)
    return key
