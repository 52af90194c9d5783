"""What the other rooms call: `record` what happened, `seal` it into the tree, `verify` that it stands, `export` it."""

from audit.services.checks import check_due_logs, check_log
from audit.services.exporting import export, in_pieces
from audit.services.losses import Loss, accept_loss, find_losses
from audit.services.newborn import forget_newborn_log
from audit.services.recording import (
    Happening,
    establish_key,
    establish_key_after_migration,
    new_event_id,
    record,
    record_many,
)
from audit.services.refusals import record_refusal
from audit.services.sealing import seal
from audit.services.verification import verify
from audit.verifier import Fault, Finding, LogVerification, Verification

__all__ = [
    "Fault",
    "Finding",
    "Happening",
    "LogVerification",
    "Loss",
    "Verification",
    "accept_loss",
    "check_due_logs",
    "check_log",
    "establish_key",
    "establish_key_after_migration",
    "export",
    "find_losses",
    "forget_newborn_log",
    "in_pieces",
    "new_event_id",
    "record",
    "record_many",
    "record_refusal",
    "seal",
    "verify",
]
