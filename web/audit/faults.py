"""What can be wrong with a log, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.models import AuditCheck
from audit.services import Fault

_WORDS: Final[Mapping[Fault, str | Promise]] = {
    Fault.KEY_FORGED: _("No holder of the master key made this signing key."),
    Fault.EVENT_FORGED: _("The signature is not over the bytes of the event."),
    Fault.EVENT_DISGUISED: _("The event is shown as something else than its signed bytes say."),
    Fault.EVENT_MISSING: _("Nothing stands where an event was sealed."),
    Fault.EVENT_REPLACED: _("Another event stands here than was sealed."),
    Fault.EVENT_MISPLACED: _("An event stands out of order, or twice."),
    Fault.EVENT_UNCOVERED: _("An event has a place that no checkpoint covers."),
    Fault.TILE_DAMAGED: _("Hashes of the tree are missing or changed."),
    Fault.CHECKPOINT_FORGED: _("A checkpoint is not signed by this installation, or says something else than its row."),
    Fault.CHECKPOINT_FORKED: _("A checkpoint was signed over another history."),
    Fault.LOG_CUT: _("A checkpoint outside the database covers more events than there are."),
    Fault.EVENT_WITHOUT_ROW: _("An event tells of a record that is not there."),
    Fault.ROW_WITHOUT_EVENT: _("A record names an event that is not there."),
    Fault.EXPORT_BROKEN: _("The export cannot be read."),
}


@dataclass(frozen=True, slots=True)
class FaultText:
    """One finding as it is shown; `position` counts events from 0."""

    words: str | Promise
    position: int | None
    subject: str


def fault_texts(check: AuditCheck) -> Iterator[FaultText]:
    for each in check.findings:
        yield FaultText(_WORDS[Fault(each["fault"])], each["position"], each["subject"])
