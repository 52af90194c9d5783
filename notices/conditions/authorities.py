"""CAs that end soon, and CRLs that do not come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from cas.models import CaCertificate, CertificateAuthority
from certificates.models import Crl, CrlScope
from certificates.selectors import still_needed
from notices.documents import moment
from notices.findings import Found, Level, label_of, level_before
from notices.models import Notice, Rule
from notices.subjects import Subject

KIND: Final = "ca"
# A worker signs what is due within seconds; where it takes longer, something is wrong.
_LATE_AFTER: Final = timedelta(hours=1)
# Where a passphrase is needed somebody has to come, and has as long as the last one is good.
_TIME_FOR_A_PERSON: Final = timedelta(days=1)
_FORGOTTEN_AFTER: Final = timedelta(days=30)


def ending(rule: Rule, at: datetime) -> list[Found]:
    """The CAs in service that have crossed a threshold of the rule."""
    return list(_ending(rule, at))


def _ending(rule: Rule, at: datetime) -> Iterator[Found]:
    if not rule.thresholds:
        return
    horizon = at + timedelta(days=max(rule.thresholds))
    for own in _certificates(at).filter(organization_id=rule.organization_id, not_after__lte=horizon):
        crossed = [each for each in rule.thresholds if own.not_after <= at + timedelta(days=each)]
        yield Found(
            kind=KIND,
            object_id=own.ca.public_id,
            label=label_of(own.ca.name),
            occasion=f"{own.ca.public_id}:{moment(own.not_after)}:{min(crossed)}",
            level=level_before((own.not_after - at) / 4),
            threshold=min(crossed),
            facts={"ends": moment(own.not_after), "serial": own.serial},
        )


def _certificates(at: datetime) -> QuerySet[CaCertificate]:
    """By which the CAs in service are known, and which have not ended long ago."""
    rows = CaCertificate.objects.filter(preferred=True, ca__status=CertificateAuthority.Status.ACTIVE)
    return rows.filter(not_after__gt=at - _FORGOTTEN_AFTER).select_related("ca").defer("der").order_by("pk")


def late_crls(rule: Rule, at: datetime) -> list[Found]:
    """The sequences of CRLs whose next one is overdue for an hour, or whose last one has ended; of a CA behind a
    passphrase, those whose last one ends within a day.
    """
    return [
        _late(scope, ends, at)
        for scope, ends in _late_scopes(at, CrlScope.objects.filter(organization_id=rule.organization_id))
    ]


def _late_scopes(at: datetime, among: QuerySet[CrlScope]) -> list[tuple[CrlScope, datetime | None]]:
    newest = Crl.objects.filter(scope=OuterRef("pk")).order_by("-number").values("next_update")[:1]
    scopes = among.filter(still_needed(at), next_due_at__lte=at).select_related("ca")
    rows = scopes.annotate(ends=Subquery(newest)).order_by("pk")
    pairs = [(scope, scope.ends) for scope in rows]  # type: ignore[attr-defined]
    return [(scope, ends) for scope, ends in pairs if _is_late(scope, ends, at)]


def _is_late(scope: CrlScope, ends: datetime | None, at: datetime) -> bool:
    if scope.ca.passphrase_protected and ends is not None:
        return ends <= at + _TIME_FOR_A_PERSON
    return scope.next_due_at <= at - _LATE_AFTER or (ends is not None and ends <= at)


def _late(scope: CrlScope, ends: datetime | None, at: datetime) -> Found:
    has_ended = ends is not None and ends <= at
    return Found(
        kind=KIND,
        object_id=scope.ca.public_id,
        label=label_of(scope.ca.name),
        occasion=f"crl:{scope.pk}:{scope.last_number}:{'ended' if has_ended else 'late'}",
        level=Level.CRITICAL if has_ended else Level.WARNING,
        facts={
            "ends": None if ends is None else moment(ends),
            "has_ended": has_ended,
            "scope": scope.scope,
            "number": str(scope.last_number),
            "error": label_of(scope.last_error) if scope.last_error else "",
        },
    )


def over(at: datetime) -> list[int]:
    """Of the open notices about CAs, those that do not hold any more."""
    rows = Notice.objects.filter(closed_at__isnull=True)
    ends: dict[UUID | None, str] = {own.ca.public_id: moment(own.not_after) for own in _certificates(at)}
    late = {_place(_late(scope, end, at)) for scope, end in _late_scopes(at, CrlScope.objects.all())}
    ending_rows = rows.filter(subject=Subject.CA_EXPIRING).values_list("pk", "object_id", "facts")
    late_rows = rows.filter(subject=Subject.CRL_LATE).values_list("pk", "object_id", "facts")
    return [
        *(pk for pk, ca, facts in ending_rows if ends.get(ca) != facts.get("ends")),
        *(pk for pk, ca, facts in late_rows if (ca, *_said(facts)) not in late),
    ]


def _place(found: Found) -> tuple[object, ...]:
    return found.object_id, *_said(found.facts)


def _said(facts: Mapping[str, object]) -> tuple[object, ...]:
    """Which CRL is late, and whether it is worse than that."""
    return facts.get("scope"), facts.get("number"), facts.get("has_ended")
