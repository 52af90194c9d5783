"""Many certificates in one call: each row is reported, and each chunk is a transaction of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.features import require_feature
from audit import services as audit
from audit.events import EventName
from cas.core.keys import KeyAlgorithm, KeyFamily
from cas.models import Template
from certificates.orders import BatchOrder, IssueOrder, Managed
from certificates.services.issuance import facts, find_template, issue_at_once, reference
from certificates.services.labels import order_errors
from certificates.services.minting import Issued, Wanted, mint_many, obtain_key
from kernel.actor import Actor
from kernel.errors import Conflict, DomainError, FieldError, Invalid, field_error
from kernel.features import Feature
from kernel.text import _

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_ROWS: Final = 10_000
# An RSA key takes up to seconds; one of another kind takes less than a millisecond.
_MOST_SLOW_KEYS: Final = 100
# How long a revocation of the CA may have to wait: less than a second's work.
_CHUNK: Final = 250

_Numbered = tuple[int, IssueOrder | Invalid]
_Hear = Callable[[], object]


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row, numbered from 0: a certificate, or every reason why there is none."""

    row: int
    issued: Issued | None = None
    errors: tuple[FieldError, ...] = ()


def _nobody() -> None:
    pass


def issue_batch(
    *, actor: Actor, order: BatchOrder, report: Callable[[RowOutcome], T], prepared: _Hear = _nobody
) -> list[T]:
    """Issue what the rows ask for, each as `issue_certificate` would, and report each, in their order.

    Chunks are committed one after the other: whatever ends this, those before are there as a whole. A row that is
    refused takes no other with it. `report` makes of an outcome what is kept of it, as soon as its chunk is done: ten
    thousand certificates with all that belongs to them are never in memory at once. `prepared` is called for each row
    when its key is there, which is what takes long.

    Raises NotFound, Denied, Unlicensed, Invalid on `rows` (none, or more than 10,000, or too many RSA keys to make),
    Unavailable; after the first chunk nothing is raised: what stops a chunk is reported of its rows.
    """
    if not 0 < len(order.rows) <= MOST_ROWS:
        raise Invalid.of("rows", "out-of-range", _("From 1 to %(most)s rows."), most=MOST_ROWS)
    template = find_template(actor, order.ca, order.template)
    require_feature(template.organization, Feature.BATCHES)
    _require_few_slow_keys(order, template)
    reports: list[T] = []
    for start in range(0, len(order.rows), _CHUNK):
        chunk = list(enumerate(order.rows[start : start + _CHUNK], start))
        issue = _issue_or_report if start else _issue_chunk
        reports += map(report, issue(actor, order, chunk, prepared))
    return reports


def _require_few_slow_keys(order: BatchOrder, template: Template) -> None:
    """Raises Invalid: a worker would be busy with these keys for hours."""
    made = [row.key for row in order.rows if isinstance(row, IssueOrder) and isinstance(row.key, Managed)]
    slow = [key for key in made if KeyAlgorithm(key.algorithm or template.key_algorithm).family is KeyFamily.RSA]
    if len(slow) > _MOST_SLOW_KEYS:
        text = _("At most %(most)s RSA keys are made in one call: bring CSRs, or send fewer rows.")
        raise Invalid.of("rows", "too-many-keys", text, most=_MOST_SLOW_KEYS)


def _issue_or_report(actor: Actor, order: BatchOrder, chunk: Sequence[_Numbered], prepared: _Hear) -> list[RowOutcome]:
    try:
        return _issue_chunk(actor, order, chunk, prepared)
    except DomainError as refusal:
        return [_refused(number, refusal) for number, _row in chunk]
    except Exception:
        # Whoever asked must hear of the certificates that there are already.
        log.exception("a chunk of a batch was not issued")
        error = field_error("", "chunk-failed", _("This was not issued, because something went wrong here."))
        return [RowOutcome(number, errors=(error,)) for number, _row in chunk]


def _issue_chunk(actor: Actor, order: BatchOrder, chunk: Sequence[_Numbered], prepared: _Hear) -> list[RowOutcome]:
    template = find_template(actor, order.ca, order.template)
    rows = []
    for number, row in chunk:
        rows.append((number, _prepare(order, row, template)))
        prepared()
    # Again, since making keys takes its time: what counts is what is so when it is signed.
    template = find_template(actor, order.ca, order.template)
    outcomes = {number: _refused(number, row) for number, row in rows if isinstance(row, Invalid)}
    wanted = {number: row for number, row in rows if isinstance(row, Wanted)}
    try:
        outcomes |= _mint(actor, order, template, wanted)
    except (IntegrityError, Conflict):
        # An identifier is taken, and the database does not say whose: one by one they say so themselves.
        log.info("a chunk of %s certificates is issued one by one", len(wanted))
        outcomes |= {number: _issue_alone(actor, order, number, each.order) for number, each in wanted.items()}
    return [outcomes[number] for number, _row in chunk]


def _prepare(batch: BatchOrder, row: IssueOrder | Invalid, template: Template) -> Wanted | Invalid:
    if isinstance(row, Invalid):
        return row
    if row.template != batch.template or (row.ca is not None and row.ca != batch.ca):
        return Invalid.of("template", "mixed-batch", _("All rows of a batch have the batch's template."))
    if errors := order_errors(row):
        return Invalid(errors=errors)
    try:
        return Wanted(row, obtain_key(row, template))
    except Invalid as refusal:
        return refusal


def _mint(actor: Actor, order: BatchOrder, template: Template, wanted: dict[int, Wanted]) -> dict[int, RowOutcome]:
    with transaction.atomic():
        results = mint_many(actor, template, list(wanted.values()), now=timezone.now(), passphrase=order.passphrase)
        _record(actor, [each for each in results if isinstance(each, Issued)], template)
    return {
        number: RowOutcome(number, issued=each) if isinstance(each, Issued) else _refused(number, each)
        for number, each in zip(wanted, results, strict=True)
    }


def _record(actor: Actor, issued: Sequence[Issued], template: Template) -> None:
    happenings = [
        audit.Happening(
            event=EventName.CERTIFICATE_ISSUED,
            resource=reference(each.certificate),
            event_id=each.certificate.event,
            metadata=facts(each.certificate),
        )
        for each in issued
    ]
    audit.record_many(actor, happenings, organization_id=template.organization_id)


def _issue_alone(actor: Actor, batch: BatchOrder, number: int, row: IssueOrder) -> RowOutcome:
    try:
        issued = issue_at_once(actor=actor, order=replace(row, ca=batch.ca, passphrase=batch.passphrase))
    except DomainError as refusal:
        return _refused(number, refusal)
    return RowOutcome(number, issued=issued)


def _refused(number: int, refusal: DomainError) -> RowOutcome:
    errors = refusal.errors if isinstance(refusal, Invalid) else ()
    return RowOutcome(number, errors=errors or (FieldError("", refusal.error_code, refusal.message),))
