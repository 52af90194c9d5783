"""For which names an organization may order public certificates: claimed, then proven by DNS, or granted."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import policy
from accounts.models import Organization
from accounts.outbound import OutboundError, place
from accounts.quotas import require_room
from accounts.said import Said, cut
from accounts.selectors import get_organization, private_ranges_of
from acme_client import locks, public_names
from acme_client.dns.errors import DnsError
from acme_client.dns.resolving import txt_values
from acme_client.name_models import PublicName
from acme_client.name_selectors import get_name
from audit import services as audit
from audit.events import EventName
from audit.resource import Resource
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, FieldError, Invalid, Unavailable, field_error
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import Text, _

_TOKEN_BYTES: Final = 24
_LONGEST_ERROR: Final = 500
_MOST_NAMES: Final = 1_000
_TAKEN: Final = _("%(suffix)s, or a name above or below it, belongs to another organization.")


@transaction.atomic
def claim_name(*, actor: Actor, organization: Ref, suffix: str) -> PublicName:
    """A name that is to be proven: `public_names.txt_record` says by which record. Proof.DNS alone proves it.

    Raises NotFound, Denied, Invalid (also for public suffixes, for addresses, and for hosts of this installation, which
    superusers grant), Conflict (claimed already; another organization's; there are too many).
    """
    home = get_organization(organization, visible_to=actor)
    policy.require(actor, Permission.ACME_WRITE, organization_id=home.pk)
    suffix = public_names.normal_suffix(suffix)
    if reason := _why_not_claimed(suffix):
        raise Invalid(errors=[reason])
    _require_free(home.pk, suffix)
    require_room(home.pk, home.public_names.all(), _MOST_NAMES)
    row = _new(home, suffix)
    _record(actor, EventName.PUBLIC_NAME_CLAIMED, row, event_id=row.event)
    return row


def prove_name(*, actor: Actor, name: Ref) -> PublicName:
    """Look for the TXT record at the authoritative servers; proven where all of them show it, else `last_error` says
    what was seen. Network: never call it in a transaction.

    Raises NotFound, Denied, Conflict (another organization has proven it first), Unavailable (too many ask at once).
    """
    row = get_name(name, visible_to=actor)
    policy.require(actor, Permission.ACME_WRITE, organization_id=row.organization_id)
    try:
        with place(row.organization_id):
            problem = _why_not_proven(row)
    except OutboundError as error:
        raise Unavailable(_("Too many servers are being asked at this moment: try again.")) from error
    if problem is None:
        return _keep_proof(actor, row)
    PublicName.objects.filter(pk=row.pk).update(
        checked_at=timezone.now(), last_error=cut(Said(problem), _LONGEST_ERROR)
    )
    row.refresh_from_db()
    return row


@transaction.atomic
def grant_name(*, actor: Actor, organization: Ref, suffix: str) -> PublicName:
    """By the word of a superuser, whatever the name: an address, a host of this installation, a name without DNS.

    Raises NotFound, Denied (superusers only), Invalid (no name at all), Conflict (another organization's).
    """
    if not actor.is_superuser:
        raise Denied(_("Only a superuser can do this."))
    home = get_organization(organization, visible_to=actor)
    suffix = public_names.normal_suffix(suffix)
    locks.be_alone_with_public_names()
    _require_free(home.pk, suffix)
    claimed = PublicName.objects.select_for_update().filter(organization=home, suffix=suffix).first()
    row = claimed or _new(home, suffix)
    _mark_proven(row, PublicName.Proof.GRANT)
    _record(actor, EventName.PUBLIC_NAME_GRANTED, row, event_id=None if claimed else row.event)
    return row


@transaction.atomic
def give_up_name(*, actor: Actor, name: Ref) -> None:
    """Nothing is ordered under it any more; what was issued stays. Raises NotFound, Denied."""
    row = get_name(name, visible_to=actor)
    policy.require(actor, Permission.ACME_WRITE, organization_id=row.organization_id)
    _record(actor, EventName.PUBLIC_NAME_GIVEN_UP, row)
    row.delete()


def require_own(organization: Organization, names: Sequence[str]) -> None:
    """A step: every name lies under a proven one of the organization, and under a granted one where it is our own host.

    `names` as in AcmeOrder. Raises Invalid, with an error for each that does not, on `names[…]`.
    """
    wanted = {suffix for name in names for suffix in public_names.covering(name)}
    rows = PublicName.objects.filter(organization=organization, suffix__in=wanted, proven_at__isnull=False)
    proofs = dict(rows.values_list("suffix", "proven_by"))
    granted = {suffix for suffix, proof in proofs.items() if proof == PublicName.Proof.GRANT}
    errors = []
    for index, name in enumerate(names):
        if public_names.longest_covering(name, proofs) is None:
            text = _("%(name)s is not under a name that the organization has proven to be its own.")
            errors.append(field_error(f"names[{index}]", "name-not-proven", text, name=name))
        elif public_names.is_our_own(name) and public_names.longest_covering(name, granted) is None:
            text = _("%(name)s is a host of this installation: only a superuser grants it.")
            errors.append(field_error(f"names[{index}]", "name-reserved", text, name=name))
    if errors:
        raise Invalid(errors=errors)


def _why_not_claimed(suffix: str) -> FieldError | None:
    if public_names.is_address(suffix):
        text = _("An address has no TXT record to prove it by: a superuser grants it.")
        return field_error("suffix", "address", text)
    if public_names.is_public_suffix(suffix):
        text = _("Names below %(suffix)s belong to many: claim the one that is yours.")
        return field_error("suffix", "public-suffix", text, suffix=suffix)
    if public_names.is_our_own(suffix):
        text = _("%(name)s is a host of this installation: only a superuser grants it.")
        return field_error("suffix", "name-reserved", text, name=suffix)
    return None


def _require_free(organization_id: int, suffix: str) -> None:
    """Raises Conflict where another organization has proven this name, one above it or one below it."""
    nearby = Q(suffix__in=public_names.covering(suffix)) | Q(suffix__endswith=f".{suffix}")
    proven = PublicName.objects.exclude(organization_id=organization_id).filter(proven_at__isnull=False)
    if proven.filter(nearby).exists():
        raise Conflict(_TAKEN, code="public-name-taken", suffix=suffix)


def _new(organization: Organization, suffix: str) -> PublicName:
    row = PublicName(
        organization=organization,
        suffix=suffix,
        token=secrets.token_urlsafe(_TOKEN_BYTES),
        event=audit.new_event_id(),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_("This name is claimed already."), code="public-name-exists") from error
    return row


def _why_not_proven(row: PublicName) -> Text | None:
    """What the authoritative servers say, in words."""
    record, token = public_names.txt_record(row)
    try:
        answers = txt_values(record, private_ranges=private_ranges_of(row.organization_id))
    except DnsError as error:
        return error.text
    without = sorted(server for server, values in answers.items() if token not in values)
    if not without:
        return None
    template = _("%(server)s does not show the TXT record %(record)s with its value.")
    return Text(template, {"server": without[0], "record": record})


@transaction.atomic
def _keep_proof(actor: Actor, seen: PublicName) -> PublicName:
    locks.be_alone_with_public_names()
    row = get_name(Ref("pk", seen.pk), visible_to=actor)
    _require_free(row.organization_id, row.suffix)
    was_proven = row.proven_at is not None
    _mark_proven(row, PublicName.Proof(row.proven_by or PublicName.Proof.DNS))
    if not was_proven:
        _record(actor, EventName.PUBLIC_NAME_PROVEN, row)
    return row


def _mark_proven(row: PublicName, proof: PublicName.Proof) -> None:
    now = timezone.now()
    row.proven_by, row.proven_at, row.checked_at, row.last_error = proof, row.proven_at or now, now, ""
    try:
        with transaction.atomic():
            row.save(update_fields=["proven_by", "proven_at", "checked_at", "last_error"])
    except IntegrityError as error:
        raise Conflict(_TAKEN, code="public-name-taken", suffix=row.suffix) from error


def _record(actor: Actor, event: EventName, row: PublicName, event_id: str | None = None) -> None:
    audit.record(
        actor,
        event,
        Resource("public_name", row.pk, row.suffix, public_id=row.public_id),
        organization_id=row.organization_id,
        event_id=event_id,
    )
