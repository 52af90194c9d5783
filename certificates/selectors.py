"""What an actor may see of the register; row locks; what is due; statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.selectors import under_granted_cas
from audit.events import EventName
from audit.selectors import newest_event
from cas.models import CaCertificate, CertificateAuthority, IssuedSerial
from certificates.models import Certificate, CertificateTally, Crl, CrlScope, OcspResponder, Revocation
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.ref import Ref
from kernel.text import _

# A revocation is on the CRL within a minute, and no CRL is signed much more often than once a minute: the sweep comes
# round every five seconds, so this leaves room for one of them and the signature.
SHORTEST_CRL_INTERVAL: Final = timedelta(seconds=50)
# A responder is replaced when less than this is left of its life.
RESPONDER_MARGIN: Final = timedelta(days=10)


def certificates(*, visible_to: Actor) -> QuerySet[Certificate]:
    """Newest first, without the bytes."""
    return under_granted_cas(Certificate.objects.select_related("ca", "template").order_by("-id"), visible_to)


def with_history(rows: QuerySet[Certificate]) -> QuerySet[Certificate]:
    """Each with its bytes, and with what became of it: `open_revocation`, and `replaced_by` by number, oldest first."""
    after = Certificate.objects.only("public_id", "replaces").order_by("id")
    return rows.select_related("body").prefetch_related("revocations", Prefetch("replaced_by", after))


def get_certificate(ref: Ref, *, visible_to: Actor, beside: Sequence[str] = ()) -> Certificate:
    """With what is usually read of it, and the rows `beside` it. Raises NotFound."""
    rows = certificates(visible_to=visible_to)
    return _one(rows.select_related("body", "profile", "organization", "replaces", "owner", "renewal", *beside), ref)


def lock_certificate(ref: Ref, *, visible_to: Actor) -> Certificate:
    """The row, locked against another change of its state. Raises NotFound."""
    return _one(certificates(visible_to=visible_to).select_for_update(of=("self",)), ref)


def newest_tally(organization_id: int) -> CertificateTally | None:
    return CertificateTally.objects.filter(organization_id=organization_id).order_by("-through").first()


def count_all(*, visible_to: Actor) -> int:
    """How many certificates the actor sees: of one organization without counting again what was counted before."""
    rows = certificates(visible_to=visible_to).select_related(None).order_by()
    if visible_to.organization_id is None or visible_to.grants is not None:
        return rows.count()
    tally = newest_tally(visible_to.organization_id)
    return tally.count + rows.filter(pk__gt=tally.through).count() if tally else rows.count()


def open_revocation(ca_id: int, serial: str) -> Revocation | None:
    return Revocation.objects.filter(ca_id=ca_id, serial=serial, lifted_at__isnull=True).first()


@dataclass(frozen=True, slots=True)
class Fall:
    """Since when a CA is believed no more, and why, as RFC 5280 names it."""

    at: datetime
    reason: str


def fall_of(ca: CertificateAuthority) -> Fall | None:
    """None where it is not revoked. What made a root fall stands on no list, but in the log."""
    if ca.status != CertificateAuthority.Status.REVOKED:
        return None
    shown = ca.preferred_certificate
    listed = open_revocation(shown.issuer_id, shown.serial) if shown and shown.issuer_id else None
    if listed is not None:
        return Fall(listed.at, listed.reason)
    event = newest_event(EventName.CA_REVOKED, log=ca.organization_id, resource_type="ca", resource_id=ca.pk)
    return Fall(event.at, event.document["metadata"]["reason"]) if event else None


def newest_crl(ca_id: int) -> Crl | None:
    """The newest full CRL, without its bytes."""
    return Crl.objects.filter(scope__ca_id=ca_id, scope__scope=0).defer("body").order_by("-number").first()


def newest_crl_about(ca_id: int, serial: str) -> Crl | None:
    """The newest list that this serial number would stand on: of its shard, else the full one. Without its bytes."""
    shard = IssuedSerial.objects.filter(ca_id=ca_id, serial=serial).values("shard")[:1]
    lists = Crl.objects.filter(scope__ca_id=ca_id, scope__scope=Coalesce(Subquery(shard), 0))
    return lists.select_related("scope").defer("body").order_by("-number").first()


def with_crls(rows: QuerySet[CertificateAuthority], *, at: datetime) -> QuerySet[CertificateAuthority]:
    """CAs, each with what there is to say of its newest full CRL.

    `crl_number`, `crl_this_update`, `crl_next_update` and `crl_entries` are None where there is none; `crl_is_due`
    says whether a CRL of the CA, a shard's too, is to be signed now, `crl_due_at` when the next one is by the clock.
    """
    newest = Crl.objects.filter(scope__ca=OuterRef("pk"), scope__scope=0).order_by("-number")
    columns = ("number", "this_update", "next_update", "entries")
    rows = rows.annotate(**{f"crl_{name}": Subquery(newest.values(name)[:1]) for name in columns})
    scopes = CrlScope.objects.filter(ca=OuterRef("pk")).order_by("next_due_at")
    rows = rows.annotate(crl_due_at=Subquery(scopes.values("next_due_at")[:1]))
    return rows.annotate(crl_is_due=Exists(crl_scopes_due(at=at).filter(ca=OuterRef("pk"))))


def due_crl_scopes(*, at: datetime) -> QuerySet[CrlScope]:
    """Scopes whose CRL must be signed now, and for which a worker can: locked CAs wait for their passphrase."""
    return crl_scopes_due(at=at).filter(ca__passphrase_protected=False).order_by("next_due_at", "id")


def crl_scopes_due(*, at: datetime) -> QuerySet[CrlScope]:
    """Scopes that are due: the time has come, or something was revoked or released that no CRL has said yet."""
    unsaid = Revocation.objects.filter(ca_id=OuterRef("ca_id"))
    in_full = Q(scope=0) & Q(Exists(unsaid.filter(first_crl__isnull=True)))
    in_shard = Q(scope__gt=0) & Q(Exists(unsaid.filter(shard=OuterRef("scope"), first_shard_crl__isnull=True)))
    rested = Q(last_this_update__isnull=True) | Q(last_this_update__lte=at - SHORTEST_CRL_INTERVAL)
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=at)
    scopes = CrlScope.objects.select_related("ca", "ca__key")
    return scopes.filter(Q(next_due_at__lte=at) | ((in_full | in_shard) & rested), free).filter(still_needed(at))


def authorities_without_publication() -> QuerySet[CertificateAuthority]:
    """CAs that have a key here and no CRL scope yet: something stopped between their creation and this."""
    has_scope = CrlScope.objects.filter(ca_id=OuterRef("pk"))
    return CertificateAuthority.objects.filter(~Exists(has_scope), key__isnull=False).order_by("id")


def authorities_in_need_of_responder(*, at: datetime) -> QuerySet[CertificateAuthority]:
    """CAs whose newest responder ends soon; a responder that lasts as long as its CA is left in peace."""
    good = OcspResponder.objects.filter(ca_id=OuterRef("pk")).filter(
        Q(not_after__gt=at + RESPONDER_MARGIN) | Q(not_after__gte=OuterRef("ends") - timedelta(seconds=1))
    )
    ends = CaCertificate.objects.filter(ca_id=OuterRef("pk"), preferred=True).values("not_after")[:1]
    rows = CertificateAuthority.objects.select_related("key").filter(key__isnull=False)
    return rows.annotate(ends=ends).filter(~Exists(good), ends__gt=at).order_by("id")


@dataclass(frozen=True, slots=True)
class RegisterCounts:
    """How many certificates an actor sees, by status."""

    issued: int
    expired: int
    held: int
    revoked: int

    @property
    def total(self) -> int:
        return self.issued + self.expired + self.held + self.revoked


def count_by_status(*, visible_to: Actor, at: datetime) -> RegisterCounts:
    State = Certificate.State  # noqa: N806
    live = Q(state=State.ISSUED)
    rows = certificates(visible_to=visible_to).order_by()
    counts = rows.aggregate(
        issued=Count("pk", filter=live & Q(not_after__gte=at)),
        expired=Count("pk", filter=live & Q(not_after__lt=at)),
        held=Count("pk", filter=Q(state=State.HELD)),
        revoked=Count("pk", filter=Q(state=State.REVOKED)),
    )
    return RegisterCounts(**counts)


def still_needed(at: datetime) -> Q:
    """A CA answers until the last of what it signed has expired; an active one as long as it lives itself."""
    own = CaCertificate.objects.filter(ca_id=OuterRef("ca_id"), preferred=True, not_after__gt=at)
    outstanding = IssuedSerial.objects.filter(ca_id=OuterRef("ca_id"), not_after__gt=at)
    return Exists(own) & (Q(ca__status=CertificateAuthority.Status.ACTIVE) | Exists(outstanding))


def _one(rows: QuerySet[Certificate], ref: Ref) -> Certificate:
    try:
        return rows.get(**{ref.by: ref.value})
    except (Certificate.DoesNotExist, Certificate.MultipleObjectsReturned) as error:
        raise NotFound(_("There is no such certificate."), code="certificate-not-found") from error
