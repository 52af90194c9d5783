"""What becomes of the rows of a batch: foreseen, and told afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from accounts.features import require_feature
from audit.admin.pages import Words
from cas.core.general_names import general_name_text
from cas.models import Template
from certificates.models import Certificate
from certificates.orders import BatchOrder, IssueOrder
from certificates.services.approval import require_no_approval
from certificates.services.batches import RowOutcome, issue_batch
from certificates.services.preview import Preview, findings_of, preview_many
from kernel.actor import Actor
from kernel.errors import DomainError, FieldError, Invalid
from kernel.features import Feature
from kernel.ref import Ref
from kernel.secret import Secret
from web.issuing.preview import label_of
from web.issuing.rows import Row


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row, and what would become, or has become, of it."""

    row: Row
    findings: tuple[FieldError, ...] = ()
    names: str = ""
    certificate: Certificate | None = None

    @property
    def problems(self) -> list[tuple[Words, str]]:
        """What stands against it: what each is about, where its sentence does not say so, and the sentence."""
        return [(label_of(each), each.message.render(gettext)) for each in self.findings]


def judge(actor: Actor, rows: Sequence[Row]) -> list[Verdict]:
    """What would become of each row; nothing is issued."""
    verdicts = {row.number: Verdict(row, findings_of(row.wanted)) for row in rows if isinstance(row.wanted, Invalid)}
    for template, group in _by_template(rows):
        orders = [row.wanted for row in group if isinstance(row.wanted, IssueOrder)]
        try:
            require_feature(template.organization, Feature.BATCHES)
            require_no_approval(template)
            previews = preview_many(actor=actor, template=template.code, ca=Ref("pk", template.ca_id), orders=orders)
        except DomainError as refusal:
            verdicts |= {row.number: Verdict(row, findings_of(refusal)) for row in group}
        else:
            verdicts |= {row.number: _foreseen(row, each) for row, each in zip(group, previews, strict=True)}
    return [verdicts[row.number] for row in rows]


def issue(actor: Actor, rows: Sequence[Row], passphrase: Secret | None, *, step: Callable[[], object]) -> list[Verdict]:
    """Issue what is good; what has become of each row. `step` is called for each that could be read, on the way."""
    verdicts = {row.number: Verdict(row, findings_of(row.wanted)) for row in rows if isinstance(row.wanted, Invalid)}
    for template, group in _by_template(rows):
        order = BatchOrder(
            template=template.code,
            ca=Ref("pk", template.ca_id),
            rows=[row.wanted for row in group],
            passphrase=passphrase,
        )
        try:
            outcomes = issue_batch(actor=actor, order=order, report=lambda outcome: outcome, prepared=step)
        except DomainError as refusal:
            verdicts |= {row.number: Verdict(row, findings_of(refusal)) for row in group}
        else:
            verdicts |= {row.number: _told(row, each) for row, each in zip(group, outcomes, strict=True)}
    return [verdicts[row.number] for row in rows]


def _by_template(rows: Sequence[Row]) -> list[tuple[Template, list[Row]]]:
    """Those that could be read: a batch has one template."""
    groups: dict[int, tuple[Template, list[Row]]] = {}
    for row in rows:
        if row.template is not None and isinstance(row.wanted, IssueOrder):
            groups.setdefault(row.template.pk, (row.template, []))[1].append(row)
    return list(groups.values())


def _foreseen(row: Row, preview: Preview) -> Verdict:
    names = [general_name_text(name) for name in preview.plan.sans] if preview.plan else []
    return Verdict(row, preview.findings, names=", ".join(names))


def _told(row: Row, outcome: RowOutcome) -> Verdict:
    if outcome.issued is None:
        return Verdict(row, outcome.errors)
    certificate = outcome.issued.certificate
    return Verdict(row, names=", ".join(certificate.sans), certificate=certificate)
